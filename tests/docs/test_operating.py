"""What `docs/operating.md` says: its drop-ins are understood, its figures are the unit's."""

import re
import subprocess
from pathlib import Path

import pytest

from daemon.cli.db_copy import EVERY
from daemon.config.reading import secrets_of
from daemon.store.copy_ends import LEFT_OUT
from tests.docs.test_docs import blocks
from tests.support.config_files import ENVIRON, QUIET, SYSTEM, loaded, tables
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
SERVICE = (ROOT / "systemd" / "yemotd.service").read_text(encoding="utf-8")
NEWER = "RestartSteps="
"""What this systemd may not know, and the page says so."""
SYMPTOMS = re.findall(r"`status=(\d+)/([A-Z]+)`", PAGE)


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("settings", [one for one in blocks(PAGE, "ini") if NEWER not in one])
def test_a_unit_or_drop_in_of_the_page_is_understood_by_systemd(settings: str, tmp_path: Path) -> None:
    service = "[Service]\nType=oneshot\nExecStart=/bin/true\n"
    kind = "timer" if "[Timer]" in settings else "service"
    (tmp_path / "yemotd-page.service").write_text(service)
    unit = settings if "ExecStart=" in settings or kind == "timer" else settings + service
    (tmp_path / f"yemotd-page.{kind}").write_text(unit)
    verified = subprocess.run(
        ["systemd-analyze", "verify", f"./yemotd-page.{kind}"],  # noqa: S607
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (verified.returncode, verified.stderr) == (0, "")


@pytest.mark.parametrize("settings", blocks(PAGE, "toml"))
def test_a_configuration_of_the_page_is_one(settings: str, tmp_path: Path) -> None:
    for name in ("heartbeat-url", "main-token"):
        (tmp_path / name).write_text("https://example.org/0123456789abcdef")
    loaded(tmp_path, settings + QUIET + SYSTEM, {**ENVIRON, "CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_the_change_of_every_secret_is_on_the_page() -> None:
    table = PAGE.partition("## Secrets")[2].partition("\n## ")[0]
    for model in tables():
        for held in secrets_of(model):
            assert f"\n| `{held.key}` of " in table, (model, held.key)

    assert all(f"`{place}`" in table for place in ("[smtp]", "[heartbeat]", "[[notify]]", "[[http.tokens]]"))


def test_the_figures_of_the_unit_are_those_of_the_page() -> None:
    told = {
        "RestartSec=5s": "after 5 seconds",
        "MemoryMax=1G": "`MemoryMax=1G`",
        "TimeoutStartSec=15min": "(15)",
    }

    for setting, words in told.items():
        assert setting in SERVICE
        assert words in PAGE


def test_the_exit_codes_of_the_page_are_ours_or_systemd_s() -> None:
    assert dict(SYMPTOMS) == {
        "78": "CONFIG",
        "64": "USAGE",
        "74": "IOERR",
        "69": "UNAVAILABLE",
        "70": "SOFTWARE",
        "1": "FAILURE",
        "243": "CREDENTIALS",
        "203": "EXEC",
    }


def test_what_the_page_says_of_a_copy_is_so() -> None:
    section = PAGE.partition("\n## Moving to PostgreSQL and back\n")[2].partition("\n## ")[0]

    assert f"a line every {EVERY:g} seconds" in section
    assert all(f"`{table}`" in section for table in LEFT_OUT)
    assert PAGE.count("`holds a copy that is not complete`") == 2
