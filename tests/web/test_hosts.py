"""By which names the page is had: none that a stranger can have lead here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.web.hosts import is_ours, name_of

OURS = frozenset({"phones.example.org"})


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8470",
        "LOCALHOST:80",
        "a.localhost",
        "127.0.0.1:8470",
        "192.168.1.5",
        "[::1]:8470",
        "[2001:db8::1]",
        "phones.example.org",
        "Phones.Example.Org:443",
        "phones.example.org.",
    ],
)
def test_addresses_and_names_of_ours(host: str) -> None:
    assert is_ours(name_of(host), OURS)


@pytest.mark.parametrize(
    "host",
    [
        "",
        ":8470",
        "evil.example.org",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "phones.example.org.evil.example",
        "xphones.example.org",
        "phones.example.org@evil.example",
        "evil.example@phones.example.org",
        "evil.example/localhost",
        "[::1",
        "[evil.example]",
        "2130706433",
        "0x7f000001",
        "127.1",
        "[::1%25evil.example]",
    ],
)
def test_whatever_else(host: str) -> None:
    assert not is_ours(name_of(host), OURS)


@given(st.text())
def test_any_text_has_an_answer(host: str) -> None:
    assert is_ours(name_of(host), frozenset()) in (True, False)
