"""Log lines are events: a fixed name, then keys and values. On a terminal they are for people, under systemd
fields of the journal, else JSON lines.

Two walls before a secret: `Secret` values print as `***`, and whatever text still holds a configured
secret has it cut out here.
"""

import io
import json
import logging
import os
import re
import select
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from datetime import datetime, tzinfo
from queue import Empty, SimpleQueue
from typing import NamedTuple, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from daemon.core.redaction import redacted, spellings
from daemon.core.visible import escaped, visible, visible_line
from daemon.host import clock
from daemon.host.journal import Journal, is_read_by_journal, priority
from daemon.host.log_limit import Limiter, Window
from daemon.host.log_writer import Writer

log = structlog.get_logger()

QUIET = ("alembic", "apscheduler", "urllib3", "uvicorn", "asyncio")
"""Libraries whose everyday lines are none of the reader's business."""
MEASURES = frozenset({"timestamp", "attempt", "attempts", "due_at", "failing_since", "ms", "results_held"})
"""Keys that say how much, how often or when, not what."""
PATIENCE_SECONDS = 2.0
"""How long an end waits for those who read the log."""
_PLACE = re.compile(r"^(?: +File .*|[A-Za-z_][\w.]*(?=:|$))", re.MULTILINE)
"""Of a traceback: its frames, and the name of its error. What else it says may change each time."""
_NUMBER = re.compile(r"0x[0-9a-fA-F]+|[0-9]+")


_PLAIN = frozenset((str, int, float, bool, type(None)))
"""What is written as it is, but for secrets in texts."""
_encode = json.JSONEncoder(ensure_ascii=False, default=repr).encode


def as_json(_logger: WrappedLogger, _name: str, event: EventDict) -> str:
    """A line for programs, which a terminal may show as it is."""
    return escaped(_encode(event))


