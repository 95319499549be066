"""Which addresses a webhook may lead to. Pure: judges addresses, never names or strings that look like one.

A URL that itself names a loopback or private address is the administrator's word. A public name that
resolves to such an address is not: whoever owns the name could lead signed requests inside.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = IPv6Network("64:ff9b::/96")
"""RFC 6052, section 2.1."""
# Not global although `ipaddress` of Python 3.11 says so, or global in form only.
_RESERVED = tuple(
    ip_network(block)
    for block in (
        "192.0.0.0/24",  # protocol assignments (RFC 6890, section 2.2.2)
        "192.88.99.0/24",  # relays of 6to4, given up (RFC 7526)
        "100.64.0.0/10",  # between a carrier and its customers (RFC 6598)
        "64:ff9b:1::/48",  # translation within a network (RFC 8215)
        "3fff::/20",  # documentation (RFC 9637)
        "5f00::/16",  # segment routing (RFC 9602)
    )
)


def is_inside(address: Address) -> bool:
    """Whether an address is anything but a plain public one: loopback, private, link-local, multicast,
    reserved, or an IPv6 form that carries such an IPv4 address."""
    address = _unwrapped(address)
    is_reserved = any(address in block for block in _RESERVED if block.version == address.version)
    return not address.is_global or address.is_multicast or is_reserved


def refusal(host: str, address: str, allow: Sequence[Network]) -> str | None:
    """Why a connection for this URL host may not go to this address; None when it may.

    `host` is what the URL names; `address` is where it would lead, after resolution.
    """
    target = ip_address(address.partition("%")[0])
    if not is_inside(target) or _names_itself(host, target):
        return None
    if any(target in network for network in allow if network.version == target.version):
        return None
    return f'{host} leads to {target}, which is not a public address; allow = ["{target}"] permits it'


def _names_itself(host: str, target: Address) -> bool:
    bare = host.strip("[]").rstrip(".").lower()
    if bare == "localhost" or bare.endswith(".localhost"):
        return _unwrapped(target).is_loopback
    try:
        return _unwrapped(ip_address(bare.partition("%")[0])) == _unwrapped(target)
    except ValueError:
        return False


def _unwrapped(address: Address) -> Address:
    """The IPv4 address within an IPv6 one, if any: mapped, 6to4, Teredo, NAT64."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)
