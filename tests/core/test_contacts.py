"""Names: found by any spelling of a number, shown beside it and never in its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.contacts import (
    LONGEST_NAME,
    NOBODY,
    Configured,
    Contacts,
    Source,
    folded,
    key,
    keys,
    shown,
    unfit,
    unfit_number,
)
from daemon.core.phones import phone
from daemon.core.visible import visible_line
from tests.core.spellings import truths
from tests.support.hostile import OBEYED, REFUSED, SHOWN

SPELLED = [(spelling, one) for spelling, one in dict.fromkeys(truths()) if one is not None]


def test_a_number_is_found_by_every_spelling_of_it() -> None:
    for spelling, one in SPELLED:
        contacts = Contacts.of([(one, "Dana")])

        assert contacts.name_of(spelling) == "Dana", spelling
        assert contacts.name_of(f"sms/{spelling}") == contacts.name_of(f"sip/{spelling}") == "Dana", spelling
        assert Contacts.of([(spelling, "Dana")]).name_of(one) == "Dana", spelling


def test_a_name_is_of_no_other_number() -> None:
    for spelling, one in SPELLED:
        other = "0541111111" if one != "0541111111" else "0542222222"

        assert Contacts.of([(other, "Dana")]).name_of(spelling) is None


@pytest.mark.parametrize("written", ["queue/5", "directory/5", "/5", "5", "5/", "queue/5/"])
@pytest.mark.parametrize("asked", ["queue/5", "directory/5", "/5"])
def test_an_extension_is_one_however_it_is_written(written: str, asked: str) -> None:
    contacts = Contacts.of([(written.rstrip("/") if written == "5/" else written, "Sales")])

    assert contacts.name_of(asked) == "Sales"
    assert contacts.name_of("queue/55") is None


def test_an_agent_is_called_by_what_the_queue_shows() -> None:
    contacts = Contacts.of([("SIP-0773137770-3", "Yossi")])

    assert contacts.beside("SIP-0773137770-3") == "Yossi (SIP-0773137770-3)"
    assert contacts.beside("SIP-0773137770-4") == "SIP-0773137770-4"


@given(st.text(max_size=80), st.sampled_from(["0541234567", "queue/5", "sip/077", "agent", ""]))
def test_the_number_always_stays(name: str, number: str) -> None:
    contacts = Contacts.of([(number, name)])

    assert contacts.beside(number).endswith(number) or contacts.beside(number) == f"{name} ({number})"
    assert number in contacts.beside(number)
    assert NOBODY.beside(number) == number


@given(st.text(max_size=300))
def test_any_text_may_be_asked_for(text: str) -> None:
    contacts = Contacts.of([("0541234567", "Dana")])

    assert contacts.name_of(text) == ("Dana" if phone(key(text)) == "0541234567" else None)
    assert keys(text)[0] == key(text)


def test_the_layer_above_counts_and_what_it_hides_is_found_by_neither_name() -> None:
    above, below = (
        Contacts.of([("0541234567", "Dana")]),
        Contacts.of([("0541234567", "Rami"), ("/5", "Rami")]),
    )
    both = above.over(below)

    assert both.name_of("0541234567") == "Dana"
    assert both.numbers_of("dana") == ("0541234567",)
    assert both.numbers_of("Rami") == ("/5",)
    assert set(both.names) == {"dana", "rami"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Dana  Levi", " dana levi"),
        ("מְכִירוֹת", "מכירות"),
        ('ד"ר כהן', "ד״ר כהן"),
        ("Straße", "STRASSE"),
        ("\u200fדנה\u200f", "דנה"),
        ("ｄａｎａ", "dana"),
        ("שרות־לקוחות", "שרות-לקוחות"),
    ],
)
def test_names_are_one_that_read_alike(one: str, other: str) -> None:
    assert folded(one) == folded(other)
    assert Contacts.of([("/5", one)]).numbers_of(other) == ("/5",)


def test_several_may_have_one_name() -> None:
    contacts = Contacts.of([("0541234567", "Dana"), ("0521111111", "dana"), ("/5", "Sales")])

    assert contacts.numbers_of("DANA") == ("0521111111", "0541234567")
    assert contacts.numbers_of("nobody") == ()


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_be_obeyed_or_misleads_is_no_name(name: str) -> None:
    assert unfit(name) is not None


@pytest.mark.parametrize("name", SHOWN)
def test_what_is_only_odd_is_a_name(name: str) -> None:
    assert unfit(name) is None


@given(st.text(max_size=200))
def test_what_is_fit_is_one_line_in_which_nothing_is_obeyed(name: str) -> None:
    if unfit(name) is None:
        assert name == visible_line(name)
        assert not any(one in name for one in OBEYED)
        assert 0 < len(name) <= LONGEST_NAME
        assert phone(name) is None


@pytest.mark.parametrize("name", [*REFUSED, *SHOWN])
def test_what_nobody_judged_is_shown_on_one_line(name: str) -> None:
    assert not any(one in shown(name) for one in (*OBEYED, "\n", "\r"))
    assert len(shown(name)) <= LONGEST_NAME


@pytest.mark.parametrize("number", ["", " ", "5" * 200, "05\n4", "a\x1bb", "\u3164"])
def test_what_is_no_number_is_told(number: str) -> None:
    assert unfit_number(number) is not None
    assert unfit_number("\u200e054-1234567\u200e") is None


def test_a_configuration_says_who_names_a_number() -> None:
    configured = Configured({"0541234567": "Dana"}, {"0541234567": "Rami", "/5": "Sales"})

    assert configured.named("0541234567") == (Source.CONFIGURATION, "Dana")
    assert configured.named("/5") == (Source.FILE, "Sales")
    assert configured.named("/6") is None


def test_a_look_up_asks_each_layer_once_whatever_there_is() -> None:
    class Counting(dict[str, str]):
        asked = 0

        def get(self, one: str, default: object = None) -> object:  # type: ignore[override]
            Counting.asked += 1
            return super().get(one, default)

    layer = Counting({f"05{number:08}": "x" for number in range(10_000)})
    Contacts(layer).name_of("0500009999")

    assert Counting.asked == 1


def test_the_book_says_how_much_is_in_it_and_not_what() -> None:
    assert repr(Contacts.of([("0541234567", "Dana")]).over(Contacts.of([("/5", "Sales")]))) == "Contacts(1+1)"
