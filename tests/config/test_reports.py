"""`[[systems.reports]]`: which files may be named, and who hears of them."""

from pathlib import Path

import pytest

from daemon.config.load import ConfigError, load
from tests.support.config_files import ENVIRON, QUIET, SYSTEM, WEBHOOK, warnings, written

BASE = QUIET + SYSTEM


def table(path: str = "/1", file: str = "ApprovalAll", more: str = "") -> str:
    return f'[[systems.reports]]\npath = "{path}"\nfile = "{file}"\n{more}'


def faults(text: str, directory: Path) -> str:
    with pytest.raises(ConfigError) as refused:
        load(written(directory, text), ENVIRON)
    return str(refused.value)


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("/Log", "LogCreditCard"),
        ("/5", "logcreditcard"),
        ("/5", "LOGCREDITCARDAll"),
        ("/5", "LogCreditCard.ymgr"),
        ("/5", "Log-Credit_Card"),
        ("/LogCreditCard", "ApprovalAll"),
        ("ivr2:/5/logCreditCard2026", "ApprovalAll"),
    ],
)
def test_records_of_payments_are_refused_by_their_name(path: str, file: str, tmp_path: Path) -> None:
    assert "holds payments, which are never read" in faults(BASE + table(path, file), tmp_path)


@pytest.mark.parametrize(
    ("written_as", "said"),
    [
        (table(file="1/ApprovalAll"), "expected a name without a folder"),
        (table(file=".."), "expected a name without a folder"),
        (table(file=""), "file"),
        (table(file="a b"), "has a blank in it"),
        (table(more='fields = ["P050", "P050"]\n'), "names one of its entries twice"),
        (table() + table("1/", "ApprovalAll.ymgr"), "another report of this system has this path and file"),
    ],
)
def test_what_cannot_be_a_report_is_refused(written_as: str, said: str, tmp_path: Path) -> None:
    assert said in faults(BASE + written_as, tmp_path)


def test_a_file_may_be_named_with_its_end(tmp_path: Path) -> None:
    (system,) = load(written(tmp_path, BASE + table(file="ApprovalAll.ymgr")), ENVIRON).config.systems

    assert [one.file for one in system.reports] == ["ApprovalAll"]


@pytest.mark.parametrize(
    ("events", "is_told"), [('["*"]', False), ('["*", "report.*"]', True), ('["report.row.added"]', True)]
)
def test_a_report_of_which_nobody_hears_is_said_to_be(events: str, is_told: bool, tmp_path: Path) -> None:
    found = warnings(tmp_path, BASE + table() + WEBHOOK + f"events = {events}\n")

    assert any("[systems.reports] no endpoint has report.row.added" in one for one in found) is not is_told
