"""Muting alerts for a time, and ending that: the rules that the command line and HTTP share.

Where one raises `Refused`, nothing was written.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from daemon.core.alerts.incidents import Incident
from daemon.core.contacts import NOBODY, Contacts
from daemon.core.refusals import Refused, Why
from daemon.core.routing.silences import Silence, Wish, covers, granted, is_granted
from daemon.core.wording import Stranger
from daemon.operations import meant
from daemon.operations.contacts import named
from daemon.store import incidents, silences


def mute(
    db: sa.Connection, wish: Wish, silence: str, now: datetime, contacts: Contacts = NOBODY
) -> tuple[Silence, list[Incident]]:
    """Add a silence under this id; with what fires now and is muted by it. What is named is what the name
    means now.

    Raises `Refused` for a wish that cannot be granted, or that waits for the end of what does not fire.
    """
    added, matched = would_mute(db, wish, silence, now, contacts)
    silences.add(db, added)
    return added, matched


def would_mute(
    db: sa.Connection, wish: Wish, silence: str, now: datetime, contacts: Contacts = NOBODY
) -> tuple[Silence, list[Incident]]:
    """The same, and nothing is written."""
    added = granted(_meant(db, wish, contacts), silence, now)
    matched = [one for one in incidents.firing(db) if added.covers(one)]
    if wish.until_resolved and not matched:
        reason = "nothing that it matches is firing, so there is no end to wait for"
        raise Refused(Why.CONFLICT, reason, "until_resolved")
    return added, matched


def matching(
    db: sa.Connection, type_: str, system: str, subject: str, contacts: Contacts = NOBODY
) -> list[Incident]:
    """What fires now and is muted by a silence of these globs."""
    subject = named(db, subject, contacts, _of_one(system))
    return [one for one in incidents.firing(db) if covers((type_, system, subject), one)]


def strangers(
    db: sa.Connection, silence: Silence, matched: Sequence[Incident], systems: Sequence[str]
) -> list[Stranger]:
    """Where a silence mutes nothing now: the words of it that mean nothing here. It is added all the same,
    for what it is to mute may come yet. `systems`: those of the configuration."""
    if matched:
        return []
    type_, system, subject = (
        None if one == "*" else one for one in (silence.type, silence.system, silence.subject)
    )
    return meant.strangers(db, type_=type_, system=system, subject=subject, systems=systems)


def _meant(db: sa.Connection, wish: Wish, contacts: Contacts) -> Wish:
    """With the subject that its name means."""
    return replace(wish, subject=named(db, wish.subject, contacts, _of_one(wish.system)))


def _of_one(system: str) -> str | None:
    """The system that a glob names; None: it may be several."""
    return None if set(system) & set("*?[") else system


def mute_once(
    db: sa.Connection, wish: Wish, silence: str, now: datetime, contacts: Contacts = NOBODY
) -> tuple[Silence, bool]:
    """Add a silence under this id, or find the one that was added under it before; and whether that is so.

    Raises `Refused` as `mute`, and where the id was used for another wish.
    """
    known = silences.find(db, silence)
    if known is None:
        return mute(db, wish, silence, now, contacts)[0], False
    if not is_granted(known, _meant(db, wish, contacts)):
        raise Refused(Why.KEY_IN_USE, f"this form has added another silence, {silence}")
    return known, True


@dataclass(frozen=True)
class Listed:
    """All silences: those that mute something now, those that will, and some of those that have ended."""

    in_force: list[tuple[Silence, list[Incident]]]
    """Each with what it mutes now, oldest first."""
    to_come: list[Silence]
    over: list[Silence]
    """The newest first."""
    has_more: bool
    """Whether more have ended."""


def listed(db: sa.Connection, now: datetime, *, before: str | None, limit: int) -> Listed:
    """Silences, with at most `limit` that have ended. Raises `Refused` where the one to go on from is not
    kept."""
    if before is not None:
        find_silence(db, before)
    open_ones, firing = silences.load(db, now=now, with_ended=False), incidents.firing(db)
    ended = silences.over(db, now, before=before, limit=limit + 1)
    return Listed(
        [(one, [each for each in firing if one.covers(each)]) for one in open_ones if one.is_active(now)],
        [one for one in open_ones if not one.is_active(now)],
        ended[:limit],
        len(ended) > limit,
    )


def find_silence(db: sa.Connection, silence: str) -> Silence:
    """One silence by its id. Raises `Refused` where there is none."""
    found = silences.find(db, silence)
    if found is None:
        raise Refused(Why.MISSING, f"there is no silence {silence!r}")
    return found


def unmute(db: sa.Connection, silence: str, now: datetime) -> Silence:
    """End a silence now; what still fires is told. Raises `Refused` where there is none, or it has ended."""
    if find_silence(db, silence).is_over(now):
        raise Refused(Why.CONFLICT, f"the silence {silence!r} has ended already")
    silences.expire(db, silence, now)
    return find_silence(db, silence)
