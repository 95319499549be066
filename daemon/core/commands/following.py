"""A campaign from its start to its end: what was seen of it, when it has ended, and what it counts. Pure.

    campaign.bridge succeeded --> followed --+--> finished | stopped
                                             +--> unknown

GetCampaignStatus may not take the ids that CallExtensionBridging gives. Then others are asked, which know
what it cost, but not that it is over. So an end is told that was seen; after a day of looking at a campaign
of which nothing is to be learned, it is told that nobody knows.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any, TypeAlias

from daemon.core.commands.command import Command, Status
from daemon.core.commands.command_types import CAMPAIGN
from daemon.core.durations import DAY, MINUTE, NOTHING, SECOND
from daemon.core.model import EventRow, EventTypes, Fact, Json
from daemon.core.numbers import rounded
from daemon.core.shapes import day, listed, maybe, moment, number, one_of, record, text, whole
from daemon.core.timestamps import iso, iso_or_none

RUNS = frozenset({"RUNNING", "PAUSED", "STOPPING"})
FINISHED_WORD, STOPPED_WORD = "FINISHED", "STOPPED"
WORDS = RUNS | {FINISHED_WORD, STOPPED_WORD}
"""Of `campaignStatus`, by the documents of GetCampaignStatus."""
IDLE_LOOKS = 2
"""Looks in a row that show nobody who waits for a call or is in one; a single one may be a counter that
lies."""
FINAL_LOOKS = 8
"""Looks in a row that say that it is over while calls go on: those cost, so its price is not known before;
but it is over by its word."""
UNLEARNED = DAY
"""Observed time in which nothing was to be learned of it, after which that is told."""
SOON, LATE = 15 * SECOND, 5 * MINUTE
"""Between two looks at a campaign that is seen: at first and while it moves, and at most."""
SOON_UNSEEN, LATE_UNSEEN = 30 * SECOND, 30 * MINUTE
"""The same where nothing is to be learned of it."""
MOST_DOUBLINGS = 8
FINISHED = "campaign.finished"
NO_ID = "the platform's answer named no id for it"
GONE = "the system is not configured any more"
SAYS_NOTHING = "its status says neither that it runs nor that it is over"


class Outcome(Enum):
    """How a campaign ended."""

    FINISHED = "finished"
    STOPPED = "stopped"
    UNKNOWN = "unknown"
    """Its end could not be learned; it may dial yet."""


class Source(Enum):
    """Who said what it cost."""

    STATUS = "status"
    CHARGES = "charges"


CAMPAIGN_RECORD = record(
    {
        "command": text("`cmd_…`: that started it."),
        "id": maybe(text("By which the platform knows it; null: its answer named none.")),
        "outcome": one_of([one.value for one in Outcome], "`unknown`: its end could not be learned."),
        "reason": maybe(text("Why it is not known, in English.")),
        "status": maybe(text("The platform's last word: `FINISHED`, `RUNNING`, …; null: it says none.")),
        "numbers": maybe(whole("That it was to call.")),
        "dialled": maybe(whole("Calls that were made, those to one number again included.")),
        "answered": maybe(whole("Of these.")),
        "failed": maybe(whole("Numbers that were given up.")),
        "price": maybe(number("Units; null: nobody says.")),
        "price_from": maybe(one_of([one.value for one in Source], "`charges`: the balance's transactions.")),
        "estimate": number("Units: what it counted against the budget until its price was known."),
        "budget": record(
            {
                "day": maybe(day("On which it counts.")),
                "counted": number("Units that it counts there now: its price, where that is known."),
                "spent": number("By all campaigns of that day."),
                "per_day": maybe(number("`campaign_units_per_day`; null: there is none any more.")),
            }
        ),
        "started_at": moment(),
        "ended_between": listed(
            maybe(moment()),
            "The last look that showed it at work (null: none did), and the first that did not.",
        ),
    }
)
EVENTS = EventTypes(
    (FINISHED,),
    rows={
        FINISHED: EventRow(
            "A campaign that a command has started is over; or, where `outcome` is `unknown`, nothing of its "
            "end was to be learned for a day. Once for each campaign.",
            {"campaign": CAMPAIGN_RECORD},
        )
    },
)


@dataclass(frozen=True)
class Progress:
    """GetCampaignStatus. None: missing or unreadable."""

    word: str | None = None
    """In capitals."""
    numbers: int | None = None
    pending: int | None = None
    active: int | None = None
    redial: int | None = None
    done: int | None = None
    failed: int | None = None
    blocked: int | None = None
    dialled: int | None = None
    answered: int | None = None
    price: float | None = None
    problems: tuple[str, ...] = ()

    @property
    def busy(self) -> int | None:
        """Numbers that are called, or are still to be."""
        if self.pending is None or self.active is None or self.redial is None:
            return None
        return self.pending + self.active + self.redial

    @property
    def is_void(self) -> bool:
        """Whether it shows no number at all, as before it has begun."""
        return not any((self.numbers, self.done, self.failed, self.blocked, self.dialled))

    @property
    def is_learned(self) -> bool:
        """Whether it says how the campaign stands."""
        return self.word in WORDS or (self.busy is not None and not self.is_void)


@dataclass(frozen=True)
class Traces:
    """What else knows of a campaign whose status cannot be had."""

    why: str
    """What the status method said."""
    listed: int | None = None
    """Numbers of its report (ViewCampaignReports); None: there is none."""
    price: float | None = None
    """By the balance's transactions; None: none of them is its."""


