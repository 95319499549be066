"""`[[notify]]`: what reaches the sender, and what is refused without showing a token."""

from pathlib import Path

import pytest

from daemon.config.load import load
from daemon.config.secrets import held
from daemon.senders import notify
from daemon.wiring.endpoints import interests, routes
from daemon.wiring.senders import notices
from tests.support.config_files import ENVIRON, SYSTEM, config, faults, written

URL = "ntfy://secrettoken@ntfy.example.org/topic"
NOTIFY = SYSTEM + '[[notify]]\nname = "phone"\nurl_env = "NOTIFY"\n'
HERE = {**ENVIRON, "NOTIFY": URL}


def test_a_service_is_an_endpoint_like_others(tmp_path: Path) -> None:
    loaded = load(written(tmp_path, NOTIFY + 'language = "he"\nafter = "5m"\n'), HERE).config
    notice = notices(loaded)["phone"]

    assert (notice.url.value, notice.language) == (URL, "he")
    assert [one.endpoint for one in interests(loaded)] == list(routes(loaded)) == ["phone"]
    assert routes(loaded)["phone"].max_in_flight == 1
    assert URL in held(loaded)
    assert "secrettoken" not in repr(loaded)


def test_what_apprise_does_not_know_is_refused_and_not_shown(tmp_path: Path) -> None:
    (line,) = faults(tmp_path, NOTIFY, {**ENVIRON, "NOTIFY": "nosuch://secrettoken"})

    assert "is no URL that Apprise knows" in line
    assert "secrettoken" not in line


def test_without_the_extra_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "is_available", lambda: False)
    (line,) = faults(tmp_path, NOTIFY, HERE)

    assert 'pip install "yemotd[apprise]"' in line


def test_no_two_endpoints_have_one_name(tmp_path: Path) -> None:
    lines = faults(tmp_path, NOTIFY + NOTIFY.removeprefix(SYSTEM), HERE)

    assert any("another endpoint has this name" in line for line in lines)


def test_without_any_there_is_none(tmp_path: Path) -> None:
    assert notices(config(tmp_path, SYSTEM)) == {}
