"""Chores that find the store in trouble: done again the next time."""

from collections.abc import Callable

import pytest

from daemon.core.durations import MINUTE
from daemon.core.retention import Retention
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState
from daemon.core.wishes import Wishes
from daemon.host.clock import monotonic
from daemon.pipeline.events import Recorder
from daemon.workers.chores import Chores
from daemon.workers.housekeeper import Housekeeper
from daemon.workers.poller import Poller
from daemon.workers.system_pauses import Pauses
from tests.support import stores
from tests.support.fakes import START, FakeClock, Ids

CHORES: dict[str, Callable[[Chores], None]] = {
    "flush": Chores.flush,
    "history": Chores.keep_history,
    "tell": Chores.tell,
    "prune": Chores.prune,
    "sweep": lambda chores: chores.sweep([]),
    "announce": lambda chores: chores.announce("daemon.started", {}),
}


@pytest.mark.parametrize("chore", CHORES)
@pytest.mark.parametrize("error", stores.FAILING)
def test_a_store_that_fails_ends_nothing_and_wakes_nobody(chore: str, error: Exception) -> None:
    clock, woken = FakeClock(), list[None]()
    database, recorder = stores.Failing(error), Recorder([], Ids())
    poller = Poller(
        database,
        lambda: recorder,
        now=clock.now,
        monotonic=clock.monotonic,
        pauses=Pauses(clock.monotonic),
    )
    poller._unchanged = {("main", "sms"): clock.at}
    log = Subject("sms", SubjectKind.SMS, SubjectState.UP)
    for _ in range(2):
        clock.advance(30)
        poller.historian.looked(
            ("main", "sms"), {"sms": log}, None, clock=clock.monotonic(), now=clock.at, most=MINUTE
        )
    chores = Chores(
        database,
        lambda: recorder,
        poller,
        Housekeeper(database, monotonic=monotonic),
        retention=Retention,
        wishes=Wishes,
        now=clock.now,
        wake=lambda: woken.append(None),
    )

    CHORES[chore](chores)

    assert woken == []
    assert poller.unflushed() == {("main", "sms"): START}
    assert [one["sms"].up for one in poller.historian.unflushed("main").open.values()] == [30_000]
