"""Where a webhook may lead: the table of addresses, and who may say that an inner one is meant."""

from ipaddress import IPv4Address, ip_address, ip_network

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
]

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
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
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


@settings(max_examples=examples(150))
@given(st.ip_addresses(v=4))
def test_no_carrier_makes_an_inner_address_a_public_one(address: IPv4Address) -> None:
    bare = int(address)
    mapped, nat64 = ip_address((0xFFFF << 32) | bare), ip_address("64:ff9b::") + bare
    six_to_four = ip_address((0x2002 << 112) | (bare << 80))

    for carrier in (mapped, nat64, six_to_four):
        assert is_inside(carrier) == is_inside(address), carrier
