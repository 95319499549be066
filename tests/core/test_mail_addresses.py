"""Mailboxes: what is one, and how it goes over the wire."""

import pytest

from daemon.core.mail_addresses import LONGEST, Mailbox, parse


@pytest.mark.parametrize(
    ("written", "wire"),
    [
        ("alerts@דוגמה.com", "alerts@xn--6dbbec0c.com"),
        ("alerts@BÜCHER.Example", "alerts@xn--bcher-kva.Example"),
        ("Alerts@Example.ORG", "Alerts@Example.ORG"),
        ("alerts@xn--6dbbec0c.com", "alerts@xn--6dbbec0c.com"),
        ("alerts@[IPv6:::1]", "alerts@[IPv6:::1]"),
    ],
)
def test_a_domain_goes_over_the_wire_in_ascii_and_nothing_else_changes(written: str, wire: str) -> None:
    named = parse(f"התראות <{written}>")

    assert named == Mailbox("התראות", written)
    assert named.wire == Mailbox("התראות", wire)


@pytest.mark.parametrize(
    ("domain", "reason"),
    [
        ("דוגמהa.com", "BIDI"),
        ("דוגמה..com", "two dots in a row"),
        (f"{'א' * 64}.com", "label"),
        ("straße.de", r"U\+00DF"),
        ("a\u200db.com", r"U\+200D"),
    ],
)
def test_a_domain_without_a_form_in_ascii_is_refused_with_the_reason(domain: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(f"alerts@{domain}")


def test_it_is_the_form_in_ascii_that_may_not_be_too_long() -> None:
    address = f"alerts@{'.'.join(['ü' + 'a' * 41] * 5)}.com"

    assert len(address.encode()) < LONGEST
    with pytest.raises(ValueError, match="too long"):
        parse(address)


def test_a_domain_whose_form_in_ascii_is_short_enough_may_be_longer_in_bytes() -> None:
    address = f"alerts@{'.'.join(['א' * 40] * 4)}.com"

    assert len(address.encode()) > LONGEST
    assert len(parse(address).wire.address) <= LONGEST
