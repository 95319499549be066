"""Messages by Apprise: Pushover, Signal, SMS gateways and whatever else it knows, as one more way out.

    start      the dispatcher's thread   gives the message to its endpoint's thread
    notify     the endpoint's thread     asks Apprise, which says yes or no
    finished   the dispatcher's thread   what ended, and what took too long

Each endpoint has a thread of its own, so that order is kept and a service that hangs holds up no other.
Apprise is an extra (`yemotd[apprise]`), loaded only where there is such an endpoint.
"""

import json
import logging
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import charset
from importlib.util import find_spec
from queue import SimpleQueue
from typing import Any

import structlog

from daemon.core.delivery.outcome import Attempted, Message, Outcome, Phases
from daemon.core.model import Secret
from daemon.core.rendering.formats import Shape, render
from daemon.core.rendering.wire.apprise import size
from daemon.core.rendering.wire.words import fitted
from daemon.core.visible import without_nul

log = structlog.get_logger()

LONGEST_ERROR = 300
"""Characters of what a service said."""
MOST_LINES = 20
"""Ours. What is heard of one attempt."""
SHORTEST_SECRET = 4
"""Characters of a part of a URL from which on it is hidden."""
TITLE_ABOVE = 40
"""Ours. Characters of the markup around a title that stands above the body."""
MEANING = {
    401: Outcome.FORBIDDEN,
    403: Outcome.FORBIDDEN,
    407: Outcome.FORBIDDEN,
    429: Outcome.THROTTLED,
}
"""As with webhooks. The rest may do better later."""
_STATUS = re.compile(r"\berror=([0-9]{3})\b")
_PARTS = re.compile(r"[/@:?&=#]+")


@dataclass(frozen=True)
class Notice:
    """Where the messages of one endpoint go."""

    url: Secret
    """Apprise's; it holds the service's tokens."""
    shape: Shape
    timeout: timedelta = timedelta(seconds=30)


@dataclass
class _Flight:
    """One message under way."""

    message: Message
    notice: Notice
    started_at: datetime
    began: float
    """By the monotonic clock, as is `until`: that of the wall may be set meanwhile."""
    until: float
    is_over: bool = False
    """It was told how it ended; what its thread says now comes too late."""


@dataclass
class _Worker:
    """One endpoint's thread, and what it is to do."""

    jobs: "SimpleQueue[_Flight | None]" = field(default_factory=SimpleQueue)
    thread: threading.Thread | None = None


class NotifySender:
    """Notifications under way. `start`, `in_flight`, `is_idle` and `finished` belong to one thread."""

    def __init__(
        self,
        notices: Mapping[str, Notice],
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        wake: Callable[[], None],
    ) -> None:
        self.notices = notices
        self._now = now
        self._monotonic = monotonic
        self._wake = wake
        self._workers: dict[str, _Worker] = {}
        self._flights: list[_Flight] = []
        self._in_flight: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._ended: list[tuple[_Flight, Outcome, str | None]] = []

    def start(self, message: Message) -> None:
        """Begin one attempt."""
        notice = self.notices[message.endpoint]
        began = self._monotonic()
        until = began + notice.timeout.total_seconds()
        flight = _Flight(message, notice, self._now(), began, until)
        worker = self._workers.setdefault(message.endpoint, _Worker())
        if worker.thread is None or not worker.thread.is_alive():
            # A daemon: a service that hangs must not keep the process.
            worker.thread = threading.Thread(target=self._run, args=(worker,), name="notify", daemon=True)
            worker.thread.start()
        self._flights.append(flight)
        self._in_flight[message.endpoint] += 1
        worker.jobs.put(flight)

    def in_flight(self, endpoint: str) -> int:
        """How many attempts for an endpoint are under way."""
        return self._in_flight[endpoint]

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._flights

    @property
    def patience(self) -> list[float]:
        """Seconds until each attempt has taken too long."""
        return [max(one.until - self._monotonic(), 0) for one in self._flights]

    def finished(self) -> list[Attempted]:
        """Attempts that ended, or took too long. Never waits."""
        with self._lock:
            ended, self._ended = self._ended, []
            now = self._monotonic()
            ended += [
                (one, Outcome.TIMEOUT, "no answer in time")
                for one in self._flights
                if not one.is_over and now >= one.until
            ]
            found = [self._attempted(*one) for one in ended if not one[0].is_over]
            for flight, _, _ in ended:
                flight.is_over = True
        self._flights = [one for one in self._flights if not one.is_over]
        self._in_flight.subtract(one.message.endpoint for one in found)
        return found

    def close(self) -> None:
        """Begin nothing more; what hangs is left to itself."""
        for worker in self._workers.values():
            worker.jobs.put(None)

    def _attempted(self, flight: _Flight, outcome: Outcome, error: str | None) -> Attempted:
        took = round((self._monotonic() - flight.began) * 1_000_000)
        return Attempted(flight.message, outcome, flight.started_at, Phases(total=took), error=error)

    def _run(self, worker: _Worker) -> None:
        while (flight := worker.jobs.get()) is not None:
            try:
                with self._lock:
                    is_late = flight.is_over or self._monotonic() >= flight.until
                if is_late:  # it waited behind one that hung; nobody has seen it yet
                    continue
                outcome, error = notified(flight.notice, flight.message)
            except Exception:  # a fault of ours, or of Apprise's, must not end the thread
                log.exception("notify.crashed", endpoint=flight.message.endpoint)
                outcome, error = Outcome.FAILED, "a fault of our own: see the log"
            with self._lock:
                self._ended.append((flight, outcome, error))
            self._wake()


