"""A mail by `[smtp]` where the machine has no sendmail, by the process that `tell-failure` starts."""

import os
import subprocess
import sys
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.process import inherited
from tests.support.smtp import MailServer

pytestmark = pytest.mark.slow
CONFIGURATION = """\
[[systems]]
evry = "15s"
[smtp]
host = "127.0.0.1"
port = {port}
security = "none"
from = "Yemot alerts <alerts@example.org>"
[[emails]]
name = "ops"
to = ["ops@example.org", "dana@example.org"]
"""


def told(folder: Path, text: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = folder / "config.toml"
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    more = {"PYTHONPATH": str(ROOT), "YEMOTD_CONFIG": str(path), **environment}
    return subprocess.run(
        [sys.executable, "-m", "daemon.cli.failure_mail", "yemotd.service has failed on machine"],
        env={**inherited(), **more},
        input="Its configuration cannot be used.\n.\n\x1b[31mשלום\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def server() -> MailServer:  # type: ignore[misc]
    one = MailServer()
    yield one
    one.close()


def test_it_goes_to_all_addresses_though_the_configuration_is_why_it_failed(
    tmp_path: Path, server: MailServer
) -> None:
    done = told(tmp_path, CONFIGURATION.format(port=server.port))

    assert (done.returncode, done.stderr) == (0, "")
    assert [one.rcpt_tos for one in server.mails] == [["ops@example.org"], ["dana@example.org"]]
    mail = message_from_bytes(server.mails[0].original_content or b"", policy=default)
    assert mail["Subject"] == "yemotd.service has failed on machine"
    assert mail["To"] == "ops@example.org"
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_content()
    assert "Its configuration cannot be used.\n.\n" in text
    assert "שלום" in text
    assert "\x1b" not in text


def test_what_one_refuses_the_other_gets(tmp_path: Path, server: MailServer) -> None:
    server.refusals["ops@example.org"] = "550 5.1.1 no such person"
    done = told(tmp_path, CONFIGURATION.format(port=server.port))

    assert done.returncode == 0
    assert "ops@example.org: " in done.stderr
    assert [one.rcpt_tos for one in server.mails] == [["dana@example.org"]]


def test_whom_failure_mail_names_is_told(tmp_path: Path, server: MailServer) -> None:
    told(tmp_path, CONFIGURATION.format(port=server.port), FAILURE_MAIL="me@example.org")

    assert [one.rcpt_tos for one in server.mails] == [["me@example.org"]]


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (CONFIGURATION.format(port=9), os.EX_UNAVAILABLE, "127.0.0.1: "),
        ("[http]\n", os.EX_CONFIG, "has no [smtp]"),
    ],
)
def test_where_it_cannot_it_says_why(tmp_path: Path, text: str, code: int, said: str) -> None:
    done = told(tmp_path, text)

    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
