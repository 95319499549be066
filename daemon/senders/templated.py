"""Webhooks with a template: rendered in a thread of their own, then sent as any other webhook is.

    start       the dispatcher's thread   puts the message into its endpoint's queue
    render      the templates' thread     takes turns between the endpoints, one message each
    finished    the dispatcher's thread   hands what is rendered to the webhooks; what cannot be, has failed

A message is rendered by the template that its delivery was planned with, whatever the configuration says by
now: after a restart, days later, by another member. Where that cannot be, and another is in force, it goes by
that one, since a template is mended to be used.
"""

import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING

import structlog

from daemon.core.delivery.outcome import Attempted, Message, Outcome
from daemon.core.rendering.formats import Rendered, Shape, prepared
from daemon.core.templates.faults import TemplateFault
from daemon.core.templates.planned import Planned
from daemon.core.wishes import UNGUARDED, Guard
from daemon.senders.webhook import WebhookSender

if TYPE_CHECKING:
    from daemon.senders.templating.template import Template

log = structlog.get_logger()

WISH = "template"
"""The wish that a template is, by which others hear that it cannot be worked out."""
KEPT = 64
"""Templates that are kept compiled."""
OUR_OWN = "a fault of our own: see the log"

PlannedWith = Callable[[str, int], Planned | None]
"""The template that a delivery (by its number) of an endpoint was planned with, as the store knows it."""


@dataclass(frozen=True)
class Hook:
    """How one endpoint's messages are rendered."""

    text: str | None
    """The template that is in force; None: none is, and what has one was planned before."""
    shape: Shape
    values: tuple[tuple[str, str], ...] = ()
    """What a template finds as `values`; some of them are secrets."""
    guard: Guard = field(default=UNGUARDED, compare=False, repr=False)


@dataclass(frozen=True)
class _Done:
    """One message, rendered or not."""

    message: Message
    rendered: Rendered | None
    """None where it has an error, or no template: then it goes as every webhook does."""
    error: str | None = None


class TemplatedSender:
    """Messages that are being rendered. All but the thread's own work is for one thread."""

    def __init__(
        self,
        webhooks: WebhookSender,
        hooks: Mapping[str, Hook],
        *,
        planned_with: PlannedWith,
        now: Callable[[], datetime],
    ) -> None:
        self.hooks = hooks
        self._webhooks = webhooks
        self._planned_with = planned_with
        self._now = now
        self._in_flight: Counter[str] = Counter()
        self._queues: OrderedDict[str, deque[Message]] = OrderedDict()
        """By endpoint, the one whose turn it is first."""
        self._done: deque[_Done] = deque()
        self._lock = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def start(self, message: Message) -> None:
        """Begin one attempt."""
        if self._thread is None or not self._thread.is_alive():
            # A daemon: the process does not wait for what nobody would send any more.
            self._thread = threading.Thread(target=self._run, name="templates", daemon=True)
            self._thread.start()
        self._in_flight[message.endpoint] += 1
        with self._lock:
            self._queues.setdefault(message.endpoint, deque()).append(message)
            self._lock.notify()

    def in_flight(self, endpoint: str) -> int:
        """How many messages for an endpoint are not handed on yet."""
        return self._in_flight[endpoint]

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._in_flight.total()

    @property
    def patience(self) -> list[float]:
        """Nobody has to look before somebody is woken."""
        return []

    def finished(self) -> list[Attempted]:
        """Hand on what is rendered; the attempts that ended with that. Never waits."""
        ended = []
        while self._done:
            one = self._done.popleft()
            self._in_flight[one.message.endpoint] -= 1
            error = one.error if one.error is not None else self._handed_on(one)
            if error is not None:
                ended.append(
                    Attempted(one.message, Outcome.FAILED, self._now(), error=error, is_our_fault=True)
                )
        return ended

    def close(self) -> None:
        """Begin nothing more."""
        with self._lock:
            self._is_closed = True
            self._lock.notify()

    def _handed_on(self, one: _Done) -> str | None:
        """Why it could not be; None: it is under way."""
        try:
            self._webhooks.start(one.message, one.rendered)
        except Exception:  # one message that cannot be sent is no reason to lose the others
            log.exception("template.not_sent", endpoint=one.message.endpoint)
            return OUR_OWN
        return None

    def _run(self) -> None:
        while (message := self._next()) is not None:
            try:
                done = self._rendered(message)
            except Exception:  # a fault of ours must not end the thread
                log.exception("template.crashed", endpoint=message.endpoint)
                done = _Done(message, None, OUR_OWN)
            self._done.append(done)
            self._webhooks.wake()

    def _next(self) -> Message | None:
        """The next message, of the endpoint whose turn it is; None: it is over."""
        with self._lock:
            while not self._queues and not self._is_closed:
                self._lock.wait()
            if self._is_closed:
                return None
            endpoint, queue = next(iter(self._queues.items()))
            message = queue.popleft()
            if queue:
                self._queues.move_to_end(endpoint)
            else:
                del self._queues[endpoint]
            return message

    def _rendered(self, message: Message) -> _Done:
        hook = self.hooks[message.endpoint]
        planned = self._planned_with(message.endpoint, message.delivery)
        text = hook.text if planned is None else planned.text
        if text is None:
            return _Done(message, None)
        try:
            rendered = _by(text, hook, message)
        except TemplateFault as fault:
            hook.guard.raised(WISH, fault)
            return _Done(message, None, f"its template cannot be used for it: {fault}")
        hook.guard.worked(WISH)
        return _Done(message, rendered)


def _by(text: str, hook: Hook, message: Message) -> Rendered:
    try:
        return render(text, hook.shape, message, hook.values)
    except TemplateFault:
        if hook.text is None or hook.text == text:
            raise
        return render(hook.text, hook.shape, message, hook.values)


def render(text: str, shape: Shape, message: Message, values: tuple[tuple[str, str], ...] = ()) -> Rendered:
    """What is sent of a message by a template. Raises TemplateFault."""
    from daemon.senders.templating.finds import finds  # noqa: PLC0415 - few have templates

    event, contacts = prepared(message.body, shape, superseded=message.superseded, names=message.names)
    template = _kept(text, shape.zone, shape.language)
    found = finds(
        event, contacts, dict(values), language=shape.language, zone=shape.zone, is_thin=shape.is_thin
    )
    made = template.render(found)
    return Rendered(made.body, made.content_type, made.headers)


@lru_cache(maxsize=KEPT)
def _kept(text: str, zone: tzinfo, language: str) -> "Template":
    from daemon.senders.templating.template import compiled  # noqa: PLC0415 - as above

    return compiled(text, zone, language)
