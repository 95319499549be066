"""Log lines: events with keys, and no secret, whatever was handed in."""

import io
import json
import logging
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from structlog.typing import EventDict

from daemon.core.model import Fact, Secret
from daemon.host import logs
from daemon.pipeline.events import Recorder, log_recorded
from daemon.store.database import Database
from tests.core.test_visible import ANYTHING, is_obeyed
from tests.support.fakes import START, Ids


def logged(*secrets: str) -> tuple[io.StringIO, logs.Redactor]:
    stream, redactor = io.StringIO(), logs.Redactor()
    redactor.hide(secrets)
    logs.configure(redactor, stream)
    return stream, redactor


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    logs.flush()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_a_named_event_with_keys() -> None:
    stream, _ = logged()
    logs.log.info("delivery.done", endpoint="crm", text="שלום")
    (line,) = lines(stream)

    assert (line["event"], line["endpoint"], line["level"]) == ("delivery.done", "crm", "info")
    assert "שלום" in stream.getvalue()


def test_a_configured_secret_is_cut_out_of_everything() -> None:
    stream, redactor = logged("0773137770:123456")
    logs.log.info("poll.failed", message="GET /?token=0773137770:123456", detail={"t": "0773137770:123456"})
    redactor.hide(["0773137770:123456", "whsec_abcdefgh"])
    logs.log.warning("whsec_abcdefgh was here")
    try:
        raise ValueError("0773137770:123456")
    except ValueError:
        logs.log.exception("poll.crashed")
    logging.getLogger("library").warning("token %s", "0773137770:123456")

    assert len(lines(stream)) == 4
    assert "123456" not in stream.getvalue()
    assert "abcdefgh" not in stream.getvalue()


def test_a_secret_value_prints_as_stars() -> None:
    secret = Secret("0773137770:123456")

    assert f"{secret} {secret!r} {[secret]}" == "*** Secret(***) [Secret(***)]"


def test_an_event_of_an_incident_says_which(database: Database) -> None:
    stream, _ = logged()
    recorder = Recorder([], Ids())
    facts = [Fact("sip.account.unregistered", "sip/077", {}, "inc_1"), Fact("sms.received", "sms/050", {})]
    with database.write() as db:
        log_recorded(recorder.record(db, "main", facts, START))

    first, second = lines(stream)
    assert (first["event"], first["event_id"], first["incident"]) == ("event.recorded", "evt_1", "inc_1")
    assert "incident" not in second


def test_everyday_lines_of_libraries_are_left_out() -> None:
    stream, _ = logged()
    logging.getLogger("apscheduler.scheduler").warning("Execution of job skipped")
    logging.getLogger("apscheduler.scheduler").error("broken")

    assert [line["event"] for line in lines(stream)] == ["broken"]


class Terminal(io.StringIO):
    """What `isatty` says is all that is asked of one."""

    def isatty(self) -> bool:
        return True


@given(text=ANYTHING)
@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_no_reader_of_the_log_is_shown_what_would_be_obeyed(stream: type[io.StringIO], text: str) -> None:
    out = stream()
    logs.configure(logs.Redactor(), out)
    try:
        raise ValueError(text)
    except ValueError:
        logs.log.exception("poll.crashed", answer=text, texts=[text])
    logging.getLogger("library").warning("it says %s", text)
    logs.flush()

    said = out.getvalue()
    for colour in ("\x1b[0m", "\x1b[1m", "\x1b[2m", *(f"\x1b[{one}m" for one in range(30, 38))):
        said = said.replace(colour, "")
    assert not [sign for sign in said if is_obeyed(sign)]
    if stream is io.StringIO:
        assert json.loads(said.splitlines()[0])["answer"] == text


def test_on_a_terminal_a_line_stays_a_line() -> None:
    out = Terminal()
    logs.configure(logs.Redactor(), out)
    logs.log.info("poll.failed", message="x\n2026-01-01 forged")
    logs.flush()

    assert len(out.getvalue().splitlines()) == 1
    assert "⟨U+000A⟩" in out.getvalue()


