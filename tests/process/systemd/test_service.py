"""yemotd as a service: a real systemd runs what is installed, and it is hung, killed, reloaded, stopped."""

import json
import threading
from collections import Counter
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import requests
from standardwebhooks import Webhook

from daemon.senders import ed25519
from daemon.simulator.system import SimulatedSystem
from tests.host.test_systemd import wait_until
from tests.process.systemd.service import CREDENTIAL_CONFIGURATION, TELLER, UNIT, Service
from tests.process.test_app import bodies, texts, wait_for
from tests.support.bad_receiver import FaultReceiver, accepting
from tests.support.certificates import Authority, server_side
from tests.support.fakes import Receiver, answer
from tests.support.process import HTTP_TOKEN, SECRET, TOKEN
from tests.support.smtp import MailServer

pytestmark = pytest.mark.slow


def write(system: SimulatedSystem, text: str) -> None:
    """Somebody sends an SMS."""
    system.receive_sms(sender="0541234567", recipient="0501234567", text=text)


def status(service: Service) -> dict[str, str]:
    """What the kernel says of the daemon."""
    lines = service.machine.run("cat", f"/proc/{service.main_pid}/status").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_it_is_ready_and_tells_what_happens_from_within_its_sandbox(
    service: Service, system: SimulatedSystem, receiver: Receiver
) -> None:
    """Started means ready: libcurl, SQLite, the secrets of the folder and the HTTP side are all there."""
    service.start()
    active, said, livez = service.show("ActiveState"), service.show("StatusText"), service.get("/livez")
    service.wait_for_baseline()
    write(system, "שלום")
    (sms,) = wait_for(receiver, "sms.received")
    found = status(service)
    environment = service.machine.run("cat", f"/proc/{service.main_pid}/environ")
    user = service.machine.run("id", "--user", "yemotd").strip()

    assert (active, livez) == ("active", (200, "ok\n"))
    assert said == "polling 2 watches of 1 systems, telling 1 endpoints"
    assert sms["data"]["sms"]["text"] == "שלום"
    for one in receiver.received:
        Webhook(SECRET).verify(one.body, one.headers)
    assert found["Uid"].split() == [user] * 4
    assert (found["CapEff"], found["NoNewPrivs"], found["Seccomp"]) == ("0" * 16, "1", "2")
    assert "Max core file size 0 0" in " ".join(
        service.machine.run("cat", f"/proc/{service.main_pid}/limits").split()
    )
    for secret in (TOKEN, HTTP_TOKEN, SECRET):
        assert secret not in environment + service.journal(UNIT, "--output=verbose")
    assert "daemon.ready" in service.journal(UNIT, "YEMOTD_EVENT=daemon.ready")  # each key is a field


POSTGRESQL = "import psycopg; psycopg.pq.version()"
EVERYTHING = """
[[webhooks]]
name = "secured"
url = "{secured_url}"
secret_credential = "crm-secret"
signing_key_credential = "crm-key"
ca_file = "ca.pem"
[[webhooks.quiet]]
shabbat = true
place = "jerusalem"
break_through = "info"
[smtp]
host = "127.0.0.1"
port = {smtp_port}
username = "yemotd"
password_credential = "http-token"
ca_file = "ca.pem"
from = "yemotd@example.org"
[[emails]]
name = "ops"
to = ["ops@example.org"]
language = "he"
group_wait = "0s"
[[notify]]
name = "phone"
url_credential = "notify-url"
"""


def test_every_kind_of_endpoint_works_within_the_sandbox(
    service: Service, system: SimulatedSystem, receiver: Receiver, tmp_path: Path
) -> None:
    """TLS by libcurl and by Python, a login, Apprise, our own keys, holydays, PostgreSQL's client."""
    authority = Authority(tmp_path)
    tls = server_side(authority.issue("127.0.0.1"))
    with ExitStack() as servers:
        with service.machine.network():
            secured = servers.enter_context(FaultReceiver(accepting, tls=tls))
            mails = servers.enter_context(MailServer(tls=tls, login=("yemotd", HTTP_TOKEN)))
        service.places |= {"secured_url": secured.url, "smtp_port": str(mails.port)}
        service.secrets["crm-key"] = ed25519.generate()
        service.secrets["notify-url"] = receiver.url.replace("http:", "json:")
        service.write("etc/yemotd/ca.pem", authority.pem.read_text())
        service.configure(CREDENTIAL_CONFIGURATION + EVERYTHING)
        service.adapt(ExecStartPre=f"/opt/yemotd/bin/python -I -c '{POSTGRESQL}'")
        service.start()
        service.wait_for_baseline()
        write(system, "שלום")
        wait_until(lambda: any(b"sms.received" in one.body for one in secured.received))
        wait_until(lambda: len(mails.mails) > 0)
        wait_until(lambda: any("webhook-id" not in one.headers for one in receiver.received))
        said = service.journal(UNIT, "--priority=warning", "--output=json").splitlines()
        service.stop()

    assert {json.loads(line).get("YEMOTD_EVENT") for line in said} == {
        "config.warning"
    }  # that it polls so often


