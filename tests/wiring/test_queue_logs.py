"""The log of a queue as a watch: whom its rows tell of."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from daemon.config.systems import SystemSettings
from daemon.config.watches import QueueWatch
from daemon.core.alerts.life import Seen
from daemon.core.cards import has_card
from daemon.core.durations import NOTHING
from daemon.core.files import File
from daemon.core.watches import reports
from daemon.core.watches.watch import AnyKind
from daemon.wiring.kinds import queue_log
from daemon.yemot.reports import split
from tests.support.fakes import START

ZONE = ZoneInfo("Asia/Jerusalem")
NAME = "LogQueueAll.2026-11-23.ymgr"
ABROAD = "0049151123456711"
"""A phone of Germany whose digits pass the check of a payment card."""


def kind() -> AnyKind:
    system = SystemSettings.model_construct(name="main")
    _, make = queue_log.row(system, QueueWatch(path="/5", name="sales", every=timedelta(seconds=10)))
    return make(None, ZONE)  # type: ignore[arg-type]


def looked(*lines: str) -> reports.Observation:
    rows = split("".join(f"{line}\n" for line in lines))
    file = File(NAME, None, None, len(lines), None, None, None, None, None)
    return reports.Observation((file,), {NAME: rows})


@pytest.mark.parametrize("name", ["Phone", "AnswerNumber"])
def test_a_phone_of_another_country_is_no_card_that_somebody_keyed_in(name: str) -> None:
    said = {"Phone": "0541234567", "AnswerNumber": "0770000000", name: ABROAD}
    row = f"Folder#5%Phone#{said['Phone']}%Date#23/11/2026%Time#03:00:00%QueueStatus#CONTINUE"
    watch = kind()
    first = watch.diff(None, looked(), Seen(START, None, NOTHING))
    (fact,) = watch.diff(
        first.state, looked(f"{row}%AnswerNumber#{said['AnswerNumber']}"), Seen(START, START, NOTHING)
    ).facts

    assert has_card(ABROAD)
    caller, logged = fact.payload["caller"], fact.payload["logged"]
    assert caller["phone"] == said["Phone"]  # type: ignore[index,call-overload]
    assert logged["answered_by"] == said["AnswerNumber"]  # type: ignore[index,call-overload]
