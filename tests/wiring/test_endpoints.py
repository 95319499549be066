"""Every kind of endpoint that can be configured is told, routed, sent to, checked and shown."""

from pathlib import Path

import pytest

from daemon.config.load import ConfigError, load
from daemon.config.settings import ENDPOINT_TABLES, Config
from daemon.core.wishes import Wishes
from daemon.schemas.checks import Check
from daemon.wiring.endpoints import interests, routes
from daemon.wiring.senders import Outgoing

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHERS = {
    "systems": '[[systems]]\nname = "main"\ntoken_env = "TOKEN"\nsms_units_per_day = 5\n[systems.sip]\n',
    "smtp": '[smtp]\nhost = "mail.example.org"\nfrom = "y@example.org"\n',
}
KINDS = {
    "webhooks": f'url = "https://crm.example.org/"\nsecret = "{SECRET}"\n',
    "emails": 'to = ["anna@example.org"]\n',
    "notify": 'url = "ntfys://ntfy.sh/topic"\n',
    "texts": 'system = "main"\nto = ["0501234567"]\nevents = ["sip.*"]\n',
}
"""What each kind needs beside its name."""


def loaded(tmp_path: Path, *names: tuple[str, str], more: str = "") -> Config:
    """A configuration with these endpoints: kinds and names; `more` stands in each."""
    path = tmp_path / "config.toml"
    tables = [f'[[{kind}]]\nname = "{name}"\n{more}{KINDS[kind]}' for kind, name in names]
    path.write_text("\n".join([*OTHERS.values(), *tables]))
    path.chmod(0o600)
    return load(path, {"TOKEN": "0773137770:pass"}).config


def one_of_each(tmp_path: Path, prefix: str = "") -> Config:
    return loaded(tmp_path, *((kind, f"{prefix}{kind}") for kind in KINDS))


def test_every_kind_is_tried_here_and_shown_by_check() -> None:
    assert KINDS.keys() == set(ENDPOINT_TABLES)
    assert set(ENDPOINT_TABLES) <= Check.model_fields.keys()


def test_each_is_told_routed_and_sent_to_also_after_a_reload(tmp_path: Path) -> None:
    outgoing = Outgoing(one_of_each(tmp_path))
    for prefix in ("", "new-"):
        config = one_of_each(tmp_path, prefix)
        outgoing.prepared(config, Wishes())()
        told = {one.endpoint for one in interests(config)}

        assert {name.partition("/")[0] for name in told} == {f"{prefix}{kind}" for kind in KINDS}
        assert routes(config).keys() == outgoing.senders.by_endpoint.keys() == told
        assert len(set(map(id, outgoing.senders.by_endpoint.values()))) == len(KINDS)
    outgoing.senders.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_that_is_taken_or_reserved_is_a_fault_whatever_the_kind(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ConfigError, match="another endpoint has this name"):
        loaded(tmp_path, ("webhooks", "twin"), (kind, "twin"))
    with pytest.raises(ConfigError, match="stands for the mail server"):
        loaded(tmp_path, (kind, "smtp"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_system_that_is_not_there_is_a_fault_whatever_the_kind(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ConfigError, match="nosuch"):
        loaded(tmp_path, (kind, "one"), more='systems = ["nosuch"]\n')
