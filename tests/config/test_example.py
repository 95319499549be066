"""The documented example: it can be used as it stands, and it documents every key with its default."""

import re
from pathlib import Path

import certifi
import pytest

from daemon.config import contacts
from daemon.config.load import ConfigError, Loaded, load
from daemon.config.settings import Config
from daemon.senders import ed25519
from tests.config.test_any_input import MODELS
from tests.support.certificates import Authority
from tests.support.config_files import SIGNING
from tests.support.paths import ROOT

EXAMPLE = ROOT / "config.toml"
SETTING = re.compile(r"^(?:#|# e\.g\. )?(?:\[+[a-z_.]*?([a-z_]+)\]+|([a-z_]+) = )", re.MULTILINE)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with everything that the example refers to."""
    for name in ("http-token", "dashboard-token"):
        (tmp_path / name).write_text("5f0c1d2e7b9a48336c1f0a9d8e7b6c5d\n")
    (tmp_path / "main-token").write_text("0773137770:token\n")
    (tmp_path / "crm-secret").write_text(SIGNING + "\n")
    (tmp_path / "smtp-password").write_text("password\n")
    (tmp_path / "filter-ca.pem").write_bytes(Path(certifi.where()).read_bytes())
    (tmp_path / "crm-ca.pem").write_bytes(Path(certifi.where()).read_bytes())
    (tmp_path / "mail-ca.pem").write_bytes(Path(certifi.where()).read_bytes())
    (tmp_path / "mail-templates").mkdir()
    (tmp_path / "notify-url").write_text("ntfy://ntfy.example.org/topic")
    (tmp_path / "heartbeat-url").write_text("https://switch.example.org/ping/1\n")
    (tmp_path / "chat.txt").write_text("content-type: text/plain\n\n{{ values.site }}: {{ text }}\n")
    (tmp_path / "chat-key").write_text("a-key-of-a-chat\n")
    (tmp_path / "contacts.csv").write_text("0541234567,Dana\n")
    (tmp_path / "crm-key").write_text(ed25519.generate() + "\n")
    pem = Authority(tmp_path).issue("yemotd.example.org")
    (tmp_path / "yemotd.pem").write_bytes(pem.read_bytes())
    (tmp_path / "yemotd-client.key").write_bytes(pem.read_bytes())
    (tmp_path / "yemotd-tls.key").write_bytes(pem.read_bytes())
    for path in tmp_path.iterdir():
        path.chmod(0o600)
    return tmp_path


def loaded(directory: Path, text: str) -> Loaded:
    path = directory / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, {"CREDENTIALS_DIRECTORY": str(directory)})


def example() -> str:
    return EXAMPLE.read_text(encoding="utf-8")


def with_defaults(text: str) -> str:
    return re.sub(r"^#(?=[a-z\[])", "", text, flags=re.MULTILINE)


def with_everything(text: str) -> str:
    return re.sub(r"^# e\.g\. ", "", with_defaults(text), flags=re.MULTILINE)


def test_the_example_is_good_and_nothing_is_odd_about_it(directory: Path) -> None:
    assert loaded(directory, example()).warnings == ()


def test_the_example_lacks_only_its_secrets(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load(EXAMPLE, {"CREDENTIALS_DIRECTORY": str(tmp_path)})

    assert [re.sub(r" =.*", "", told) for told in refused.value.faults] == [
        "[http] token_file",
        "[systems] token_credential",
        "[webhooks] secret_file",
        "[smtp] password_credential",
    ]


def test_what_is_shown_as_a_default_is_one(directory: Path) -> None:
    text = example()

    assert with_defaults(text) != text
    assert loaded(directory, with_defaults(text)).config == loaded(directory, text).config


def test_what_may_be_added_is_good(directory: Path) -> None:
    found = loaded(directory, with_everything(example()))

    assert found.warnings == ()
    assert found.config.systems[0].campaign_units_per_day == 50
    assert [token.name for token in found.config.http.tokens] == ["dashboard", "token"]


def test_the_example_names_every_key() -> None:
    documented = {table or key for table, key in SETTING.findall(example())}
    keys = {
        str(field.validation_alias or name) for model in MODELS for name, field in model.model_fields.items()
    }

    assert keys - documented <= {"token", "secret", "password", "signing_key"}
    assert {"token_file", "token_credential", "secret_file", "password_credential"} <= documented
    assert "signing_key_file" in documented


def test_every_setting_of_the_example_has_a_comment() -> None:
    bare = [
        line
        for line in example().splitlines()
        if re.match(r"(#|# e\.g\. )?[a-z_]+ = ", line) and not re.search(r"\s# \S", line.partition("=")[2])
    ]

    # The second threshold repeats what the first one explains.
    assert bare == ['metric = "agents_available"']


def test_the_tables_stand_in_the_order_of_the_models() -> None:
    order = list(dict.fromkeys(re.findall(r"^(?:# e\.g\. )?\[+([a-z]+)", example(), re.MULTILINE)))

    assert order == [one for one in Config.model_fields if one != contacts.FILE]
