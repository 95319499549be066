"""The scheduler's zone and trigger: intervals go by seconds that only grow."""

import threading
from datetime import datetime, timedelta

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from freezegun import freeze_time
from hypothesis import given
from hypothesis import strategies as st

from daemon.app.steady import Every, SteadyZone
from daemon.host.clock import elapsed

SECOND = timedelta(seconds=1)


def test_the_time_of_the_zone_is_nobody_elses_business() -> None:
    zone = SteadyZone(lambda: 5.0)
    with freeze_time("1970-01-02"):
        then = datetime.now(zone)  # noqa: TID251 - as APScheduler asks
    with freeze_time("2099-01-01"):
        now = datetime.now(zone)  # noqa: TID251

    assert then == now == zone.now()


@given(
    interval=st.timedeltas(timedelta(milliseconds=200), timedelta(days=7)),
    late=st.timedeltas(timedelta(0), timedelta(days=40_000)),
)
def test_what_was_missed_is_one_run_and_the_rhythm_is_kept(interval: timedelta, late: timedelta) -> None:
    previous = SteadyZone(lambda: 0.0).now()
    now = previous + late

    following = Every(interval).get_next_fire_time(previous, now)

    assert following > now
    assert following - now <= interval
    assert (following - previous) % interval == timedelta(0)


@given(
    interval=st.timedeltas(timedelta(milliseconds=200), timedelta(days=7)),
    first=st.timedeltas(timedelta(0), timedelta(days=7)),
    late=st.timedeltas(timedelta(0), timedelta(days=7)),
    phase=st.timedeltas(timedelta(0), timedelta(days=7)),
)
def test_who_was_early_once_falls_into_the_rhythm(
    interval: timedelta, first: timedelta, late: timedelta, phase: timedelta
) -> None:
    """Many that are taken up within seconds are apart from then on."""
    began = SteadyZone(lambda: 0.0).now()
    origin, previous = began + phase, began + first
    trigger = Every(interval, origin)

    second = trigger.get_next_fire_time(previous, previous + late)
    third = trigger.get_next_fire_time(second, second)

    assert second > previous + late
    assert second - (previous + late) <= 1.5 * interval
    assert second - previous >= interval / 2
    assert (second - origin) % interval == timedelta(0)
    assert third - second == interval


def test_runs_are_an_interval_apart_whatever_the_wall_says() -> None:
    """With the real scheduler, under a wall clock that is set by years between any two runs."""
    ran: list[float] = []
    is_enough = threading.Event()

    def job() -> None:
        ran.append(elapsed())
        if len(ran) == 6:
            is_enough.set()

    zone = SteadyZone(elapsed)
    scheduler = BackgroundScheduler(
        timezone=zone,
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    scheduler.add_job(job, Every(0.1 * SECOND), next_run_time=zone.now())
    scheduler.start()
    for moment in ("1970-01-01", "2099-01-01", "2026-01-01"):
        with freeze_time(moment):
            is_enough.wait(0.15)
    came = is_enough.wait(20)
    scheduler.shutdown()

    assert came
    assert len(ran) <= (ran[-1] - ran[0]) / 0.1 + 2


@pytest.mark.parametrize("ahead", [0, 1])
def test_the_first_run_is_when_it_is_asked_for(ahead: int) -> None:
    now = SteadyZone(lambda: 0.0).now()
    previous = now + ahead * SECOND if ahead else None

    assert Every(SECOND).get_next_fire_time(previous, now) == now + 2 * ahead * SECOND
