"""One SIP account's registrations: where its phone is, and whether more than one claims to be it."""

from dataclasses import dataclass


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
