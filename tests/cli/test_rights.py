"""Who may not read the configuration is told so in one sentence, by every verb that needs it."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from daemon.cli.verbs import VERBS
from daemon.config import load as loading
from tests.cli.conftest import Call
from tests.cli.test_store_trouble import ALL, as_a_stranger, somebody_else
from tests.support.config_files import SYSTEM

pytestmark = [as_a_stranger]
OTHERS = "rehearse config.toml"
"""It reads another file first, which is somebody's own."""
LINES = (
    *(one for one in ALL if one != OTHERS),
    *("check", "check --json", "discover", "verify --endpoint crm --body config.toml"),
)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """As /etc/yemotd is: root's, closed to all others; and a clone's folder, where one stands."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        etc, clone = folder / "etc", folder / "clone"
        etc.mkdir(mode=0o750)
        clone.mkdir(mode=0o755)
        path = etc / "config.toml"
        path.write_text(SYSTEM, encoding="utf-8")
        path.chmod(0o640)
        monkeypatch.chdir(clone)
        yield path
        monkeypatch.undo()


@pytest.mark.parametrize("line", LINES)
def test_without_sudo_it_is_one_sentence_and_77(
    call: Call, place: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setenv("YEMOTD_CONFIG", str(place))
    with somebody_else():
        code, out, said = call(*line.split())

    assert (code, out, said.count("\n")) == (os.EX_NOPERM, "", 1), said
    assert f"{place} cannot be read by " in said
    assert f"sudo yemotd {line.split(maxsplit=1)[0]}" in said


def test_a_folder_that_hides_it_is_no_traceback(
    call: Call, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody says which, it is the one that cannot be seen."""
    monkeypatch.setattr(loading.find, "__kwdefaults__", {"places": (Path("config.toml"), place)})
    with somebody_else():
        code, _, said = call("status")

    assert (code, said.count("\n")) == (os.EX_NOPERM, 1), said
    assert str(place) in said


def test_the_daemon_ends_with_78_as_systemd_does_not_try_that_again(
    call: Call, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.parent.chmod(0o755)
    place.chmod(0o600)
    with somebody_else():
        code, _, said = call("run", "--config", str(place))

    assert (code, said.count("\n")) == (os.EX_CONFIG, 1), said
    assert "cannot be read by" in said


def test_every_verb_that_reads_it_is_here() -> None:
    without = {"run", "demo", "init", "simulate", OTHERS.split(maxsplit=1)[0]}
    assert {line.split()[0] for line in LINES} | without == set(VERBS)
