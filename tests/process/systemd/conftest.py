"""The package, built once; a machine with it, booted once; and the service on it, as each test wants it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.host.clock import utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.process.systemd.machine import CannotBoot, Machine, NotInstalled
from tests.process.systemd.service import Service
from tests.support import parts
from tests.support.fakes import Receiver
from tests.support.paths import ROOT
from tests.support.process import TOKEN

SENDMAIL = """\
#!/bin/sh
cat >>/run/mails
"""


def make(*words: str) -> str:
    """`make`, of an environment that is there: this one is running the test."""
    ended = subprocess.run(
        ["make", "--old-file=.venv/.ready", *words],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="session")
def booted() -> Iterator[Machine]:
    try:
        machine = Machine()
        machine.boot()
    except NotInstalled as error:
        parts.away(str(error))
    except CannotBoot as error:
        pytest.skip(str(error))
    (machine.root / "usr/sbin/sendmail").unlink(missing_ok=True)
    (machine.root / "usr/sbin/sendmail").write_text(SENDMAIL)
    (machine.root / "usr/sbin/sendmail").chmod(0o755)
    yield machine
    machine.power_off()


@pytest.fixture(scope="session")
def package(booted: Machine) -> Path:
    """The package, on the machine."""
    path = ROOT / make("--silent", "deb").split()[-1]
    there = Path("/root") / path.name
    (booted.root / there.relative_to("/")).write_bytes(path.read_bytes())
    return there


@pytest.fixture
def machine(booted: Machine, package: Path) -> Machine:
    """A machine with the package, which may have a past."""
    if not (booted.root / "opt/yemotd").exists():
        booted.run("dpkg", "--install", str(package))
    return booted


@pytest.fixture
def receiver(machine: Machine) -> Iterator[Receiver]:
    with machine.network():
        one = Receiver()
    yield one
    one.close()


@pytest.fixture
def service(machine: Machine, system: SimulatedSystem, receiver: Receiver) -> Iterator[Service]:
    """The service without a past: configured, and not started."""
    with machine.network():
        simulator = Simulator({TOKEN: system}, now=utcnow)
        simulator.start()
    one = Service(machine, base_url=simulator.base_url, webhook_url=receiver.url)
    one.forget()
    one.configure()
    yield one
    one.stop()
    simulator.stop()
