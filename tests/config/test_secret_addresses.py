"""The address of a webhook, and its headers, as secrets: where they may stand, and that nobody sees them."""

import json
from html import escape
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.config.load import load
from daemon.config.secrets import held
from daemon.core.differences import difference
from daemon.core.model import Secret
from daemon.core.redaction import redacted, spellings
from daemon.core.webhooks.secret_address import pieces
from daemon.wiring.described import digests, fingerprint, parts
from daemon.wiring.senders import target
from tests.support.config_files import ENVIRON, SMS, SYSTEM, config, faults, loaded, written
from tests.support.examples import examples

URL = "https://hooks.example.org/services/T0001/B0001/XXXXxxxxopensesame?site=north-office"
PLAIN = '[[webhooks]]\nname = "crm"\nsecret_env = "SIGNING"\n'
ALL = SYSTEM + SMS + PLAIN


def given_by(way: str, folder: Path, key: str, value: str) -> tuple[str, dict[str, str]]:
    """The line that says where a value stands, and the environment that it is in."""
    place = folder / "handed"
    place.mkdir(exist_ok=True)
    (place / "there").write_text(value + "\n", encoding="utf-8")
    (place / "there").chmod(0o600)
    lines = {"_file": "handed/there", "_credential": "there", "_env": "THERE"}
    return (
        f'{key}{way} = "{lines[way]}"\n',
        {**ENVIRON, "THERE": value, "CREDENTIALS_DIRECTORY": str(place)},
    )


@pytest.mark.parametrize("way", ["_file", "_credential", "_env"])
def test_an_address_may_come_from_elsewhere_and_is_a_secret_then(tmp_path: Path, way: str) -> None:
    line, environ = given_by(way, tmp_path, "url", URL)
    found = loaded(tmp_path, ALL + line, environ)
    (webhook,) = found.config.webhooks

    assert (webhook.address, target(webhook).url) == (URL, URL)
    assert "opensesame" not in f"{webhook!r} {found.config!r}"
    assert not [one for one in found.warnings if "url" in one]
    hidden = target(webhook).hidden
    for part in (URL, "/services/T0001/B0001/XXXXxxxxopensesame", "XXXXxxxxopensesame", "north-office"):
        assert part in hidden
        assert redacted(f"no such thing: {part}", hidden).count("***") >= 1
    assert "services" not in hidden  # every one of Slack's has this step


@pytest.mark.parametrize("way", ["_file", "_credential", "_env"])
def test_a_header_may_come_from_elsewhere_and_is_a_secret_then(tmp_path: Path, way: str) -> None:
    line, environ = given_by(way, tmp_path, "Authorization", "Basic dTpvcGVuc2VzYW1l")
    lines = 'url = "https://crm.example.org/hook"\n[webhooks.headers]\nX-Site = "office"\nX-Odd_name = "a"\n'
    (webhook,) = loaded(tmp_path, ALL + lines + line, environ).config.webhooks

    assert target(webhook).headers == (
        ("X-Site", "office"),
        ("X-Odd_name", "a"),
        ("Authorization", "Basic dTpvcGVuc2VzYW1l"),
    )
    assert {"Basic dTpvcGVuc2VzYW1l", "dTpvcGVuc2VzYW1l", "opensesame"} <= {*held(webhook)}
    assert {"Basic dTpvcGVuc2VzYW1l", "opensesame"} <= {*target(webhook).hidden}
    assert "dTpvcGVuc2VzYW1l" not in repr(webhook)


