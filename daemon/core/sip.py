"""SIP accounts: which are registered, which came and went.

Pure. An account that is missing from an answer is unknown, not unregistered, and is believed gone only
when the list says so again; when many vanish at once, the list has to insist.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from daemon.core.model import Change, Condition, Fact, Kind, Rule, Verdict

KIND = Kind("sip.account.unregistered", "sip.account.registered")

GONE_AFTER = 2
"""Answers in a row without an account before it is believed removed."""
GONE_AFTER_MANY = 10
"""The same, when so many are missing that the list itself is in doubt."""
MANY_OF = 10
MANY_SHARE = 0.3
"""In doubt: all accounts are missing, or more than this share of at least `MANY_OF`."""


@dataclass(frozen=True)
class Observation:
    """One answer of GetSipAccountsRegisteredStatus."""

    registered: Mapping[str, bool | None]
    """By user name; None where the field was missing or unreadable: unknown, never guessed."""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class State:
    """The accounts as last seen."""

    registered: Mapping[str, bool | None]
    missing: Mapping[str, int] = field(default_factory=dict)
    """By user name: in how many answers in a row it was not listed."""


def diff(before: State | None, seen: Observation, rule: Rule, *, is_emitting: bool) -> Change[State]:
    """What one answer says of every account. Without a `before` it is the baseline."""
    known = before.registered if before else {}
    missing = {
        name: (before.missing.get(name, 0) if before else 0) + 1
        for name in known
        if name not in seen.registered
    }
    gone = {name for name, answers in missing.items() if answers >= _patience(len(missing), len(known))}
    added = [name for name in seen.registered if name not in known] if before or is_emitting else []
    registered = {**{name: known[name] for name in missing}, **seen.registered}
    state = State(
        {name: value for name, value in registered.items() if name not in gone},
        {name: answers for name, answers in missing.items() if name not in gone},
    )
    facts = [_fact("sip.account.added", name, seen.registered[name]) for name in sorted(added)]
    facts += [_fact("sip.account.removed", name, None) for name in sorted(gone)]
    verdicts = {name: _verdict(value) for name, value in seen.registered.items()}
    verdicts |= {name: Verdict.GONE if name in gone else Verdict.UNKNOWN for name in missing}
    conditions = [
        Condition(
            _subject(name), KIND, _subject(name), verdict, rule, _payload(name, seen.registered.get(name))
        )
        for name, verdict in sorted(verdicts.items())
    ]
    return Change(state, tuple(facts), tuple(conditions))


def dump(state: State) -> dict[str, object]:
    """The state as JSON."""
    return {"registered": dict(state.registered), "missing": dict(state.missing)}


def load(stored: Mapping[str, Any]) -> State:
    """The state that `dump` wrote."""
    return State(stored["registered"], stored["missing"])


def _patience(missing: int, known: int) -> int:
    is_doubtful = missing == known or (known >= MANY_OF and missing > MANY_SHARE * known)
    return GONE_AFTER_MANY if is_doubtful else GONE_AFTER


def _verdict(registered: bool | None) -> Verdict:
    if registered is None:
        return Verdict.UNKNOWN
    return Verdict.GOOD if registered else Verdict.BAD


def _subject(name: str) -> str:
    return f"sip/{name}"


def _payload(name: str, registered: bool | None) -> dict[str, dict[str, str | bool | None]]:
    return {"account": {"user_name": name, "registered": registered}}


def _fact(event_type: str, name: str, registered: bool | None) -> Fact:
    return Fact(event_type, _subject(name), _payload(name, registered))