def is_available() -> bool:
    """Whether Apprise is installed."""
    return find_spec("apprise") is not None


def fault(url: str) -> str | None:
    """What is wrong with an Apprise URL, without a part of it; None where Apprise takes it."""
    with _Listening():
        return None if _service(url) is not None else "is no URL that Apprise knows"


def notified(notice: Notice, message: Message) -> tuple[Outcome, str | None]:
    """Tell one event, and how that ended."""
    rendered = render(message.body, notice.shape, superseded=message.superseded, names=message.names)
    with _Listening() as heard:
        service = _service(notice.url.value)
        if service is None:
            return Outcome.FORBIDDEN, "is no URL that Apprise knows"
        is_told = _told(service, json.loads(rendered.body))
    if is_told:
        return Outcome.ACCEPTED, None
    said = " ".join(" ".join(heard.lines).split())
    shown = _hidden(said, notice.url.value)[:LONGEST_ERROR]
    return meaning(said), without_nul(shown) or "the service did not take it"


def meaning(said: str) -> Outcome:
    """What a service's no comes to, by the status that Apprise reports of it, if it does."""
    statuses = {int(one) for one in _STATUS.findall(said)}
    if len(statuses) == 1:
        return MEANING.get(statuses.pop(), Outcome.FAILED)
    return Outcome.FAILED


def _told(service: Any, said: Mapping[str, str]) -> bool:
    """Hand it over as text: for a service that reads HTML or Markdown, Apprise escapes it."""
    import apprise  # noqa: PLC0415 - as in `_service`

    services = apprise.Apprise(asset=service.asset)
    services.add(service)
    title, body = within(service, said["title"], said["body"], said.get("link"))
    return bool(
        services.notify(
            title=title, body=body, notify_type=said["type"], body_format=apprise.NotifyFormat.TEXT
        )
    )


def within(service: Any, title: str, body: str, link: str | None) -> tuple[str, str]:
    """A title, and a body with its link, as much of them as a service of Apprise's takes."""
    kind = _kind(service)
    if service.title_maxlen > 0:
        title = fitted(title, lambda one: size(one, kind) <= service.title_maxlen)
    room = int(service.body_maxlen)
    if service.title_maxlen <= 0:  # then it stands above the body
        room -= size(title, kind) + TITLE_ABOVE
    more = f"\n{link}" if link else ""
    if room <= 0 or _overflows(service):
        return title, body + more
    if size(more, kind) * 2 > room:  # where there is so little, words are worth more
        more = ""
    return title, fitted(body, lambda one: size(one + more, kind) <= room) + more


def _overflows(service: Any) -> bool:
    """Whether somebody wishes, by `?overflow=…`, that Apprise cuts it or makes several of it."""
    mode = getattr(service, "overflow_mode", "upstream")
    return str(getattr(mode, "value", mode)) != "upstream"


def _kind(service: Any) -> str:
    """What a service reads, where it is given text: text, html or markdown."""
    resolve = getattr(service, "resolve_format", None)
    found = resolve("text") if resolve is not None else service.notify_format
    return str(getattr(found, "value", found))


def _service(url: str) -> Any:
    mails = dict(charset.CHARSETS)
    import apprise  # noqa: PLC0415 - an extra, which takes a second to load

    asset = apprise.AppriseAsset(
        app_id="yemotd", async_mode=False, storage_mode=apprise.PersistentStoreMode.MEMORY
    )
    service = apprise.Apprise.instantiate(url, asset=asset)
    charset.CHARSETS.update(mails)  # it changes, for the whole process, how mails are encoded
    return service


def _hidden(text: str, url: str) -> str:
    """A text without any part of a URL that could be a token."""
    parts = sorted((one for one in _PARTS.split(url) if len(one) >= SHORTEST_SECRET), key=len, reverse=True)
    for part in [url, *parts]:
        text = text.replace(part, "***")
    return text


_HEARS: ContextVar["_Listening | None"] = ContextVar("_HEARS", default=None)
"""Who listens to what is done here; Apprise takes that along to threads of its own."""


class _Listening(logging.Handler):
    """What Apprise says of what is done within a block. None of it reaches the log: it may hold tokens."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def __enter__(self) -> "_Listening":
        logger = logging.getLogger("apprise")
        logger.propagate = False
        logger.addHandler(self)
        self._before = _HEARS.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _HEARS.reset(self._before)
        logging.getLogger("apprise").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if _HEARS.get() is self and len(self.lines) < MOST_LINES:
            self.lines.append(record.getMessage())
