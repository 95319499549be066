"""What is installed, upgraded, removed and purged, and what stays: by the package, and by make."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from daemon.config.load import load
from daemon.simulator.system import SimulatedSystem
from tests.docs.test_docs import blocks
from tests.process.systemd.conftest import make
from tests.process.systemd.machine import Machine
from tests.process.systemd.service import UNIT, Service
from tests.process.test_app import bodies, wait_for
from tests.support.fakes import Receiver
from tests.support.paths import ROOT
from tests.support.process import SECRET, TOKEN

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
INSTALLED = (
    "/opt/yemotd/bin/yemotd",
    "/usr/bin/yemotd",
    "/usr/lib/systemd/system/yemotd.service",
    "/usr/lib/systemd/system/yemotd.socket",
    "/usr/lib/systemd/system/yemotd-failure@.service",
    "/usr/lib/sysusers.d/yemotd.conf",
    "/usr/lib/tmpfiles.d/yemotd.conf",
    "/usr/share/bash-completion/completions/yemotd",
    "/usr/share/fish/vendor_completions.d/yemotd.fish",
)
OURS = ("/etc/yemotd", "/etc/default/yemotd", "/var/lib/yemotd")
"""What is the administrator's, or the data."""


def exist(machine: Machine, *places: str) -> list[str]:
    return [place for place in places if (machine.root / place.lstrip("/")).exists()]


def section(title: str) -> str:
    """One of the page's."""
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def commands(machine: Machine, title: str) -> str:
    """What root is told to type in a section of the page, typed; what is said to that."""
    (steps,) = blocks(section(title), "console")
    typed = "\n".join(line.removeprefix("# ") for line in steps.splitlines())
    return machine.run("/bin/sh", "-ec", typed)


def modes(machine: Machine, *places: str) -> list[str]:
    return machine.run("stat", "--format=%a %U:%G", *places).splitlines()


@pytest.fixture
def untouched(booted: Machine, package: Path) -> Machine:
    """A machine on which the package never was."""
    booted.run("dpkg", "--purge", "yemotd", code=None)
    booted.run("systemctl", "reset-failed", code=None)  # systemd remembers how a unit ended that is gone
    return booted


def test_the_package_installs_a_service_that_waits_for_its_configuration(
    untouched: Machine, package: Path
) -> None:
    machine = untouched
    said = machine.run("dpkg", "--install", str(package))
    checked = machine.run("yemotd", "check", code=78)

    assert exist(machine, *INSTALLED) == list(INSTALLED)
    assert "yemotd is not started yet" in said
    assert "main-token" in checked
    assert modes(machine, "/etc/yemotd", "/etc/yemotd/config.toml", "/etc/yemotd/credentials") == [
        "750 root:yemotd",
        "640 root:yemotd",
        "700 root:root",
    ]
    assert machine.run("systemctl", "is-enabled", UNIT) == "enabled\n"
    assert machine.run("systemctl", "is-active", UNIT, code=3) == "inactive\n"
    assert machine.run("systemctl", "is-failed", UNIT, code=1) == "inactive\n"
    assert machine.run("dpkg", "--verify", "yemotd") == ""


def test_what_is_installed_runs_without_anything_else_of_this_machine(machine: Machine) -> None:
    """Of the machine's own Python, and from nobody's home; all that the documentation offers is there."""
    where = "import daemon, apprise, psycopg, sys; print(daemon.__file__, sys.flags.isolated)"
    said = machine.run("/opt/yemotd/bin/python", "-I", "-c", where)
    links = machine.run("find", "/opt/yemotd", "-type", "l", "-printf", "%l\n").split()
    elsewhere = machine.run("grep", "-rlI", str(ROOT), "/opt/yemotd", code=1)

    assert said.startswith("/opt/yemotd/lib/")
    assert set(links) == {"/usr/bin/python3", "python3", "lib"}
    assert elsewhere == ""


def test_the_installed_example_lacks_only_secrets_of_the_folder(machine: Machine, tmp_path: Path) -> None:
    example = (machine.root / "opt/yemotd/share/config.toml").read_text()
    (tmp_path / "config.toml").write_text(example)
    (tmp_path / "config.toml").chmod(0o600)
    for name in ("main-token", "http-token", "smtp-password"):
        (tmp_path / name).write_text(TOKEN)
    (tmp_path / "crm-secret").write_text(SECRET)
    loaded = load(tmp_path / "config.toml", {"CREDENTIALS_DIRECTORY": str(tmp_path)})

    assert loaded.warnings == ()
    assert loaded.config.daemon.database == "sqlite:////var/lib/yemotd/yemotd.db"
    assert str(loaded.config.daemon.key_file) == "/var/lib/yemotd/yemotd.key"


def test_things_are_where_the_page_says_and_belong_to_whom_it_says(service: Service) -> None:
    service.start()
    rows = re.findall(r"^\| [^|]+ \| `(/[^`]+)`[^|]* \| (\S+)(?: (\d+))? \|$", PAGE, re.MULTILINE)
    for place, owner, mode in rows:
        (found,) = modes(service.machine, place.rstrip("/"))
        assert re.match(rf"{mode.lstrip('0') or '[0-9]+'} {owner}", found), (place, found)

    assert len(rows) == 7


def test_a_copy_is_restored_as_the_page_says_and_goes_on(service: Service, receiver: Receiver) -> None:
    machine = service.machine
    service.start()
    service.wait_for_baseline()
    machine.run("rm", "-f", "/var/backups/yemotd.db")
    commands(machine, "Backup")
    wait_for(receiver, "daemon.started")
    machine.run("systemctl", "restart", UNIT)
    wait_for(receiver, "daemon.stopped")
    said = commands(machine, "Restore")
    service.wait_for_baseline()
    told = [row[0] for row in service.stored("SELECT type FROM events ORDER BY number")]
    again = wait_for(receiver, "daemon.started", 3)

    assert "The database is sound" in said
    assert told == ["daemon.started", "daemon.started"]  # that of the copy, and the new one
    assert len({one["data"]["id"] for one in again}) == 3


