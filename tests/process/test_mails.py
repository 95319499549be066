"""Mail end to end: the daemon as a process, the simulator, and a real mail server."""

import json
import re
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from daemon.core.delivery.breaker import FIRST_FAILURES
from daemon.host.clock import monotonic, utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.process.test_app import wait_for, wait_for_baseline
from tests.support.certificates import Authority, server_side
from tests.support.fakes import Receiver
from tests.support.process import CONFIGURATION, TOKEN, Process, run_cli
from tests.support.smtp import MailServer

pytestmark = pytest.mark.slow

MAILS = """\
[smtp]
host = "127.0.0.1"
port = {mail_port}
from = "Alerts <alerts@pbx.example>"
{smtp}
[[emails]]
name = "ops"
to = ["Anna <anna@example.org>", "gone@example.org"]
events = ["sms.*", "sip.*"]
language = "he"
group_wait = "200ms"
group_interval = "300ms"
"""
LOGIN = 'security = "starttls"\nca_file = "authority.pem"\nusername = "yemotd"\npassword_file = "password"'
FEW = """\
security = "none"

[[emails]]
name = "few"
to = ["few@example.org"]
events = ["sms.*"]
group_wait = "200ms"
most_per_hour = 1
"""
TIMEOUT = 30
REACHED = "https://pbx.example.org"


@pytest.fixture
def run(tmp_path: Path, system: SimulatedSystem) -> Iterator[Callable[[MailServer, Receiver, str], Process]]:
    """Start the daemon with a mail server and a webhook."""
    started: list[Process] = []

    def start(server: MailServer, receiver: Receiver, smtp: str, head: str = CONFIGURATION) -> Process:
        places = {"base_url": simulator.base_url, "webhook_url": receiver.url, "smtp": smtp}
        one = Process(tmp_path, head + MAILS, mail_port=str(server.port), **places)
        started.append(one)
        one.start()
        wait_for_baseline(one)
        return one

    with Simulator({TOKEN: system}, now=utcnow) as simulator:
        yield start
        for one in started:
            one.stop()


def arrived(server: MailServer, many: int) -> list[EmailMessage]:
    """The mails that came, once there are so many."""
    deadline = monotonic() + TIMEOUT
    while len(server.mails) < many:
        assert monotonic() < deadline, f"{len(server.mails)} of {many} mails"
        server.came.wait(0.1)
        server.came.clear()
    return [message_from_bytes(one.content, policy=policy.default) for one in server.mails]  # type: ignore[arg-type] # as decoded by default, it is bytes


def test_a_reader_gets_the_message_and_both_ends_of_the_alert_and_a_dead_address_harms_nobody(
    run: Callable[[MailServer, Receiver, str], Process], system: SimulatedSystem, tmp_path: Path
) -> None:
    with MailServer() as server, Receiver() as receiver:
        server.refusals["gone@example.org"] = "550 5.1.1 No such user"
        daemon = run(server, receiver, 'security = "none"')
        system.receive_sms(sender="0541234567", recipient="0501234567", text="הקוד שלך 482913")
        (sms,) = arrived(server, 1)
        system.set_registered("0773137770", registered=False)
        down = arrived(server, 2)[1]
        system.set_registered("0773137770", registered=True)
        up = arrived(server, 3)[2]
        wait_for(receiver, "sip.account.registered")
        assert daemon.stop() == 0
        told = [json.loads(one.body)["type"] for one in receiver.received]

    assert "482913" in str(sms["Subject"])
    assert {one.rcpt_tos[0] for one in server.mails} == {"anna@example.org"}
    assert down["Subject"] == up["Subject"]
    assert down["References"] == up["References"]
    assert "מנותק" in down.get_body(("plain",)).get_content()  # type: ignore[union-attr] # it has one
    assert "חזר להיות מחובר" in up.get_body(("html",)).get_content()  # type: ignore[union-attr] # the same
    assert "endpoint.failing" not in told
    with closing(sqlite3.connect(tmp_path / "yemotd.db")) as db:
        statuses = dict(
            db.execute("SELECT endpoint, group_concat(DISTINCT status) FROM deliveries GROUP BY 1")
        )
        errors = [
            row[0] for row in db.execute("SELECT DISTINCT error FROM attempts WHERE outcome = 'refused'")
        ]
    assert statuses["ops/anna@example.org"] == "delivered"
    assert "dead" in statuses["ops/gone@example.org"]
    assert errors == ["550 5.1.1 No such user"]


