"""Which addresses a webhook may lead to. Pure: judges addresses, never names or strings that look like one.

A URL that itself names a loopback or private address is the administrator's word. A public name that
resolves to such an address is not: whoever owns the name could lead signed requests inside.
"""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_GLOBAL = IPv6Network("2000::/3")
"""All of IPv6 that was ever given out for the world (RFC 4291, section 2.4; IANA's register). What lies
elsewhere is of a host, a link, a site (fec0::/10), or a form of IPv4 (::/96, ::ffff:0:0/96)."""
_NAT64 = IPv6Network("64:ff9b::/96")
"""RFC 6052, section 2.1. The one form beside these that leads out into the world."""
_SIX_TO_FOUR = IPv6Network("2002::/16")
"""RFC 3056."""
_ISATAP = (0x00005EFE, 0x02005EFE)
"""RFC 5214, section 6.1: what stands before the IPv4 address in the last 64 bits."""
# Not global although `ipaddress` of Python 3.11 says so, or global in form only.
_RESERVED = tuple(
    ip_network(block)
    for block in (
        "192.0.0.0/24",  # protocol assignments (RFC 6890, section 2.2.2)
        "192.88.99.0/24",  # relays of 6to4, given up (RFC 7526)
        "100.64.0.0/10",  # between a carrier and its customers (RFC 6598)
        "2001::/23",  # protocol assignments, tunnels by Teredo among them (RFC 2928, RFC 4380)
        "2001:db8::/32",  # documentation (RFC 3849)
        "3fff::/20",  # documentation (RFC 9637)
    )
)


def is_inside(address: Address) -> bool:
    """Whether an address is anything but a plain public one: loopback, private, link-local, multicast,
    reserved, or an IPv6 form that carries such an IPv4 address."""
    if any(address in block for block in _RESERVED if block.version == address.version):
        return True
    if isinstance(address, IPv4Address):
        return not address.is_global or address.is_multicast
    if address not in _GLOBAL and address not in _NAT64:
        return True
    return any(map(is_inside, _carried(address)))


def refusal(host: str, address: str, allow: Sequence[Network], *, trusts_host: bool = True) -> str | None:
    """Why a connection for this URL host may not go to this address; None when it may.

    `host` is what the URL names; `address` is where it would lead, after resolution. `trusts_host`: whether
    the URL is the administrator's word; one that came over HTTP is not, whatever it names.
    """
    target = ip_address(address.partition("%")[0])
    if not is_inside(target) or (trusts_host and _names_itself(host, target)):
        return None
    if any(target in network for network in allow if network.version == target.version):
        return None
    if not trusts_host:
        way_out = f'[http] endpoints_allow = ["{target}"] permits it'
        return f"{host} leads to {target}, which is not a public address; {way_out}"
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
    """The IPv4 address that an IPv6 one is another spelling of, if any."""
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or next(_carried(address), address)


def _carried(address: IPv6Address) -> Iterator[IPv4Address]:
    """The IPv4 address where a packet for this one may come out: of NAT64, 6to4 and ISATAP."""
    last = IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _NAT64:
        yield last
    if address in _SIX_TO_FOUR:
        yield IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    if int(address) >> 32 & 0xFFFFFFFF in _ISATAP:
        yield last
