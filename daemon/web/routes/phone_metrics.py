"""Figures of the phones, for graphs: SIP accounts, queues, missed callers, units.

Each is of what was really seen of late. What nobody can know now is absent, not as it was: a line that ends,
where a last value would go on. Only who is known of but not how he stands is counted, as `unknown`.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from math import isfinite
from typing import Any

from daemon.core.watches import queues
from daemon.core.watches.agents import AgentState
from daemon.core.watches.subjects import OUTSIDE, UNREADABLE, SubjectKind, SubjectState
from daemon.store import phone_figures
from daemon.store.phone_figures import Valued
from daemon.web.exposition import Family, Sample
from daemon.web.scrape import Metric, Scrape

MOST_OF_SYSTEM, MOST_OF_ALL = 100, 10_000
"""Ours. Accounts with a line of their own, of one system and of all: each is a series of Prometheus'."""
SEEN_ALL_THE_SAME = frozenset({UNREADABLE, OUTSIDE})
"""Why a queue, or units, may not be judged although an answer showed them."""
STANDS = {
    SubjectState.UP: "registered",
    SubjectState.DOWN: "unregistered",
    SubjectState.UNKNOWN: "unknown",
}
OUTCOMES = {"abandoned": queues.ABANDONED_IN_ALL, "answered": queues.ANSWERED_IN_ALL}
OF_CALLERS = frozenset({"queue", "callbacks"})
"""The first words of the watches by which it is known who was missed."""


def _accounts(scrape: Scrape) -> Iterator[Metric]:
    many = Counter[tuple[str, str]]()
    for one in phone_figures.accounts(scrape.db):
        watch = one.system, one.watch
        if watch in scrape.watches:
            state = one.state if watch in scrape.current else SubjectState.UNKNOWN
            many[one.system, STANDS[state]] += one.many
    known = {system for system, _ in many} | {
        system for system, name in scrape.current if name == SubjectKind.SIP.value
    }
    yield Family(
        "gauge",
        "yemotd_sip_accounts",
        "SIP accounts, by how they stand; unknown: nobody sees it now.",
        ["system", "state"],
        [
            ((system, state), many[system, state])
            for system in scrape.systems
            if system in known
            for state in STANDS.values()
        ],
    )
    listed = phone_figures.first_accounts(scrape.db, MOST_OF_SYSTEM, MOST_OF_ALL)
    listed = [one for one in listed if (one.system, one.watch) in scrape.watches]
    yield Family(
        "gauge",
        "yemotd_sip_account_registered",
        "Whether a SIP account is registered; absent: nobody sees it now.",
        ["system", "account"],
        [
            ((one.system, one.subject.partition("/")[2]), int(one.state is SubjectState.UP))
            for one in listed
            if one.state is not SubjectState.UNKNOWN and (one.system, one.watch) in scrape.current
        ],
    )
    shown = Counter(one.system for one in listed)
    all_of = Counter[str]()
    for (system, _), so_many in many.items():
        all_of[system] += so_many
    yield Family(
        "gauge",
        "yemotd_sip_accounts_unlisted",
        "SIP accounts that have no line of their own, for there are too many.",
        ["system"],
        [((system,), all_of[system] - shown[system]) for system in scrape.systems if system in known],
    )


def _queues_and_units(scrape: Scrape) -> Iterator[Metric]:
    """Of one reading, for both are values of subjects."""
    found = [one for one in phone_figures.valued(scrape.db) if _is_current(one, scrape)]
    yield from _queues([one for one in found if one.kind is SubjectKind.QUEUE])
    yield from _units([one for one in found if one.kind is SubjectKind.UNITS], scrape)
    yield Family(
        "gauge",
        "yemotd_sms_units_balance",
        "What is left of the balance that SMS are paid from.",
        ["system"],
        _values([one for one in found if one.kind is SubjectKind.SMS_UNITS], "balance", _system),
    )


