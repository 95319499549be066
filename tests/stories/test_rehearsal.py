"""A rehearsal of the configuration that was in force, over what was kept: the very alerts that were told."""

import tempfile
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from daemon.core.alerts.acknowledgement import Acknowledgement
from daemon.core.alerts.hours import Attention, Hours
from daemon.core.alerts.incidents import OUTSIDE_HOURS
from daemon.core.model import ALL
from daemon.core.rehearsal.lives import Life as Told
from daemon.core.routing.escalation import Escalation, Step
from daemon.core.routing.plan import Interest
from daemon.pipeline.events import Recorder
from daemon.store import acknowledgements, silences
from daemon.store import database as databases
from daemon.store import lives as store_lives
from daemon.workers.past import Past
from daemon.workers.rehearser import Rehearsed, Rehearser, Then, counter, replayed
from tests.stories.test_any_life import Life, lived, lives
from tests.stories.test_hours import between
from tests.support.engines import USED
from tests.support.examples import examples
from tests.support.fakes import START
from tests.support.story import Story

POLL = timedelta(seconds=10)
SECOND = timedelta(seconds=1)


def rehearsed(story: Story) -> tuple[Rehearsed, list[Told]]:
    """What the configuration of a story makes of all that was kept of it."""
    until = story.clock.now()
    with closing(databases.in_memory()) as memory, memory.rehearsal() as db:
        with story.database.read() as past:
            then = Then([*silences.load(past, now=START, with_ended=True)], _acknowledged(past, until))
        recorder = Recorder(story.interests, counter(), escalations=story.escalations)
        made = [replayed(watch) for watch in story._made()]
        found = Rehearser(db, Past(story.database), made, recorder, then)
        came = found.run(START, until)
        return came, _lives(db, until)


def _acknowledged(db: sa.Connection, until: datetime) -> list[tuple[Acknowledgement, tuple[str, str]]]:
    return [
        (given, (one.system, one.key))
        for one in _lives(db, until)
        for given in acknowledgements.of_incident(db, one.id)
    ]


def _lives(db: sa.Connection, until: datetime) -> list[Told]:
    found, last = store_lives.part(db, START, until, None)
    assert last is None
    return found


def as_told(story: Story) -> list[Told]:
    with story.database.read() as db:
        return _lives(db, story.clock.now())


def turns(found: Sequence[Told]) -> list[tuple[object, ...]]:
    """What fired, and when it began and ended."""
    return sorted((one.about, one.started_at, one.fired_at, one.ended_at, one.end) for one in found)


def tellings(found: Sequence[Told]) -> dict[tuple[object, ...], list[tuple[str, str, datetime]]]:
    """Who was told why and when, by what fired."""
    return {
        (one.about, one.fired_at): [(each.endpoint, each.reason, each.at) for each in one.told]
        for one in found
    }


def assert_same_tellings(would: Sequence[Told], was: Sequence[Told]) -> None:
    """The same endpoints are told for the same reasons, and what time alone brings about within a poll."""
    mine, its = tellings(would), tellings(was)
    assert mine.keys() == its.keys()
    for about, told in its.items():
        by_endpoint = sorted(told)
        again = sorted(mine[about])
        assert [one[:2] for one in again] == [one[:2] for one in by_endpoint], about
        assert all(abs(one[2] - other[2]) <= POLL for one, other in zip(again, by_endpoint, strict=True))


def test_a_phone_that_drops_rings_again_as_it_did(story: Story) -> None:
    story.phone("071", (100, 300))
    story.api_fails(400, 500)
    story.run(until=600, step=5)
    came, would = rehearsed(story)
    assert turns(would) == turns(as_told(story)) != []
    assert_same_tellings(would, as_told(story))
    seen = came.seen["main", "sip"]
    assert (seen.looks, seen.failed, seen.gaps) == (60, 10, [])


def test_hours_end_what_they_ended_and_begin_it_again(story: Story) -> None:
    story.attend(Attention({ALL: Hours(("office",), between((0, 250), (400, 800)))}, frozenset({"sip/072"})))
    story.phone("071", (100, 700))
    story.phone("072", (100, 700))
    story.run(until=900, step=5)
    _, would = rehearsed(story)
    assert turns(would) == turns(as_told(story))
    assert [one.cause for one in would] == [OUTSIDE_HOURS, None]
    assert_same_tellings(would, as_told(story))


def test_it_escalates_again_until_somebody_has_it(tmp_path: Path, engine: str) -> None:
    interests = [Interest("crm", ("*",), None), Interest("boss", ("nothing",), None)]
    steps = (Step("night", 1, 120 * SECOND, ("boss",)), Step("night", 2, 200 * SECOND, ("crm",)))
    story = Story(
        tmp_path / "s.db", interests=interests, escalations=[Escalation("night", ("sip.*",), steps)]
    )
    with closing(story.database):
        story.phone("071", (100, 700))
        story.phone("072", (130, 700))
        story.run(until=220, step=5)
        story.acknowledge(as_told(story)[1].id, "Dana")
        story.run(until=900, step=5)
        _, would = rehearsed(story)
        assert_same_tellings(would, as_told(story))
        told = [{(one.endpoint, one.reason) for one in each.told} for each in would]
        assert ("boss", "catch_up") in told[0] and ("crm", "repeat") in told[0]
        assert told[1] == {("crm", "first"), ("crm", "resolved")}


def test_time_in_which_nobody_looked_counts_for_nothing_again(story: Story) -> None:
    story.phone("071", (100, 400))
    story.phone("072", (60, 75))  # so that the batch has more than equal looks
    story.run(until=130, step=5)
    story.kill()
    story.run(until=200, step=5)
    story.clock.advance(25)  # longer than an interval, and shorter than two and a half
    story.run(until=700, step=5)
    _, would = rehearsed(story)
    assert turns(would) == turns(as_told(story)) != []
    assert_same_tellings(would, as_told(story))


def test_what_was_not_written_down_before_a_kill_is_a_gap(story: Story) -> None:
    story.phone("071", (100, 400))
    story.run(until=50, step=5)
    story.poller.hearers.observations.flush = lambda: None  # type: ignore[method-assign]
    story.run(until=250, step=5)
    story.kill()
    story.run(until=700, step=5)
    came, would = rehearsed(story)
    gap = came.seen["main", "sip"].gaps
    assert gap == [(START + 40 * SECOND, START + 250 * SECOND)]
    assert [one.fired_at for one in as_told(story)] == [START + 160 * SECOND]
    assert [one.fired_at for one in would] == [START + 310 * SECOND]


@USED
@pytest.mark.slow
@settings(max_examples=examples(25), suppress_health_check=list(HealthCheck), deadline=None)
@given(life=lives)
def test_any_life_rings_again_as_it_did(life: Life) -> None:
    with tempfile.TemporaryDirectory() as directory:
        story = lived(life, Path(directory) / "life.db")
        with closing(story.database):
            _, would = rehearsed(story)
            was = as_told(story)
            assert turns(would) == turns(was)
            if not life.refusals:
                assert_same_tellings(would, was)
