"""The journal's own protocol, read back by a peer that knows nothing of how it was written."""

import array
import json
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.host.journal import Journal as Sender
from daemon.host.journal import encoded, is_read_by_journal, text


def fields(entry: bytes) -> dict[str, str]:
    """An entry as the journal reads it: `NAME=value`, or the name, a length of eight bytes and the value."""
    found = {}
    while entry:
        head, _, rest = entry.partition(b"\n")
        name, equals, value = head.partition(b"=")
        if not equals:
            (length,) = struct.unpack("<Q", rest[:8])
            value, rest = rest[8 : 8 + length], rest[8 + length :]
            assert rest[:1] == b"\n"
            rest = rest[1:]
        assert name.decode() not in found
        found[name.decode()] = value.decode()
        entry = rest
    return found


class Journal:
    """What listens where the journal does."""

    def __init__(self, path: Path) -> None:
        self.address = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.settimeout(5)

    def read(self) -> dict[str, str]:
        """The next entry, and whether it came as a file is its key "as a file"."""
        data, passed, _, _ = self._socket.recvmsg(1 << 20, socket.CMSG_SPACE(4))
        for _, _, descriptors in passed:
            (descriptor,) = array.array("i", descriptors)
            with pytest.raises(PermissionError):
                os.write(descriptor, b"x")  # sealed
            with open(descriptor, "rb") as file:
                file.seek(0)
                return {**fields(file.read()), "as a file": "yes"}
        return fields(data)

    def close(self) -> None:
        self._socket.close()
        os.unlink(self.address)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    one = Journal(tmp_path / "socket")
    yield one
    one.close()


def line(**line: object) -> str:
    return json.dumps(line, ensure_ascii=False)


def nowhere(_line: str) -> None:
    raise AssertionError("the journal is there")


def test_each_key_is_a_field_beside_the_text(journal: Journal) -> None:
    handler = Sender(nowhere, journal.address)
    handler(
        line(
            event="delivery.retry",
            level="warning",
            timestamp="2026-03-01T12:00:00Z",
            event_id="evt_1",
            endpoint="crm",
            attempt=2,
            error="סירוב",
            due_at=None,
        )
    )
    handler.close()

    assert journal.read() == {
        "MESSAGE": "delivery.retry event_id=evt_1 endpoint=crm attempt=2 error=סירוב due_at=null",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "yemotd",
        "YEMOTD_EVENT": "delivery.retry",
        "YEMOTD_EVENT_ID": "evt_1",
        "YEMOTD_ENDPOINT": "crm",
        "YEMOTD_ATTEMPT": "2",
        "YEMOTD_ERROR": "סירוב",
        "YEMOTD_DUE_AT": "null",
    }


def test_a_value_of_several_lines_forges_no_field() -> None:
    line = {"event": "poll.crashed", "error": "x\nPRIORITY=0\nMESSAGE=all is well", "level": "error"}
    read = fields(encoded(line))

    assert read["YEMOTD_ERROR"] == line["error"]
    assert read["PRIORITY"] == "3"
    assert read["MESSAGE"] == "poll.crashed error=x⟨U+000A⟩PRIORITY=0⟨U+000A⟩MESSAGE=all is well"


def test_a_key_cannot_forge_a_field_either() -> None:
    read = fields(encoded({"event": "x", "a=b\nPRIORITY": 1, "ключ": 2, "k" * 100: 3}))

    assert read["PRIORITY"] == "6"
    assert all(len(name) <= 64 and name.replace("_", "").isalnum() and name.isascii() for name in read)


def test_where_an_error_came_from_stands_below_the_text() -> None:
    assert text({"event": "poll.crashed", "watch": "sms", "exception": "Traceback …"}) == (
        "poll.crashed watch=sms\nTraceback …"
    )


def test_what_is_too_large_for_a_datagram_goes_as_a_sealed_file(journal: Journal) -> None:
    handler = Sender(nowhere, journal.address)
    handler(line(event="large", text="ש" * 500_000))
    handler.close()
    read = journal.read()

    assert read["as a file"] == "yes"
    assert read["YEMOTD_TEXT"] == "ש" * 500_000


def test_a_journal_that_is_started_anew_gets_the_next_line(tmp_path: Path) -> None:
    kept: list[str] = []
    first = Journal(tmp_path / "socket")
    handler = Sender(kept.append, first.address)
    handler(line(event="one"))
    first.close()
    handler(line(event="two"))
    second = Journal(tmp_path / "socket")
    handler(line(event="three"))
    handler.close()

    assert second.read()["MESSAGE"] == "three"
    assert [json.loads(one)["event"] for one in kept] == ["two"]
    second.close()


def test_the_journal_is_known_by_the_stream_that_it_names(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream:
        status = os.fstat(stream.fileno())
        ours = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}

        assert is_read_by_journal(stream, ours)
        assert not is_read_by_journal(stream, {"JOURNAL_STREAM": "1:2"})
        assert not is_read_by_journal(stream, {})
