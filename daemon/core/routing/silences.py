"""Silences: alerts that nobody wants to hear of for a time, or every week at some hours. Pure.

A silence mutes what would be told; it never mutes that something is over.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from fnmatch import fnmatchcase

from daemon.core import durations
from daemon.core.alerts.incidents import Incident
from daemon.core.durations import LONGEST
from daemon.core.phones import subject_matches
from daemon.core.refusals import Refused, Why
from daemon.core.routing.quiet import Weekly

EVERY_DAY = frozenset(range(7))


@dataclass(frozen=True)
class Silence:
    """Mutes the alerts that match all of its globs, while it lasts."""

    id: str
    starts_at: datetime
    ends_at: datetime | None
    """None: until every incident that it matches is over; one that comes back, until it is ended by hand."""
    type: str
    """Of the event that fires."""
    system: str
    subject: str
    author: str
    comment: str
    created_at: datetime
    expired_at: datetime | None = None
    """When it was ended by hand, or by the end of what it waited for."""
    weekly: Weekly | None = None
    """The hours at which it mutes, again and again; None: all the time that it lasts."""

    def is_active(self, now: datetime) -> bool:
        """Whether it mutes anything now."""
        if self.expired_at is not None and self.expired_at <= now:
            return False
        lasts = self.starts_at <= now and (self.ends_at is None or now < self.ends_at)
        return lasts and (self.weekly is None or self.weekly.covers(now))

    def mutes_until(self, now: datetime) -> datetime | None:
        """When it mutes no more, asked while it is active: at its end, or for this time; None: nobody can
        say."""
        known = [self.ends_at, self.weekly.ends(now) if self.weekly is not None else None]
        return min((one for one in known if one is not None), default=None)

    def mutes_from(self, now: datetime) -> datetime | None:
        """When it begins to mute, or does so the next time, asked while it is not active; None: never."""
        at = max(now, self.starts_at)
        if self.weekly is not None and not self.weekly.covers(at):
            begins = self.weekly.begins(at)
            if begins is None:
                return None
            at = begins
        return None if self.is_over(at) else at

    def is_over(self, now: datetime) -> bool:
        """Whether it will not mute anything any more."""
        return self.expired_at is not None or (self.ends_at is not None and self.ends_at <= now)

    def covers(self, incident: Incident) -> bool:
        """Whether it is about this incident."""
        return covers((self.type, self.system, self.subject), incident)


def covers(globs: tuple[str, str, str], incident: Incident) -> bool:
    """Whether globs of the type, the system and the subject are about an incident."""
    type_, system, subject = globs
    return (
        fnmatchcase(incident.kind.fires, type_)
        and fnmatchcase(incident.system, system)
        and subject_matches(incident.subject, subject)
    )


@dataclass(frozen=True)
class Wish:
    """A silence as an operator asks for it; one of `lasts`, `ends_at` and `until_resolved` says its end. One
    that comes back has `start` and `end`, and an `ends_at` where it is not to go on for ever."""

    author: str
    comment: str
    type: str = "*"
    system: str = "*"
    subject: str = "*"
    starts_at: datetime | None = None
    """None: now."""
    lasts: timedelta | None = None
    ends_at: datetime | None = None
    until_resolved: bool = False
    start: time | None = None
    end: time | None = None
    days: frozenset[int] | None = None
    """On which it begins, 0 is Monday; None: every day."""
    zone: tzinfo = UTC
    """By whose clock `start` and `end` are meant."""

    @property
    def weekly(self) -> Weekly | None:
        """When it mutes again and again. Raises `Refused` for half of it."""
        if self.start is None and self.end is None:
            if self.days is not None:
                raise Refused(Why.WRONG, "`days` goes with `from` and `to`", "days")
            return None
        if self.start is None or self.end is None:
            raise Refused(Why.WRONG, "`from` and `to` go together", "from" if self.start is None else "to")
        return Weekly(EVERY_DAY if self.days is None else self.days, self.start, self.end, self.zone)


def granted(wish: Wish, silence: str, now: datetime) -> Silence:
    """The silence that was asked for, by the id that it gets.

    Raises `Refused` for a wish without one end or with several, of everything, or of a time that cannot be.
    """
    weekly = wish.weekly
    _check_way_to_end(wish, weekly)
    globs = (wish.type, wish.system, wish.subject)
    if all(set(glob) == {"*"} for glob in globs):
        reason = 'give `type`, `system` or `subject`: "*" for all three would mute everything'
        raise Refused(Why.WRONG, reason, "type", "system", "subject")
    starts_at = wish.starts_at or now
    if abs(starts_at - now) > LONGEST:
        raise Refused(Why.WRONG, f"`starts_at` is more than {durations.show(LONGEST)} away", "starts_at")
    ends_at = starts_at + wish.lasts if wish.lasts is not None else wish.ends_at
    if ends_at is not None:
        _check_end(wish, starts_at, ends_at, now)
    return Silence(silence, starts_at, ends_at, *globs, wish.author, wish.comment, now, weekly=weekly)


def is_granted(silence: Silence, wish: Wish) -> bool:
    """Whether a silence is what this wish was granted as, when it was made."""
    again = granted(wish, silence.id, silence.created_at)
    return replace(again, expired_at=silence.expired_at) == silence


def _check_way_to_end(wish: Wish, weekly: Weekly | None) -> None:
    ends = {
        "for": wish.lasts is not None,
        "ends_at": wish.ends_at is not None,
        "until_resolved": wish.until_resolved,
    }
    if weekly is None and list(ends.values()).count(True) != 1:
        raise Refused(Why.WRONG, "give one of `for`, `ends_at` and `until_resolved`", *ends)
    odd = [name for name in ("for", "until_resolved") if ends[name]]
    if weekly is not None and odd:
        reason = "what comes back goes on until `ends_at`, or until it is ended by hand"
        raise Refused(Why.WRONG, reason, *odd)


def _check_end(wish: Wish, starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    field = "ends_at" if wish.lasts is None else "for"
    if ends_at <= max(starts_at, now):
        raise Refused(Why.WRONG, "it would be over before it begins", field)
    if ends_at - starts_at > LONGEST:
        raise Refused(Why.WRONG, f"it would last more than {durations.show(LONGEST)}", field)


def silencing(silences: Iterable[Silence], incident: Incident, now: datetime) -> Silence | None:
    """The first silence that mutes an incident now."""
    return next((one for one in silences if one.is_active(now) and one.covers(incident)), None)


def is_served(silence: Silence, incidents: Iterable[Incident], now: datetime) -> bool:
    """Whether a silence that waits for its incidents has none left to wait for."""
    waits = silence.ends_at is None and silence.weekly is None and silence.is_active(now)
    return waits and not any(one.is_firing and silence.covers(one) for one in incidents)
