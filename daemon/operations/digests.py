"""What there is to say of digests: which there are, and what one would say now."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from daemon.core.digests import schedule
from daemon.core.digests.digest import is_empty
from daemon.core.digests.schedule import Digest, Due
from daemon.core.model import Json
from daemon.core.refusals import Refused, Why
from daemon.core.routing.plan import Interest
from daemon.core.wording import nearest, quoted
from daemon.schemas.digests import DigestPreview, DigestStatus, named
from daemon.store import digest_figures, digests
from daemon.store.ownership import Readable


@dataclass(frozen=True)
class Written:
    """A digest as a mail."""

    language: str
    subject: str
    text: str
    html: str


Write = Callable[[Mapping[str, Json], str | None], Written]
"""What a digest says, and the language that is asked for (None: its own), as a mail."""


def listed(db: sa.Connection, configured: Sequence[Digest], now: datetime) -> list[DigestStatus]:
    """All of them, with how far each has told."""
    return [DigestStatus.of(one, digests.load(db, one.name), one.next_due(now)) for one in configured]


def preview(
    database: Readable,
    configured: Sequence[Digest],
    name: str,
    systems: Sequence[str],
    interests: Sequence[Interest],
    now: datetime,
    write: Write,
    language: str | None = None,
) -> DigestPreview:
    """What one would say if it were made now. Raises `Refused` where there is none of that name."""
    digest = named(configured, name)
    if digest is None:
        near = nearest(name, [one.name for one in configured])
        raise Refused(Why.MISSING, f"no digest is called {quoted(name)}{near}")
    with database.read() as db:
        told = digests.load(db, digest.name)
        begin, day = schedule.first(digest, now)
        if told is None:
            span = digest_figures.span_since(db, begin, now)
        else:
            since = max(told.until, now - schedule.LONGEST[digest.covers])
            span = digest_figures.span_of(db, told, Due(now, day, min(since, now)), now)
    said = digest_figures.figures(database, digest, systems, span, now, interests)
    written = write(said, language)
    return DigestPreview(
        digest=dict(said),
        is_empty=is_empty(said),
        language=written.language,
        subject=written.subject,
        text=written.text,
        html=written.html,
    )
