"""SIP accounts: which are registered, which came and went, which flap, and when they are many at once.

Pure. An account that is missing from an answer is unknown, not unregistered, and is believed gone only
when the list says so again; when many vanish at once, the list has to insist.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from daemon.core.alerts.life import TOLD, Phase
from daemon.core.durations import NOTHING
from daemon.core.model import (
    AlertKind,
    Change,
    Condition,
    EventRow,
    EventTypes,
    Fact,
    Json,
    Rule,
    Severity,
    StandIn,
    Verdict,
)
from daemon.core.phones import subject_key
from daemon.core.shapes import flag, listed, maybe, pair, record, text, whole
from daemon.core.watches import flapping
from daemon.core.watches.flapping import CALM, Ring
from daemon.core.watches.subjects import MISSING, Subject, SubjectKind, SubjectState, called, unreadable

MANY_KEY = "sip"
MANY = AlertKind(
    "sip.accounts.unregistered",
    "sip.accounts.registered",
    stands_in=StandIn(MANY_KEY, members=("accounts", "unregistered")),
)
FLAPS_AT = StandIn("{}/flapping")
FLAPPING = AlertKind("sip.account.flapping", "sip.account.stable", stands_in=FLAPS_AT)
KIND = AlertKind("sip.account.unregistered", "sip.account.registered", folded_into=MANY, flaps_as=FLAPPING)
ADDED, REMOVED = "sip.account.added", "sip.account.removed"
ACCOUNT = record(
    {
        "user_name": text("Of the SIP account, such as `0773137770` or `0773137770=9`."),
        "registered": maybe(flag("Whether its phone is registered; null: the answer does not say.")),
        "created_date": maybe(text("As the platform spells it, in its local time.")),
    }
)
ACCOUNTS = record(
    {
        "unregistered": listed(text(), "The accounts that are off, by user name."),
        "total": whole("How many accounts there are."),
    }
)
FLAPS = record({"percent": whole("How much of the last slots had a change, 0 to 100.")})
EVENTS = EventTypes(
    (ADDED, REMOVED),
    alerts=(KIND, MANY, FLAPPING),
    states=(frozenset({ADDED, REMOVED}),),
    rows={
        **pair(
            KIND,
            "An account has been unregistered for `for`, of observed time. Not while many are told as one, "
            "or it is told that it flaps.",
            "It has been registered again for `keep_firing`; or it is no longer watched, or exists no more "
            '(`alert.reason` or `alert.end` is then "removed").',
            {"account": ACCOUNT},
        ),
        **pair(
            MANY,
            "So many accounts are unregistered at once (`many`, `many_share`) that one incident "
            "tells them all; told again where others join or leave.",
            "The last of them is registered again.",
            {"accounts": ACCOUNTS},
        ),
        **pair(
            FLAPPING,
            "An account comes and goes so often that this is told in place of each time.",
            "It has stayed as it is for long enough.",
            {"account": ACCOUNT, "flapping": FLAPS},
        ),
        ADDED: EventRow("The list shows an account that it did not show before.", {"account": ACCOUNT}),
        REMOVED: EventRow(
            "Answers in a row no longer list an account: two, or ten where so many are missing that the "
            "list itself is in doubt.",
            {"account": ACCOUNT},
        ),
    },
)

GONE_AFTER = 2
"""Answers in a row without an account before it is believed removed."""
GONE_AFTER_MANY = 10
"""The same, when so many are missing that the list itself is in doubt."""
EMPTY_AFTER = 3
"""Answers in a row without any account before that is believed at the baseline; nothing counts accounts."""
MANY_AT_ONCE = 3
"""So many accounts after such an answer were there before it."""
MANY_OF = 10
MANY_SHARE = 0.3
"""In doubt: all accounts are missing, or more than this share of at least `MANY_OF`."""


@dataclass(frozen=True)
class Observation:
    """One answer of GetSipAccountsRegisteredStatus."""

    registered: Mapping[str, bool | None]
    """By user name; None where the field was missing or unreadable: unknown, never guessed."""
    problems: tuple[str, ...] = ()
    created: Mapping[str, str] = field(default_factory=dict)
    """By user name, where it is said: `createdDate`, `YYYY-MM-DD HH:MM:SS`, raw."""

    def account(self, name: str) -> dict[str, Json]:
        """One account as people are told of it; all but its name is None where the answer does not say."""
        return {
            "user_name": name,
            "registered": self.registered.get(name),
            "created_date": self.created.get(name),
        }


@dataclass(frozen=True)
class State:
    """The accounts as last seen."""

    registered: Mapping[str, bool | None]
    missing: Mapping[str, int] = field(default_factory=dict)
    """By user name: in how many answers in a row it was not listed."""
    rings: Mapping[str, Ring] = field(default_factory=dict)
    """By user name: its recent changes, where there are any."""
    empties: int = 0
    """How many answers have listed nobody yet, while that is not believed of the baseline."""


@dataclass(frozen=True)
class Fold:
    """How many unregistered accounts are told as one incident: as many as both say."""

    at_least: int
    share: float
    """Of all accounts."""


def diff(
    before: State | None,
    seen: Observation,
    rule: Rule,
    *,
    is_emitting: bool,
    slot: timedelta | None = None,
    observed: timedelta = NOTHING,
    ignored: Collection[str] = frozenset(),
) -> Change[State]:
    """What one answer says of every account. Without a `before` it is the baseline.

    `slot` is the length of the rings' slots (None: nothing is called flapping); `observed` is the time
    since the last answer that was observed; `ignored` are the accounts, by `ignorable`, of which nothing is
    said: they stay in the state, so that nothing is news of them once they are not ignored any more.
    """
    known = before.registered if before else {}
    missing = {
        name: (before.missing.get(name, 0) if before else 0) + 1
        for name in known
        if name not in seen.registered
    }
    gone = {name for name, answers in missing.items() if answers >= _patience(len(missing), len(known))}
    is_baseline = before is None or (before.empties > 0 and len(seen.registered) >= MANY_AT_ONCE)
    added = [] if is_baseline and not is_emitting else [name for name in seen.registered if name not in known]
    registered = {**{name: known[name] for name in missing}, **seen.registered}
    rings = _rings(before, seen, slot, observed) if slot else {}
    state = State(
        {name: value for name, value in registered.items() if name not in gone},
        {name: answers for name, answers in missing.items() if name not in gone},
        {name: ring for name, ring in rings.items() if name not in gone and not ring.is_calm},
        _empties(before, seen),
    )
    facts = [_fact(ADDED, name, seen) for name in _kept(sorted(added), ignored)]
    facts += [_fact(REMOVED, name, seen) for name in _kept(sorted(gone), ignored)]
    verdicts = {name: _verdict(seen.registered[name]) for name in _kept(seen.registered, ignored)}
    verdicts |= {name: Verdict.GONE if name in gone else Verdict.UNKNOWN for name in _kept(missing, ignored)}
    conditions = [
        Condition(subject(name), KIND, subject(name), verdict, rule, {"account": seen.account(name)})
        for name, verdict in sorted(verdicts.items())
    ]
    if slot:
        conditions += _flapping(verdicts, rings, seen, rule.severity)
    return Change(state, tuple(facts), tuple(conditions), is_moving=bool(state.rings))


def fold(
    state: State,
    phases: Mapping[str, Phase],
    rule: Fold,
    severity: Severity,
    ignored: Collection[str] = frozenset(),
) -> list[Condition]:
    """Whether accounts drop off in such numbers that one incident tells them all; it ends with the last.

    `phases` are the watch's alerts by key; `ignored` as with `diff`.
    """
    accounts = _kept(sorted(state.registered), ignored)
    down = [name for name in accounts if phases.get(subject(name)) in TOLD]
    is_many = len(down) >= rule.at_least and len(down) >= rule.share * len(accounts)
    is_bad = bool(down) if phases.get(MANY_KEY) in TOLD else is_many
    payload: dict[str, Json] = {"accounts": {"unregistered": down, "total": len(accounts)}}
    verdict = Verdict.BAD if is_bad else Verdict.GOOD
    return [Condition(MANY_KEY, MANY, MANY_KEY, verdict, Rule(NOTHING, NOTHING, severity), payload)]


def subjects(seen: Observation, state: State, ignored: Collection[str] = frozenset()) -> list[Subject]:
    """Every account: registered or not; one that the answer does not list, or that cannot be read, is
    neither."""
    return [_subject(name, seen) for name in _kept(sorted(state.registered), ignored)]


def saw(seen: Observation) -> dict[str, Json]:
    """Every account, and whether it is registered."""
    return {"accounts": [seen.account(name) for name in seen.registered]}


def dump(state: State) -> dict[str, object]:
    """The state as JSON."""
    return {
        "registered": dict(state.registered),
        "missing": dict(state.missing),
        "rings": {name: flapping.dump(ring) for name, ring in state.rings.items()},
        **({"empties": state.empties} if state.empties else {}),
    }


def load(stored: Mapping[str, Any]) -> State:
    """The state that `dump` wrote."""
    rings = {name: flapping.load(ring) for name, ring in stored.get("rings", {}).items()}
    return State(stored["registered"], stored["missing"], rings, stored.get("empties", 0))


def subject(name: str) -> str:
    """What an account is called in events, and the key of its alert."""
    return called("sip", name)


def ignorable(name: str) -> str:
    """What an account is ignored by: its phone, however spelled, with its sub-account."""
    return subject_key(subject(name))


def _kept(names: Iterable[str], ignored: Collection[str]) -> list[str]:
    """Those that are not ignored; nearly always nobody asks."""
    return [name for name in names if ignorable(name) not in ignored] if ignored else list(names)


def _subject(name: str, seen: Observation) -> Subject:
    called, kind = subject(name), SubjectKind.SIP
    if name not in seen.registered:
        return Subject(called, kind, SubjectState.UNKNOWN, why={"reason": MISSING})
    registered = seen.registered[name]
    if registered is None:
        return unreadable(called, kind)
    if registered:
        return Subject(called, kind, SubjectState.UP)
    return Subject(called, kind, SubjectState.DOWN, why={"registered": False})


def _empties(before: State | None, seen: Observation) -> int:
    said = before.empties if before else 0
    if seen.registered or (before is not None and not said):
        return 0
    return (said + 1) % EMPTY_AFTER


def _rings(before: State | None, seen: Observation, slot: timedelta, observed: timedelta) -> dict[str, Ring]:
    """Every account's ring; one that could not be seen keeps its own as it was."""
    known = before or State({})
    rings = dict(known.rings)
    for name, now in seen.registered.items():
        then, ring = known.registered.get(name), known.rings.get(name, CALM)
        is_changed = then is not None and then != now
        if now is not None and (is_changed or not ring.is_calm):
            rings[name] = flapping.observe(ring, slot, observed, is_changed=is_changed)
    return rings


