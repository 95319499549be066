"""The traps of a first day, on a machine with the package: each is a sentence that says the way out."""

import os
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from daemon.simulator.system import SimulatedSystem
from tests.process.systemd.machine import Machine
from tests.process.systemd.service import CREDENTIAL_CONFIGURATION, TELLER, UNIT, Service
from tests.support.certificates import Authority
from tests.support.smtp import MailServer

pytestmark = pytest.mark.slow
CLONE = "/srv/clone"
EXAMPLE = "[[systems]]\nevry = 'of a clone'\n"
SOMEBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
SMTP = """
[smtp]
host = "127.0.0.1"
port = {smtp_port}
security = "none"
from = "yemotd@example.org"
[[emails]]
name = "ops"
to = ["ops@example.org"]
"""


def there(machine: Machine, command: str, code: int = 0) -> str:
    """What a shell in the clone's folder says to a command."""
    return machine.run("/bin/sh", "-c", f"cd {CLONE} && {command}", code=code)


@pytest.fixture
def clone(service: Service) -> Service:
    """Somebody stands in a folder that has a configuration of its own."""
    service.write(f"{CLONE.lstrip('/')}/config.toml", EXAMPLE)
    return service


def test_the_configuration_is_the_service_s_wherever_one_stands(clone: Service) -> None:
    machine = clone.machine
    own = there(machine, "yemotd check --config config.toml", os.EX_CONFIG)
    variable = there(machine, f"YEMOTD_CONFIG={CLONE}/config.toml yemotd check", os.EX_CONFIG)

    assert there(machine, "yemotd check").endswith("The configuration is good.\n")
    assert "evry" in own
    assert "evry" in variable


def test_what_runs_as_the_service_s_user_takes_the_file_that_is_named_from_where_one_stands(
    clone: Service,
) -> None:
    machine = clone.machine
    configured = (machine.root / "etc/yemotd/config.toml").read_text()
    clone.write(f"{CLONE.lstrip('/')}/mine.toml", configured.replace('name = "main"', 'name = "mine"'))
    polled = [
        there(machine, f"yemotd {line}")
        for line in (
            "poll --dry-run",
            "poll --dry-run --config mine.toml",
            "poll --dry-run --config=mine.toml",
            "poll -cmine.toml --dry-run",
        )
    ]
    variable = there(machine, "YEMOTD_CONFIG=mine.toml yemotd poll --dry-run")

    assert "main/sip: answered" in polled[0]
    for said in (*polled[1:], variable):
        assert "mine/sip: answered" in said


@pytest.mark.parametrize("line", ["check", "status", "now", "poll", "run", "db upgrade"])
def test_without_sudo_it_is_one_sentence_and_77(clone: Service, line: str) -> None:
    code = os.EX_CONFIG if line == "run" else os.EX_NOPERM
    said = there(clone.machine, f"{' '.join(SOMEBODY)} yemotd {line}", code)

    assert said.count("\n") == 1, said
    assert "/etc/yemotd/config.toml cannot be read by nobody" in said
    assert f"sudo yemotd {line.split(maxsplit=1)[0]}" in said


def test_a_file_that_the_service_s_user_cannot_read_is_said_by_check_and_makes_no_loop(
    service: Service,
) -> None:
    machine = service.machine
    machine.run("chown", "root:root", "/etc/yemotd/config.toml")
    machine.run("chmod", "600", "/etc/yemotd/config.toml")
    checked = machine.run("yemotd", "check", code=os.EX_CONFIG)
    machine.run("systemctl", "start", UNIT, code=1)
    service.wait_for(ActiveState="failed", NRestarts="0", ExecMainStatus="78")
    machine.run("chgrp", "yemotd", "/etc/yemotd/config.toml")
    machine.run("chmod", "640", "/etc/yemotd/config.toml")

    assert "/etc/yemotd/config.toml: the service's user yemotd cannot read it (Permission denied)" in checked
    assert machine.run("yemotd", "check").endswith("The configuration is good.\n")


