"""An installed wheel, in an environment without this checkout: it checks, shows and runs."""

import os
import re
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.support.paths import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of a new environment with the wheel in it; libraries are lent, the project itself is not."""
    directory = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(directory), str(ROOT))
    (wheel,) = directory.glob("yemotd-*.whl")
    venv.create(directory / "venv", with_pip=False, symlinks=True)
    (packages,) = (directory / "venv" / "lib").glob("python*/site-packages")
    # A path in a .pth file is not searched for .pth files itself: the checkout's editable install stays out.
    (packages / "lent.pth").write_text("\n".join(site.getsitepackages()))
    python = directory / "venv" / "bin" / "python"
    run(
        sys.executable, "-m", "uv", "--quiet", "pip", "install", "--offline", "--no-deps",
        "--python", str(python), str(wheel),
    )  # fmt: skip
    return directory / "venv" / "bin"


def run(*words: str, cwd: Path = ROOT, code: int = 0) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    ended = subprocess.run(
        words, cwd=cwd, capture_output=True, text=True, timeout=180, check=False, env=environment
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def test_the_package_is_the_installed_one(installed: Path, tmp_path: Path) -> None:
    where = run(str(installed / "python"), "-c", "import daemon; print(daemon.__file__)", cwd=tmp_path)

    assert where.startswith(str(installed.parent))


def test_it_checks_a_configuration(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[[systems]]\nname = "main"\ntoken_env = "T"\n[systems.sms]\n')

    assert "token" in run(str(installed / "yemotd"), "check", cwd=tmp_path, code=78)


def test_the_demo_shows_verified_webhooks_and_survives_its_kill(installed: Path, tmp_path: Path) -> None:
    said = run(str(installed / "yemotd"), "demo", "--speed", "4", cwd=tmp_path)

    assert "kill -9" in said
    assert "✗" not in said
    assert said.count("✓") == 8
    for event_type in ("sms.received", "queue.caller.joined", "directory.file.added", "api.unreachable"):
        assert re.search(rf"delivered .*{re.escape(event_type)}", said), event_type
    assert list(tmp_path.iterdir()) == []


def test_it_creates_its_database_by_itself(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("0770000000:demo")
    (tmp_path / "config.toml").write_text(
        '[[systems]]\nname = "main"\ntoken_file = "token"\nbase_url = "http://127.0.0.1:9/"\n[systems.sms]\n'
    )

    said = run(str(installed / "yemotd"), "poll", cwd=tmp_path, code=69)

    assert "main/sms: unreachable" in said
    assert (tmp_path / "yemotd.db").exists()