def _flapping(
    verdicts: Mapping[str, Verdict], rings: Mapping[str, Ring], seen: Observation, severity: Severity
) -> Iterable[Condition]:
    rule = Rule(NOTHING, NOTHING, severity)
    for name, verdict in sorted(verdicts.items()):
        ring = rings.get(name, CALM)
        is_seen = verdict in (Verdict.GOOD, Verdict.BAD)
        flaps = (Verdict.BAD if ring.is_flapping else Verdict.GOOD) if is_seen else verdict
        payload: dict[str, Json] = {
            "account": seen.account(name),
            "flapping": {"percent": round(ring.percent)},
        }
        yield Condition(FLAPS_AT.key_for(subject(name)), FLAPPING, subject(name), flaps, rule, payload)


def _patience(missing: int, known: int) -> int:
    is_doubtful = missing == known or (known >= MANY_OF and missing > MANY_SHARE * known)
    return GONE_AFTER_MANY if is_doubtful else GONE_AFTER


def _verdict(registered: bool | None) -> Verdict:
    if registered is None:
        return Verdict.UNKNOWN
    return Verdict.GOOD if registered else Verdict.BAD


def _fact(event_type: str, name: str, seen: Observation) -> Fact:
    return Fact(event_type, subject(name), {"account": seen.account(name)})
