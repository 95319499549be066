"""What is found by which question: Hebrew with its final letters, parts of numbers, phones as one likes."""

import json
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from daemon.core.search import (
    LONGEST_QUESTION,
    LONGEST_TEXT,
    MOST_TERMS,
    MOST_TRIGRAMS,
    SHORTEST,
    matches,
    searched,
    terms,
    trigrams,
)


def body(text: str = "", subject: str = "sms/0501234567", **more: object) -> bytes:
    data = {"id": "evt_1", "system": "main", "sequence": 1, "subject": subject, "sms": {"text": text}, **more}
    document = {"type": "sms.received", "timestamp": "2026-11-23T01:02:03.456Z", "data": data}
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")


def found(question: str, text: str, **more: object) -> bool:
    return matches(terms(question), searched(body(text, **more)))  # type: ignore[arg-type] # the test's own


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("שלום", "שלום לכולם"),
        ("לום", "שלום לכולם"),
        ("שלומ", "שלום"),
        ("שלום", "שָׁלוֹם"),
        ("דוד כהן", "כהן, דוד"),
        ('"דוד כהן"', "אל דוד כהן"),
        ("מעמ", 'כולל מע"מ'),
        ('מע"מ', "כולל מע״מ"),
        ("מע״מ", "כולל מעמ"),
        ("צ'ק", "צ׳ק חזר"),
        ("HELLO", "hello"),
        ("strasse", "Straße"),
        ("cafe", "café"),
        ("כן", "כן"),
        ("כן", "אולי כן, אולי לא"),
        ("הג", "הגיעה"),
        ("עה", "הגיעה"),
        ("ה", "קוד ה הוא"),
        ("5", "קו 5"),
        ("054-123", "לחייג 0541234567"),
        ("0541234567", "לחייג 054-123-4567"),
        ("0541234567", "לחייג 054 123 4567."),
        ("054 123 4567", "לחייג 0541234567"),
        ("054 123", "לחייג 0541234567"),
        ("054 123", "054 123"),
        ("054123", "054-123"),
        ("0541234567", "לחייג +972-54-123-4567"),
        ("0541234567", "לחייג 972541234567"),
        ("972541234567", "לחייג 0541234567"),
        ("+972 54-123", "לחייג 0541234567"),
        ("00972541", "לחייג 0541234567"),
        ("1234567", "לחייג 054-1234567"),
        ("٠٥٤١٢٣٤٥٦٧", "0541234567"),
        ("0541234567", "٠٥٤-١٢٣٤٥٦٧"),
        ("0541111111", "0541111111 0542222222"),
        ("0542222222", "0541111111 0542222222"),
        ("example.com/x", "see https://example.com/x?y=1"),
        ("100%", "100% off"),
        ("hello*", "hello"),
        ("😀", "well 😀"),
    ],
)
def test_it_is_found(question: str, text: str) -> None:
    assert found(question, text)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("שלום", "להתראות"),
        ("שלום עולם", "שלום"),
        ('"כהן דוד"', "דוד כהן"),
        ("לו", "שלום לכולם"[1:2]),
        ("גי", "הגיעה"),
        ("ו", "שלום"),
        ("0541234568", "0541234567"),
        ("0531234567", "+972541234567"),
        ("98 76", "6789"),
        ("0541111111 0543333333", "0541111111 0542222222"),
    ],
)
def test_it_is_not_found(question: str, text: str) -> None:
    assert not found(question, text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("קוד האימות שלך הוא 482913", "482913"),
        ("קוד האימות שלך הוא 482-913", "482913"),
        ("קוד האימות שלך הוא 482 913", "482913"),
        ("Your code: 4821", "4821"),
        ("482913 is your verification code", "482913"),
        ("קוד האימות שלך הוא ٤٨٢٩١٣", "482913"),
    ],
)
def test_a_one_time_code_is_left_out_and_its_words_are_found(text: str, code: str) -> None:
    assert not found(code, text)
    assert not found(code[:4], text)
    assert code not in searched(body(text)).replace(" ", "")
    assert found("קוד" if "קוד" in text else "code", text)


