"""What a poll says of the API itself: whether it answers, and whether it takes our token. Pure.

Each watch has its own `api.unreachable`: one method can hang while the others answer, and whoever
relies on that watch must hear that it is blind. The token is one for the system.
"""

from collections.abc import Mapping

from daemon.core.alerts import NOTHING
from daemon.core.model import Condition, Fact, Failure, Json, Kind, Rule, Severity, Unknown, Verdict

REACHABLE = Kind("api.unreachable", "api.reachable")
TOKEN = Kind("api.token_rejected", "api.token_accepted")

# A rejected token does not heal by waiting, so it is told at once.
TOKEN_RULE = Rule(hold=NOTHING, keep=NOTHING, severity=Severity.ERROR)
TOKEN_KEY = "api/token"  # noqa: S105 - a name

_BLIND = frozenset(
    {Failure.UNREACHABLE, Failure.TIMEOUT, Failure.FILTERED, Failure.SERVER_ERROR, Failure.MALFORMED}
)
_VERDICTS: Mapping[Failure | None, tuple[Verdict, Verdict]] = {
    None: (Verdict.GOOD, Verdict.GOOD),
    **{failure: (Verdict.BAD, Verdict.UNKNOWN) for failure in _BLIND},
    Failure.THROTTLED: (Verdict.UNKNOWN, Verdict.UNKNOWN),
    Failure.TOKEN_REJECTED: (Verdict.GOOD, Verdict.BAD),
    Failure.REFUSED: (Verdict.GOOD, Verdict.GOOD),
}


def conditions(watch: str, unknown: Unknown | None, rule: Rule) -> list[Condition]:
    """The API's conditions after one poll of a watch; `unknown` is None when it was answered."""
    reachable, accepted = _VERDICTS[unknown.failure if unknown else None]
    error: Json = None
    if unknown:
        error = {"class": unknown.failure.value, "message": unknown.message, "code": unknown.code}
    key = f"api/{watch}"
    return [
        Condition(key, REACHABLE, key, reachable, rule, {"error": error}),
        Condition(TOKEN_KEY, TOKEN, TOKEN_KEY, accepted, TOKEN_RULE, {"error": error}),
    ]


def schema_changed(watch: str, method: str, before: tuple[str, ...], now: tuple[str, ...]) -> list[Fact]:
    """The fact that an answer lacks something that it did not lack before."""
    if not now or now == before:
        return []
    return [Fact("api.schema_changed", f"api/{watch}", {"schema": {"method": method, "problems": list(now)}})]
