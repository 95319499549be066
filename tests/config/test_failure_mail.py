"""Whom `[smtp]` tells that the service has failed, whatever else is wrong with the configuration."""

from pathlib import Path

import pytest

from daemon.config.failure_mail import MOST, recipients, way
from daemon.config.load import ConfigError

SMTP = '[smtp]\nhost = "mail.example.org"\nfrom = "Yemot <alerts@example.org>"\n'
EMAILS = '[[emails]]\nname = "ops"\nto = ["Ops <ops@example.org>", "b@example.org"]\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("named", "mailboxes", "to"),
    [
        ("root", ["Ops <ops@example.org>"], ("ops@example.org",)),
        ("root", ["a@example.org", "A <a@example.org>", "broken"], ("a@example.org",)),
        ("me@example.org", ["ops@example.org"], ("me@example.org",)),
        ("me@example.org, you@example.org", [], ("me@example.org", "you@example.org")),
        ("root", [], ("alerts@example.org",)),
    ],
)
def test_who_is_told(named: str, mailboxes: list[str], to: tuple[str, ...]) -> None:
    assert recipients(named, mailboxes, "Yemot <alerts@example.org>") == to


def test_no_more_than_some_are_told() -> None:
    assert len(recipients("root", [f"u{one}@example.org" for one in range(100)], "a@example.org")) == MOST


def test_what_else_is_wrong_does_not_matter(tmp_path: Path) -> None:
    broken = '[[systems]]\nevry = 5\n[nonsense]\n[[webhooks]]\nsecret_file = "away"\n'
    found = way(written(tmp_path, SMTP + EMAILS + broken), {}, "root")

    assert found.smtp.host == "mail.example.org"
    assert found.to == ("ops@example.org", "b@example.org")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no [smtp]"),
        ("smtp = 5\n", "has no [smtp]"),
        ("[smtp\n", "is not TOML"),
        ('[smtp]\nhost = "mail.example.org"\n', "from"),
        (SMTP + 'username = "x"\npassword_file = "away"\n', "password_file"),
        (SMTP + "emails = 5\n[emails]\n", "emails"),
    ],
)
def test_without_a_way_it_says_why(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        way(written(tmp_path, text), {}, "root")

    assert said in str(raised.value)


@pytest.mark.parametrize(
    "emails", ["emails = 5\n", "emails = [5]\n", "[[emails]]\nto = 5\n", '[[emails]]\nto = "x"\n']
)
def test_emails_that_are_none_leave_who_it_comes_from(tmp_path: Path, emails: str) -> None:
    text = SMTP + emails if emails.startswith("[") else emails + SMTP

    assert way(written(tmp_path, text), {}, "root").to in (("alerts@example.org",), ())
