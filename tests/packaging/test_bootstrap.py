"""Making the environment: nothing is emptied that belongs to somebody else."""

import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT


def test_an_environment_that_is_a_link_is_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "precious").touch()
    linked = tmp_path / ".venv"
    linked.symlink_to(theirs)
    ended = subprocess.run(
        [str(ROOT / "bootstrap"), sys.executable, str(linked)], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 1
    assert "remove the link first" in ended.stderr
    assert [one.name for one in theirs.iterdir()] == ["precious"]
