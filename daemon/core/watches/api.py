"""What a poll says of the API itself: whether it answers, and whether it takes our token. Pure.

Each watch is judged by itself: one method can hang while the others answer. But people are told once for
a system, in one incident that lists what is blind. The token is one for the system anyway.
"""

from collections.abc import Mapping

from daemon.core.alerts.life import TOLD, Phase
from daemon.core.durations import NOTHING
from daemon.core.model import (
    AlertKind,
    Condition,
    EventTypes,
    Fact,
    Failure,
    Json,
    Rule,
    Severity,
    Unknown,
    Verdict,
)

OWNER = "api"
"""What owns the alerts of the API itself in the store, where others belong to their watch."""
REACHABLE = AlertKind("api.unreachable", "api.reachable")
TOKEN = AlertKind("api.token_rejected", "api.token_accepted")
SCHEMA_CHANGED = "api.schema_changed"
EVENTS = EventTypes((SCHEMA_CHANGED,), alerts=(REACHABLE, TOKEN))

# A rejected token does not heal by waiting, so it is told at once.
TOKEN_RULE = Rule(hold=NOTHING, keep=NOTHING, severity=Severity.ERROR)
API_KEY = "api"
TOKEN_KEY = "api/token"  # noqa: S105 - a name
PREFIX = "api/"

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


def inhibits(phases: Mapping[str, Phase], watch: str) -> bool:
    """Whether nothing can be said of what a watch sees, because the API is away or rejects the token."""
    return any(phases.get(key) in TOLD for key in (key_of(watch), TOKEN_KEY))


def schema_changed(watch: str, method: str, before: tuple[str, ...], now: tuple[str, ...]) -> list[Fact]:
    """The fact that an answer lacks something that it did not lack before."""
    if not now or now == before:
        return []
    return [Fact(SCHEMA_CHANGED, f"api/{watch}", {"schema": {"method": method, "problems": list(now)}})]
