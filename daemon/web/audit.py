"""Who changed what, by HTTP: one line in the log for each request that is to change something."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from daemon.web.auth import Token
from daemon.web.problems import status_of
from daemon.web.reach import asking

log = structlog.get_logger()


@dataclass
class Entry:
    """What the line says beside the token and the action; a route fills in what it learns."""

    target: str | None
    status: int


@contextmanager
def audited(token: Token, action: str, target: str | None = None, *, status: int = 200) -> Iterator[Entry]:
    """Write the line whatever comes of the request, with the status that it ends with."""
    entry = Entry(target, status)
    try:
        yield entry
    except Exception as error:
        entry.status = status_of(error)
        raise
    finally:
        log.info(
            "http.audit",
            token=token.name,
            action=action,
            target=entry.target,
            status=entry.status,
            client=asking(),
        )