def test_what_an_event_is_about_and_says_is_found_and_its_bookkeeping_is_not() -> None:
    event = body(
        "",
        "queue/5",
        queue={"path": "/5", "name": "מכירות", "calls_waiting": 7},
        caller={"phone": "0527654321", "joined_at": "2026-11-23T01:02:03Z"},
        alert={"incident": "inc_01ABC", "status": "firing", "severity": "error"},
    )
    text = searched(event)

    for question in ("מכירות", "queue", "7654321"):
        assert matches(terms(question), text)
    for question in ("evt_1", "01ABC", "firing", "2026", "main"):
        assert not matches(terms(question), text)


@pytest.mark.parametrize("question", ["", " ", "*", "***", '"', '""', "%_%", "..--..", "\u200f", "+"])
def test_where_nothing_is_asked_that_is_said(question: str) -> None:
    with pytest.raises(ValueError, match="nothing in it to look for"):
        terms(question)


def test_too_much_is_refused_before_it_is_read() -> None:
    with pytest.raises(ValueError, match="at most 200 characters"):
        terms("x" * 10_000)
    with pytest.raises(ValueError, match="at most 10 words"):
        terms(" ".join(f"w{one}" for one in range(MOST_TERMS + 1)))


@pytest.mark.parametrize("odd", [b"{}", b"[]", b"1", b'{"n":1}', b'{"data":[]}', b'{"data":null}'])
def test_a_body_without_data_has_no_text(odd: bytes) -> None:
    assert searched(odd).strip() == ""


letters = st.text(st.sampled_from("אבגדהוךםןףץשabcXYZéß0123456789 -.'\"״()+\u05b0\u200f😀"), max_size=40)


@given(letters | st.text(max_size=40), st.data())
def test_a_part_of_a_text_is_found_in_it(text: str, data: st.DataObject) -> None:
    """Of three signs or more, whichever they are: but not one that begins or ends within a number or a quote,
    where what belongs to the number, or to the word, is not known."""
    words = searched(body(text)).split()
    assume(words)
    word = data.draw(st.sampled_from(words))
    assume(len(word) >= SHORTEST)
    start = data.draw(st.integers(0, len(word) - SHORTEST))
    end = data.draw(st.integers(start + SHORTEST, len(word)))

    assert matches(terms(word[start:end]), searched(body(text)))


@given(st.text(max_size=LONGEST_QUESTION))
def test_any_question_has_needles_of_an_index_or_is_refused(question: str) -> None:
    try:
        wanted = terms(question)
    except ValueError as fault:
        assert str(fault).isprintable()
        return

    assert 0 < len(wanted) <= MOST_TERMS
    for term in wanted:
        for needle in term.needles:
            assert len(needle) >= SHORTEST
            # What a question of FTS5 or of LIKE would obey does not stand in it.
            assert not set('"%_\\*^:(){}+-') & set(needle)
            assert set(trigrams(needle)) <= {needle[at : at + 3] for at in range(len(needle) - 2)}
            assert len(trigrams(needle)) <= MOST_TRIGRAMS
            covered = {
                at + k
                for at in range(len(needle) - 2)
                if needle[at : at + 3] in trigrams(needle)
                for k in range(3)
            }
            assert covered == set(range(len(needle))) or len(needle) > MOST_TRIGRAMS * SHORTEST


@given(st.text(max_size=300))
def test_a_text_is_brought_into_a_form_that_stays_as_it_is(text: str) -> None:
    one = searched(body(text))

    assert one == one.lower() or any(unicodedata.category(sign) in ("Lo", "Lm", "So") for sign in one)
    assert "  " not in one
    assert one.startswith(" ")


def test_a_long_text_is_cut_and_takes_no_longer_than_its_beginning() -> None:
    assert len(searched(body("x" * 1_000_000))) <= LONGEST_TEXT + 100
    assert len(searched(body("", accounts=["0541234567"] * 100_000))) <= LONGEST_TEXT * 2