@pytest.mark.parametrize("place", ["/etc/yemotd/ca.pem", "/home/ca.pem"])
def test_so_is_one_that_the_configuration_refers_to(service: Service, place: str, tmp_path: Path) -> None:
    machine = service.machine
    service.write(place.lstrip("/"), Authority(tmp_path).pem.read_text())
    machine.run("chmod", "600", place)
    service.configure(CREDENTIAL_CONFIGURATION.replace("[[webhooks]]", f'[[webhooks]]\nca_file = "{place}"'))
    checked = machine.run("yemotd", "check", code=os.EX_CONFIG)
    machine.run("rm", place)

    assert f"{place}: the service" in checked


def test_without_a_mailer_it_goes_by_smtp_and_check_says_so(
    service: Service, system: SimulatedSystem
) -> None:
    machine = service.machine
    sendmail = machine.root / "usr/sbin/sendmail"
    program = sendmail.read_text()
    told = [machine.run("yemotd", "check")]
    sendmail.unlink()
    try:
        told.append(machine.run("yemotd", "check"))
        with machine.network():
            server = MailServer()
        service.places["smtp_port"] = str(server.port)
        service.configure(CREDENTIAL_CONFIGURATION + SMTP)
        told.append(machine.run("yemotd", "check"))
        service.configure(CREDENTIAL_CONFIGURATION.replace("every", "evry") + SMTP)
        machine.run("systemctl", "start", UNIT, code=1)
        assert server.came.wait(60), service.journal(TELLER)
        server.close()
    finally:
        sendmail.write_text(program)
        sendmail.chmod(0o755)

    assert "failures  mailed to root by this machine's sendmail\n" in told[0]
    assert "failures  nobody is mailed when the service fails: there is no sendmail, and no [smtp]" in told[1]
    assert "failures  mailed to ops@example.org by [smtp] 127.0.0.1, since there is no sendmail\n" in told[2]
    (mail,) = [message_from_bytes(one.original_content or b"", policy=default) for one in server.mails]
    assert mail["Subject"] == "yemotd.service has failed on machine"
    assert "yemotd check" in mail.get_content()
    assert "evry" in mail.get_content()


def test_a_new_credential_at_a_reload_is_told_to_come_at_the_start(service: Service) -> None:
    service.start()
    service.wait_for_baseline()
    before = service.main_pid
    service.secrets["new-secret"] = service.secrets["crm-secret"]
    service.configure(CREDENTIAL_CONFIGURATION.replace('"crm-secret"', '"new-secret"'))
    service.machine.run("systemctl", "reload", UNIT)
    refused = service.wait_until_said("config.refused")
    still = service.main_pid
    service.machine.run("systemctl", "restart", UNIT)
    service.wait_for(ActiveState="active")

    assert "credentials are handed over when the service starts, not at a reload" in refused
    assert "systemctl restart yemotd" in refused
    assert still == before


def test_a_credential_that_changed_counts_from_a_restart_on_and_that_is_said(service: Service) -> None:
    machine = service.machine
    service.start()
    service.wait_for_baseline()
    service.write("etc/yemotd/credentials/crm-secret", "whsec_" + "B" * 43 + "=\n")
    (machine.root / "etc/yemotd/credentials/spare").unlink(missing_ok=True)
    machine.run("systemctl", "reload", UNIT)
    service.wait_until_said("config.reloaded")
    said, checked = service.journal(), machine.run("yemotd", "check")
    machine.run("systemctl", "restart", UNIT)
    service.wait_for(ActiveState="active")
    again = machine.run("yemotd", "check")

    way_out = (
        "since the service was started: what it was then stays in force until `systemctl restart yemotd`"
    )
    assert said.count(f"the credential crm-secret is another one {way_out}") == 1
    assert said.count(way_out) == 1
    assert f'warning: credential "crm-secret" is another one {way_out}\n' in checked
    assert way_out not in again


def test_there_is_no_database_says_where_it_was_looked_for(service: Service) -> None:
    said = service.machine.run("yemotd", "status", code=os.EX_IOERR)

    assert "there is no database /var/lib/yemotd/yemotd.db" in said
    assert said.count("\n") == 1