class Redactor:
    """Replaces configured secrets in everything that is logged."""

    def __init__(self) -> None:
        self.secrets: tuple[str, ...] = ()

    def hide(self, secrets: Iterable[str]) -> None:
        """From now on, hide these."""
        self.secrets = spellings(secrets)

    def __call__(self, _logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        # Nearly always there is nothing to hide, which is seen sooner in all of it at once.
        texts = "\0".join([one for one in event.values() if one.__class__ is str])
        others = [one for one in event.values() if one.__class__ not in _PLAIN]
        if not others and not any(map(texts.__contains__, self.secrets)):
            return event
        return self._each(_logger, _name, event)

    def _each(self, _logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        return {key: self._clean(value) for key, value in event.items()}

    def _clean(self, value: object) -> object:
        if isinstance(value, (bool, int, float)) or value is None:
            return value
        return redacted(value if isinstance(value, str) else repr(value), self.secrets)


class _Said(NamedTuple):
    about: Hashable
    what: logging.LogRecord | EventDict
    line: str | None
    """None: it was only to be counted, as it seemed."""


class Lines(logging.Handler):
    """What every line goes through: those of one cause are limited, and who logs waits for no reader. Our own
    come from structlog by `take`, those of libraries by way of `logging`, which takes longer than all this.

    Nor for a lock: a finalizer may log wherever Python allocates, in a thread that holds whatever it held.
    Lines come to a pile. Who finds nobody at it goes through it; who finds somebody leaves theirs to them.
    """

    def __init__(
        self, deliver: Callable[[str], None], redactor: Redactor, foreign: logging.Formatter
    ) -> None:
        """`foreign`: makes lines of what libraries say."""
        super().__init__()
        self.setFormatter(foreign)
        self._redactor = redactor
        self._pile: deque[_Said | Callable[[], None]] = deque()
        """Lines, and what is to be called when all before it is written."""
        self._turn = threading.Lock()
        """Of who goes through the pile, to whom all below belongs. It is tried, and never waited for."""
        self._limiter = Limiter(clock.monotonic)
        self._writer = Writer(deliver, dropped=_dropped, more=self._go_through)

    def handle(self, record: logging.LogRecord) -> bool:
        """Take a line, without the handler's lock, in which the library would have it taken."""
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line of a library. Never waits, and raises nothing."""
        self._put(foreign_cause(record), record)

    def take(self, event: EventDict) -> None:
        """Take a line of our own, all but as text. Never waits."""
        self._put(cause(event), event)

    debug = info = warning = error = critical = exception = take
    """Each by the name of its level, as structlog has it."""

    def _put(self, about: Hashable, what: logging.LogRecord | EventDict) -> None:
        # Made here, since what a line tells of may change, and a library's says in which context it came.
        line = None if self._limiter.is_full(about) else self._formatted(what)
        self._pile.append(_Said(about, what, line))
        self._go_through()

    def _formatted(self, what: logging.LogRecord | EventDict) -> str:
        if not isinstance(what, logging.LogRecord):
            return as_json(None, "", self._redactor(None, "", what))
        try:
            return self.format(what)
        except Exception as error:  # its words do not go with its values
            return _own("log.line_broken", logger=what.name, error=type(error).__name__)

    def flush(self) -> None:
        """Say what was counted, and wait for what is not written yet, but not for long."""
        written: SimpleQueue[None] = SimpleQueue()
        self._pile.append(lambda: written.put(None))
        self._go_through()
        with suppress(Empty):
            written.get(timeout=PATIENCE_SECONDS)

    def _go_through(self) -> None:
        """All that is there, unless somebody is at it, who looks again after having let others."""
        is_due = True
        while is_due and self._turn.acquire(blocking=False):
            try:
                while self._pile:
                    self._take(self._pile.popleft())
                self._put_again(self._limiter.ended())
                self._writer.tell_dropped()
            finally:
                self._turn.release()
            is_due = bool(self._pile)

    def _take(self, one: _Said | Callable[[], None]) -> None:
        if not isinstance(one, _Said):
            self._put_again(self._limiter.close())
            self._writer.call_when_written(one)
            return
        window = self._limiter.admit(one.about)
        if window is not None:
            window.sample = self._formatted(one.what) if one.line is None else one.line
            self._writer.put(window.sample)

    def _put_again(self, windows: Iterable[Window]) -> None:
        for line in map(_again, windows):
            self._writer.put(line)


def cause(event: EventDict) -> Hashable:
    """What a line is about: its name and its keys, without those that only measure, and where an error was
    raised."""
    told = {key: repr(value) for key, value in event.items() if key not in MEASURES}
    if "exception" in told:
        told["exception"] = repr(_PLACE.findall(str(event["exception"])))
    return frozenset(told.items())


def foreign_cause(record: logging.LogRecord) -> Hashable:
    """The same of a library's line, which has no keys: numbers in it are taken for measures."""
    error = record.exc_info[1] if record.exc_info else None
    return record.name, record.levelno, _NUMBER.sub("#", _message(record)), type(error)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # see `Lines`
        return str(record.msg)


def configure(
    redactor: Redactor,
    stream: TextIO | None = None,
    *,
    least: int = logging.INFO,
    zone: tzinfo | None = None,
) -> None:
    """Send our lines from the level `least` up, and those of the libraries from WARNING up, to `stream`
    (standard error). `zone`: of people who read them on a terminal; None: this machine's."""
    out = stream if stream is not None else sys.stderr
    shared: list[Processor] = [
        _named,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    foreign = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redactor, as_json],
    )
    through = Lines(_delivery(out, zone), redactor, foreign)
    structlog.configure(
        processors=[*shared, _whole],
        logger_factory=lambda *_: through,
        wrapper_class=structlog.make_filtering_bound_logger(least),
        cache_logger_on_first_use=False,
    )
    # What no line tells is not gathered for it, as the library's handbook says under "Optimization".
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    vars(logging)["_srcfile"] = None
    root = logging.getLogger()
    root.handlers[:] = [through]
    root.setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)


def call_by_name(name_of: Callable[[str], str | None]) -> None:
    """From now on, with the subject of a line comes its name, where it has one."""
    _naming.name_of = name_of


