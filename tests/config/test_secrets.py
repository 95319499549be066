"""Secrets: four ways to give one, what is refused, and that none is ever shown."""

import base64
import codecs
import os
from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from daemon.config.load import ConfigError, load
from daemon.config.reading import secrets_of
from daemon.config.secrets import AnySecret, Token, held
from daemon.config.values import Settings
from daemon.core.model import Secret
from daemon.senders import ed25519
from tests.support.config_files import (
    ENVIRON,
    QUIET,
    SIGNING,
    SMS,
    SYSTEM,
    WEBHOOK,
    config,
    faults,
    loaded,
    written,
)

TOKEN = "0773137770:hunter2"
BARE = QUIET + '[[systems]]\nname = "main"\n'


def with_token(given_as: str) -> str:
    return f"{BARE}{given_as}\n{SMS}"


def signing(count: int) -> str:
    return "whsec_" + base64.b64encode(bytes(count)).decode()


def with_secret(given_as: str) -> str:
    return SYSTEM + WEBHOOK.replace('secret_env = "SIGNING"', given_as)


@pytest.mark.parametrize("content", [TOKEN, TOKEN + "\n", TOKEN + "\r\n"])
def test_a_file_gives_its_content_without_the_newline(tmp_path: Path, content: str) -> None:
    (tmp_path / "token").write_bytes(content.encode())

    assert config(tmp_path, with_token('token_file = "token"')).systems[0].token == Secret(TOKEN)


def test_a_file_is_looked_for_beside_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "token").write_text(TOKEN)
    monkeypatch.chdir("/")

    assert config(tmp_path, with_token('token_file = "secrets/token"')).systems[0].token == Secret(TOKEN)


def test_a_credential_is_a_file_in_the_credentials_directory(tmp_path: Path) -> None:
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "main").write_text(TOKEN)
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}

    found = loaded(tmp_path, with_token('token_credential = "main"'), environ)

    assert found.config.systems[0].token == Secret(TOKEN)


def test_a_credential_out_of_a_folder_needs_no_longer_name(tmp_path: Path) -> None:
    """systemd puts the name of the folder's credential in front; one that is given by itself goes before."""
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    (tmp_path / "yemotd_main").write_text("of the folder")
    of_folder = loaded(tmp_path, with_token('token_credential = "main"'), environ)
    (tmp_path / "main").write_text("by itself")
    by_itself = loaded(tmp_path, with_token('token_credential = "main"'), environ)

    assert of_folder.config.systems[0].token == Secret("of the folder")
    assert by_itself.config.systems[0].token == Secret("by itself")


def test_a_variable_gives_its_value(tmp_path: Path) -> None:
    found = loaded(tmp_path, with_token('token_env = "MAIN"'), {"MAIN": TOKEN})

    assert found.config.systems[0].token == Secret(TOKEN)


def test_a_secret_may_stand_in_the_file(tmp_path: Path) -> None:
    assert config(tmp_path, with_token(f'token = "{TOKEN}"')).systems[0].token == Secret(TOKEN)