def test_what_stands_here_is_a_setting_as_before(tmp_path: Path) -> None:
    (webhook,) = config(tmp_path, ALL + 'url = "https://crm.example.org/hooks/yemot"\n').webhooks

    assert webhook.url == "https://crm.example.org/hooks/yemot"
    assert webhook.credentials() == []


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("", "[webhooks] url is missing: give it, or url_file, url_credential or url_env"),
        ("url = 5", "[webhooks] url: expected text in quotes"),
        ('url = "https://a.example/"\nurl_env = "THERE"', "has url and url_env: give one of them"),
        ('url_env = "NOWHERE"', "url_env = 'NOWHERE': this environment variable is not set"),
        ('url_env = "FTP"', 'url_env = \'FTP\': expected a URL that starts with "https://" or "http://"'),
        ('url_env = "LOGIN"', "url_env = 'LOGIN': must not hold a user name or password"),
        ('url_env = "BLANK"', "url_env = 'BLANK': has a space, a backslash or a sign that is not ASCII"),
        (f'url_file = "{URL}"', "url_file: holds the secret itself; it should say where that stands"),
        (f'url_credential = "{URL}"', "url_credential: holds the secret itself"),
        (
            'url = "https://a.example/"\nheaders = { X_env = "NOWHERE" }',
            "X_env = 'NOWHERE': this environment",
        ),
        ('url = "https://a.example/"\nheaders = { X_env = "LINES" }', "has a NUL, a line break"),
        ('url = "https://a.example/"\nheaders = { X_env = "HEBREW" }', "has a sign that is not ASCII"),
        (
            'url = "https://a.example/"\nheaders = { X_file = "Bearer opensesame" }',
            "X_file: holds the secret",
        ),
        ('url = "https://a.example/"\nheaders = { X_env = "FTP", X = "a" }', '"X" in two ways: give one'),
        (
            'url = "https://a.example/"\nheaders = { "Webhook-Id_env" = "FTP" }',
            '"Webhook-Id" is set by yemotd',
        ),
        (
            'url = "https://a.example/"\nheaders = { X = 5 }',
            "[webhooks.headers] X = 5: expected text in quotes",
        ),
        ('url = "https://a.example/"\naccept_redirect = "https://b.example"', 'must end with a "/"'),
        ('url = "https://a.example/"\naccept_redirect = "http://b.example/"', "expected an https URL"),
        ('url = "https://a.example/"\naccept_redirect = "https://b.example/?a/"', 'must end with a "/"'),
        (
            'url = "https://a.example/"\naccept_redirect = "https://opensesame@b.example/"',
            "must not hold a user",
        ),
        ('url = "https://a.example/"\naccept_redirect = 5', "accept_redirect = 5: expected text in quotes"),
    ],
)
def test_what_cannot_be_is_refused_and_not_shown(tmp_path: Path, lines: str, reason: str) -> None:
    environ = {
        **ENVIRON,
        "FTP": "ftp://x.example/opensesame",
        "LOGIN": "https://opensesame:pw@x.example/",
        "BLANK": "https://x.example/open sesame opensesame",
        "LINES": "opensesame\nX-Other: b",
        "HEBREW": "opensesame-שלום",
    }
    said = "\n".join(faults(tmp_path, ALL + lines + "\n", environ))

    assert reason in said
    assert "opensesame" not in said


@pytest.mark.parametrize(
    ("url", "format_", "told"),
    [
        ('url_env = "FTP"', "standard", "url_env = 'FTP': expected a URL that starts with"),
        ('url_env = "FTP"', "telegram", "url_env = 'FTP': expected a URL that starts with"),
        ('url_env = "FTP"', "ntfy", "url_env = 'FTP': expected a URL that starts with"),
        ('url = "ftp://x.example/opensesame"', "standard", "[webhooks] url: expected a URL that starts with"),
        ('url = "ftp://x.example/opensesame"', "slack", "[webhooks] url: expected a URL that starts with"),
    ],
)
def test_a_scheme_that_its_format_cannot_use_is_told_with_all_other_faults(
    tmp_path: Path, url: str, format_: str, told: str
) -> None:
    more = f'format = "{format_}"\ntimeout = "soon"\nnonsense = 1\n'
    more += '[[emails]]\nname = "ops"\nto = ["nobody"]\n'
    found = faults(tmp_path, f"{ALL}{url}\n{more}", {**ENVIRON, "FTP": "ftp://x.example/opensesame"})

    for one in (told, "timeout", "nonsense", "[emails] to"):
        assert [one in line for line in found].count(True) == 1, found
    assert "opensesame" not in "".join(found)


