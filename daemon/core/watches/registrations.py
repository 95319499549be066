"""One SIP account's registrations: where its phone is, and whether more than one claims to be it.

Pure. The expiry moves on with each keep-alive and ports change behind every router: neither is news.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import urlsplit

from daemon.core.model import Change, EventRow, EventTypes, Fact, Json
from daemon.core.shapes import listed, maybe, record, text, whole
from daemon.core.timestamps import locate, parse_local
from daemon.core.watches.subjects import called

CHANGED, DUPLICATE = "sip.registration.changed", "sip.registration.duplicate"
ACCOUNT = record(
    {
        "number": whole("Of the account, as the platform counts them: 1, 2, …"),
        "user_name": text("The same as in `subject`; the number where the registration names none."),
    }
)
PHONES = listed(
    record(
        {
            "address": text("Of the phone, without its port."),
            "user_agent": maybe(text()),
            "via_address": maybe(text("The address that the platform sees.")),
        }
    )
)
REGISTRATION = record(
    {
        "uri": text(),
        "user_agent": maybe(text()),
        "via_address": maybe(text()),
        "via_port": maybe(whole()),
        "expires": maybe(text("As the platform spells it, in its local time.")),
        "endpoint": maybe(text("The platform's name for it.")),
    }
)
EVENTS = EventTypes(
    (CHANGED, DUPLICATE),
    states=(frozenset({CHANGED, DUPLICATE}),),
    rows={
        CHANGED: EventRow(
            "An account is registered from an address, or by a device, that was not there at the look "
            "before.",
            {"account": ACCOUNT, "before": PHONES, "after": PHONES},
        ),
        DUPLICATE: EventRow(
            "More than one registration of an account is active at once.",
            {"account": ACCOUNT, "registrations": listed(REGISTRATION)},
        ),
    },
)


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


def saw(seen: Observation) -> dict[str, Json]:
    """Every registration of the account; None: the list could not be read."""
    listed = None if seen.contexts is None else [asdict(one) for one in seen.contexts]
    return {"registrations": listed}


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
    return called("sip", user if at else str(account))


def _told(state: State) -> Json:
    return [{"address": host, "user_agent": agent, "via_address": via} for host, agent, via in state.phones]