@pytest.mark.parametrize(
    ("given_as", "told"),
    [
        ("", "[systems] token is missing: give token_file, token_credential or token_env"),
        ('token = "a"\ntoken_env = "B"', "[systems] has token and token_env: give one of them"),
        ('token = ""', "[systems] token: is empty"),
        ('token = "  "', "[systems] token: is empty"),
        ("token = 5", "[systems] token: expected text in quotes"),
        ('token = ["a"]', "[systems] token: expected text in quotes"),
        ('token = {value = "a"}', "[systems] token: expected text in quotes"),
        (
            'token = "a\\u0000b"',
            "[systems] token: has a NUL, a line break or another control character in it",
        ),
        ('token = "a\\nb"', "[systems] token: has a NUL, a line break or another control character in it"),
        ('token = "\u200fa"', "[systems] token: has U+200F (RIGHT-TO-LEFT MARK) in it, which nobody sees"),
        ('token = " a"', "[systems] token: begins or ends with a blank"),
        ('token_file = ""', "[systems] token_file = '': expected the path of a file"),
        ('token_file = "."', "[systems] token_file = '.': is a folder; give the name of a file in it"),
        ('token_file = "pipe"', "[systems] token_file = 'pipe': is a pipe, a device or a socket; a secret"),
        ('token_file = "/dev/null"', "[systems] token_file = '/dev/null': is a pipe, a device or a socket"),
        ('token_file = "long"', "[systems] token_file = 'long': is too large a file for a secret"),
        ('token_file = "empty"', "[systems] token_file = 'empty': is empty"),
        ('token_file = "lines"', "[systems] token_file = 'lines': has a NUL, a line break or another"),
        ('token_file = "binary"', "[systems] token_file = 'binary': is not UTF-8 text"),
        ('token_file = "/dev/zero"', "[systems] token_file = '/dev/zero': is a pipe, a device or a socket"),
        ('token_credential = "main"', "$CREDENTIALS_DIRECTORY is not set"),
        ('token_credential = "../main"', "expected the name of a credential, without slashes"),
        ('token_env = "EMPTY"', "[systems] token_env = 'EMPTY': this environment variable is not set"),
        (f'token_file = "{TOKEN}"', "[systems] token_file: holds the secret itself"),
        (f'token_env = "{TOKEN}"', "[systems] token_env: holds the secret itself"),
    ],
)
def test_what_gives_no_secret_is_refused(tmp_path: Path, given_as: str, told: str) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff")
    (tmp_path / "lines").write_text("a\n\n")
    (tmp_path / "long").write_text("a" * (64 * 1024 + 1))
    os.mkfifo(tmp_path / "pipe")

    (only,) = faults(tmp_path, with_token(given_as), {"EMPTY": ""})

    assert told in only


class Inner(Settings):
    key: AnySecret


class Outer(Settings):
    """A model with a secret at every place where one may have one."""

    plain: str = ""
    one: AnySecret
    checked: Token = Field(validation_alias="token")
    many: tuple[AnySecret, ...]
    more: tuple[Token, ...] | None = None
    perhaps: AnySecret | None = None
    never: Annotated[Token | None, Field(validate_default=True)] = None
    inner: Inner
    inners: tuple[Inner, ...]
    nobody: Inner | None = None


def test_secrets_are_found_wherever_a_model_has_them() -> None:
    def inner(value: str) -> Inner:
        return Inner(key=Secret(value))

    outer = Outer(
        one=Secret("1"),
        checked=Secret("2"),
        many=(Secret("3"), Secret("4")),
        more=(Secret("5"),),
        perhaps=Secret("6"),
        inner=inner("7"),
        inners=(inner("8"), inner("9")),
    )

    assert held(outer) == list("123456789")


def test_a_key_holds_a_secret_where_its_model_says_so() -> None:
    found = {one.key: one for one in secrets_of(Outer)}

    assert list(found) == ["one", "token", "many", "more", "perhaps", "never"]
    assert [key for key, one in found.items() if one.is_required] == ["one", "token", "many"]
    assert [key for key, one in found.items() if one.is_list] == ["many", "more"]
    for key in ("token", "more", "never"):
        with pytest.raises(ValueError, match="not ASCII"):
            found[key].kind.check("סוד")
    for key in ("one", "many", "perhaps"):
        found[key].kind.check("סוד")


def test_every_secret_of_a_configuration_is_kept_from_the_log(tmp_path: Path) -> None:
    key = ed25519.generate()
    text = SYSTEM.replace('token_env = "TOKEN"', 'token = "secret-1"')
    text = f"""
[http]
token = "secret-2"
[[http.tokens]]
name = "page"
token = "secret-3"
[heartbeat]
url = "https://example.org/secret-4"
{text}
[[webhooks]]
name = "crm"
url = "https://crm.example.org/hook"
secret = ["{SIGNING}", "{signing(24)}"]
signing_key = "{key}"
[smtp]
host = "mail.example.org"
from = "ops@example.org"
username = "ops"
password = "secret-5"
[[notify]]
name = "phone"
url = "ntfy://secret-6@ntfy.example.org/topic"
"""

    secrets = held(config(tmp_path, text))

    assert len(secrets) == 9
    assert {SIGNING, signing(24), key} < set(secrets)
    assert all(any(f"secret-{number}" in one for one in secrets) for number in range(1, 7))