def test_what_hangs_is_ended_by_the_watchdog_and_goes_on(
    service: Service, system: SimulatedSystem, receiver: Receiver
) -> None:
    service.adapt(WatchdogSec="2s", TimeoutAbortSec="1s", RestartSec="100ms")
    service.start()
    service.wait_for_baseline()
    hung = service.main_pid
    service.machine.run("kill", "-STOP", str(hung))
    write(system, "while it hung")
    service.wait_for(NRestarts="1", ActiveState="active")
    found = wait_for(receiver, "sms.received")

    assert texts(found) == ["while it hung"]
    assert service.main_pid != hung
    assert "Watchdog timeout" in service.journal()
    assert "It hung" in service.mail()


def test_a_healthy_daemon_is_not_ended_by_the_watchdog(service: Service, system: SimulatedSystem) -> None:
    service.adapt(WatchdogSec="1s")
    service.start()
    before, polls = service.main_pid, system.request_counts["GetSipAccountsRegisteredStatus"]
    wait_until(lambda: system.request_counts["GetSipAccountsRegisteredStatus"] > polls + 10)  # 2 seconds

    assert (service.main_pid, service.show("NRestarts")) == (before, "0")


def test_killed_in_the_middle_of_bursts_it_starts_again_and_loses_nothing(
    service: Service, system: SimulatedSystem, receiver: Receiver
) -> None:
    service.adapt(RestartSec="100ms")
    receiver.script.answers = [answer(500), answer(), answer(503), answer()] * 5 + [answer()]
    service.start()
    service.wait_for_baseline()
    sent = []
    for round_number in range(3):
        for number in range(20):
            sent.append(f"{round_number} {number}")
            write(system, sent[-1])
        receiver.wait_for(len(receiver.received) + 5, timeout=20)
        service.machine.run("kill", "-KILL", str(service.main_pid))
        service.wait_for(NRestarts=str(round_number + 1), ActiveState="active")
    found = wait_for(receiver, "sms.received", len(sent))
    service.stop()

    assert Counter(texts(found)) == Counter(sent)
    assert service.stored("PRAGMA integrity_check") == [("ok",)]
    written = {str(row[0]) for row in service.stored("SELECT id FROM events")}
    assert written == {one.headers["webhook-id"] for one in receiver.received}
    assert service.stored("SELECT count(*) FROM deliveries WHERE status != 'delivered'") == [(0,)]


def test_a_reload_takes_over_a_good_configuration_and_refuses_a_bad_one(
    service: Service, system: SimulatedSystem, receiver: Receiver
) -> None:
    service.start()
    service.wait_for_baseline()
    before = service.main_pid
    service.configure(CREDENTIAL_CONFIGURATION.replace("every", "evry"))
    service.machine.run("systemctl", "reload", UNIT)
    refused = service.wait_until_said("config.refused")
    service.wait_until_shown("StatusText", "reload failed")
    with service.machine.network():
        other = Receiver()
    service.places["webhook_url"] = other.url
    service.configure()
    service.machine.run("systemctl", "reload", UNIT)
    service.wait_until_said("config.reloaded")
    write(system, "elsewhere")
    wait_for(other, "sms.received")
    other.close()

    assert 'did you mean "every"?' in refused
    assert "config.refused" in service.journal(UNIT, "--priority=err")
    assert "config.reloaded" not in service.journal(UNIT, "--priority=err")
    assert bodies(receiver, "sms.received") == []
    assert (service.main_pid, service.show("ActiveState")) == (before, "active")


@pytest.mark.parametrize(
    ("change", "code"), [(("every", "evry"), "78"), (("main-token", "absent-token"), "78")]
)
def test_a_configuration_that_cannot_be_used_makes_no_loop_and_is_mailed(
    service: Service, change: tuple[str, str], code: str
) -> None:
    service.configure(CREDENTIAL_CONFIGURATION.replace(*change))
    refused = service.machine.run("systemctl", "start", UNIT, code=1)
    service.wait_for(ActiveState="failed", NRestarts="0", ExecMainStatus=code)
    mail = service.mail()

    assert "failed" in refused
    assert mail.startswith("To: root\nSubject: yemotd.service has failed on machine\n")
    assert "yemotd check" in mail
    assert change[1] in mail


