"""For whom a proxy asks: only what a trusted one wrote is believed."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.web.proxies import UNIX, asker

TRUSTED = [ip_network("127.0.0.1"), ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
STRANGER, PROXY = "203.0.113.7", "10.0.0.1"
ADDRESSES = st.ip_addresses().map(str)
NOISE = st.text(max_size=20) | st.sampled_from(["unknown", "_hidden", "::1%a", "[", "1.2.3.4:x", ""])


def headers(**given: str) -> list[tuple[bytes, bytes]]:
    names = {name.replace("_", "-"): value for name, value in given.items()}
    return [(name.encode(), value.encode("latin-1", "replace")) for name, value in names.items()]


@pytest.mark.parametrize(
    ("peer", "said", "address"),
    [
        (PROXY, STRANGER, STRANGER),
        (PROXY, f"{STRANGER}:4711", STRANGER),
        (PROXY, "[2001:db8::1]:4711", "2001:db8::1"),
        (PROXY, "2001:DB8:0::1", "2001:db8::1"),
        (PROXY, f"::ffff:{STRANGER}", STRANGER),
        (f"::ffff:{PROXY}", STRANGER, STRANGER),
        ("fd00::1", STRANGER, STRANGER),
        # The right-most that no trusted proxy is; what is left of it, anybody may have written.
        (PROXY, f"192.0.2.1, {STRANGER}", STRANGER),
        (PROXY, f"192.0.2.1,{STRANGER} , 10.0.0.2,127.0.0.1", STRANGER),
        (PROXY, "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        # Who cannot be read hides behind the proxy that wrote it.
        (PROXY, "unknown", PROXY),
        (PROXY, f"{STRANGER}, unknown, 10.0.0.2", "10.0.0.2"),
        (PROXY, f"{STRANGER}, ", PROXY),
        (PROXY, "", PROXY),
        (PROXY, "fe80::1%<script>", PROXY),
        # Nobody else is believed.
        (STRANGER, "192.0.2.1", STRANGER),
        ("192.0.2.99", PROXY, "192.0.2.99"),
        (None, "192.0.2.1", UNIX),
    ],
)
def test_the_address_is_that_of_the_last_whom_no_trusted_proxy_asks_for(
    peer: str | None, said: str, address: str
) -> None:
    assert asker(peer, "http", headers(x_forwarded_for=said), TRUSTED).address == address


def test_several_headers_are_one_list() -> None:
    twice = [*headers(x_forwarded_for="192.0.2.1"), *headers(x_forwarded_for=f"{STRANGER}, 10.0.0.2")]

    assert asker(PROXY, "http", twice, TRUSTED).address == STRANGER


@pytest.mark.parametrize(
    ("said", "address", "is_secure"),
    [
        (f"for={STRANGER};proto=https;by=10.0.0.1", STRANGER, True),
        (f"for=192.0.2.1, For={STRANGER};Proto=HTTPS", STRANGER, True),
        ('for="[2001:db8::1]:4711"', "2001:db8::1", False),
        (f'for=unknown, for="{STRANGER}"', STRANGER, False),
        (f"for={STRANGER}, for=_hidden", PROXY, False),
        (f'by="a,b;for=192.0.2.1";for={STRANGER}', STRANGER, False),
        (f'for={STRANGER};x="', PROXY, False),
        ("proto=https", PROXY, True),
        ("nonsense", PROXY, False),
    ],
)
def test_the_header_of_the_rfc_is_read_as_well(said: str, address: str, is_secure: bool) -> None:
    found = asker(PROXY, "http", headers(forwarded=said), TRUSTED)

    assert (found.address, found.is_secure) == (address, is_secure)


def test_where_two_headers_contradict_each_other_neither_is_believed() -> None:
    same = headers(x_forwarded_for=STRANGER, forwarded=f"for={STRANGER}", x_forwarded_proto="https")
    other = headers(x_forwarded_for=STRANGER, forwarded="for=192.0.2.1;proto=http", x_forwarded_proto="https")

    assert asker(PROXY, "http", same, TRUSTED).address == STRANGER
    assert asker(PROXY, "http", other, TRUSTED).address == PROXY
    assert not asker(PROXY, "http", other, TRUSTED).is_secure


@pytest.mark.parametrize(
    ("peer", "scheme", "said", "is_secure"),
    [
        (PROXY, "http", "https", True),
        (PROXY, "https", "http", False),
        (PROXY, "http", "https, http", False),
        (PROXY, "https", "", True),
        (STRANGER, "http", "https", False),
        (STRANGER, "https", "http", True),
        (None, "http", "https", False),
    ],
)
def test_only_a_trusted_proxy_says_by_which_way_it_was_asked(
    peer: str | None, scheme: str, said: str, is_secure: bool
) -> None:
    assert asker(peer, scheme, headers(x_forwarded_proto=said), TRUSTED).is_secure is is_secure


@given(
    st.one_of(st.none(), ADDRESSES, st.sampled_from([PROXY, "127.0.0.1"])),
    st.lists(ADDRESSES | NOISE, max_size=4).map(", ".join),
    st.lists(ADDRESSES | NOISE, max_size=4).map(", ".join),
    NOISE,
)
def test_whatever_is_said_the_answer_is_an_address(
    peer: str | None, listed: str, forwarded: str, proto: str
) -> None:
    said = headers(x_forwarded_for=listed, forwarded=forwarded, x_forwarded_proto=proto)
    found = asker(peer, "http", said, TRUSTED)

    assert (found.address == UNIX) == (peer is None)
    if peer is not None:
        ip_address(found.address)  # ValueError for anything else


@given(ADDRESSES, st.lists(ADDRESSES | NOISE, max_size=4).map(", ".join), NOISE)
def test_what_strangers_say_changes_nothing(peer: str, listed: str, proto: str) -> None:
    said = headers(x_forwarded_for=listed, forwarded=f"for={listed}", x_forwarded_proto=proto)

    assert asker(peer, "http", said, ()) == asker(peer, "http", (), ())


@given(st.lists(ADDRESSES | NOISE, max_size=4), ADDRESSES.filter(lambda one: ip_address(one).is_global))
def test_what_a_client_writes_before_its_own_hop_changes_nothing(before: list[str], client: str) -> None:
    said = ", ".join([*(one.replace(",", "") for one in before), client])

    assert asker(PROXY, "http", headers(x_forwarded_for=said), TRUSTED).address == str(
        getattr(ip_address(client), "ipv4_mapped", None) or ip_address(client)
    )
