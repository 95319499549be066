"""What `docs/operating.md` says: its drop-ins are understood, its figures are the unit's."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.test_docs import blocks

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
SERVICE = (ROOT / "systemd" / "yemotd.service").read_text(encoding="utf-8")
NEWER = "RestartSteps="
"""What this systemd may not know, and the page says so."""
SYMPTOMS = re.findall(r"`status=(\d+)/([A-Z]+)`", PAGE)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed here")
@pytest.mark.parametrize("settings", [one for one in blocks(PAGE, "ini") if NEWER not in one])
def test_a_unit_or_drop_in_of_the_page_is_understood_by_systemd(settings: str, tmp_path: Path) -> None:
    unit = settings if "ExecStart=" in settings else settings + "Type=oneshot\nExecStart=/bin/true\n"
    (tmp_path / "yemotd-page.service").write_text(unit)
    verified = subprocess.run(
        ["systemd-analyze", "verify", "./yemotd-page.service"],  # noqa: S607
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (verified.returncode, verified.stderr) == (0, "")


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
        "243": "CREDENTIALS",
        "203": "EXEC",
    }