Glance: TypeAlias = Progress | Traces
"""One look at a campaign."""


@dataclass(frozen=True)
class Followed:
    """A campaign of ours, and what was seen of it so far."""

    command: str
    system: str
    campaign: str | None
    numbers: int | None
    """That are dialled, by the answer that accepted it."""
    estimate: float
    day: date | None
    """Whose budget it counts on."""
    started_at: datetime
    idle: int = 0
    """Looks in a row that showed nobody to call."""
    final: int = 0
    """Looks in a row that said that it is over."""
    unlearned: timedelta = NOTHING
    """Observed time in which nothing was to be learned."""
    progress: Progress | None = None
    """As last seen."""
    traces: Traces | None = None
    seen_at: datetime | None = None
    """When its progress was."""
    busy_at: datetime | None = None
    """When it was last seen at work."""
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    reason: str | None = None

    @property
    def price(self) -> tuple[float, Source] | None:
        """What it has cost, and who says so."""
        if self.progress is not None and self.progress.price is not None:
            return self.progress.price, Source.STATUS
        if self.traces is not None and self.traces.price is not None:
            return self.traces.price, Source.CHARGES
        return None

    @property
    def counted(self) -> float:
        """What it counts against the budget of its day: at least its estimate while its end was not seen,
        then its price. That calls were made for nothing is not believed."""
        found = self.price
        if found is None:
            return self.estimate
        dialled = self.progress.dialled if self.progress else None
        if found[0] <= 0 and dialled != 0:
            return self.estimate
        is_over = self.outcome in (Outcome.FINISHED, Outcome.STOPPED)
        return found[0] if is_over and found[1] is Source.STATUS else max(found[0], self.estimate)


def begun(command: Command) -> Followed | None:
    """What is followed once a command has ended; None: nothing, for it started no campaign."""
    if command.type != CAMPAIGN or command.status is not Status.SUCCEEDED:
        return None
    result = command.result if isinstance(command.result, Mapping) else {}
    campaign, numbers = result.get("campaign_id"), result.get("calls_count")
    return Followed(
        command.id,
        command.system,
        campaign if isinstance(campaign, str) else None,
        numbers if isinstance(numbers, int) else None,
        command.units,
        command.day,
        command.started_at or command.created_at,
    )


def after(one: Followed, glance: Glance, observed: timedelta, now: datetime) -> Followed:
    """The campaign after a look; what has ended stays as it is. `observed`: how long it was looked at since
    the look before."""
    if one.ended_at is not None:
        return one
    if isinstance(glance, Traces):
        return _unlearned(replace(one, traces=glance, idle=0, final=0), glance.why, observed, now)
    if not glance.is_learned:
        return _unlearned(replace(one, idle=0, final=0), SAYS_NOTHING, observed, now)
    is_idle = glance.busy == 0 and not glance.is_void
    is_final = glance.word in (FINISHED_WORD, STOPPED_WORD)
    found = replace(
        one,
        progress=glance,
        seen_at=now,
        unlearned=NOTHING,
        idle=one.idle + 1 if is_idle else 0,
        final=one.final + 1 if is_final else 0,
        busy_at=one.busy_at if is_idle or is_final else now,
    )
    outcome = _outcome(found, glance)
    return found if outcome is None else replace(found, outcome=outcome, ended_at=now)