def test_the_single_token_of_the_http_side_may_do_everything(tmp_path: Path) -> None:
    more = '[[http.tokens]]\nname = "page"\ntoken = "two"\n'
    tokens = config(tmp_path, '[http]\ntoken = "one"\n' + more + SYSTEM).http.tokens

    assert [(one.name, one.token.value, one.scopes) for one in tokens] == [
        ("page", "two", ("read",)),
        ("token", "one", ("admin",)),
    ]


def test_a_name_of_a_token_is_taken_by_the_single_one(tmp_path: Path) -> None:
    more = '[[http.tokens]]\nname = "token"\ntoken = "two"\n'

    assert faults(tmp_path, '[http]\ntoken = "one"\n' + more + SYSTEM) == (
        "[http.tokens] name = 'token': another token has this name",
    )


@pytest.mark.parametrize("count", [24, 64])
def test_a_signing_secret_has_24_to_64_bytes(tmp_path: Path, count: int) -> None:
    text = with_secret(f'secret = "{signing(count)}"')

    assert config(tmp_path, text).webhooks[0].secrets == (Secret(signing(count)),)


def test_a_list_of_secrets_or_of_files_is_a_rotation(tmp_path: Path) -> None:
    (tmp_path / "old").write_text(SIGNING)
    (tmp_path / "new").write_text(signing(24) + "\n")

    by_file = config(tmp_path, with_secret('secret_file = ["new", "old"]')).webhooks[0].secrets
    inline = config(tmp_path, with_secret(f'secret = ["{signing(24)}", "{SIGNING}"]')).webhooks[0].secrets

    assert by_file == inline == (Secret(signing(24)), Secret(SIGNING))


@pytest.mark.parametrize(
    ("given_as", "told"),
    [
        ('secret = "hunter2"', "[webhooks] secret: expected whsec_ and base64"),
        ('secret = "whpk_aaaa"', "[webhooks] secret: is a key for asymmetric signatures"),
        ('secret = "whsk_aaaa"', "[webhooks] secret: is a key for asymmetric signatures"),
        ('secret = "whsec_a*a"', "[webhooks] secret: expected base64 after whsec_"),
        (f'secret = "{signing(23)}"', "expected 24 to 64 bytes in base64 after whsec_, found 23"),
        (f'secret = "{signing(65)}"', "expected 24 to 64 bytes in base64 after whsec_, found 65"),
        ("secret = []", "[webhooks] secret: must not be empty"),
        (f'secret = ["{SIGNING}", 5]', "[webhooks] secret, entry 2: expected text in quotes"),
        ('secret_file = ["none"]', "cannot be read: No such file or directory"),
        (f'secret_file = "{SIGNING}"', "[webhooks] secret_file: holds the secret itself"),
    ],
)
def test_what_cannot_sign_is_refused(tmp_path: Path, given_as: str, told: str) -> None:
    (only,) = faults(tmp_path, with_secret(given_as))

    assert told in only


def test_a_file_may_be_called_like_a_secret(tmp_path: Path) -> None:
    (tmp_path / "whsec_crm").write_text(SIGNING)

    assert config(tmp_path, with_secret('secret_file = "whsec_crm"')).webhooks[0].secrets == (
        Secret(SIGNING),
    )


def test_a_configuration_shows_no_secret(tmp_path: Path) -> None:
    text = '[daemon]\ndatabase = "postgresql+psycopg://yemotd:hunter2@db/yemotd"\n' + with_token(
        f'token = "{TOKEN}"'
    ).replace(QUIET, "")
    found = loaded(tmp_path, text + WEBHOOK.replace('_env = "SIGNING"', f' = "{SIGNING}"'))

    assert found.config.systems[0].token.value == TOKEN
    for shown in (repr(found), str(found.config)):
        assert "hunter2" not in shown
        assert SIGNING not in shown