class _Naming:
    """Of the process, as its log is."""

    def __init__(self) -> None:
        self.name_of: Callable[[str], str | None] = lambda _subject: None


_naming = _Naming()


def _named(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    subject = event.get("subject")
    if subject.__class__ is str and "name" not in event and (name := _naming.name_of(subject)) is not None:
        event["name"] = name
    return event


def _whole(_logger: WrappedLogger, _name: str, event: EventDict) -> tuple[tuple[EventDict], EventDict]:
    """An event as the one argument of `Lines.take`."""
    return (event,), {}


def take_what_python_says() -> None:
    """Into the log with what Python itself would print: to standard error, waiting for whoever reads it."""
    logging.captureWarnings(capture=True)
    threading.excepthook = _thread_ended
    sys.unraisablehook = _not_raised


def _thread_ended(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is SystemExit or args.exc_value is None:
        return
    name = args.thread.name if args.thread is not None else None
    log.error("thread.crashed", thread=name, exc_info=args.exc_value)


def _not_raised(args: "sys.UnraisableHookArgs") -> None:
    log.error("python.not_raised", message=args.err_msg, exc_info=args.exc_value)


def stacks() -> str:
    """Where each thread is; those that are at the same place are told together.

    Not by `faulthandler`, which tells of a hundred threads at most: hanging polls alone may be more.
    """
    names = {one.ident: one.name for one in threading.enumerate()}
    places: dict[str, list[str]] = {}
    for ident, frame in sys._current_frames().items():
        place = "".join(traceback.format_stack(frame))
        places.setdefault(place, []).append(names.get(ident, str(ident)))
    return "\n".join(f"{len(those)} threads, {', '.join(those)}:\n{place}" for place, those in places.items())


def flush() -> None:
    """Wait until what was logged is written, but not for long: who reads may never come back."""
    for handler in logging.getLogger().handlers:
        handler.flush()


def _delivery(out: TextIO, zone: tzinfo | None = None) -> Callable[[str], None]:
    """How a line, which is JSON, gets to its reader: by whichever way there is from this stream."""
    if out.isatty():
        show = structlog.dev.ConsoleRenderer(pad_event_to=22)
        return lambda line: _write(out, str(show(None, "", _for_people(line, zone))))
    if is_read_by_journal(out, os.environ):
        # A stream that the journal reads takes the priority in front off; see sd-daemon(3).
        return Journal(lambda line: _write(out, f"<{priority(json.loads(line).get('level'))}>{line}"))
    return lambda line: _write(out, line)


def _write(out: TextIO, line: str) -> None:
    """Past the stream's own buffer, which would keep what its reader did not take, and try it again."""
    try:
        number = out.fileno()
    except io.UnsupportedOperation:
        out.write(line + "\n")
        return
    left = memoryview((line + "\n").encode(out.encoding or "utf-8", "backslashreplace"))
    while left:
        try:
            left = left[os.write(number, left) :]
        except BlockingIOError:
            select.select([], [number], [])


def _for_people(line: str, zone: tzinfo | None) -> EventDict:
    shown = {
        key: value if not isinstance(value, str) else (visible if key == "exception" else visible_line)(value)
        for key, value in json.loads(line).items()
    }
    with suppress(ValueError, TypeError, OverflowError):
        moment = datetime.fromisoformat(str(shown.get("timestamp")))
        shown["timestamp"] = moment.astimezone(zone).isoformat(" ", "milliseconds")
    return shown


def _again(window: Window) -> str:
    """The line once more, with how often it was not told."""
    said = {**json.loads(window.sample), "timestamp": _now(), "repeated": window.untold}
    return as_json(None, "", said)


def _dropped(lines: int) -> str:
    return _own("log.dropped", lines=lines)


def _own(event: str, **keys: object) -> str:
    """A line about the log itself, which must not go through it."""
    return as_json(None, "", {**keys, "event": event, "level": "warning", "timestamp": _now()})


def _now() -> str:
    return clock.utcnow().isoformat().replace("+00:00", "Z")