def _is_current(one: Valued, scrape: Scrape) -> bool:
    is_seen = one.state is not SubjectState.UNKNOWN or one.why.get("reason") in SEEN_ALL_THE_SAME
    return is_seen and (one.system, one.watch) in scrape.current


def _queues(found: Collection[Valued]) -> Iterator[Metric]:
    labels = ["system", "watch", "queue"]
    yield Family(
        "gauge",
        "yemotd_queue_callers_waiting",
        "Callers who wait in a queue.",
        labels,
        _values(found, "calls_waiting", _queue),
    )
    yield Family(
        "gauge",
        "yemotd_queue_longest_wait_seconds",
        "How long he has waited who waits longest; 0 where nobody waits.",
        labels,
        _values(found, "longest_wait_seconds", _queue),
    )
    yield Family(
        "gauge",
        "yemotd_queue_agents",
        "Agents of a queue, by what they do.",
        [*labels, "state"],
        [
            ((*_queue(one), state.value), many)
            for one in found
            if isinstance(agents := one.metrics.get(queues.AGENTS), Mapping)
            for state in AgentState
            if (many := _number(agents.get(state.value, 0))) is not None
        ],
    )
    yield Family(
        "counter",
        "yemotd_queue_calls_total",
        "Calls that the platform counted since the queue is watched, over all starts, by how they ended.",
        [*labels, "outcome"],
        [
            ((*_queue(one), outcome), many)
            for one in found
            for outcome, metric in OUTCOMES.items()
            if (many := _number(one.metrics.get(metric))) is not None
        ],
    )


def _units(found: Collection[Valued], scrape: Scrape) -> Iterator[Metric]:
    yield Family(
        "gauge",
        "yemotd_units_balance",
        "What is left of the prepaid balance.",
        ["system"],
        _values(found, "balance", _system),
    )
    yield Family(
        "gauge",
        "yemotd_units_expire_timestamp_seconds",
        "When the balance counts no more, in seconds since 1970; absent where it does not expire.",
        ["system"],
        [
            (_system(one), ends_at.timestamp())
            for one in found
            if (ends_at := _end_of(one.metrics.get("expires_on"), scrape)) is not None
        ],
    )


def _missed(scrape: Scrape) -> Iterator[Metric]:
    """What the daemon itself has listed: that is known, whoever is away."""
    missed = phone_figures.missed(scrape.db)
    listing = dict.fromkeys(
        system for system, watch in scrape.watches if watch.partition("/")[0] in OF_CALLERS
    )
    yield Family(
        "gauge",
        "yemotd_missed_callers",
        "Callers whom nobody answered, and who are still to be called back.",
        ["system"],
        [((system,), missed[system].many if system in missed else 0) for system in listing],
    )
    yield Family(
        "gauge",
        "yemotd_missed_callers_oldest_age_seconds",
        "Time since the first of them was missed; 0 where there is none.",
        ["system"],
        [
            ((system,), scrape.age(missed[system].since if system in missed else scrape.now))
            for system in listing
        ],
    )


FAMILIES: tuple[Callable[[Scrape], Iterable[Metric]], ...] = (_accounts, _queues_and_units, _missed)


def _system(one: Valued) -> Sequence[str]:
    return (one.system,)


def _queue(one: Valued) -> Sequence[str]:
    return one.system, one.watch, one.name or ""


def _values(found: Iterable[Valued], metric: str, labels: Callable[[Valued], Sequence[str]]) -> list[Sample]:
    values = ((one, _number(one.metrics.get(metric))) for one in found)
    return [(labels(one), value) for one, value in values if value is not None]


def _number(value: Any) -> float | None:
    """A number of what was stored; None for what is none."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return value if is_number else None


def _end_of(day: Any, scrape: Scrape) -> datetime | None:
    """The moment at which a day is over."""
    if not isinstance(day, str):
        return None
    try:
        return datetime.combine(date.fromisoformat(day) + timedelta(days=1), time.min, scrape.zone)
    except (ValueError, OverflowError):  # the last day that there is has no end
        return None
