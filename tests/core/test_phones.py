"""Phone numbers: which spellings are one phone, and which texts are left alone."""

from collections.abc import Iterator
from functools import cache

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from daemon.core.phones import COUNTRY, key, normalise, phone, subject_key
from tests.core.spellings import FOREIGN, ISRAELI, NO_PHONES, SERVICES, truths
from tests.support.examples import examples

SHORTEST_ABROAD = 4
"""Digits behind the country's code."""
TRUTHS = list(dict.fromkeys(truths()))


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


def test_a_thousand_spellings_are_the_phones_that_they_are() -> None:
    wrong = {spelling: phone(spelling) for spelling, truth in TRUTHS if phone(spelling) != truth}

    assert wrong == {}
    assert len(TRUTHS) > 1_000


def test_no_two_phones_and_no_other_text_are_equal() -> None:
    numbers = [one for kind in ISRAELI.values() for one in kind] + SERVICES + list(FOREIGN)
    texts = [*numbers, *dict.fromkeys(NO_PHONES)]

    assert len({key(text) for text in texts}) == len(texts)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0501234567", "501234567"),
        ("0501234567", "+501234567"),
        ("0501234567", "0501234568"),
        ("*1234", "1234"),
        ("0101", "101"),
        ("1800123456", "+1800123456"),
        ("0772222770", "0772222770=2"),
        ("0772222770=1", "0772222770=2"),
        ("2125550100", "02125550100"),
        ("0442079460958", "442079460958"),
        ("222.22.222.22", "22.222.222.22"),
    ],
)
def test_what_only_looks_alike_is_not_equal(one: str, other: str) -> None:
    assert key(one) != key(other)


@settings(max_examples=examples(300))
@given(st.text(alphabet="0123456789+-() .=*#x\u200e\u05be\u00a0٣３", max_size=20) | st.text(max_size=80))
def test_a_phone_is_its_own_form_and_any_text_has_one(text: str) -> None:
    assert key(key(text)) == key(text)
    assert phone(text) in (None, phone(key(text)))


@given(
    st.from_regex(r"[1-9][0-9]{7,8}", fullmatch=True),
    st.sampled_from(["-", " ", "\u2011", "\u00a0", "\u200e", ""]),
)
def test_an_israeli_number_is_one_phone_in_every_form(rest: str, between: str) -> None:
    spelled = between.join((rest[:2], rest[2:5], rest[5:]))
    forms = [f"0{spelled}", f"972{between}{spelled}", f"+972{between}{spelled}", f"00972{between}{spelled}"]

    assert {phone(one) for one in [*forms, f"+972 (0){spelled}"]} == {f"0{rest}"}


def test_other_countries_numbers_are_as_the_library_of_the_field_knows_them() -> None:
    """Its example of every kind of number in every country, by the ways in which it writes them."""
    styles = (PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL)
    wrong, many = {}, 0
    for number in _examples():
        e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        for spelling in (phonenumbers.format_number(number, style) for style in styles):
            many += 1
            if phone(spelling) != phone(e164) or phone(e164) not in (e164, _national(number)):
                wrong[spelling] = phone(spelling)

    assert wrong == {}
    assert many > 2_000


def test_where_the_library_sees_two_phones_there_are_two() -> None:
    numbers = {phonenumbers.format_number(one, PhoneNumberFormat.E164) for one in _examples()}

    assert len({phone(one) for one in numbers}) == len(numbers)


@cache
def _examples() -> list[PhoneNumber]:
    return list(_each_example())


def _each_example() -> Iterator[PhoneNumber]:
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in sorted(PhoneNumberType.values()):
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None and len(str(number.national_number)) >= SHORTEST_ABROAD:
                yield number


def _national(number: PhoneNumber) -> str | None:
    if number.country_code != int(COUNTRY):
        return None
    return "".join(filter(str.isdigit, phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)))


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("sms/972501234567", "sms/0501234567"),
        ("sms/+972-50-123-4567", "sms/0501234567"),
        ("sip/972772222770=2", "sip/0772222770=2"),
        ("sms/Yemot", "sms/Yemot"),
        ("sms/12345", "sms/12345"),
        ("sms", "sms"),
        ("queue/0501234567", "queue/0501234567"),
        ("queue/972501234567", "queue/972501234567"),
        ("directory/972501234567", "directory/972501234567"),
        ("endpoint/972501234567", "endpoint/972501234567"),
    ],
)
def test_subjects_that_name_a_phone_are_compared_by_it(subject: str, expected: str) -> None:
    assert subject_key(subject) == expected


def test_what_is_remembered_of_the_log_is_made_as_it_always_was() -> None:
    """Else messages that were told before an upgrade would be new after it."""
    assert [
        normalise(one) for one in ("00972501234567", "+12125550100", "050.1234567", "972 1700123456")
    ] == [
        "00972501234567",
        "12125550100",
        "050.1234567",
        "9721700123456",
    ]


def test_a_long_text_is_none() -> None:
    assert phone("0501234567" + " " * 54) == "0501234567"
    assert phone("0501234567" + " " * 55) is None
