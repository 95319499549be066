"""Who has an alert, and whom it goes to where nobody has: over the real store, in virtual time."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from daemon.core.delivery.outcome import Outcome
from daemon.core.model import Severity
from daemon.core.refusals import Refused, Why
from daemon.core.routing.escalation import Escalation, Step
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import Quiet
from daemon.core.routing.silences import Silence
from daemon.operations import explanations
from daemon.operations.acknowledgements import AsOf
from daemon.store import silences
from tests.support.fakes import START
from tests.support.story import SECOND, Story

DOWN, UP = "sip.account.unregistered", "sip.account.registered"
HAS_IT, ESCALATED = "alert.acknowledged", "alert.escalated"
MINUTE = timedelta(minutes=1)
OPS, BOSS = Interest("ops", ("sip.*",), None), Interest("boss", (), None)
Tell = Callable[..., Story]


def step(number: int, after: float, *to: str, break_through: bool = False) -> Step:
    return Step("night", number, after * SECOND, to, break_through)


def night(*steps: Step, events: tuple[str, ...] = ("sip.*",)) -> list[Escalation]:
    return [Escalation("night", events, steps)]


TO_BOSS = night(step(1, 120, "boss"))


@pytest.fixture
def tell(engine: str, tmp_path: Path) -> Iterator[Tell]:
    """A story with endpoints and escalations, in which a phone is down from 10 s on, and told at 70 s."""
    with ExitStack() as stories:
        numbers = itertools.count()

        def make(
            *interests: Interest, escalations: list[Escalation] | None = None, until: float = 100_000
        ) -> Story:
            story = Story(
                tmp_path / f"{next(numbers)}.db",
                interests=list(interests) or [OPS, BOSS],
                escalations=TO_BOSS if escalations is None else escalations,
            )
            story.phone("077", (10, until))
            stories.callback(lambda: story.database.close())  # noqa: PLW0108 - a restart makes another
            return story

        yield make


def between(since: float, until: float, break_through: Severity | None = None) -> tuple[Quiet, ...]:
    return (Quiet(lambda now: since <= (now - START).total_seconds() < until, break_through),)


def silence(story: Story, since: float, until: float) -> None:
    start, end = START + since * SECOND, START + until * SECOND
    with story.database.write() as db:
        silences.add(db, Silence("sil_1", start, end, "*", "*", "*", "-", "-", start))


def bodies(story: Story, type_: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [one["data"] for one in story.bodies() if one["type"] == type_]  # type: ignore[misc]
    return found


def test_who_has_it_is_told_once_to_those_who_were_told_and_the_rest_hears_nothing(tell: Tell) -> None:
    story = tell(OPS, BOSS, Interest("others", ("queue.*",), None), until=400)
    story.run(until=100)
    story.acknowledge("inc_1", note="on my way")
    story.run(until=1000)

    story.expect((70, DOWN), (100, HAS_IT), (460, UP), endpoint="ops")
    story.expect(endpoint="boss")
    story.expect(endpoint="others")
    (said,) = bodies(story, HAS_IT)
    assert (said["by"], said["note"], said["until"]) == ("Dana", "on my way", None)
    assert said["alert"]["incident"] == "inc_1"
    assert said["subject"] == "sip/077"


def test_an_endpoint_that_asks_for_such_events_gets_them_and_a_bare_star_does_not_ask(tell: Tell) -> None:
    asks = Interest("asks", ("alert.*",), None)
    later = Interest("later", ("*",), None, after=timedelta(hours=9))
    story = tell(OPS, asks, later)
    story.run(until=100)
    story.acknowledge("inc_1")
    story.run(until=300)

    story.expect((100, HAS_IT), endpoint="asks")
    story.expect(endpoint="later")
    story.expect((70, DOWN), (100, HAS_IT), endpoint="ops")


def test_to_whom_the_fire_arrives_late_it_is_told_after_that(tell: Tell) -> None:
    story = tell()
    story.endpoint_says(Outcome.UNREACHABLE, 0, 400, "ops")
    story.run(until=100)
    story.acknowledge("inc_1")
    story.run(until=900)

    told = [what for _, what in story.accepted("ops")]
    assert told == [DOWN, HAS_IT]


def test_who_hears_nothing_of_the_fire_hears_nothing_of_who_had_it(tell: Tell) -> None:
    story = tell(until=300)
    story.endpoint_says(Outcome.UNREACHABLE, 0, 2000, "ops")
    story.run(until=100)
    story.acknowledge("inc_1")
    story.run(until=4000)

    assert [what for _, what in story.accepted("ops")] == [UP]


def test_reminders_stop_until_its_time_is_over(tell: Tell) -> None:
    story = tell(Interest("ops", ("sip.*",), None, repeat=100 * SECOND), escalations=[])
    story.run(until=100)
    story.acknowledge("inc_1", lasts=1000 * SECOND)
    story.run(until=1300)

    assert [at for at, what in story.accepted("ops") if what == DOWN] == [70, 1100]


def test_without_an_acknowledgement_it_goes_to_the_next_and_the_others_hear_of_that(tell: Tell) -> None:
    story = tell(until=400)
    story.run(until=1000)

    story.expect((70, DOWN), (190, ESCALATED), (460, UP), endpoint="ops")
    story.expect((190, DOWN), (460, UP), endpoint="boss")
    (said,) = bodies(story, ESCALATED)
    assert said["escalation"] == {"name": "night", "step": 1, "to": ["boss"], "after_seconds": 120.0}
    first, late = [one["alert"] for one in bodies(story, DOWN)]
    assert first["incident"] == late["incident"]
    assert (late["reason"], late["held_by"], late["escalation"]) == (
        "catch_up",
        "escalation",
        {"name": "night", "step": 1},
    )


def test_steps_come_one_after_the_other_until_somebody_has_it(tell: Tell) -> None:
    steps = night(step(1, 120, "boss"), step(2, 300, "owner"), step(3, 600, "mayor"))
    story = tell(OPS, BOSS, Interest("owner", (), None), Interest("mayor", (), None), escalations=steps)
    story.run(until=400)
    story.acknowledge("inc_1")
    story.run(until=2000)

    story.expect((190, DOWN), (370, ESCALATED), (400, HAS_IT), endpoint="boss")
    story.expect((370, DOWN), (400, HAS_IT), endpoint="owner")
    story.expect(endpoint="mayor")


def test_what_is_known_is_read_once_however_many_alerts_go_to_the_next(tell: Tell) -> None:
    def readings(phones: int) -> int:
        story, said = tell(), []
        for number in range(30):  # of which too few are down to be told as one
            story.phone(f"08{number}", *([(10, 100_000)] if number < phones - 1 else []))
        sa.event.listen(story.database.engine, "before_cursor_execute", lambda *about: said.append(about[2]))
        story.run(until=300)
        assert len([one for one in story.bodies() if one["type"] == ESCALATED]) == phones
        return len([one for one in said if "FROM ledger" in one])

    assert readings(8) == readings(2)


def test_what_is_left_counts_from_when_nobody_has_it_any_more(tell: Tell) -> None:
    story = tell()
    story.run(until=100)
    story.acknowledge("inc_1", lasts=500 * SECOND)
    story.run(until=2000)

    assert story.accepted("boss") == [(720, DOWN)]


def test_whom_nobody_reaches_has_not_acknowledged(tell: Tell) -> None:
    story = tell()
    story.endpoint_says(Outcome.UNREACHABLE, 0, 100_000, "ops")
    story.run(until=300)

    story.expect((190, DOWN), endpoint="boss")


def test_where_nobody_asks_for_it_it_counts_from_the_fire(tell: Tell) -> None:
    story = tell(BOSS)
    story.run(until=300)

    story.expect((190, DOWN), endpoint="boss")


def test_whoever_knows_of_it_is_reminded(tell: Tell) -> None:
    story = tell(OPS, escalations=night(step(1, 120, "ops")))
    story.run(until=300)

    story.expect((70, DOWN), (190, DOWN), endpoint="ops")
    assert [one["alert"]["reason"] for one in bodies(story, DOWN)] == ["first", "repeat"]


def test_a_silence_stops_the_time_and_its_end_does_not_call_everybody(tell: Tell) -> None:
    story = tell()
    silence(story, 100, 1000)
    story.run(until=1050)
    story.expect(endpoint="boss")
    story.run(until=1200)

    story.expect((1090, DOWN), endpoint="boss")


def test_what_a_quiet_window_kept_from_everybody_does_not_count(tell: Tell) -> None:
    asleep = Interest("ops", ("sip.*",), None, quiet=between(0, 1000))
    story = tell(asleep, BOSS)
    story.run(until=1500)

    assert [at for at, what in story.accepted("ops") if what == DOWN] == [1000]
    story.expect((1120, DOWN), endpoint="boss")


def test_who_is_in_a_quiet_window_is_called_at_its_end(tell: Tell) -> None:
    story = tell(OPS, Interest("boss", (), None, quiet=between(0, 1000)))
    story.run(until=1500)

    assert [at for at, what in story.accepted("boss") if what == DOWN] == [1000]


def test_what_breaks_through_goes_through_silences_and_quiet_windows(tell: Tell) -> None:
    boss = Interest("boss", (), None, quiet=between(0, 5000))
    story = tell(OPS, boss, escalations=night(step(1, 120, "boss", break_through=True)), until=400)
    silence(story, 0, 5000)
    story.run(until=1000)

    story.expect(endpoint="ops")
    story.expect((190, DOWN), (460, UP), endpoint="boss")


def test_what_is_over_before_its_time_is_not_escalated(tell: Tell) -> None:
    story = tell(until=110)
    story.run(until=1000)

    story.expect((70, DOWN), (170, UP), endpoint="ops")
    story.expect(endpoint="boss")


@pytest.mark.parametrize("at", [69, 71, 189, 191, 195])
def test_a_kill_changes_nothing(tell: Tell, at: int) -> None:
    story = tell(until=400)
    story.run(until=at)
    story.kill()
    story.run(until=1000)

    assert [what for _, what in story.accepted("boss")] == [DOWN, UP]
    assert [what for _, what in story.accepted("ops")] == [DOWN, ESCALATED, UP]


@pytest.mark.parametrize("step_", [-3600, -30, 30, 3600, 365 * 86400])
def test_a_step_of_the_clock_changes_nothing(tell: Tell, step_: int) -> None:
    story = tell()
    story.run(until=100)
    story.clock.jump(step_)
    story.run(until=400)

    ((at, what),) = story.accepted("boss")
    assert what == DOWN
    assert 185 <= at <= 195


def test_a_reload_that_takes_it_out_leaves_nobody_with_a_fire(tell: Tell) -> None:
    story = tell(until=400)
    story.run(until=200)
    story.reload(interests=[OPS, BOSS], escalations=[])
    story.run(until=1000)

    story.expect((190, DOWN), (460, UP), endpoint="boss")


def test_what_waits_for_an_escalated_endpoint_outlives_a_reload(tell: Tell) -> None:
    story = tell()
    story.endpoint_says(Outcome.UNREACHABLE, 0, 300, "boss")
    story.run(until=200)
    assert story.reload(interests=[OPS, BOSS], escalations=[]) == {}
    story.run(until=1000)

    assert [what for _, what in story.accepted("boss")] == [DOWN]


def test_who_has_what_is_withdrawn_with_the_alert_that_it_is_about(tell: Tell) -> None:
    story = tell()
    story.run(until=100)
    story.endpoint_says(Outcome.UNREACHABLE, 100, 100_000, "ops")
    story.acknowledge("inc_1")
    story.run(until=120)

    assert story.reload(interests=[OPS], escalations=[]) == {}
    assert story.reload(interests=[Interest("ops", ("queue.*",), None)], escalations=[]) == {"ops": 1}


def test_acknowledged_twice_over_and_unknown(tell: Tell) -> None:
    story = tell(until=400)
    story.run(until=100)
    assert story.acknowledge("inc_1", note="mine").is_new
    assert not story.acknowledge("inc_1").is_new
    with pytest.raises(Refused, match="Dana has it already") as taken:
        story.acknowledge("inc_1", by="Moshe")
    assert taken.value.why is Why.CONFLICT
    story.run(until=120)
    assert story.acknowledge("inc_1", by="Moshe", takes_over=True).is_new
    story.run(until=1000)
    with pytest.raises(Refused, match="is over") as over:
        story.acknowledge("inc_1")
    assert over.value.why is Why.CONFLICT
    with pytest.raises(Refused, match="no incident") as unknown:
        story.acknowledge("inc_9")
    assert unknown.value.why is Why.MISSING

    assert [one["by"] for one in bodies(story, HAS_IT)] == ["Dana", "Moshe"]
    assert [what for _, what in story.accepted("ops")] == [DOWN, HAS_IT, HAS_IT, UP]


def test_it_is_said_who_has_it_and_which_step_comes_when(tell: Tell) -> None:
    story = tell(escalations=night(step(1, 120, "boss"), step(2, 300, "ops")))
    story.run(until=200)
    as_of = AsOf(story.timeline.now(), story.escalations, story.interests)
    with story.database.read() as db:
        document = explanations.find_incident(db, "inc_1", as_of).document

    said = [(one.step, bool(one.taken_at), one.due_at) for one in document.escalation]
    assert said == [(1, True, None), (2, False, "2026-03-01T12:06:10.000Z")]
    assert document.acknowledged is None
    story.acknowledge("inc_1", note="mine")
    with story.database.read() as db:
        document = explanations.find_incident(db, "inc_1", as_of).document
    assert document.acknowledged is not None
    assert (document.acknowledged.by, document.acknowledged.note) == ("Dana", "mine")
    assert [one.step for one in document.escalation] == [1]


def test_an_acknowledgement_is_recorded_with_its_event(tell: Tell) -> None:
    story = tell()
    story.run(until=100)
    done = story.acknowledge("inc_1")

    (said,) = [json.loads(json.dumps(one)) for one in story.bodies() if one["type"] == HAS_IT]
    assert said["data"]["id"] == done.acknowledgement.event
