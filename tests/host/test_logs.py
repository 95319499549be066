"""Log lines: events with keys, and no secret, whatever was handed in."""

import io
import json
import logging

from daemon.core.model import Fact, Secret
from daemon.host import logs
from daemon.pipeline.events import Recorder, log_recorded
from daemon.store.database import Database
from tests.support.fakes import START, Ids


def logged(*secrets: str) -> tuple[io.StringIO, logs.Redactor]:
    stream, redactor = io.StringIO(), logs.Redactor()
    redactor.hide(secrets)
    logs.configure(redactor, stream)
    return stream, redactor


def lines(stream: io.StringIO) -> list[dict[str, object]]:
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

    assert "123456" not in stream.getvalue()
    assert "abcdefgh" not in stream.getvalue()
    assert len(lines(stream)) == 4


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
