"""Chores that find the store in trouble: done again the next time."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from daemon.core.alerts.hours import Attention, Hours
from daemon.core.durations import MINUTE
from daemon.core.model import ALL
from daemon.core.retention import Retention
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState
from daemon.core.wishes import Wishes
from daemon.host.clock import monotonic
from daemon.pipeline.events import Recorder
from daemon.store.ownership import EVERYTHING
from daemon.workers.chores import Chores
from daemon.workers.housekeeper import Housekeeper
from daemon.workers.poller import Poller
from daemon.workers.system_pauses import Pauses
from tests.support import stores
from tests.support.engines import USED
from tests.support.fakes import START, FakeClock, Ids
from tests.support.story import Story

SECOND = timedelta(seconds=1)


class Nobodys(type(EVERYTHING)):  # type: ignore[misc]
    """Of a member that has nothing by now."""

    def kept(self, _db: object, _kind: object, _names: object) -> set[str]:
        return set()


CHORES: dict[str, Callable[[Chores], None]] = {
    "flush": Chores.flush,
    "history": Chores.keep_history,
    "tell": Chores.tell,
    "prune": Chores.prune,
    "sweep": lambda chores: chores.sweep([]),
    "announce": lambda chores: chores.announce("daemon.started", {}),
}


@USED
def test_what_its_hours_end_is_told_by_the_clock(tmp_path: Path) -> None:
    """By whoever polls the system, and by nobody else."""
    open_until = START + 100 * SECOND
    office = Attention({ALL: Hours(("office",), lambda at: at < open_until)})
    story = Story(tmp_path / "hours.db", attention=office)
    story.phone("077", (10, 900))
    story.run(until=90)
    story.clock.advance(20)
    told = list[int]()
    for ownership in (Nobodys(), EVERYTHING):
        watched = {watch.id: watch for watch in story.watches()}
        poller = Poller(
            story.database,
            lambda: story.recorder,
            now=story.clock.now,
            monotonic=story.clock.monotonic,
            watches=lambda found=watched: found,  # type: ignore[misc]
        )
        chores = Chores(
            story.database,
            lambda: story.recorder,
            poller,
            Housekeeper(story.database, monotonic=monotonic),
            retention=Retention,
            wishes=Wishes,
            now=story.clock.now,
            wake=lambda: None,
            ownership=ownership,
        )
        chores.tell()
        told.append(len(story.alerts()))

    assert told == [1, 2]
    assert story.alerts()[-1]["cause"] == "outside_hours"
    story.database.close()


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
        poller.hearers.historian.looked(
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
    assert [one["sms"].up for one in poller.hearers.historian.unflushed("main").open.values()] == [30_000]
