"""A part that is away is told, and fails where it was to be installed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.parts import OF_ROOT, PACKAGES, of_postgresql
from tests.support.paths import ROOT
from tests.support.process import inherited

pytestmark = pytest.mark.slow
NEEDY = """
import os, shutil
import pytest

@pytest.mark.needs("openssl")
def test_needy(): ...

def test_path():
    print("PATH is", os.environ["PATH"])
"""


def tried(folder: Path, **environment: str) -> str:
    """What a run says on a machine without a program in its PATH."""
    (folder / "test_needy.py").write_text(NEEDY)
    (folder / "conftest.py").write_text("from tests.conftest import *\n")
    words = ["-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", "-rsP", "--rootdir", str(folder)]
    done = subprocess.run(
        [sys.executable, *words, "-c", str(ROOT / "pyproject.toml"), str(folder)],
        env={**inherited(), "PYTHONPATH": str(ROOT), **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_what_ci_installs_is_what_tests_need() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    ways = r"(?:apt-get.* install|\|\| out_of_package|^wants \S+) .*"
    installed = " ".join(re.findall(ways, script, re.MULTILINE))

    assert [one for one in PACKAGES.values() if not re.search(rf"\b{one}\b", installed)] == []
    needed = re.findall(
        r"needs\(([^)]*)\)", "".join(path.read_text() for path in ROOT.glob("tests/**/test_*.py"))
    )
    assert {name for names in needed for name in re.findall(r'"(.+?)"', names)} <= {*PACKAGES}


def test_ci_looks_where_only_root_s_path_leads_to() -> None:
    script = (ROOT / ".ci" / "run").read_text()

    assert re.search(rf'^export PATH="\$PATH:{":".join(OF_ROOT)}"$', script, re.MULTILINE)
    assert "\nexport CI=true\n" in script


@pytest.mark.parametrize(("ci", "told"), [("", "1 skipped"), ("true", "1 error")])
def test_a_part_that_is_away_is_skipped_and_fails_where_ci_is_set(tmp_path: Path, ci: str, told: str) -> None:
    said = tried(tmp_path, PATH=str(tmp_path), CI=ci)

    assert told in said
    assert "openssl is not installed: apt-get install openssl" in said
    assert f"PATH is {':'.join([str(tmp_path), *OF_ROOT, *of_postgresql()])}" in said
