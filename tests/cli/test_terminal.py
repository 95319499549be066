"""Questions at a terminal: whatever is typed is taken or refused in words, and lines fit."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.cli import init_endpoints, init_files, init_system, terminal
from daemon.config import answers
from daemon.config.secrets import check_token
from daemon.config.values import HeaderText, Host, Mailbox, Text, Url, Word
from tests.support.examples import examples

READERS: dict[str, Callable[[str], object]] = {
    "place": lambda text: init_files.places(Path(text)),
    "token": terminal.secret(check_token),
    "name": answers.reader(answers.ShortName),
    "endpoint": answers.reader(answers.EndpointName),
    "url": answers.reader(Url),
    "host": answers.reader(Host),
    "mailbox": answers.reader(Mailbox),
    "text": answers.reader(Text),
    "path": answers.reader(Word),
    "switch": answers.reader(HeaderText),
    "city": answers.reader(answers.Place),
    "base": answers.reader(answers.SafeBaseUrl),
    "listen": answers.reader(answers.OwnListen),
    "number": answers.number,
    "duration": answers.duration,
    "events": answers.patterns,
    "readers": answers.mailboxes,
    "ca": init_system._ca_file,
    "hours": init_endpoints._hours,
    "port": init_endpoints._port,
    "password": init_endpoints._password,
    "http token": init_endpoints._http_token,
    "security": lambda text: init_endpoints._security(text, "mail.example.org"),
}
odd = st.sampled_from(
    [
        "~nobody-has-this/x",
        "\0",
        "a" * 5000,
        "1e999",
        "nan",
        "٣",
        "-1",
        "99999999999d",
        "24:00-00:00",
        "~",
        "",
        " ",
    ]
)
typed = st.one_of(odd, st.text(st.characters(blacklist_categories=["Cs"]), max_size=60))


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=examples(200))
@given(text=typed)
def test_whatever_is_typed_is_taken_or_refused_in_words(name: str, text: str) -> None:
    try:
        READERS[name](text)
    except ValueError as error:
        assert str(error).strip()
        assert "pydantic" not in str(error)


@settings(max_examples=examples(100))
@given(text=st.text("ab /-מכ ", max_size=200), columns=st.integers(1, 200))
def test_lines_fit_and_nothing_is_lost(text: str, columns: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("COLUMNS", str(columns))
        lines = terminal.wrapped(text)

    width = max(terminal.NARROWEST, min(columns - 1, terminal.WIDEST))
    indent = len(text) - len(text.lstrip(" "))
    longest = max((len(word) for word in text.split()), default=0)
    assert all(len(line) <= max(width, indent + longest) for line in lines)
    assert " ".join(" ".join(lines).split()) == " ".join(text.split())


@pytest.mark.parametrize(
    ("text", "shown"), [("sales", "sales"), ("מכירות", "מכירות\u200e"), ("مبيعات", "مبيعات\u200e"), ("", "")]
)
def test_what_is_right_to_left_ends_with_its_own_end(text: str, shown: str) -> None:
    assert terminal.plain(text) == shown
