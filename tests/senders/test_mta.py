"""Mail through a postfix of its own, to a mailbox on disk: what a real server makes of it."""

import os
import pwd
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from daemon.core.delivery.outcome import Message, Outcome
from daemon.senders.mail import Letter
from daemon.senders.smtp import Security
from tests.support.certificates import Authority
from tests.support.mails import letter, posting, server, to, trusting
from tests.support.process import free_port

PROGRAM = Path("/usr/sbin/postfix")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("postfix"),
    pytest.mark.skipif(os.getuid() != 0, reason="postfix starts as root"),
]

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = /dev/stdout
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
myhostname = mail.test
mydestination =
inet_protocols = ipv4
alias_maps =
smtpd_tls_security_level = encrypt
smtpd_tls_received_header = yes
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {certificate}
notify_classes =
message_size_limit = 20000
virtual_mailbox_limit = 0
smtpd_relay_restrictions = reject_unauth_destination
virtual_mailbox_domains = pbx.test
virtual_mailbox_maps = inline:{{ops@pbx.test=ops/}}
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
"""
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
proxymap unix - - n - - proxymap
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
tlsmgr unix - - n 1000? 1 tlsmgr
anvil unix - - n - 1 anvil
virtual unix - n n - - virtual
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """It says in its log what it did; waiting for a line of that is waiting for the deed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.authority = Authority(folder)
        self._mailbox = folder / "mail" / "ops" / "new"
        self._running = self._started(folder)
        # A line that never comes must not be waited for without end.
        self._patience = threading.Timer(30, self._stop)
        self._patience.start()
        self.wait_for("daemon started")

    def mails(self) -> list[EmailMessage]:
        """What is in the mailbox."""
        return [message_from_bytes(one.read_bytes(), policy=policy.SMTP) for one in self._mailbox.iterdir()]

    def wait_for(self, words: str) -> str:
        """The next line of the log with these words."""
        assert self._running.stdout
        line: str = next(line for line in self._running.stdout if words in line)
        return line

    def close(self) -> None:
        self._stop()
        self._running.communicate()
        self._patience.cancel()
        self._patience.join()

    def _stop(self) -> None:
        subprocess.run([PROGRAM, "-c", self._folder, "stop"], check=False, capture_output=True)

    def _started(self, folder: Path) -> "subprocess.Popen[str]":
        owner = pwd.getpwnam("postfix")
        folder.chmod(0o755)
        (folder / "queue").mkdir()
        for name in ("mail", "data"):
            (folder / name).mkdir()
            os.chown(folder / name, owner.pw_uid, owner.pw_gid)
        places = {"folder": folder, "port": self.port, "certificate": self.authority.issue("127.0.0.1")}
        for name, content in (("main.cf", MAIN), ("master.cf", MASTER)):
            (folder / name).write_text(content.format(uid=owner.pw_uid, gid=owner.pw_gid, **places))
        return subprocess.Popen([PROGRAM, "-c", folder, "start-fg"], stdout=subprocess.PIPE, text=True)


@pytest.fixture
def postfix() -> Iterator[Postfix]:
    # Not pytest's own folder: that one is closed to all but root, and postfix gives root up.
    folder = Path(tempfile.mkdtemp(prefix="postfix-"))
    try:
        one = Postfix(folder)
        try:
            yield one
        finally:
            one.close()
    finally:
        shutil.rmtree(folder)


def test_mails_reach_a_mailbox_as_they_were_composed(postfix: Postfix) -> None:
    text = "".join(f"{'.' * (number % 3)}שורה {number}\n" for number in range(300))

    def compose(_endpoint: str, messages: Sequence[Message]) -> list[Letter]:
        size = {"evt_long": text, "evt_large": text * 10}
        return [letter(one, recipient=one.lane, text=size.get(one.event, "שלום\n")) for one in messages]

    def shorten(_endpoint: str, message: Message, most: int) -> list[Letter]:
        return [letter(message, recipient=message.lane, text=text[: min(most, 2000)])]

    one = trusting(server(postfix.port, Security.STARTTLS, timeout=20), postfix.authority.pem)
    with posting(one, compose, shorten) as post:
        ended = post.send(
            to("ops@pbx.test", event="evt_short"),
            to("nobody@pbx.test"),
            to("ops@elsewhere.test"),
            to("ops@pbx.test", event="evt_large"),
            to("ops@pbx.test", event="evt_long"),
        )
    for _ in range(3):
        postfix.wait_for("status=sent (delivered to maildir)")

    assert [one.outcome for one in ended] == [
        Outcome.ACCEPTED,
        Outcome.REFUSED,
        Outcome.REFUSED,
        Outcome.ACCEPTED,
        Outcome.ACCEPTED,
    ]
    assert (ended[1].error or "").startswith("550 5.1.1 <nobody@pbx.test>: Recipient address rejected")
    assert (ended[2].error or "").startswith("554 5.7.1 <ops@elsewhere.test>: Relay access denied")
    assert [one.is_own for one in ended] == [False, True, True, False, False]
    got = {one["Message-ID"]: one for one in postfix.mails()}
    assert got.keys() == {"<evt_short@pbx.test>", "<evt_large@pbx.test>", "<evt_long@pbx.test>"}
    assert text.startswith(got["<evt_large@pbx.test>"].get_content().rstrip("\n"))
    assert got["<evt_long@pbx.test>"].get_content() == text
    assert got["<evt_short@pbx.test>"]["Return-Path"] == "<yemotd@pbx.test>"
    assert "TLSv1.3" in got["<evt_short@pbx.test>"]["Received"]


def test_a_server_that_wants_tls_gets_no_mail_without(postfix: Postfix) -> None:
    with posting(server(postfix.port, Security.NONE)) as post:
        (ended,) = post.send()

    assert ended.outcome is Outcome.FORBIDDEN
    assert (ended.error or "").startswith("530 5.7.0 Must issue a STARTTLS command first; not tried again")
