"""What a poll says of the API itself: whether it answers, and whether it takes our token. Pure.

Each watch is judged by itself: one method can hang while the others answer. But people are told once for
a system, in one incident that lists what is blind. The token is one for the system anyway.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from daemon.core.alerts.life import TOLD, Alert, Phase
from daemon.core.durations import NOTHING
from daemon.core.model import (
    AlertKind,
    Condition,
    EventRow,
    EventTypes,
    Fact,
    Failure,
    Json,
    Rule,
    Severity,
    Unknown,
    Verdict,
)
from daemon.core.shapes import listed, maybe, one_of, pair, record, text, whole
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState

OWNER = "api"
"""What owns the alerts of the API itself in the store, where others belong to their watch."""
REACHABLE = AlertKind("api.unreachable", "api.reachable")
TOKEN = AlertKind("api.token_rejected", "api.token_accepted")
SCHEMA_CHANGED = "api.schema_changed"
ERROR = record(
    {
        "class": one_of([one.value for one in Failure], "Whose fault it is, and of which kind."),
        "message": text("What happened, in English, for people; never a token."),
        "code": maybe(whole("The platform's `messageCode`, or the status of HTTP; null: there was none.")),
    }
)
EVENTS = EventTypes(
    (SCHEMA_CHANGED,),
    alerts=(REACHABLE, TOKEN),
    rows={
        **pair(
            REACHABLE,
            "A watch has not been answered for `for`; told once for a system, with all that is blind. What "
            "is seen through the API is not told meanwhile.",
            "All of them are answered again.",
            {
                "error": maybe(ERROR),
                "watches": listed(text(), "The watches that are not answered: `sms`, `sip`, `queue/5`."),
            },
        ),
        **pair(
            TOKEN,
            "The API refuses the token: it is wrong, has expired, or wants a second factor. Told at once.",
            "It takes the token again.",
            {"error": maybe(ERROR)},
        ),
        SCHEMA_CHANGED: EventRow(
            "An answer lacks something that the answers of late had, or holds something unreadable; of the "
            "same, once an hour at most.",
            {
                "schema": record(
                    {
                        "method": text("The method of the API."),
                        "problems": listed(text(), "What was missing or unreadable, in English."),
                    }
                )
            },
        ),
    },
)

# A rejected token does not heal by waiting, so it is told at once.
TOKEN_RULE = Rule(hold=NOTHING, keep=NOTHING, severity=Severity.ERROR)
API_KEY = "api"
TOKEN_KEY = "api/token"  # noqa: S105 - a name
PREFIX = "api/"

TOLD_FOR = timedelta(hours=1)
"""Ours. What comes and goes is told no more often."""
VARYING = re.compile(r"0x[0-9a-f]+|\d+")
BROKEN = re.compile(r"^(the JSON is broken): .*", re.DOTALL)
"""Where it broke is another place in each answer."""

# Also where the API wants to be left alone: who is not let in sees nothing.
_BLIND = frozenset(
    {
        Failure.UNREACHABLE,
        Failure.TIMEOUT,
        Failure.FILTERED,
        Failure.SERVER_ERROR,
        Failure.THROTTLED,
        Failure.MALFORMED,
    }
)
_VERDICTS: Mapping[Failure | None, tuple[Verdict, Verdict]] = {
    None: (Verdict.GOOD, Verdict.GOOD),
    **{failure: (Verdict.BAD, Verdict.UNKNOWN) for failure in _BLIND},
    Failure.TOKEN_REJECTED: (Verdict.GOOD, Verdict.BAD),
    Failure.REFUSED: (Verdict.GOOD, Verdict.GOOD),
    Failure.OURS: (Verdict.UNKNOWN, Verdict.UNKNOWN),
}


def conditions(watch: str, unknown: Unknown | None, rule: Rule) -> list[Condition]:
    """The API's conditions after one poll of a watch; `unknown` is None when it was answered."""
    reachable, accepted = _VERDICTS[unknown.failure if unknown else None]
    error = error_of(unknown)
    key = key_of(watch)
    return [
        Condition(key, None, key, reachable, rule, {"error": error}),
        Condition(TOKEN_KEY, TOKEN, TOKEN_KEY, accepted, TOKEN_RULE, {"error": error}),
    ]