def test_who_reads_of_an_alert_says_by_its_link_that_they_have_it(
    run: Callable[..., Process], system: SimulatedSystem
) -> None:
    reached = CONFIGURATION.replace("[http]\n", f'[http]\nurl = "{REACHED}"\n')
    with MailServer() as server, Receiver() as receiver:
        daemon = run(server, receiver, 'security = "none"', reached)
        system.set_registered("0773137770", registered=False)
        (mail,) = arrived(server, 1)
        text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr] # it has one
        link = re.search(rf"{re.escape(REACHED)}(/ack/[\w.-]+)", text)
        assert link, text
        path = link[1]

        assert daemon.get(path, token=None)[0] == 200  # as what scans mails does
        (seen,) = daemon.get("/api/v1/alerts")[1]["alerts"]
        assert seen["acknowledged"] is None
        status, page = daemon._ask(path, {}, b"by=Anna")
        assert (status, "Anna" in page) == (200, True)
        (seen,) = daemon.get("/api/v1/alerts")[1]["alerts"]
        assert seen["acknowledged"]["by"] == "Anna"
        assert wait_for(receiver, "alert.acknowledged")[-1]["data"]["by"] == "Anna"
        assert not [line for line in daemon.lines if path in json.dumps(line)]
        assert daemon.stop() == 0


def test_a_mailbox_that_is_put_off_is_no_failure_of_the_server_that_takes_all_other_mails(
    run: Callable[[MailServer, Receiver, str], Process], system: SimulatedSystem, tmp_path: Path
) -> None:
    with MailServer() as server, Receiver() as receiver:
        server.refusals["gone@example.org"] = "452 4.2.2 Mailbox full"
        daemon = run(server, receiver, 'security = "none"')
        for number in range(8):
            system.receive_sms(sender=f"05400000{number:02}", recipient="0501234567", text=f"text {number}")
        arrived(server, 1)
        system.set_registered("0773137770", registered=False)
        arrived(server, 2)
        wait_for(receiver, "sip.account.unregistered")
        assert daemon.stop() == 0
        told = [json.loads(one.body)["type"] for one in receiver.received]

    assert "endpoint.failing" not in told
    with closing(sqlite3.connect(tmp_path / "yemotd.db")) as db:
        ((name, health, failures, is_own),) = db.execute(
            "SELECT name, health, any_failures, is_own FROM endpoints"
        )
    assert (name, health, is_own) == ("ops/gone@example.org", "healthy", 1)
    assert failures >= FIRST_FAILURES, "so many would have been told of the server"


def test_a_wrong_password_is_told_by_the_webhook_and_mended_by_a_reload(
    run: Callable[[MailServer, Receiver, str], Process], system: SimulatedSystem, tmp_path: Path
) -> None:
    certificate = Authority(tmp_path).issue("127.0.0.1")
    (tmp_path / "password").write_text("wrong")
    (tmp_path / "password").chmod(0o600)
    tls = server_side(certificate)
    with MailServer(tls=tls, login=("yemotd", "right")) as server, Receiver() as receiver:
        daemon = run(server, receiver, LOGIN)
        for number in range(6):
            system.receive_sms(sender=f"05400000{number:02}", recipient="0501234567", text=f"text {number}")
        (failing,) = wait_for(receiver, "endpoint.failing")
        wait_for(receiver, "endpoint.suspended")
        tried = len(server.logins)

        (tmp_path / "password").write_text("right")
        daemon.signal(signal.SIGHUP)
        wait_for(receiver, "daemon.config_reloaded")
        for mailbox in ("ops/anna@example.org", "ops/gone@example.org"):
            assert run_cli(tmp_path, "endpoints", "enable", mailbox).returncode == 0
        mails = arrived(server, 2)
        wait_for(receiver, "endpoint.recovered")
        assert daemon.stop() == 0

    assert failing["data"]["endpoint"]["name"] == "smtp"
    assert "535" in failing["data"]["endpoint"]["error"]
    assert "wrong" not in json.dumps(failing)
    assert tried == 1, "the account could be locked"
    texts = "".join(mail.get_body(("plain",)).get_content() for mail in mails)  # type: ignore[union-attr] # each has one
    assert all(texts.count(f"text {number}") == 2 for number in range(6))


def test_a_reader_who_had_all_mails_of_an_hour_is_told_until_when_there_are_no_more(
    run: Callable[[MailServer, Receiver, str], Process], system: SimulatedSystem
) -> None:
    with MailServer() as server, Receiver() as receiver:
        daemon = run(server, receiver, FEW)
        system.receive_sms(sender="0541234567", recipient="0501234567", text="hello")
        texts = {str(one["To"]): one.get_body(("plain",)).get_content() for one in arrived(server, 3)}  # type: ignore[union-attr] # each has one
        assert daemon.stop() == 0

    assert "No more mails are sent until" in texts.pop("few@example.org")
    assert not any("No more mails" in text or "לא יישלחו" in text for text in texts.values())
