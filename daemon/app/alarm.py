"""Tells from memory that the store cannot be written: past the store, by senders of its own.

Each endpoint that wants to know is told once for each failure; one that does not take it is asked again for
as long as the failure lasts, and one in a quiet window when that is over, unless errors break through it. The
event has an id, and the number 0: it stands in no sequence.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from daemon.config.settings import Config
from daemon.core.delivery.outcome import FINAL, Attempted, Message, Outcome
from daemon.core.model import Event, Fact, Severity
from daemon.core.rendering import body
from daemon.core.routing import plan, quiet
from daemon.core.routing.plan import DAEMON, Interest
from daemon.core.wishes import Wishes
from daemon.host import clock
from daemon.wiring.endpoints import routes
from daemon.wiring.senders import Outgoing

log = structlog.get_logger()

UNNUMBERED = 0
WAITS = (10.0, 60.0, 300.0)
"""Seconds before those who did not take it are asked again; the last again and again."""
AT_ONCE = 60.0
"""Seconds after which nobody waits for the first round any more: what ends the process must not hang."""


@dataclass
class Sounding:
    """One failure, as it is being told."""

    event: Event
    is_over: threading.Event = field(default_factory=threading.Event)
    is_told: threading.Event = field(default_factory=threading.Event)
    """Everybody was tried once."""


class Alarm:
    """Safe to use from any thread."""

    def __init__(
        self,
        config: Callable[[], Config],
        interests: Callable[[], Sequence[Interest]],
        *,
        now: Callable[[], datetime] = clock.utcnow,
    ) -> None:
        """What is configured, and what each endpoint wants to be told, at every moment; `now`: the date."""
        self._now = now
        self._config = config
        self._interests = interests
        self._sounding: Sounding | None = None
        self._began = 0.0

    @property
    def is_told(self) -> bool:
        """Whether everybody was tried once, or nobody can wait for it any longer; so too before any alarm."""
        sounding = self._sounding
        return sounding is None or sounding.is_told.is_set() or clock.monotonic() - self._began > AT_ONCE

    def sound(self, fact: Fact) -> None:
        """Tell every endpoint that wants to know, in a thread of its own."""
        self.end()
        now, event = self._now(), clock.new_id("evt")
        rendered = body.render(fact, event=event, system=DAEMON, sequence=UNNUMBERED, at=now)
        sounding = Sounding(Event(event, fact.type, DAEMON, UNNUMBERED, fact.subject, now, rendered))
        self._began, self._sounding = clock.monotonic(), sounding
        threading.Thread(target=self._tell, args=(sounding,), name="alarm", daemon=True).start()

    def end(self) -> None:
        """It is over: whoever was not told yet is not told any more."""
        if self._sounding is not None:
            self._sounding.is_over.set()

    def _tell(self, sounding: Sounding) -> None:
        told: set[str] = set()
        attempt = 0
        while not sounding.is_over.is_set():
            attempt += 1
            try:
                told |= self._round(sounding.event, told, attempt)
            except Exception:  # whoever was not told by this round is asked again by the next
                log.exception("alarm.crashed", event_id=sounding.event.id)
            finally:  # one endpoint must not keep the end of the process from coming
                sounding.is_told.set()
            sounding.is_over.wait(WAITS[min(attempt, len(WAITS)) - 1])

    def _round(self, event: Event, told: set[str], attempt: int) -> set[str]:
        """Try whoever was not told yet. Returns those who need not be asked again."""
        now, config = self._now(), self._config()
        to = [
            one.endpoint for one in self._interests() if one.endpoint not in told and _is_due(one, event, now)
        ]
        if not to:
            return set()
        ended = _send([_message(event, endpoint, attempt) for endpoint in to], config)
        for one in ended:
            _log(one)
        return {one.message.endpoint for one in ended if one.outcome in {Outcome.ACCEPTED, *FINAL}}


def _is_due(interest: Interest, event: Event, now: datetime) -> bool:
    try:
        return plan.wants(interest, event) and not quiet.is_held(interest.quiet, now, Severity.ERROR)
    except Exception:  # a wish that cannot be read mutes nobody, and the others not at all
        log.exception("alarm.wish_failed", endpoint=interest.endpoint)
        return True


def _message(event: Event, endpoint: str, attempt: int) -> Message:
    return Message(0, "", endpoint, plan.lane(event), event.id, event.type, event.body, attempt)


def _send(messages: Sequence[Message], config: Config) -> list[Attempted]:
    """Try each once, all beside each other; those that have ended by the longest timeout."""
    timeouts = routes(config)
    sender = Outgoing(config, Wishes()).senders
    try:
        for one in messages:
            sender.start(one)
        until = clock.monotonic() + max(timeouts[one.endpoint].timeout.total_seconds() for one in messages)
        ended: list[Attempted] = []
        while len(ended) < len(messages) and (left := until - clock.monotonic()) > 0:
            ended += sender.finished(left)
    finally:
        sender.close()
    return ended


def _log(one: Attempted) -> None:
    log.log(
        logging.INFO if one.outcome is Outcome.ACCEPTED else logging.WARNING,
        "alarm.attempt",
        event_id=one.message.event,
        endpoint=one.message.endpoint,
        outcome=one.outcome.value,
        error=one.why,
    )
