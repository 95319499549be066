"""`[heartbeat]`: where signs of life go, which is a secret."""

from pathlib import Path

from daemon.config.load import load
from daemon.config.secrets import held
from tests.support.config_files import ENVIRON, SYSTEM, config, faults, written

URL = "https://switch.example.org/ping/1234-5678"
HEARTBEAT = SYSTEM + '[heartbeat]\nurl_env = "SWITCH"\n'


def test_its_address_is_kept_from_every_log(tmp_path: Path) -> None:
    loaded = load(written(tmp_path, HEARTBEAT), {**ENVIRON, "SWITCH": URL}).config

    assert loaded.heartbeat
    assert (loaded.heartbeat.url.value, loaded.heartbeat.every.total_seconds()) == (URL, 60)
    assert URL in held(loaded)
    assert "1234" not in repr(loaded)


def test_what_is_no_address_is_refused_and_not_shown(tmp_path: Path) -> None:
    (line,) = faults(tmp_path, HEARTBEAT, {**ENVIRON, "SWITCH": "switch.example.org/ping/1234"})

    assert "[heartbeat] url_env" in line
    assert "expected a URL that starts with" in line
    assert "1234" not in line


def test_a_heartbeat_without_an_address_is_none(tmp_path: Path) -> None:
    (line,) = faults(tmp_path, SYSTEM + '[heartbeat]\nevery = "1m"\n', ENVIRON)
    assert "[heartbeat] url" in line


def test_without_any_there_is_none(tmp_path: Path) -> None:
    assert config(tmp_path, SYSTEM).heartbeat is None
