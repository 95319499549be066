"""Log lines: events with keys, and no secret, whatever was handed in."""

import io
import json
import logging
import os
from pathlib import Path

import pytest

from daemon import logs
from daemon.core.model import Secret


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


def test_everyday_lines_of_libraries_are_left_out() -> None:
    stream, _ = logged()
    logging.getLogger("apscheduler.scheduler").warning("Execution of job skipped")
    logging.getLogger("apscheduler.scheduler").error("broken")

    assert [line["event"] for line in lines(stream)] == ["broken"]


@pytest.mark.parametrize(("is_ours", "starts"), [(True, ["<6>{", "<4>{", "<3>{"]), (False, ["{", "{", "{"])])
def test_the_journal_is_told_how_much_each_line_matters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_ours: bool, starts: list[str]
) -> None:
    """Where the stream is the one that it named: not one that was led elsewhere."""
    with (tmp_path / "log").open("w+") as stream:
        status = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino if is_ours else 1}")
        logs.configure(logs.Redactor(), stream)
        logs.log.info("delivery.done")
        logs.log.warning("delivery.retry")
        logging.getLogger("library").error("broken")
        said = (tmp_path / "log").read_text().splitlines()

    assert [line.partition('"')[0] for line in said] == starts
    assert [json.loads(line.lstrip("<643>"))["event"] for line in said] == [
        "delivery.done",
        "delivery.retry",
        "broken",
    ]
