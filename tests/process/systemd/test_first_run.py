"""From a package that was just installed to the first event, as docs/first-run.md has it."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daemon.core.model import Secret
from daemon.core.webhooks.signing import signature
from daemon.host.clock import monotonic, utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.process.systemd.machine import ENVIRONMENT, Machine
from tests.process.systemd.service import UNIT, Service
from tests.process.systemd.test_installing import modes
from tests.process.test_app import wait_for
from tests.support import parts
from tests.support.fakes import Receiver
from tests.support.process import TOKEN
from tests.support.terminal import TerminalSession

pytestmark = pytest.mark.slow

ANSWERS = """\
[system]
token_file = "token"
base_url = "{base_url}"
[webhook]
url = "{url}"
[service]
enable = true
"""


@pytest.fixture
def fresh(booted: Machine, package: Path) -> Iterator[Machine]:
    """A machine with the package, and nothing that anybody configured."""
    booted.run("dpkg", "--purge", "yemotd", code=None)
    booted.run("rm", "-rf", "/etc/yemotd", "/var/lib/yemotd")
    booted.run("systemctl", "reset-failed", code=None)
    booted.run("dpkg", "--install", str(package))
    yield booted
    booted.run("systemctl", "stop", UNIT, code=None)
    booted.run("rm", "-f", "/etc/yemotd/config.toml.example", "/etc/yemotd/credentials/webhook-secret")


@pytest.fixture
def platform(fresh: Machine, system: SimulatedSystem) -> Iterator[Simulator]:
    with fresh.network():
        one = Simulator({TOKEN: system}, now=utcnow)
        one.start()
    yield one
    one.stop()


def test_init_leads_from_the_package_to_the_first_event(
    fresh: Machine, system: SimulatedSystem, platform: Simulator, receiver: Receiver
) -> None:
    system.set_extension("/5", "queue", "מכירות")
    system.add_sip_account("0770000000=7")
    example = (fresh.root / "etc/yemotd/config.toml").read_text(encoding="utf-8")
    for name, text in (
        ("token", TOKEN),
        ("answers.toml", ANSWERS.format(base_url=platform.base_url, url=receiver.url)),
    ):
        (fresh.root / "srv" / name).touch(mode=0o600)
        (fresh.root / "srv" / name).write_text(text, encoding="utf-8")
    said = fresh.run("yemotd", "init", "--answers", "/srv/answers.toml")
    service = Service(fresh)
    service.wait_for(ActiveState="active")
    service.wait_until_stored("SELECT count(*) FROM watches WHERE observed_at IS NOT NULL", 2)
    system.receive_sms("0541234567", "the first")
    (event,) = wait_for(receiver, "sms.received")

    assert event["data"]["sms"]["text"] == "the first"
    (told,) = [one for one in receiver.received if json.loads(one.body)["data"]["id"] == event["data"]["id"]]
    secret = (fresh.root / "etc/yemotd/credentials/webhook-secret").read_text(encoding="utf-8").strip()
    stamp = int(told.headers["webhook-timestamp"])
    expected = signature(Secret(secret), told.headers["webhook-id"], stamp, told.body)
    assert told.headers["webhook-signature"] == expected
    assert "The configuration is good." in said
    assert "It runs, and starts at every boot." in said
    assert "warning" not in said
    assert TOKEN not in said
    kept = (fresh.root / "etc/yemotd/config.toml.example").read_text(encoding="utf-8")
    assert kept == example
    places = ("config.toml", "credentials/main-token", "credentials/webhook-secret", "credentials/http-token")
    assert modes(fresh, *(f"/etc/yemotd/{one}" for one in places)) == [
        "640 root:yemotd",
        *["600 root:root"] * 3,
    ]
    assert "warning" not in fresh.run("yemotd", "check")
    assert "nothing is overwritten" in fresh.run("yemotd", "init", "--answers", "/srv/answers.toml", code=73)


HUMAN = "dana"
"""Somebody with a login and sudo, as most who administer a machine."""
MOST_SECONDS = 300
"""From the package to the first event; what is measured is printed."""


@pytest.fixture
def human(fresh: Machine) -> Iterator[list[str]]:
    """How a program is started as her."""
    fresh.run("useradd", "--create-home", HUMAN, code=None)
    rule = fresh.root / "etc/sudoers.d" / HUMAN
    rule.parent.mkdir(exist_ok=True)
    rule.write_text(f"{HUMAN} ALL=(ALL) NOPASSWD: ALL\n", encoding="ascii")
    rule.chmod(0o440)
    within = ["nsenter", "--target", str(fresh.pid), "--all", *ENVIRONMENT, "TERM=dumb"]
    become = [
        f"--reuid={HUMAN}",
        f"--regid={HUMAN}",
        "--init-groups",
        "env",
        f"--chdir=/home/{HUMAN}",
        f"HOME=/home/{HUMAN}",
    ]
    yield [*within, "setpriv", *become]
    rule.unlink()


@pytest.mark.needs("sudo")
def test_somebody_new_errs_six_times_and_has_the_first_event_within_five_minutes(  # noqa: PLR0915 - a whole conversation
    fresh: Machine,
    human: list[str],
    system: SimulatedSystem,
    platform: Simulator,
    receiver: Receiver,
    record_property: Callable[[str, object], None],
) -> None:
    """At a terminal, as a user who types `sudo yemotd init`."""
    system.set_extension("/5", "queue", "מכירות")
    begun = monotonic()
    words = ["init", "--base-url", platform.base_url]
    program = [parts.program(human[0]), *human[1:]]
    with TerminalSession(Path("/"), *words, columns=100, program=[*program, "yemotd"]) as at:
        at.answer("Where shall it stand?", "")
        at.expect("nothing can be written in /etc/yemotd; `sudo yemotd init` can")
        at.press(b"\x03")
        assert at.end() != os.EX_OK
    with TerminalSession(Path("/"), *words, columns=100, program=[*program, "sudo", "yemotd"]) as at:
        at.answer("Where shall it stand?", "")
        at.answer("Token", "0770000000:not-that", is_hidden=True)
        at.expect("the token is wrong, or has expired")
        at.answer("Token", TOKEN, is_hidden=True)
        at.answer("be called?", "my office")
        at.expect("expected letters, digits")
        at.answer("be called?", "office")
        at.answer("Watch this?", "sure")
        at.expect('expected "y" or "n"')
        at.answer("Watch this?", "y")
        at.answer("Its URL", "crm.example.org")
        at.expect('starts with "https://"')
        at.answer("Its URL", receiver.url)
        at.answer("What is it called?", "crm")
        at.answer("Which events", "sns.*")
        at.expect("did you mean")
        at.answer("Which events", "sms.* test.*")
        at.expect("whsec_")
        secret = "whsec_" + at.expect("Send it a signed test now?").split()[0]
        at.type("y")
        at.expect("It was taken.")
        at.answer("Mail server", "")
        at.answer("Quiet on Shabbat", "")
        at.answer("Quiet hours", "")
        at.answer("Where it listens", "0.0.0.0:8470")
        at.expect("only this machine itself")
        at.answer("Where it listens", "127.0.0.1:8470")
        at.answer("A token to sign in", "", is_hidden=True)
        at.answer("Write them?", "y")
        at.expect("The configuration is good.")
        at.answer("Do that?", "y")
        at.expect("It runs.")
        assert at.end() == os.EX_OK
    service = Service(fresh)
    service.wait_until_stored("SELECT count(*) FROM watches WHERE observed_at IS NOT NULL", 3)
    system.receive_sms("0541234567", "the first")
    (event,) = wait_for(receiver, "sms.received")
    took = monotonic() - begun

    record_property(
        "says", f"from `sudo yemotd init` with six wrong answers to the first event: {took:.0f} s"
    )
    assert took < MOST_SECONDS
    (told,) = [one for one in receiver.received if json.loads(one.body)["data"]["id"] == event["data"]["id"]]
    stamp = int(told.headers["webhook-timestamp"])
    expected = signature(Secret(secret), told.headers["webhook-id"], stamp, told.body)
    assert told.headers["webhook-signature"] == expected
    assert TOKEN not in at.shown
    places = ("config.toml", "credentials/office-token", "credentials/crm-secret", "credentials/http-token")
    assert modes(fresh, *(f"/etc/yemotd/{one}" for one in places)) == [
        "640 root:yemotd",
        *["600 root:root"] * 3,
    ]
