"""Phone numbers: which spellings are one phone, and which texts are left alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.phones import normalise
from tests.support.examples import examples


@pytest.mark.parametrize(
    "spelling",
    [
        "0541234567",
        "972541234567",
        "+972541234567",
        " 972541234567 ",
        "+972-54-123-4567",
        "054-123 4567",
        "+972 54 123 4567",
    ],
)
def test_every_spelling_of_a_mobile_number_is_the_same_phone(spelling: str) -> None:
    assert normalise(spelling) == "0541234567"


@pytest.mark.parametrize(
    ("spelling", "phone"), [("97231234567", "031234567"), ("+972773137770", "0773137770")]
)
def test_landlines_and_virtual_numbers_have_a_national_form_too(spelling: str, phone: str) -> None:
    assert normalise(spelling) == phone


@pytest.mark.parametrize(
    "number",
    ["Yemot", "ימות המשיח", "*2000", "anonymous", "", "sip:077@host", "054x123", "٠٥٤١٢٣٤٥٦٧", "-", "+"],
)
def test_what_is_no_number_stays_as_it_is(number: str) -> None:
    assert normalise(number) == number


def test_a_name_loses_the_blanks_around_it_only() -> None:
    assert normalise("  Bank Leumi ") == "Bank Leumi"


@pytest.mark.parametrize("number", ["12125550100", "447911123456", "972", "9725412345678", "4972541234"])
def test_a_number_of_another_country_or_length_keeps_its_digits(number: str) -> None:
    assert normalise(number) == number


def test_the_longest_israeli_number_has_nine_digits_behind_the_country() -> None:
    assert (normalise("972123456789"), normalise("9721234567890")) == ("0123456789", "9721234567890")


@settings(max_examples=examples(100))
@given(st.text(alphabet="0279+- aא*", max_size=16))
def test_normalising_twice_is_normalising_once(number: str) -> None:
    assert normalise(normalise(number)) == normalise(number)


@settings(max_examples=examples(100))
@given(st.from_regex(r"[1-9][0-9]{7,8}", fullmatch=True))
def test_the_three_forms_of_any_national_number_are_equal(rest: str) -> None:
    assert normalise(f"0{rest}") == normalise(f"972{rest}") == normalise(f"+972{rest}") == f"0{rest}"
