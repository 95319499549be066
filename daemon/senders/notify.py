"""Notifications by Apprise: Telegram, ntfy, Pushover and whatever else it knows, as one more way out.

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
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from email import charset
from importlib.util import find_spec
from queue import SimpleQueue
from typing import Any

import structlog

from daemon.core.contacts import Contacts
from daemon.core.delivery.outcome import Attempted, Message, Outcome, Phases
from daemon.core.model import Secret
from daemon.core.rendering import names
from daemon.core.rendering.hidden_fields import redacted
from daemon.core.rendering.phrases import sentence

log = structlog.get_logger()

LONGEST_ERROR = 300
"""Characters of what a service said."""
SHORTEST_SECRET = 4
"""Characters of a part of a URL from which on it is hidden."""
SERIOUS = ("critical", "error")
_PARTS = re.compile(r"[/@:?&=#]+")


@dataclass(frozen=True)
class Notice:
    """Where the messages of one endpoint go."""

    url: Secret
    """Apprise's; it holds the service's tokens."""
    language: str
    redact: tuple[str, ...] = ()
    timeout: timedelta = timedelta(seconds=30)
    zone: tzinfo = UTC
    """Of the times that people read."""


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
    event = json.loads(message.body)
    if message.superseded:
        event["data"]["superseded"] = message.superseded
    if notice.redact:
        event = redacted(event, notice.redact)
    with _Listening() as heard:
        service = _service(notice.url.value)
        if service is None:
            return Outcome.FORBIDDEN, "is no URL that Apprise knows"
        is_told = _told(service, event, notice, Contacts.of(names.read(message.names).items()))
    if is_told:
        return Outcome.ACCEPTED, None
    said = _hidden(" ".join(" ".join(heard.lines).split()), notice.url.value)
    return Outcome.FAILED, said[:LONGEST_ERROR] or "the service did not take it"


def _told(service: Any, event: Mapping[str, Any], notice: Notice, contacts: Contacts) -> bool:
    """Hand it over as text: for a service that reads HTML or Markdown, Apprise escapes it."""
    import apprise  # noqa: PLC0415 - as in `_service`

    services = apprise.Apprise(asset=service.asset)
    services.add(service)
    return bool(
        services.notify(
            title=str(event["data"].get("system") or "yemotd"),
            body=sentence(event, notice.language, contacts, notice.zone),
            notify_type=_kind(event),
            body_format=apprise.NotifyFormat.TEXT,
        )
    )


def _service(url: str) -> Any:
    mails = dict(charset.CHARSETS)
    import apprise  # noqa: PLC0415 - an extra, which takes a second to load

    asset = apprise.AppriseAsset(
        app_id="yemotd", async_mode=False, storage_mode=apprise.PersistentStoreMode.MEMORY
    )
    service = apprise.Apprise.instantiate(url, asset=asset)
    charset.CHARSETS.update(mails)  # it changes, for the whole process, how mails are encoded
    return service


def _kind(event: Mapping[str, Any]) -> str:
    """How the service is to show it."""
    alert = event["data"].get("alert")
    if not isinstance(alert, Mapping):
        return "info"
    if alert.get("status") == "resolved":
        return "success"
    return "failure" if alert.get("severity") in SERIOUS else "warning"


def _hidden(text: str, url: str) -> str:
    """A text without any part of a URL that could be a token."""
    parts = sorted((one for one in _PARTS.split(url) if len(one) >= SHORTEST_SECRET), key=len, reverse=True)
    for part in [url, *parts]:
        text = text.replace(part, "***")
    return text


class _Listening(logging.Handler):
    """What Apprise says within a block, in this thread. None of it reaches the log: it may hold tokens."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def __enter__(self) -> "_Listening":
        logger = logging.getLogger("apprise")
        logger.propagate = False
        logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("apprise").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.lines.append(record.getMessage())
