"""One SIP account's registrations: where its phone is, and whether more than one claims to be it.

Pure. The expiry moves on with each keep-alive and ports change behind every router: neither is news.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import urlsplit

from daemon.core.model import Change, EventTypes, Fact, Json
from daemon.core.timestamps import locate, parse_local

CHANGED, DUPLICATE = "sip.registration.changed", "sip.registration.duplicate"
EVENTS = EventTypes((CHANGED, DUPLICATE), states=(frozenset({CHANGED, DUPLICATE}),))


@dataclass(frozen=True)
class Context:
    """One registration. None: missing or unreadable."""

    uri: str
    user_agent: str | None
    via_address: str | None
    via_port: int | None
    expires: str | None
    """`expiration_time`, raw; moves on with each keep-alive, so it is no change."""
    endpoint: str | None = None


@dataclass(frozen=True)
class Observation:
    """One answer of SipGetContexts. None: the list was unreadable."""

    contexts: tuple[Context, ...] | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class State:
    """The registrations when there last were any."""

    phones: tuple[tuple[str, str | None, str | None], ...] = ()
    """Sorted: host of the uri, user agent, via address."""
    active: int = 0
    """How many, of the last list that was not empty."""


def diff(
    before: State | None, seen: Observation, *, account: int, now: datetime, zone: tzinfo
) -> Change[State]:
    """A new address or user agent, and more than one active registration."""
    if seen.contexts is None:
        return Change(before or State())
    active = [context for context in seen.contexts if _is_active(context, now, zone)]
    known = before or State()
    # An empty list, which no counter confirms, says too little: what is registered twice would be news again.
    count = len(active) if seen.contexts else known.active
    state = State(tuple(sorted({_phone(one) for one in active}, key=repr)) or known.phones, count)
    if before is None or not active:
        return Change(state)
    subject = _subject(active[0].uri, account)
    told: dict[str, Json] = {"account": {"number": account, "user_name": subject.removeprefix("sip/")}}
    facts = []
    if known.phones and set(state.phones) - set(known.phones):
        payload = {"before": _told(known), "after": _told(state)}
        facts.append(Fact(CHANGED, subject, {**told, **payload}))
    if len(active) > 1 >= known.active:
        listed: Json = [{name: value for name, value in asdict(one).items()} for one in active]
        facts.append(Fact(DUPLICATE, subject, {**told, "registrations": listed}))
    return Change(state, tuple(facts))


def dump(state: State) -> dict[str, object]:
    """The state as JSON."""
    return {"phones": [list(phone) for phone in state.phones], "active": state.active}


def load(stored: Mapping[str, Any]) -> State:
    """The state that `dump` wrote."""
    return State(tuple((host, agent, via) for host, agent, via in stored["phones"]), stored["active"])


def _is_active(context: Context, now: datetime, zone: tzinfo) -> bool:
    naive = parse_local(context.expires or "")
    return naive is None or locate(naive, zone, between=(now, now)).at > now


def _phone(context: Context) -> tuple[str, str | None, str | None]:
    return _host(context.uri), context.user_agent, context.via_address


def _host(uri: str) -> str:
    """The address in `sip:0773137770@192.168.1.99:5060`, without its port."""
    try:
        return urlsplit("//" + uri.partition(":")[2].partition(";")[0]).hostname or uri
    except ValueError:
        return uri


def _subject(uri: str, account: int) -> str:
    user, at, _ = uri.removeprefix("sip:").removeprefix("sips:").partition("@")
    return f"sip/{user}" if at else f"sip/{account}"


def _told(state: State) -> Json:
    return [{"address": host, "user_agent": agent, "via_address": via} for host, agent, via in state.phones]
