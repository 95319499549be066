"""Files of contacts: what spreadsheets and address books write, and every fault with its line and value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core import contact_files, contacts
from daemon.core.contact_files import parsed
from daemon.core.contacts import MOST_FAULTS, key, unfit, unfit_number
from tests.support.hostile import REFUSED

DANA = {"0541234567": "Dana"}
CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\n{}\r\nEND:VCARD\r\n"


@pytest.mark.parametrize(
    "text",
    [
        "0541234567,Dana",
        "0541234567;Dana\r\n",
        "+972 54-123-4567\tDana\n\n",
        'number,name\n"054-1234567","Dana"\n',
        "שם;טלפון;עיר\nDana;0541234567;חיפה\n",
        "\ufeffPhone,Name\n0541234567,Dana\n",
        "Name,Phone\rDana,0541234567\r",
        "  0541234567 ,  Dana  \n",
        "0541234567,Dana\n054-123-45-67,Dana\n",
    ],
)
def test_a_sheet_is_read_as_it_was_saved(text: str) -> None:
    taken = parsed(text.encode())

    assert taken.said() == []
    assert taken.names == DANA


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("FN:Dana\r\nTEL;TYPE=CELL:054-1234567", DANA),
        ("FN:Dana\r\nN:Levi;Dana;;;\r\nitem1.TEL:+972541234567", DANA),
        ("N:Levi;Dana;;;\r\nTEL:0541234567", {"0541234567": "Dana Levi"}),
        ("ORG:Acme;Sales\r\nTEL:0541234567", {"0541234567": "Acme"}),
        ("FN:Da\r\n na\r\nTEL:0541234567", DANA),
        (
            "FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D7=93=D7=A0=\r\n=D7=94\r\nTEL:0541234567",
            {"0541234567": "דנה"},
        ),
        ("FN:Levi\\, Dana\r\nTEL;VALUE=uri:tel:+972-54-123-4567;ext=5", {"0541234567": "Levi, Dana"}),
        ('FN:Dana\r\nTEL;TYPE="a:b":0541234567\r\nTEL:0521111111', {**DANA, "0521111111": "Dana"}),
        ("FN:Dana\r\nPHOTO;ENCODING=b:" + "A" * 9000 + "\r\n " + "B" * 9000 + "\r\nTEL:0541234567", DANA),
        ("FN:Nobody can be called", {}),
        ("TEL:\r\nFN:", {}),
    ],
)
def test_a_card_is_read_as_address_books_write_it(body: str, names: dict[str, str]) -> None:
    taken = parsed(CARD.format(body).encode())

    assert taken.said() == []
    assert taken.names == names


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0541234567,Dana\n,Rami", 'line 2: the number "" must not be empty'),
        ("0541234567,", 'line 1: the name "" must not be empty'),
        (
            "0541234567,0521111111",
            'line 1: the name "0521111111" is a number itself, and would be taken for one',
        ),
        ("541234567,Dana", 'line 1: the number "541234567" has lost its first zero; write 0541234567'),
        ("0541234567", 'line 1: "0541234567": expected a number and a name, and a comma between'),
        (
            "a,b,c",
            "line 1: has 3 columns; without a first line that names them, expected two, the number and "
            "the name",
        ),
        (
            "0541234567,Dana\n+972541234567,Rami",
            'line 2: the number "+972541234567" of "Rami": "Dana" has this number already (line 1)',
        ),
        ("0541234567,Da\x1bna", 'line 1: the name "Da\\x1bna" has U+001B (a control character) in it'),
        (CARD.format("TEL:0541234567"), 'line 3: the number "0541234567": its card has no name (FN)'),
        ("BEGIN:VCARD\nFN:Dana", "line 1: a card begins here that does not end"),
        (
            CARD.format("FN;CHARSET=klingon;ENCODING=QUOTED-PRINTABLE:=D7\r\nTEL:054"),
            "line 3: cannot be read as its CHARSET or ENCODING says",
        ),
    ],
)
def test_a_fault_names_its_line_and_its_value(text: str, said: str) -> None:
    assert said in parsed(text.encode()).said()


def test_all_faults_are_told_at_once() -> None:
    taken = parsed(b"0541234567,\n,Dana\n\n0521111111,Rami\nx")

    assert [one.partition(":")[0] for one in taken.said()] == ["line 1", "line 2", "line 5"]


def test_of_very_many_faults_some_are_told_and_the_rest_is_counted() -> None:
    said = parsed(b"0541234567,\n" * 5000).said()

    assert len(said) == MOST_FAULTS + 1
    assert said[-1] == f"and {5000 - MOST_FAULTS} more faults"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            "0541234567,דנה".encode("cp1255"),
            'line 1 is not UTF-8 text; a spreadsheet saves it as "CSV UTF-8"',
        ),
        (
            "0541234567,דנה".encode("utf-16"),
            'line 1 is not UTF-8 text; a spreadsheet saves it as "CSV UTF-8"',
        ),
        (b"PK\x03\x04 and more", 'is the workbook of a spreadsheet; save it as "CSV UTF-8"'),
    ],
)
def test_another_kind_of_file_is_called_by_its_kind(data: bytes, said: str) -> None:
    assert parsed(data).said() == [said]


def test_of_two_cards_with_one_number_the_first_keeps_it() -> None:
    text = CARD.format("FN:Dana\r\nTEL:031234567") + CARD.format("FN:Rami\r\nTEL:+97231234567")
    taken = parsed(text.encode())

    assert taken.names == {"031234567": "Dana"}
    assert taken.said() == []
    assert len(taken.warnings) == 1
    assert "keeps it" in taken.warnings[0]


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_name_is_a_fault_in_which_nothing_is_obeyed(name: str) -> None:
    quoted = name.replace('"', '""')
    (said,) = parsed(f'0541234567,"{quoted}"'.encode()).said()

    assert said.isprintable()
    assert len(said) < 600


def test_a_file_that_is_too_large_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_files, "MOST_BYTES", 100)

    assert parsed(b"0541234567,Dana\n" * 7) == parsed(b"x" * 101)
    assert "is larger than" in parsed(b"x" * 101).said()[0]


def test_more_contacts_than_may_be_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contacts, "MOST", 3)
    taken = parsed("".join(f"05412345{number:02},N{number}\n" for number in range(5)).encode())

    assert taken.said() == ["holds more than 3 contacts, which is the most that is taken"]
    assert len(taken.names) == 3


@given(
    st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda one: one.encode("utf-8", "replace")))
)
def test_whatever_a_file_holds_what_is_taken_is_fit_and_the_rest_is_told(data: bytes) -> None:
    for one in (data, b"BEGIN:VCARD\n" + data, b"number,name\n" + data):
        taken = parsed(one)
        for number, name in taken.names.items():
            assert unfit_number(number) is None
            assert unfit(name) is None
            assert key(number) == number
        assert all(said.isprintable() for said in (*taken.said(), *taken.warnings))