def test_an_address_in_the_clear_is_warned_of(tmp_path: Path) -> None:
    for url, is_told in (
        ("http://x.example/opensesame", True),
        ("https://x.example/opensesame", False),
        ("http://127.0.0.1:1/opensesame", False),
        ("http://localhost/opensesame", False),
    ):
        for text in (ALL + 'url_env = "THERE"\n', ALL + f'url = "{URL}"\n[heartbeat]\nurl_env = "THERE"\n'):
            warnings = loaded(tmp_path, text, {**ENVIRON, "THERE": url}).warnings
            assert [("goes there unencrypted" in one) for one in warnings].count(True) == is_told
            assert "opensesame" not in "".join(warnings)


def test_a_google_script_without_its_redirect_is_warned_of(tmp_path: Path) -> None:
    line = 'url = "https://script.google.com/macros/s/opensesame/exec"\n'
    wish = 'accept_redirect = "https://script.googleusercontent.com/"\n'
    (said,) = [one for one in loaded(tmp_path, ALL + line).warnings if "Google" in one]
    found = loaded(tmp_path, ALL + line + wish + 'signature = "body"\n')

    assert 'add accept_redirect = "https://script.googleusercontent.com/"' in said
    assert not [one for one in found.warnings if "Google" in one]
    accepted = target(found.config.webhooks[0]).accepts
    assert accepted is not None
    assert accepted.url == "https://script.googleusercontent.com/"


def test_another_secret_at_a_reload_is_a_change_that_is_told_by_name_alone(tmp_path: Path) -> None:
    text = ALL + 'url_env = "THERE"\nheaders = { Authorization_env = "LOGIN" }\n'
    first = {**ENVIRON, "THERE": URL, "LOGIN": "Bearer opensesame"}
    before = loaded(tmp_path, text, first).config
    for changed in ({"THERE": URL + "2"}, {"LOGIN": "Bearer opensesame2"}):
        after = loaded(tmp_path, text, {**first, **changed}).config

        said = difference(parts(before), parts(after)).lines()
        assert ["crm" in one for one in said] == [True]
        assert "opensesame" not in "".join(said)
        # The store knows of no secret, not even whether it is another one; members do, by their key.
        assert digests(parts(before)) == digests(parts(after))
        assert fingerprint(before, b"k" * 32) != fingerprint(after, b"k" * 32)


def test_a_file_that_others_can_read_is_warned_of_once(tmp_path: Path) -> None:
    (tmp_path / "address").write_text(URL)
    (tmp_path / "address").chmod(0o644)
    found = load(written(tmp_path, ALL + 'url_file = "address"\n', mode=0o644), ENVIRON)

    assert len([one for one in found.warnings if "others can read" in one]) == 1
    assert tmp_path / "address" in found.files
    assert isinstance(found.config.webhooks[0].url, Secret)


SEGMENT = st.text("abcXYZ0129-_.~!$&'()*+,;=:@%20", min_size=6, max_size=24).filter(
    lambda one: "%" not in one or (unquote(one) != one and "%" not in one.replace("%20", ""))
)


@settings(max_examples=examples(500))
@given(st.lists(SEGMENT, min_size=1, max_size=4), st.dictionaries(SEGMENT, SEGMENT, max_size=3))
def test_whatever_an_answer_says_back_of_an_address_only_the_host_is_left(
    steps: list[str], query: dict[str, str]
) -> None:
    asked = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query.items())
    url = f"https://hooks.example.org/{'/'.join(steps)}" + (f"?{asked}" if asked else "")
    spelled = spellings(pieces(url))
    beyond = urlsplit(url).path + (f"?{asked}" if asked else "")
    secrets = [*steps, *query.values()]
    for text in (url, beyond, *secrets):
        for said in (text, unquote(text), json.dumps(text), quote(text, safe=""), escape(text)):
            shown = redacted(f"Cannot POST {said} here", spelled)
            for one in secrets:
                for form in (one, unquote(one), quote(one, safe=""), escape(one)):
                    assert form not in shown.replace("***", "\n") or form in "Cannot POST  here"
