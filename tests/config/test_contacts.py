"""`[contacts]` and its file: names as they are compared, and every fault with its place, at once."""

import os
from pathlib import Path

import pytest

from daemon.config.load import ConfigError, Loaded, load
from daemon.core.contacts import Source
from daemon.wiring.described import fingerprint, parts
from tests.support.config_files import SYSTEM
from tests.support.hostile import REFUSED

ENVIRON = {"TOKEN": "0773137770:token"}


def loaded(directory: Path, text: str, **files: str) -> Loaded:
    for name, content in files.items():
        (directory / name).write_text(content, encoding="utf-8")
    path = directory / "config.toml"
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return load(path, ENVIRON)


def faults(directory: Path, text: str, **files: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as refused:
        loaded(directory, text, **files)
    return refused.value.faults


def test_without_it_nobody_has_a_name(tmp_path: Path) -> None:
    assert not loaded(tmp_path, SYSTEM).config.contacts.book


@pytest.mark.parametrize(
    "text",
    [
        SYSTEM + '[contacts]\n"054-1234567" = "Dana"\ncontacts_file = "book"\n',
        'contacts_file = "book"\n' + SYSTEM + '[contacts]\n"054-1234567" = "Dana"\n',
    ],
)
def test_the_table_and_its_file_name_numbers_and_the_table_counts(tmp_path: Path, text: str) -> None:
    contacts = loaded(tmp_path, text, book="+972541234567,Rami\n/5,Sales\n").config.contacts

    assert contacts.book.name_of("sms/0541234567") == "Dana"
    assert contacts.book.name_of("queue/5") == "Sales"
    assert contacts.configured.named("0541234567") == (Source.CONFIGURATION, "Dana")
    assert contacts.configured.named("/5") == (Source.FILE, "Sales")


def test_every_fault_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    text = (
        SYSTEM
        + '[contacts]\n"0541234567" = "Dana"\n"+972541234567" = "Rami"\n"/5" = 5\n"/6" = ""\n"" = "x"\n'
        + 'contacts_file = "book"\n'
    )

    assert faults(tmp_path, text, book="0521111111,\n541234567,y\n") == (
        '[contacts] "+972541234567" = \'Rami\': is the number "0541234567", which is called "Dana"',
        '[contacts] "/5" = 5: expected text in quotes',
        "[contacts] \"/6\" = '': must not be empty",
        "[contacts] \"\" = 'x': the number must not be empty",
        "[contacts] contacts_file = 'book': line 1: the name \"\" must not be empty",
        "[contacts] contacts_file = 'book': line 2: the number \"541234567\" has lost its first zero; "
        "write 0541234567",
    )


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_name_is_a_fault_in_which_nothing_is_obeyed(tmp_path: Path, name: str) -> None:
    escaped = "".join(f"\\U{ord(sign):08x}" for sign in name)
    said = faults(tmp_path, SYSTEM + f'[contacts]\n"0541234567" = "{escaped}"\n')

    assert len(said) == 1
    assert said[0].isprintable()
    assert len(said[0]) < 500


def test_one_place_for_the_file_is_enough(tmp_path: Path) -> None:
    text = 'contacts_file = "book"\n' + SYSTEM + '[contacts]\ncontacts_file = "book"\n'

    assert "give one of them" in faults(tmp_path, text, book="0541234567,Dana\n")[0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('contacts_file = "nowhere"', "cannot be read: No such file or directory"),
        ('contacts_file = "."', "is no file"),
        ("contacts_file = 5", "expected the path of a file"),
    ],
)
def test_a_file_that_is_none_is_told(tmp_path: Path, given: str, said: str) -> None:
    assert said in faults(tmp_path, SYSTEM + f"[contacts]\n{given}\n")[0]
    assert said in faults(tmp_path, f"{given}\n{SYSTEM}")[0]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert "is no file" in faults(tmp_path, SYSTEM + '[contacts]\ncontacts_file = "pipe"\n')[0]


def test_a_list_is_no_table(tmp_path: Path) -> None:
    assert "[contacts]" in faults(tmp_path, SYSTEM + '[[contacts]]\n"0541234567" = "Dana"\n')[0]


def test_two_cards_of_one_house_warn(tmp_path: Path) -> None:
    card = "BEGIN:VCARD\nFN:{}\nTEL:031234567\nEND:VCARD\n"
    warnings = loaded(
        tmp_path,
        SYSTEM + '[contacts]\ncontacts_file = "book"\n',
        book=card.format("Dana") + card.format("Rami"),
    ).warnings

    assert sum("keeps it" in one for one in warnings) == 1


def test_a_reload_says_that_names_changed_and_members_need_not_have_one_file(tmp_path: Path) -> None:
    text = SYSTEM + '[contacts]\ncontacts_file = "book"\n'
    before = loaded(tmp_path, text, book="0541234567,Dana\n").config
    after = loaded(tmp_path, text, book="0541234567,Rami\n").config
    other = loaded(tmp_path, text + '"/5" = "Sales"\n').config

    assert parts(before)["settings"]["contacts"] != parts(after)["settings"]["contacts"]
    assert fingerprint(before, b"k") == fingerprint(after, b"k")
    assert fingerprint(before, b"k") != fingerprint(other, b"k")