def test_a_copy_is_made_every_night_as_the_page_says_and_old_ones_go(service: Service) -> None:
    machine, folder = service.machine, service.machine.root / "var/backups/yemotd"
    for unit in blocks(section("Backup"), "ini"):
        service.write(f"run/systemd/system/yemotd-backup.{'timer' if '[Timer]' in unit else 'service'}", unit)
    machine.run("systemctl", "daemon-reload")
    service.start()
    service.wait_for_baseline()
    machine.run("systemctl", "start", "yemotd-backup.timer")
    machine.run("mkdir", "--parents", "/var/backups/yemotd")
    machine.run("touch", "--date=15 days ago", "/var/backups/yemotd/yemotd-of-old.db")
    machine.run("systemctl", "start", "yemotd-backup.service")
    machine.run("systemctl", "stop", "yemotd-backup.timer")
    (copy,) = [path.name for path in folder.iterdir()]
    found = service.stored("SELECT count(*) FROM watches", f"/var/backups/yemotd/{copy}")
    shutil.rmtree(folder)

    assert re.fullmatch(r"yemotd-\d{8}T\d{6}Z\.db", copy)
    assert found == [(2,)]


def test_an_upgrade_restarts_the_service_and_keeps_what_was_configured(
    service: Service, package: Path, receiver: Receiver, system: SimulatedSystem
) -> None:
    service.start()
    service.wait_for_baseline()
    before, configured = service.main_pid, (service.machine.root / "etc/yemotd/config.toml").read_text()
    service.machine.run("dpkg", "--install", str(package))
    service.wait_for(ActiveState="active")

    assert service.main_pid not in (0, before)
    assert (service.machine.root / "etc/yemotd/config.toml").read_text() == configured
    assert modes(service.machine, "/etc/yemotd/config.toml") == ["640 root:yemotd"]
    assert len(wait_for(receiver, "daemon.started", 2)) == 2
    assert len(bodies(receiver, "daemon.stopped")) == 1


def test_a_removed_package_leaves_its_data_and_starts_again_with_them(
    service: Service, package: Path, receiver: Receiver
) -> None:
    machine = service.machine
    service.start()
    service.wait_for_baseline()
    machine.run("dpkg", "--remove", "yemotd")
    gone, kept = exist(machine, *INSTALLED), exist(machine, *OURS, "/var/lib/yemotd/yemotd.db")
    stopped = len(wait_for(receiver, "daemon.stopped"))
    machine.run("dpkg", "--install", str(package))
    service.wait_for(ActiveState="active")
    started = len(wait_for(receiver, "daemon.started", 2))
    machine.run("dpkg", "--purge", "yemotd")

    assert gone == []
    assert kept == [*OURS, "/var/lib/yemotd/yemotd.db"]
    assert (stopped, started) == (1, 2)
    assert exist(machine, *INSTALLED, *OURS) == []


def test_make_installs_without_a_package_and_uninstalls_but_for_what_is_ours(untouched: Machine) -> None:
    machine, local = untouched, [place.replace("/usr/", "/usr/local/") for place in INSTALLED]
    for name in (
        "Makefile",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "docs",
        "packaging",
        "systemd",
        "build/opt",
    ):
        (machine.root / "usr/src/yemotd/build").mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-R", ROOT / name, machine.root / "usr/src/yemotd" / name], check=True)  # noqa: S607
    make = ("make", "--silent", "--directory=/usr/src/yemotd", "--old-file=build/opt.ready")
    said = machine.run(*make, "install")
    service = Service(machine, base_url="http://127.0.0.1:9/", webhook_url="http://127.0.0.1:9/")
    service.configure()
    machine.run("systemctl", "enable", "--now", UNIT)
    found, active, owners = exist(machine, *local), service.show("ActiveState"), modes(machine, *OURS[::2])
    machine.run(*make, "install")
    service.wait_for(ActiveState="active")
    machine.run(*make, "uninstall")
    left = exist(machine, *local, *OURS)
    kept = (machine.root / "etc/yemotd/config.toml").read_text()
    shutil.rmtree(machine.root / "usr/src/yemotd")
    for place in OURS:
        machine.run("rm", "-r", place)

    assert "systemctl enable --now yemotd" in said
    assert (found, active) == (local, "active")
    assert owners == ["750 root:yemotd", "750 yemotd:yemotd"]
    assert left == list(OURS)
    assert "main-token" in kept


def test_make_installs_below_a_folder_of_ones_own_and_keeps_what_is_there(tmp_path: Path) -> None:
    below = (f"DESTDIR={tmp_path}", "prefix=/usr")
    make("--silent", "install", *below)
    installed = [place for place in INSTALLED if (tmp_path / place.lstrip("/")).exists()]
    manual = tmp_path / "usr/share/man/man1/yemotd-events.1"
    assert "events tail" in manual.read_text(encoding="utf-8")
    config = tmp_path / "etc/yemotd/config.toml"
    mode = config.stat().st_mode & 0o777
    config.write_text("mine")
    make("--silent", "install", *below)
    make("--silent", "uninstall", *below)

    assert (installed, mode) == (list(INSTALLED), 0o640)
    assert config.read_text() == "mine"
    assert not any((tmp_path / place.lstrip("/")).exists() for place in INSTALLED)
    assert not manual.exists()
