"""For whom a proxy asks, and by which way: what it says of that, as far as it is believed.

`X-Forwarded-For` has a hop for each proxy, the last one's at the right. Only what a trusted proxy wrote is
believed: from the right, one hop for each of them, until somebody who is none. What stands to the left of
that, strangers may have written. `Forwarded` (RFC 7239) says the same in other words; a proxy that writes one
of them passes on whatever it got as the other, so where the two contradict each other neither is believed.
"""

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from daemon.core.webhooks.addresses import Address, Network

Headers = Sequence[tuple[bytes, bytes]]
"""As ASGI has them: names in lower case."""
UNIX = "unix"
"""Who comes by a socket that has no addresses."""
_PAIR = re.compile(r'\s*([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^";,\s]*))\s*(?:([;,])|$)')


@dataclass(frozen=True)
class Asker:
    """Who asks, and by which way."""

    address: str
    """As text, in one spelling; `UNIX` where there is none."""
    is_secure: bool
    """Whether all the way from the asker's own machine, as far as it is known, is TLS."""


def asker(peer: str | None, scheme: str, headers: Headers, trusted: Sequence[Network]) -> Asker:
    """Of a connection from `peer` by `scheme`, with what its request says."""
    at = _address(peer) if peer else None
    if at is None or not _is_trusted(at, trusted):
        return Asker(str(at) if at else peer or UNIX, scheme == "https")
    forwarded = list(_elements(_values(headers, b"forwarded")))
    ways = [
        (_hops(_values(headers, b"x-forwarded-for")), _last(_hops(_values(headers, b"x-forwarded-proto")))),
        ([one.get("for", "") for one in forwarded], forwarded[-1].get("proto") if forwarded else None),
    ]
    addresses = {_client(at, hops, trusted) for hops, _ in ways if hops}
    schemes = {proto.lower() for _, proto in ways if proto}
    return Asker(
        str(addresses.pop() if len(addresses) == 1 else at),
        (schemes.pop() if len(schemes) == 1 else scheme) == "https",
    )


def _client(peer: Address, hops: Sequence[str], trusted: Sequence[Network]) -> Address:
    """The first from the right that no trusted proxy is; who cannot be read hides behind the proxy."""
    found = peer
    for hop in reversed(hops):
        at = _address(hop)
        if at is None:
            break
        found = at
        if not _is_trusted(at, trusted):
            break
    return found


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)


def _address(text: str) -> Address | None:
    """Of `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`; None for anything else."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    if "%" in bare:  # what follows may be any text
        return None
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _values(headers: Headers, name: bytes) -> str:
    """All headers of a name, as one list."""
    return ",".join(value.decode("latin-1") for one, value in headers if one == name)


def _hops(value: str) -> list[str]:
    return [one.strip() for one in value.split(",")] if value.strip() else []


def _last(hops: Sequence[str]) -> str | None:
    return hops[-1] if hops else None


def _elements(value: str) -> Iterator[dict[str, str]]:
    """The elements of `Forwarded`, the nearest last; nothing of one that is not written as the RFC says."""
    element: dict[str, str] = {}
    elements, at = [element], 0
    while at < len(value):
        pair = _PAIR.match(value, at)
        if pair is None:
            return
        quoted, bare = pair[2], pair[3]
        element[pair[1].lower()] = bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        at = pair.end()
        if pair[4] == ",":
            element = {}
            elements.append(element)
    if any(elements):
        yield from elements