def lost(one: Followed, why: str, now: datetime) -> Followed:
    """A campaign that nobody can ask for any more."""
    return replace(one, outcome=Outcome.UNKNOWN, reason=why, ended_at=now)


def wait(before: Followed, found: Followed, calm: int) -> tuple[timedelta, int]:
    """How long until the next look, and for how many looks nothing has moved; `calm`: for how many that was
    so before this one."""
    is_learned = found.unlearned == NOTHING and found.seen_at is not None and found.seen_at != before.seen_at
    if not is_learned:
        return min(SOON_UNSEEN * 2 ** min(calm, MOST_DOUBLINGS), LATE_UNSEEN), calm + 1
    if found.idle or found.final or found.progress != before.progress:
        return SOON, 0
    return min(SOON * 2 ** min(calm + 1, MOST_DOUBLINGS), LATE), calm + 1


def told(one: Followed, *, spent: float, per_day: float | None) -> Fact:
    """What others are told of a campaign that has ended."""
    assert one.outcome is not None and one.ended_at is not None  # noqa: S101 - nobody is told before
    is_seen = one.outcome is not Outcome.UNKNOWN
    budget: dict[str, Json] = {
        "day": one.day.isoformat() if one.day else None,
        "counted": rounded(one.counted),
        "spent": rounded(spent),
        "per_day": per_day,
    }
    between: list[Json] = [iso_or_none(one.busy_at), iso(one.ended_at) if is_seen else None]
    said = figures(one)
    document: dict[str, Json] = {
        "command": one.command,
        "id": one.campaign,
        "outcome": one.outcome.value,
        "reason": one.reason,
        **said,
        "estimate": rounded(one.estimate),
        "budget": budget,
        "started_at": iso(one.started_at),
        "ended_between": between,
    }
    return Fact(FINISHED, subject(one.command), {"campaign": document})


def figures(one: Followed) -> dict[str, Json]:
    """How it stands, as last seen."""
    seen, price = one.progress or Progress(), one.price
    return {
        "status": seen.word,
        "numbers": one.numbers if seen.numbers is None else seen.numbers,
        "dialled": seen.dialled,
        "answered": seen.answered,
        "failed": seen.failed,
        "price": None if price is None else rounded(price[0]),
        "price_from": None if price is None else price[1].value,
    }


def subject(command: str) -> str:
    """Of its events, by the command that started it."""
    return f"campaign/{command}"


def dump(one: Followed) -> dict[str, Json]:
    """What was seen of it, as JSON."""
    return {
        "progress": None if one.progress is None else asdict(one.progress),
        "traces": None if one.traces is None else asdict(one.traces),
    }


def load(stored: Mapping[str, Any]) -> tuple[Progress | None, Traces | None]:
    """What `dump` wrote."""
    progress, traces = stored.get("progress"), stored.get("traces")
    if progress is not None:
        progress = Progress(**{**progress, "problems": tuple(progress["problems"])})
    return progress, None if traces is None else Traces(**traces)


def _unlearned(one: Followed, why: str, observed: timedelta, now: datetime) -> Followed:
    found = replace(one, unlearned=one.unlearned + observed)
    return found if found.unlearned < UNLEARNED else lost(found, why, now)


def _outcome(one: Followed, seen: Progress) -> Outcome | None:
    """How it has ended; None: it goes on, or is looked at once more."""
    is_settled = seen.busy in (0, None) or one.final >= FINAL_LOOKS
    if one.final and is_settled:
        return Outcome.STOPPED if seen.word == STOPPED_WORD else Outcome.FINISHED
    if one.idle >= IDLE_LOOKS:
        return Outcome.STOPPED if seen.word == "STOPPING" else Outcome.FINISHED
    return None
