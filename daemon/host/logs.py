"""Log lines are events: a fixed name, then keys and values. On a terminal they are for people, under systemd
fields of the journal, else JSON lines.

Two walls before a secret: `Secret` values print as `***`, and whatever text still holds a configured
secret has it cut out here.
"""

import logging
import os
import sys
from collections.abc import Iterable
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from daemon.host.journal import JournalHandler, is_read_by_journal, priority

log = structlog.get_logger()
as_json = structlog.processors.JSONRenderer(ensure_ascii=False)

QUIET = ("alembic", "apscheduler", "urllib3", "uvicorn", "asyncio")
"""Libraries whose everyday lines are none of the reader's business."""
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

    def formatter(renderer: Processor) -> logging.Formatter:
        return structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redactor, renderer],
        )

    handler: logging.Handler = logging.StreamHandler(out)
    if out.isatty():
        handler.setFormatter(formatter(structlog.dev.ConsoleRenderer(pad_event_to=22)))
    elif is_read_by_journal(out, os.environ):
        handler.setFormatter(formatter(_with_priority))
        handler = JournalHandler(handler)
        handler.setFormatter(formatter(as_json))
    else:
        handler.setFormatter(formatter(as_json))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)


def _with_priority(logger: WrappedLogger, name: str, event: EventDict) -> str:
    """A line of a stream that the journal reads, which takes the priority in front off; see sd-daemon(3)."""
    line = as_json(logger, name, event)
    return f"<{priority(event.get('level'))}>{line if isinstance(line, str) else line.decode()}"