def error_of(unknown: Unknown | None) -> Json:
    """How a poll failed, as events tell it; None when it was answered."""
    if unknown is None:
        return None
    return {"class": unknown.failure.value, "message": unknown.message, "code": unknown.code}


def key_of(watch: str) -> str:
    """The key of the condition that one watch is answered."""
    return PREFIX + watch


def fold(phases: Mapping[str, Phase], error: Json, severity: Severity) -> Condition:
    """The one condition that people are told, from the phases of all watches' own, by key."""
    blind = sorted(
        key.removeprefix(PREFIX)
        for key, phase in phases.items()
        if phase is not Phase.OK and key not in (API_KEY, TOKEN_KEY)
    )
    is_bad = any(phases[key_of(watch)] in TOLD for watch in blind)
    verdict = Verdict.BAD if is_bad else Verdict.GOOD
    payload: dict[str, Json] = {"error": error, "watches": blind}
    return Condition(API_KEY, REACHABLE, API_KEY, verdict, Rule(NOTHING, NOTHING, severity), payload)


def subject(alerts: Mapping[str, Alert], failure: Failure | None, error: Json) -> Subject:
    """The API, after a poll that ended by `failure` (None: it was answered); `alerts` are its own, by key.

    It is down while a poll of any watch fails, or the token is rejected.
    """
    bad = {
        key for key, one in alerts.items() if one.phase in (Phase.PENDING, Phase.FIRING) and not one.is_blind
    }
    said = {"failure": error["class"], "message": error["message"]} if isinstance(error, Mapping) else {}
    if TOKEN_KEY in bad:
        why: dict[str, Json] = {"failure": Failure.TOKEN_REJECTED.value, **said}
        return Subject(API_KEY, SubjectKind.API, SubjectState.DOWN, why=why)
    blind = sorted(key.removeprefix(PREFIX) for key in bad - {API_KEY, TOKEN_KEY})
    if blind:
        return Subject(API_KEY, SubjectKind.API, SubjectState.DOWN, why={**said, "watches": blind})
    if failure is Failure.OURS:
        return Subject(API_KEY, SubjectKind.API, SubjectState.UNKNOWN, why={"failure": failure.value})
    return Subject(API_KEY, SubjectKind.API, SubjectState.UP)


def inhibits(phases: Mapping[str, Phase], watch: str) -> bool:
    """Whether nothing can be said of what a watch sees, because the API is away or rejects the token."""
    return any(phases.get(key) in TOLD for key in (key_of(watch), TOKEN_KEY))


@dataclass(frozen=True)
class Problems:
    """What was missing or unreadable, and since when it need not be told."""

    lines: tuple[str, ...] = ()
    """Of the last answer, for people: with numbers, which are others in the next."""
    told: Mapping[str, datetime] = field(default_factory=dict)
    """When it was last seen, by what it is."""


NO_PROBLEMS = Problems()


def problem(line: str) -> str:
    """What a problem is, whatever the numbers in it: `rows[].message: missing in # of #`."""
    return VARYING.sub("#", BROKEN.sub(r"\1", line))


def schema_changed(
    watch: str, method: str, before: Problems, lines: tuple[str, ...], now: datetime
) -> tuple[list[Fact], Problems]:
    """The fact that an answer lacks something that none of late lacked, and what is remembered of it.

    An answer of old that had it all ends nothing: what comes and goes is told once in `TOLD_FOR`.
    """
    seen = {problem(one) for line in lines for one in line.split("; ")}
    told = {key: at for key, at in before.told.items() if abs(now - at) < TOLD_FOR}
    # What stands is seen by answers that are equal, too, which leave no trace.
    known = told.keys() | {problem(one) for line in before.lines for one in line.split("; ")}
    after = Problems(lines, {**told, **dict.fromkeys(seen, now)})
    if seen <= known:
        return [], after
    payload: dict[str, Json] = {"schema": {"method": method, "problems": list(lines)}}
    return [Fact(SCHEMA_CHANGED, f"api/{watch}", payload)], after
