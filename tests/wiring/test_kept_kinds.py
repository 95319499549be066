"""Of each kind of watch, what it sees is kept for a rehearsal, or it is said here why not."""

import sys
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from daemon.core.event_types import ALERT_TYPES
from daemon.core.model import EventTypes
from daemon.core.rehearsal.shapes import loaded
from daemon.core.watches.watch import AnyWatch
from daemon.wiring.watches import watches
from daemon.workers.rehearser import Answers, Replayed, replayed
from tests.support.config_files import SYSTEM, config

NOT_KEPT = {
    "sms": "texts and numbers of messages are kept in their events alone, by the retention of those",
    "callbacks/5": "so are the numbers of callers",
    "directory/2": "so are the names of files, and who recorded them; no alert comes of them",
    "queue-log/5": "so are the numbers of callers",
    "report/1/ApprovalAll": "so is what callers keyed in",
}
EVERYTHING = (
    SYSTEM
    + """
[systems.sms]
[systems.sip]
contexts = [1]
[[systems.queues]]
path = "/5"
[[systems.directories]]
path = "/2"
[systems.pirsumphone]
[[systems.callbacks]]
path = "/5"
[[systems.reports]]
path = "/1"
file = "ApprovalAll"
[systems.units]
below = 5
[systems.sms_units]
below = 5
[systems.caller_ids]
"""
)


@pytest.fixture
def watched(tmp_path: Path) -> list[AnyWatch]:
    (system,) = config(tmp_path, EVERYTHING).systems
    return watches(system, cast("Any", None), ZoneInfo("Asia/Jerusalem"))


def test_what_a_watch_sees_is_kept_or_it_is_said_why_not(watched: list[AnyWatch]) -> None:
    not_kept = {one.name for one in watched if one.kind.kept_as is None}
    assert not_kept == set(NOT_KEPT)


def test_what_is_kept_is_read_back_and_its_events_are_known(watched: list[AnyWatch]) -> None:
    for one in watched:
        if one.kind.kept_as is None:
            assert isinstance(replayed(one).kind, Answers)
            continue
        with pytest.raises((AttributeError, TypeError)):
            loaded(one.kind.kept_as, "nothing")
        types: Any = sys.modules[one.kind.kept_as.__module__]
        assert isinstance(types.EVENTS, EventTypes)
        assert {kind.fires for kind in types.EVENTS.alerts} <= ALERT_TYPES
        assert isinstance(replayed(one).kind, Replayed)
