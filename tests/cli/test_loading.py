"""What a verb loads, asked of real processes: time differs from machine to machine, names do not."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from functools import cache
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path

import pytest

from daemon.store import database as databases
from tests.cli.conftest import Call
from tests.support.config_files import SYSTEM, WEBHOOK
from tests.support.paths import ROOT
from tests.support.process import HTTP_TOKEN, Process, inherited

pytestmark = pytest.mark.slow

MODULE = (sys.executable, "-X", "importtime", "-m", "daemon")
SCRIPT = (sys.executable, "-X", "importtime", str(Path(sys.executable).with_name("yemotd")))

CONFIGURATION = {"annotated_types", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection"}
"""What pydantic is, and what it brings."""
COMMAND_LINE = {"annotated_doc", "colorama", "shellingham", "typer"}
STORE = {"greenlet", "sqlalchemy", "typing_extensions"}
LOOKING = CONFIGURATION | COMMAND_LINE | STORE
"""What a verb needs that looks something up in the store."""
MOST_OF_OURS = {"--version": 13, "status": 167, "now": 172, "check": 170, "events list": 150}
"""Modules of the daemon itself that a verb may load."""


def environment() -> dict[str, str]:
    return {**inherited(), "PYTHONPATH": str(ROOT)}


def loaded(words: Sequence[str]) -> set[str]:
    """The modules that a program imports, beside those that this Python imports for any."""
    ended = subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=60, check=True)
    lines = (line for line in ended.stderr.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip() for line in lines}


@cache
def always() -> set[str]:
    return loaded((sys.executable, "-X", "importtime", "-c", "pass"))


def others(found: set[str]) -> set[str]:
    """The packages among them that are neither ours nor Python's, of those that are there at all."""
    known = {*sys.stdlib_module_names, "daemon", "importlib_metadata"}
    names = {one.partition(".")[0] for one in found - always()}
    return {one for one in names - known if not one.startswith("_") and _is_there(one)}


def _is_there(name: str) -> bool:
    return any((Path(folder) / name).exists() or list(Path(folder).glob(f"{name}.*")) for folder in sys.path)


@pytest.fixture
def store(call: Call) -> None:
    path = Path("config.toml")
    path.touch(mode=0o600)
    path.write_text(SYSTEM + "[systems.sip]\n" + WEBHOOK, encoding="utf-8")
    databases.open_for_daemon("sqlite:///yemotd.db").close()


@pytest.mark.parametrize("program", [MODULE, SCRIPT], ids=["module", "script"])
@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        ("--version", set()),
        ("status", LOOKING),
        ("now", LOOKING),
        ("check", LOOKING),
        ("events list", LOOKING),
    ],
)
def test_a_verb_loads_no_framework_that_it_does_not_need(
    program: Sequence[str], words: str, allowed: set[str], store: None
) -> None:
    found = loaded([*program, *words.split()])

    assert others(found) - allowed == set()
    assert found & NEVER == set()
    ours = {one for one in found if one.partition(".")[0] == "daemon"}
    assert "daemon" in ours
    assert len(ours) <= MOST_OF_OURS[words], sorted(ours)


def test_a_version_is_told_where_nothing_is_installed_and_to_a_full_disk() -> None:
    """With all packages out of sight, and then to a device that takes nothing."""
    bare = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {AS_SCRIPT}"]
    told = subprocess.run([*bare, "--version"], capture_output=True, text=True, timeout=60, check=True)
    with open("/dev/full", "w") as full:
        untold = subprocess.run(
            [*bare, "--version"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )

    assert told.stdout.startswith("yemotd ")
    assert (untold.returncode, untold.stderr) == (
        os.EX_IOERR,
        "standard output: No space left on device\n",
    )


AS_READER = {"authorization": f"Bearer {HTTP_TOKEN}"}
AS_SCRIPT = "from daemon.__main__ import main; main()"


NEVER = {
    "aiosmtpd",
    "alembic",
    "apprise",
    "charset_normalizer.api",
    "cryptography",
    "greenlet._greenlet",
    "mako",
    "psycopg",
    "pydantic.v1.main",
    "pygments",
    "rich.console",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.orm",
}
"""What a daemon with webhooks alone keeps no memory for: tools of an upgrade, of a terminal, of other ways
out, of another database; and what others would load for what we never ask of them."""


def test_a_daemon_loads_nothing_that_its_configuration_does_not_need_not_even_at_its_first_start(
    tmp_path: Path,
) -> None:
    """Nor when it is asked."""
    Process(tmp_path, base_url="http://127.0.0.1:9/", webhook_url="http://127.0.0.1:9/")
    with subprocess.Popen(
        [*MODULE, "run"], cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True
    ) as daemon:
        assert daemon.stderr is not None
        lines = []
        for line in daemon.stderr:
            lines.append(line)
            if not line.startswith("import time:") and (said := json.loads(line))["event"] == "daemon.ready":
                break
        with closing(HTTPConnection("127.0.0.1", said["http_port"], timeout=30)) as asking:
            asking.request("GET", "/api/v1/status", headers=AS_READER)
            assert asking.getresponse().status == HTTPStatus.OK
        daemon.kill()
        lines += daemon.stderr

    found = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    assert {"fastapi", "sqlalchemy"} <= found
    assert found & NEVER == set()