MARK = "hunter2"
PLACES = [
    "token",
    "token_env",
    "name",
    "base_url",
    "fallback_url",
    "switch_id",
    "ca_file",
    "tokn",
    "deadline",
]
SHAPES = ["0773137770:{}", "whsec_{}", "https://u:{}@host/", "whpk_{}", "yk_live_{}"]


@given(st.sampled_from(PLACES), st.sampled_from(SHAPES), st.sampled_from(['"{}"', '["{}"]', '{{a = "{}"}}']))
def test_a_secret_in_the_wrong_place_is_not_shown(
    tmp_path_factory: pytest.TempPathFactory, place: str, shape: str, toml: str
) -> None:
    text = f"[[systems]]\n{place} = {toml.format(shape.format(MARK))}\nevery = 5\n"
    path = written(tmp_path_factory.getbasetemp(), text)

    with pytest.raises(ConfigError) as refused:
        load(path, {})

    assert MARK not in str(refused.value)


SPOILT = st.tuples(
    st.sampled_from([b"", codecs.BOM_UTF8]), st.text(" ", max_size=3), st.text(" ", max_size=3)
)
END = st.sampled_from(["", "\n", "\r\n"])


@given(SPOILT, END)
def test_what_editors_leave_around_a_token_is_no_part_of_it(
    tmp_path_factory: pytest.TempPathFactory, spoilt: tuple[bytes, str, str], end: str
) -> None:
    folder = tmp_path_factory.mktemp("secrets")
    mark, before, after = spoilt
    (folder / "token").write_bytes(mark + f"{before}{TOKEN}{after}{end}".encode())
    (folder / "signing").write_bytes(mark + f"{before}{SIGNING}{after}{end}".encode())
    text = '[http]\ntoken_file = "token"\n' + with_token('token_file = "token"').replace(QUIET, "")
    found = config(folder, text + WEBHOOK.replace('_env = "SIGNING"', '_file = "signing"'))

    assert found.http.token == found.systems[0].token == Secret(TOKEN)
    assert found.webhooks[0].secrets == (Secret(SIGNING),)


@given(SPOILT, END)
def test_of_a_password_a_blank_may_be_a_part_and_that_is_said(
    tmp_path_factory: pytest.TempPathFactory, spoilt: tuple[bytes, str, str], end: str
) -> None:
    folder = tmp_path_factory.mktemp("secrets")
    mark, before, after = spoilt
    (folder / "password").write_bytes(mark + f"{before}two words{after}{end}".encode())
    (folder / "password").chmod(0o600)
    smtp = '[smtp]\nhost = "mail.example.org"\nfrom = "a@b.c"\nusername = "u"\npassword_file = "password"\n'
    found = loaded(folder, QUIET + SYSTEM + SMS + smtp)

    assert found.config.smtp is not None
    assert found.config.smtp.password == Secret(f"{before}two words{after}")
    said = "[smtp] password_file = 'password': begins or ends with a blank, which counts"
    assert (said in found.warnings) == bool(before or after)


def test_a_credential_that_systemd_did_not_hand_over_is_told_to_come_at_the_start(tmp_path: Path) -> None:
    """It hands over a copy, once; elsewhere there is nothing to be restarted."""
    text = with_token('token_credential = "new-token"')
    said = []
    for folder in ("/run/credentials/yemotd.service", "/etc/yemotd/credentials"):
        with pytest.raises(ConfigError) as raised:
            load(written(tmp_path, text), {**ENVIRON, "CREDENTIALS_DIRECTORY": folder})
        said.append(str(raised.value))

    assert "handed over when the service starts, not at a reload" in said[0]
    assert "`systemctl restart yemotd`" in said[0]
    assert "handed over" not in said[1]
