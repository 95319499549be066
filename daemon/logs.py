"""Log lines are events: a fixed name, then keys and values; read by people on a terminal, else JSON lines.

Two walls before a secret: `Secret` values print as `***`, and whatever text still holds a configured
secret has it cut out here.
"""

import io
import logging
import os
import sys
from collections.abc import Iterable
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

log = structlog.get_logger()

QUIET = ("alembic", "apscheduler", "urllib3", "uvicorn", "asyncio")
"""Libraries whose everyday lines are none of the reader's business."""
PRIORITIES = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}
"""What the journal calls our levels; see sd-daemon(3)."""
SHORTEST_SECRET = 6
"""Shorter ones would cut into ordinary words."""


class Redactor:
    """Replaces configured secrets in everything that is logged."""

    def __init__(self) -> None:
        self.secrets: tuple[str, ...] = ()

    def hide(self, secrets: Iterable[str]) -> None:
        """From now on, hide these; longest first, so that no tail of one remains."""
        self.secrets = tuple(
            sorted({one for one in secrets if len(one) >= SHORTEST_SECRET}, key=len, reverse=True)
        )

    def __call__(self, _logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        return {key: self._clean(value) for key, value in event.items()}

    def _clean(self, value: object) -> object:
        if isinstance(value, (bool, int, float)) or value is None:
            return value
        text = value if isinstance(value, str) else repr(value)
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


def configure(redactor: Redactor, stream: TextIO | None = None) -> None:
    """Send our lines, and those of the libraries from WARNING up, to `stream` (standard error)."""
    out = stream if stream is not None else sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redactor,
                _renderer(out),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)


def _renderer(out: TextIO) -> Processor:
    if out.isatty():
        return structlog.dev.ConsoleRenderer(pad_event_to=22)
    as_json = structlog.processors.JSONRenderer(ensure_ascii=False)
    if not _is_journal(out):
        return as_json

    def with_priority(logger: WrappedLogger, name: str, event: EventDict) -> str:
        """The journal takes the priority off again, and `journalctl --priority=warning` goes by it."""
        priority = PRIORITIES.get(str(event.get("level")), PRIORITIES["info"])
        line = as_json(logger, name, event)
        return f"<{priority}>{line if isinstance(line, str) else line.decode()}"

    return with_priority


def _is_journal(out: TextIO) -> bool:
    """Whether systemd's journal reads a stream: it says which one it is."""
    try:
        status = os.fstat(out.fileno())
    except io.UnsupportedOperation:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
