"""Recordings in mails: the file itself and a link, as far as the configuration, time and room allow."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from daemon.config.load import load
from daemon.config.settings import Config
from daemon.core.delivery.outcome import Message
from daemon.core.files import File
from daemon.core.model import Failure, Unknown
from daemon.core.recording_links import read
from daemon.wiring.recordings import asked, wish
from daemon.wiring.senders import Outgoing
from daemon.workers import mailed_recordings
from daemon.workers.downloads import Downloads
from daemon.workers.mailed_recordings import PATIENCE, REST, MailedRecordings, Wish
from tests.support.fakes import START
from tests.workers.test_downloads import CONTENT, Platform, Watch

KEY = b"the key of the links in tests..."
CONFIG = """
[[systems]]
name = "main"
token = "0770000000:1234"
[[systems.directories]]
path = "/2"
attach = true
keep = "30d"
keep_mib = 7
[[systems.directories]]
path = "/3"
[http]
listen = ""
url = "https://phones.example.org"
recording_links = "24h"
[smtp]
host = "mail.example.org"
from = "yemotd@example.org"
[[emails]]
name = "ops"
to = ["dana@example.org"]
events = ["*"]
"""


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def mailed(platform: Platform, watch: Watch, tmp_path: Path) -> Iterator[MailedRecordings]:
    downloads = Downloads(platform.fetch, lambda: tmp_path, monotonic=watch)
    given = Wish({("main", "/2")}, has_links=True)
    yield MailedRecordings(downloads, lambda: given, lambda: KEY, watch)
    platform.go_on.set()
    downloads.close()


def message(number: int = 1, *, folder: str = "/2", size: int = len(CONTENT)) -> Message:
    file = File(f"{number:03}.wav", f"u{number}", None, size, None, "00:10", "0541234567", None, None)
    data = {
        "id": f"evt_{number}",
        "system": "main",
        "sequence": number,
        "subject": f"directory{folder}",
        "directory": {"path": folder, "added": 1},
        "file": asdict(file),
    }
    kind = "directory.file.added"
    body = json.dumps({"type": kind, "timestamp": "2026-03-01T12:00:00.000Z", "data": data}).encode()
    return Message(number, "t", "ops/dana@example.org", "", f"evt_{number}", kind, body, 1)


def names(mailed: MailedRecordings, *messages: Message) -> list[str]:
    return [one.name for one in mailed.attachments(messages)]


def test_files_of_the_folders_that_ask_for_it_are_attached(mailed: MailedRecordings) -> None:
    (found,) = mailed.attachments([message(1), message(2, folder="/3")])

    assert found == ("evt_1.wav", "audio/wav", CONTENT)


def test_what_is_too_large_stays_away_and_takes_no_other_with_it(
    mailed: MailedRecordings, platform: Platform
) -> None:
    assert names(mailed, message(1, size=mailed_recordings.MOST + 1), message(2)) == ["evt_2.wav"]
    assert platform.asked == ["evt_2"]


def test_a_slow_platform_is_left_alone_for_a_while(
    mailed: MailedRecordings, platform: Platform, watch: Watch
) -> None:
    platform.answer = Unknown(Failure.TIMEOUT, "slow")
    first = names(mailed, message(1), message(2))
    platform.answer = None
    second = names(mailed, message(3))
    watch.now += REST.total_seconds()

    assert (first, second, platform.asked) == ([], [], ["evt_1"])
    assert names(mailed, message(4)) == ["evt_4.wav"]
    assert PATIENCE < REST


def test_a_file_that_is_gone_is_no_reason_to_send_nothing(
    mailed: MailedRecordings, platform: Platform
) -> None:
    platform.answer = Unknown(Failure.REFUSED, "gone", 404)

    assert names(mailed, message()) == []


def test_a_mail_has_the_file_and_the_link(tmp_path: Path, mailed: MailedRecordings) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG, encoding="utf-8")
    path.chmod(0o600)
    config = load(path, {}).config
    outgoing = Outgoing(config, recordings=mailed)
    with closing(outgoing.senders):
        (letter,) = outgoing._compose("ops/dana@example.org", [message()])
    email: EmailMessage = letter.email
    text = email.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    (line,) = [one for one in text.splitlines() if "https://phones.example.org/r/" in one]
    link = read(KEY, line.strip().rpartition("/")[2])

    assert [(one.get_filename(), one.get_content()) for one in email.iter_attachments()] == [
        ("evt_1.wav", CONTENT)
    ]
    assert link is not None
    assert (link.event, link.endpoint, link.made_at) == ("evt_1", "ops/dana@example.org", START)
    assert asked(config).keys() == {("main", "/2")}
    assert wish(config) == Wish({("main", "/2")}, has_links=True)
    assert not wish(without_links(config)).has_links


def without_links(config: Config) -> Config:
    http = config.http.model_copy(update={"recording_links": None})
    return config.model_copy(update={"http": http})


def test_without_a_key_that_lasts_there_is_no_link(mailed: MailedRecordings, watch: Watch) -> None:
    without = MailedRecordings(mailed._downloads, lambda: Wish((), has_links=True), lambda: None, watch)

    assert without.link("ops", "evt_1", START) is None
    assert mailed.link("ops", "evt_1", START) is not None
    assert names(without, message()) == []
    assert replace(Wish(), has_links=True).has_links
