"""systemd's journal by its own protocol: the keys of a log line are fields that `journalctl` finds it by.

    journalctl --unit yemotd YEMOTD_ENDPOINT=crm YEMOTD_EVENT=delivery.dead

The text of a line is for people; each of its keys is a field beside it, in capitals behind `YEMOTD_`. Source:
systemd's "Native Journal Protocol", systemd.journal-fields(7).
"""

import array
import errno
import fcntl
import io
import json
import os
import re
import socket
import struct
from collections.abc import Callable, Mapping
from typing import TextIO

from daemon.core.visible import visible, visible_line

ADDRESS = "/run/systemd/journal/socket"
IDENTIFIER = "yemotd"
PREFIX = "YEMOTD_"
PRIORITIES = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}
"""What syslog (RFC 5424, section 6.2.1), and so the journal, calls our levels."""
NOT_FIELDS = frozenset({"timestamp", "level", "exception"})
"""The journal has its own time, and PRIORITY; where an error came from stands in the text."""
LONGEST_NAME = 64
"""Characters of the name of a field; the journal drops a field with a longer one."""
TOO_LARGE = frozenset({errno.EMSGSIZE, errno.ENOBUFS})
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
_NOT_IN_A_NAME = re.compile(r"[^A-Z0-9_]")


class Journal:
    """Sends lines, which are JSON, to the journal; where that fails, to `fallback`.

    It waits while the journal does not read, so it belongs to a thread of its own.
    """

    def __init__(self, fallback: Callable[[str], None], address: str = ADDRESS) -> None:
        self._fallback = fallback
        self._address = address
        # Never connected: the journal may be started anew, and its address stays.
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def __call__(self, line: str) -> None:
        """Send one line; a line that cannot be sent is not lost. Raises OSError where `fallback` does."""
        try:
            self._send(encoded(json.loads(line)))
        except OSError:
            self._fallback(line)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _send(self, datagram: bytes) -> None:
        try:
            self._socket.sendto(datagram, self._address)
        except OSError as error:
            if error.errno not in TOO_LARGE:
                raise
            self._send_as_file(datagram)

    def _send_as_file(self, datagram: bytes) -> None:
        """What is too large for a datagram goes as a sealed file in memory."""
        with open(os.memfd_create(IDENTIFIER, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "w+b") as file:
            file.write(datagram)
            file.flush()
            fcntl.fcntl(file, fcntl.F_ADD_SEALS, SEALS)
            passed = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file.fileno()]))
            self._socket.sendmsg([b""], [passed], 0, self._address)


def is_read_by_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether what is written to a stream goes to the journal, which has said so in $JOURNAL_STREAM."""
    try:
        status = os.fstat(stream.fileno())
    except (io.UnsupportedOperation, OSError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def priority(level: object) -> int:
    """Of a line of this level, as syslog counts it."""
    return PRIORITIES.get(str(level), PRIORITIES["info"])


def encoded(line: Mapping[str, object]) -> bytes:
    """A line as the fields of one entry."""
    fields = {
        "MESSAGE": text(line),
        "PRIORITY": str(priority(line.get("level"))),
        "SYSLOG_IDENTIFIER": IDENTIFIER,
        **{_name(key): visible(_value(value)) for key, value in line.items() if key not in NOT_FIELDS},
    }
    return b"".join(_field(name, value.encode("utf-8", "replace")) for name, value in fields.items())


def text(line: Mapping[str, object]) -> str:
    """A line for people: its name, its keys, and below them where an error came from."""
    keys = [f"{key}={_value(value)}" for key, value in line.items() if key not in {"event", *NOT_FIELDS}]
    below = "\n" + visible(str(line["exception"])) if line.get("exception") else ""
    return visible_line(" ".join([str(line.get("event", "")), *keys])) + below


def _field(name: str, value: bytes) -> bytes:
    if b"\n" not in value:
        return name.encode() + b"=" + value + b"\n"
    return name.encode() + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"


def _name(key: str) -> str:
    return (PREFIX + _NOT_IN_A_NAME.sub("_", key.upper()))[:LONGEST_NAME]


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