def test_a_thread_s_end_and_a_warning_go_to_the_log_and_not_around_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    stream, _ = logged()
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr("sys.unraisablehook", lambda _: None)
    logs.take_what_python_says()
    logging.captureWarnings(capture=False)
    thread = threading.Thread(target=lambda: 1 // 0, name="dispatcher")
    thread.start()
    thread.join()

    (line,) = lines(stream)
    assert (line["event"], line["thread"]) == ("thread.crashed", "dispatcher")
    assert "ZeroDivisionError" in str(line["exception"])
    assert capfd.readouterr().err == ""


def test_the_stacks_of_all_threads_are_told_without_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    over = threading.Event()
    names = [f"hanging-{number}" for number in range(150)]
    hanging = [threading.Thread(target=over.wait, name=name, daemon=True) for name in names]
    for one in hanging:
        one.start()
    try:
        told = logs.stacks()
    finally:
        over.set()

    assert "test_the_stacks_of_all_threads" in told
    assert [name for name in names if name not in told] == []
    assert capfd.readouterr().err == ""


@contextmanager
def full_pipe() -> Iterator[tuple[int, io.TextIOWrapper]]:
    """A pipe that nobody reads and that takes no more: its end to read from, and ours."""
    reader, number = os.pipe()
    os.set_blocking(number, False)
    with open(number, "w") as writer, open(reader, "rb"):
        try:
            while True:
                os.write(number, b"x" * 4096)
        except BlockingIOError:
            os.set_blocking(number, True)
        yield reader, writer


def test_nobody_who_logs_waits_for_a_reader_and_what_is_lost_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.host.log_writer.MOST_LINES", 10)
    monkeypatch.setattr(logs, "PATIENCE_SECONDS", 0.01)
    with full_pipe() as (reader, writer):
        logs.configure(logs.Redactor(), writer)
        for number in range(50):  # would stand still at the first
            logs.log.info("event.recorded", event_id=f"evt_{number}")
        logs.flush()
        monkeypatch.setattr(logs, "PATIENCE_SECONDS", 30)
        got = b""
        while told(got) < 50:
            got += os.read(reader, 1 << 20)

    said = [json.loads(line) for line in got.lstrip(b"x").splitlines()]
    kept = [int(line["event_id"].removeprefix("evt_")) for line in said if line["event"] == "event.recorded"]
    assert kept == sorted(set(kept))
    assert 10 <= len(kept) < 50
    assert told(got) == 50


def told(got: bytes) -> int:
    """How many lines arrived, or are said to be missing; what is cut off does not count yet."""
    whole = got.lstrip(b"x").rpartition(b"\n")[0].splitlines()
    return sum(json.loads(line).get("lines", 1) for line in whole)


def test_what_a_broken_pipe_did_not_take_is_told_when_there_is_one_again() -> None:
    class Closing(io.StringIO):
        is_broken = True

        def write(self, text: str, /) -> int:
            if self.is_broken:
                raise BrokenPipeError
            return super().write(text)

    stream = Closing()
    logs.configure(logs.Redactor(), stream)
    for number in range(3):
        logs.log.info("event.recorded", event_id=f"evt_{number}")
        logs.flush()
    stream.is_broken = False
    logs.log.info("event.recorded", event_id="evt_3")

    first, second = lines(stream)
    assert (first["event"], first["lines"], second["event_id"]) == ("log.dropped", 3, "evt_3")


def test_lines_of_one_cause_are_counted_and_told_as_one() -> None:
    stream, _ = logged()
    for number in range(1234):
        logs.log.warning("poll.failed", system="main", watch="sip", attempt=number)
        logging.getLogger("asyncio").error("out of descriptors: socket 0x%x", number)
    logs.log.warning("poll.failed", system="main", watch="sms")

    said = lines(stream)
    repeated = [line for line in said if "repeated" in line]
    assert len(said) == 20 + 20 + 1 + 2
    assert [(str(line["event"]).split(":")[0], line["repeated"]) for line in repeated] == [
        ("poll.failed", 1214),
        ("out of descriptors", 1214),
    ]
    assert (repeated[0]["system"], repeated[0]["watch"]) == ("main", "sip")


KEY_NAMES = ["system", "watch", "endpoint", "error", "event_id"]
KEYS = st.dictionaries(st.sampled_from(KEY_NAMES), st.text(max_size=3), max_size=4)


@given(st.lists(KEYS, unique_by=lambda keys: tuple(sorted(keys.items())), max_size=40), st.integers(1, 30))
def test_lines_of_different_causes_are_all_told(causes: list[dict[str, str]], times: int) -> None:
    stream, _ = logged()
    for _ in range(times):
        for keys in causes:
            logs.log.info("it.happened", **keys)

    said = lines(stream)
    told = [
        {key: str(line[key]) for key in line if key in KEY_NAMES} for line in said if "repeated" not in line
    ]
    assert [told.count(keys) for keys in causes] == [min(times, 20)] * len(causes)
    assert sum(int(str(line.get("repeated", 1))) for line in said) == len(causes) * times


def test_the_same_error_from_two_places_has_two_causes() -> None:
    stream, _ = logged()
    for number in range(30):
        try:
            raise ValueError(f"socket {number}")
        except ValueError:
            logs.log.exception("poll.crashed", system="main")
        try:
            raise ValueError(f"socket {number}")
        except ValueError:
            logs.log.exception("poll.crashed", system="main")

    assert [line["repeated"] for line in lines(stream) if "repeated" in line] == [10, 10]


def test_the_thread_that_writes_takes_no_signal() -> None:
    stream, _ = logged()
    logs.log.info("daemon.ready")
    assert lines(stream)
    (writing,) = [one for one in threading.enumerate() if one.name == "log"][-1:]
    (blocked,) = re.findall(
        r"SigBlk:\t(\w+)", Path(f"/proc/self/task/{writing.native_id}/status").read_text()
    )

    assert int(blocked, 16) >> (signal.SIGTERM - 1) & 1


def test_a_line_that_cannot_be_made_is_told_as_such() -> None:
    stream, _ = logged()
    logging.getLogger("library").error("%d", "x")

    (line,) = lines(stream)
    assert (line["event"], line["logger"]) == ("log.line_broken", "library")


def as_the_library_does(event: EventDict, redactor: logs.Redactor) -> str:
    """The line of an event, by way of a record of the standard library."""
    meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    formatter = structlog.stdlib.ProcessorFormatter(processors=[meta, redactor._each, logs.as_json])
    return formatter.format(logging.makeLogRecord({"msg": event, "_logger": None, "_name": "info"}))


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | ANYTHING | st.just("a secret of many")


@given(st.dictionaries(st.sampled_from("abcdef"), VALUES | st.lists(VALUES, max_size=2)))
def test_a_line_of_ours_is_made_as_the_library_makes_it(keys: dict[str, object]) -> None:
    stream, redactor = logged("secret", '"\\\n\u202e"')
    events: list[EventDict] = []

    def keep(_logger: object, _name: str, event: EventDict) -> EventDict:
        events.append(dict(event))
        return event

    processors = structlog.get_config()["processors"]
    structlog.configure(processors=[*processors[:-1], keep, processors[-1]])
    logs.log.info("event.recorded", **keys)
    logs.log.info("event.recorded", at="a secret", error=Secret("secret"), **keys)
    try:
        raise ValueError("a secret of 1")
    except ValueError:
        logs.log.exception("poll.crashed", stack_info=True)
    logs.flush()

    assert stream.getvalue().splitlines() == [as_the_library_does(one, redactor) for one in events]
    assert "a secret" not in stream.getvalue()


@given(st.dictionaries(st.sampled_from("abcdef"), VALUES), st.lists(ANYTHING.map(lambda one: one[:9])))
def test_looking_at_a_line_as_a_whole_hides_what_looking_at_each_value_hides(
    event: EventDict, secrets: list[str]
) -> None:
    redactor = logs.Redactor()
    redactor.hide([*secrets, *(str(one)[-7:] for one in event.values())])

    assert repr(redactor(None, "", event)) == repr(redactor._each(None, "", event))