def test_without_the_folder_of_credentials_it_does_not_even_start(service: Service) -> None:
    """The page names the code by which an administrator knows it."""
    service.adapt(RestartSec="1min")
    folder = service.machine.root / "etc/yemotd/credentials"
    folder.rename(folder.with_name("elsewhere"))
    try:
        service.machine.run("systemctl", "start", UNIT, code=1)
        code, mail = service.show("ExecMainStatus"), service.mail()
    finally:
        folder.with_name("elsewhere").rename(folder)

    assert code == "243"
    assert "A credential is missing" in mail


def test_without_a_mailer_nothing_more_fails(service: Service) -> None:
    sendmail = service.machine.root / "usr/sbin/sendmail"
    program = sendmail.read_text()
    sendmail.unlink()
    try:
        service.configure(CREDENTIAL_CONFIGURATION.replace("every", "evry"))
        service.machine.run("systemctl", "start", UNIT, code=1)
        service.wait_until_said("there is no sendmail", TELLER)
    finally:
        sendmail.write_text(program)
        sendmail.chmod(0o755)

    assert service.machine.run("systemctl", "is-failed", TELLER, code=1) == "inactive\n"


def test_what_keeps_failing_is_tried_again_for_ever_and_mailed_once(service: Service) -> None:
    """First its database cannot be used; then more starts fail than any default limit allows."""
    service.adapt(RestartSec="2s")
    service.machine.run("mkdir", "--parents", "/var/lib/yemotd/yemotd.db.lock")
    service.machine.run("systemctl", "start", UNIT, code=1)
    service.wait_until_restarted(1)
    mail = service.mail()
    service.adapt(RestartSec="50ms", ExecStartPre="/usr/bin/test ! -e /var/lib/yemotd/yemotd.db.lock")
    service.wait_until_restarted(12)
    service.machine.run("rmdir", "/var/lib/yemotd/yemotd.db.lock")
    service.wait_for(ActiveState="active")

    assert "It cannot use its database." in mail
    assert "yemotd.db.lock: Is a directory" in mail
    assert service.mail().count("Subject:") == 1


def test_a_stop_drains_what_is_under_way_though_the_watchdog_waits(
    service: Service, system: SimulatedSystem, receiver: Receiver
) -> None:
    started = threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        started.set()
        threading.Event().wait(2.5)  # longer than the watchdog waits for a sign of life
        answer()(handler)

    service.adapt(WatchdogSec="1s")
    service.configure(CREDENTIAL_CONFIGURATION.replace('drain = "3s"', 'drain = "10s"'))
    service.start()
    service.wait_for_baseline()
    receiver.wait_for(1)
    receiver.script.answers = [slow, answer()]
    write(system, "under way")
    assert started.wait(20)
    service.machine.run("systemctl", "stop", UNIT)

    assert (service.show("Result"), service.show("ExecMainStatus")) == ("success", "0")
    assert texts(bodies(receiver, "sms.received")) == ["under way"]
    assert len(bodies(receiver, "daemon.stopped")) == 1
    assert service.stored("SELECT count(*) FROM deliveries WHERE status != 'delivered'") == [(0,)]
    assert not service.mails.exists()


def test_with_a_socket_of_systemd_nobody_is_refused_while_it_restarts(service: Service) -> None:
    service.machine.run("systemctl", "start", "yemotd.socket")
    first = service.get("/livez")  # which starts the service
    stopped = service.main_pid
    service.machine.run("systemctl", "restart", "--no-block", UNIT)
    answers = [first]
    while service.main_pid in (0, stopped) or answers[-1] != first:
        try:
            answers.append(service.get("/livez"))
        except requests.ConnectionError as error:
            # Whoever is connected already at the very end may be cut off.
            assert "Connection refused" not in str(error)

    assert first == (200, "ok\n")
    assert {code for code, _ in answers} <= {200, 503}  # it may say that it is about to go


def test_the_command_line_of_root_has_the_secrets_and_takes_nothing_from_the_service(
    service: Service, system: SimulatedSystem
) -> None:
    """Also where there is no database yet: what `poll` writes belongs to the service."""
    checked = service.machine.run("yemotd", "check")
    upgraded = service.machine.run("yemotd", "db", "upgrade")
    polled = service.machine.run("yemotd", "poll")
    service.start()
    shown = service.machine.run("yemotd", "status")
    listed = service.machine.run("yemotd", "events", "list")
    service.stop()
    again = service.machine.run("yemotd", "events", "list")
    owners = service.machine.run("find", "/var/lib/yemotd", "-printf", "%u:%g\n").split()
    service.start()

    assert "ok" in checked.lower()
    assert "The database is at revision" in upgraded
    assert "main/sms: answered" in polled
    assert f"process {service.main_pid}" not in polled
    assert "running, process" in shown
    assert "daemon.started" in listed
    assert "daemon.stopped" in again
    assert set(owners) == {"yemotd:yemotd"}
