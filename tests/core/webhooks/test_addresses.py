"""Where a webhook may lead: the table of addresses, and who may say that an inner one is meant."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.webhooks.addresses import is_inside, refusal
from tests.support.examples import examples

INSIDE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",  # noqa: S104 - judged, not bound
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.127.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "fd12:3456::1",
    "ff02::1",
    "ff0e::1",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "100::1",
    "64:ff9b:1::808:808",
    "fec0::1",
    "feff::1",
    "4000::1",
    "2001:2::1",
    "2001:10::1",
    "2001:1ff::1",
    "::8.8.8.8",
    "::ffff:8.8.8.8",
    "::ffff:0:8.8.8.8",
    "2001:0:808:808:0:ffff:f7f7:f7f7",
]

NETWORKS = ["10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]
"""Most of IPv4 is public: these are asked for by themselves."""

CARRIED = [
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:224.0.0.1",
    "::ffff:100.64.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "2002:a00:1::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "::10.0.0.1",
    "::ffff:0:10.0.0.1",
    "2606:4700::5efe:10.0.0.1",
    "2606:4700::200:5efe:192.168.0.1",
]

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.255.255",
    "172.32.0.1",
    "192.0.1.1",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4028::200e",
    "2001:200::1",
    "2001:4860:4860::8888",
    "64:ff9b::808:808",
    "2002:808:808::1",
    "2606:4700::5efe:8.8.8.8",
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_is_not_plainly_public_is_inside(address: str) -> None:
    assert is_inside(ip_address(address))


@pytest.mark.parametrize("address", CARRIED)
def test_an_ipv6_form_is_judged_by_the_ipv4_address_it_carries(address: str) -> None:
    assert is_inside(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_not_inside(address: str) -> None:
    assert not is_inside(ip_address(address))
    assert refusal("hooks.example.org", address, ()) is None


@pytest.mark.parametrize("address", [*INSIDE, *CARRIED])
def test_a_public_name_may_not_lead_inside(address: str) -> None:
    reason = refusal("hooks.example.org", address, ())

    assert reason is not None
    assert "hooks.example.org" in reason
    assert str(ip_address(address)) in reason


@pytest.mark.parametrize("address", [*INSIDE, *CARRIED, "fe80::1%eth0"])
def test_what_the_refusal_advises_permits_exactly_that_address(address: str) -> None:
    reason = refusal("hooks.example.org", address, ()) or ""
    advised = ip_network(reason.partition('allow = ["')[2].partition('"')[0])

    assert refusal("hooks.example.org", address, (advised,)) is None
    assert advised.num_addresses == 1


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("192.168.1.20", "192.168.1.20"),
        ("10.0.0.5", "::ffff:10.0.0.5"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("[0:0:0:0:0:0:0:1]", "::1"),
        ("[FD12::1]", "fd12::1"),
        ("[fe80::1%25eth0]", "fe80::1%eth0"),
        ("[fe80::1%25eth0]", "fe80::1"),
        ("fe80::1%eth0", "fe80::1%2"),
        ("localhost", "127.0.0.1"),
        ("localhost", "::1"),
        ("LocalHost", "127.0.0.1"),
        ("localhost.", "127.0.1.1"),
        ("crm.localhost", "127.0.0.1"),
    ],
)
def test_a_host_that_names_the_address_itself_needs_no_permission(host: str, address: str) -> None:
    assert refusal(host, address, ()) is None


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.2"),
        ("8.8.8.8", "10.0.0.1"),
        ("[::1]", "127.0.0.1"),
        ("localhost", "10.0.0.1"),
        ("localhost", "169.254.169.254"),
        ("crm.localhost", "192.168.1.1"),
        ("notlocalhost", "127.0.0.1"),
        ("localhost.example.org", "127.0.0.1"),
        ("127.0.0.1.example.org", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
def test_a_host_that_names_something_else_is_refused(host: str, address: str) -> None:
    assert refusal(host, address, ()) is not None


@pytest.mark.parametrize(
    "host", ["127.1", "0x7f.1", "2130706433", "017700000001", "0177.0.0.1", "127.0.0.01"]
)
def test_an_odd_spelling_is_a_name_and_judged_by_where_it_leads(host: str) -> None:
    assert refusal(host, "127.0.0.1", ()) is not None
    assert refusal(host, "8.8.8.8", ()) is None


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("10.1.2.3", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3/32"),
        ("127.0.0.1", "127.0.0.0/8"),
        ("169.254.169.254", "169.254.169.254"),
        ("100.64.7.7", "100.64.0.0/10"),
        ("fd12::5", "fd00::/8"),
        ("fe80::1%eth0", "fe80::/10"),
    ],
)
def test_what_the_endpoint_allows_is_permitted(address: str, allowed: str) -> None:
    others = [ip_network("192.168.77.0/24"), ip_network("fdff::/16")]

    assert refusal("hooks.example.org", address, others) is not None
    assert refusal("hooks.example.org", address, [*others, ip_network(allowed)]) is None


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("10.1.2.3", "10.1.2.4/32"),
        ("10.1.2.3", "::/0"),
        ("fd12::5", "0.0.0.0/0"),
        ("192.168.0.1", "10.0.0.0/8"),
    ],
)
def test_what_another_network_allows_stays_refused(address: str, allowed: str) -> None:
    assert refusal("hooks.example.org", address, [ip_network(allowed)]) is not None


INNER = st.sampled_from([ip_network(one) for one in NETWORKS]).flatmap(
    lambda network: st.ip_addresses(v=4, network=str(network))
)


@settings(max_examples=examples(150))
@given(st.ip_addresses(v=4) | INNER, st.integers(0, 2**32 - 1), st.sampled_from(["2606:4700::", "2a00::"]))
def test_no_carrier_makes_an_inner_address_a_public_one(address: IPv4Address, rest: int, prefix: str) -> None:
    bare = int(address)
    nat64, isatap = int(ip_address("64:ff9b::")), int(ip_address(prefix))
    leading_out = {
        "NAT64": nat64 | bare,
        "6to4": (0x2002 << 112) | (bare << 80) | rest,
        "ISATAP": isatap | (0x5EFE << 32) | bare,
        "ISATAP, of an address of the world": isatap | (0x02005EFE << 32) | bare,
    }
    leading_nowhere = {
        "compatible": bare,
        "mapped": (0xFFFF << 32) | bare,
        "translated": (0xFFFF << 48) | bare,
        "local NAT64": nat64 | (1 << 80) | bare,
        "Teredo, the server": (0x20010000 << 96) | (bare << 64) | (rest ^ 0xFFFFFFFF),
        "Teredo, the client": (0x20010000 << 96) | (rest << 64) | (bare ^ 0xFFFFFFFF),
        "of a site": (0xFEC0 << 112) | bare,
    }

    for name, carrier in leading_out.items():
        assert is_inside(IPv6Address(carrier)) == is_inside(address), name
    for name, carrier in leading_nowhere.items():
        assert is_inside(IPv6Address(carrier)), name


@settings(max_examples=examples(150))
@given(st.ip_addresses(v=6))
def test_nothing_beyond_what_was_given_out_is_public(address: IPv6Address) -> None:
    # What carries an IPv4 address is judged by that one: see above.
    is_beyond = address not in ip_network("2000::/3") and address not in ip_network("64:ff9b::/96")
    if is_beyond or not (address.is_global or address.sixtofour):
        assert is_inside(address)
