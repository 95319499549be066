"""Heads of mails: whatever text goes in is what two readers that know nothing of each other get out."""

import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from daemon.senders import mail_head
from tests.support import head_witness, mail_heads
from tests.support.examples import examples
from tests.support.head_witness import ADDRESS
from tests.support.paths import ROOT

PIECES = [
    *("שלום", "קוד האימות שלך", "עולם", "hello", "a", "b c", "Dr. Who", "Ops, Team", "x" * 30, "x" * 90),
    *("=?utf-8?b?16k=?=", "=?utf-8?q?a=20b?=", "=?", "?=", "=?x?q?a?=", "=?utf-8?b?????=", "=41", "_", "?"),
    *("😀", "👩\u200d👧", "🇮🇱", "é", "e\u0301", "مرحبا", "привет", "\u200f", "\ufeff", "\u00a0"),
    *(
        " ",
        "  ",
        "\t",
        "\n",
        "\r\n",
        "\r\n ",
        "\r\nBcc: eve@example.org",
        "\r\n\r\n",
        "\0",
        "\x1b[2J",
        "\x85",
    ),
    *("\u2028", "\u202e", "\u2068", "\u2069", "\ud800", '"', "\\", "<", ">", "@", ",", ";", ":", "(", ")"),
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(
    st.characters(codec=None), max_size=80
)
PYTHONS = ("3.11", "3.12", "3.13")


def without_blanks(text: str) -> str:
    return "".join(text.split())


def check(text: str, witnessed: list[object]) -> None:
    """That both readers got it, and nothing that the RFCs forbid was in between."""
    raw, subjects, names, addresses, defects = witnessed
    wanted = mail_head.fit(text)
    name = " ".join(wanted.split())
    fields = mail_heads.unfolded(bytes.fromhex(str(raw)).partition(b"\r\n\r\n")[0])

    assert fields.keys() == {"Subject", "To", "Content-Type", "Content-Transfer-Encoding", "MIME-Version"}
    assert mail_heads.text(fields["Subject"]) == wanted
    assert mail_heads.mailbox(fields["To"]) == (name, ADDRESS)
    assert subjects == [wanted, wanted]
    assert addresses == [ADDRESS, ADDRESS]
    assert defects == []
    # The library's newer reader shows the blank between two encoded words of a name, which means nothing.
    assert isinstance(names, list)
    newer, older = names
    assert (without_blanks(newer), older) == (without_blanks(name), name)
    if fields["To"].count("=?") <= 1:
        assert newer == name


@settings(max_examples=examples(2000))
@given(TEXTS)
@example("=?utf-8?b?16k=?=")
@example("תור מכירות: שיחות ממתינות 7 (הסף 5) · המשרד הראשי בירושלים ובתל אביב")
@example("a" * 200)
def test_every_text_is_read_as_what_can_be_shown_of_it(text: str) -> None:
    check(text, head_witness.witnessed(text))


def programs() -> dict[str, str]:
    """Pythons on this machine, by version; those of pyenv too, whose names in PATH alone start none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders = [*sorted(map(str, pyenv.glob("versions/*/bin"))), os.environ.get("PATH", "")]
    found = {version: shutil.which(f"python{version}", path=os.pathsep.join(folders)) for version in PYTHONS}
    return {version: path for version, path in found.items() if path is not None}


@pytest.mark.slow
@pytest.mark.parametrize("version", PYTHONS)
def test_every_python_writes_the_same_and_reads_it(
    version: str, record_property: Callable[[str, object], None]
) -> None:
    program = programs().get(version)
    if program is None:
        pytest.skip(f"there is no Python {version} on this machine")
    dice = random.Random(version)  # noqa: S311 - the same each time
    texts = ["".join(dice.choices(PIECES, k=dice.randrange(14))) for _ in range(400)]
    done = subprocess.run(
        [program, "-I", "-S", head_witness.__file__, ROOT],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    record_property("says", f"heads of mails were read by Python {version}, {program}")

    for text, witnessed in zip(texts, json.loads(done.stdout), strict=True):
        assert witnessed[0] == head_witness.witnessed(text)[0]
        check(text, witnessed)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("", "ops@example.org"),
        ("Ops Team", "Ops Team <ops@example.org>"),
        ("Dr. Who", '"Dr. Who" <ops@example.org>'),
        ('a "b" \\c', '"a \\"b\\" \\\\c" <ops@example.org>'),
        ("=?x?q?a?=", "=?utf-8?b?PT94P3E/YT89?= <ops@example.org>"),
        ("חנה", "=?utf-8?b?15fXoNeU?= <ops@example.org>"),
    ],
)
def test_a_name_that_needs_no_code_has_none(name: str, written: str) -> None:
    assert mail_head.mailbox("To", name, "ops@example.org") == written


@given(st.lists(st.text(st.sampled_from("abc<>@."), min_size=1, max_size=40), min_size=1, max_size=60))
def test_words_are_folded_where_there_is_room_and_none_is_lost(words: list[str]) -> None:
    lines = f"X-Some: {mail_head.folded('X-Some', words)}".split("\r\n")

    assert "".join(lines).split() == ["X-Some:", *words]
    assert max(map(len, lines)) <= 78


def test_an_address_brings_no_other_header() -> None:
    written = mail_head.mailbox("To", "Ops", "a@b\r\nBcc: eve@example.org")

    assert "\r\n" not in written


def test_a_line_is_full_whatever_its_last_sign_is() -> None:
    written = mail_head.text("Subject", f"{'x' * 40} from {'y' * 14} Bcc: {'z' * 30}")

    assert max(len(line) for line in f"Subject: {written}".split("\r\n")) <= 76
