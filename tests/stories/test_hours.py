"""Alerts that count at some hours only, and phones that are ignored: what is told when, to the second."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pytest

from daemon.core.alerts.hours import Attention, Hours
from daemon.core.delivery.outcome import Outcome
from daemon.core.model import ALL
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import Quiet
from tests.support.engines import USED
from tests.support.fakes import START
from tests.support.story import SECOND, Story

FIRES, RESOLVES = "sip.account.unregistered", "sip.account.registered"
PHONES = ("sip.account.*", "sip.accounts.*")


def between(*spans: tuple[float, float]) -> Callable[[datetime], bool]:
    """Whether the clock on the wall is within one of these, in seconds since the story began."""
    return lambda at: any(since <= (at - START).total_seconds() < until for since, until in spans)


def during(*spans: tuple[float, float]) -> Attention:
    return Attention({ALL: Hours(("office",), between(*spans))})


class Play(Protocol):
    """Begins a story."""

    def __call__(self, attention: Attention, *more: Interest, repeat: float | None = None) -> Story: ...


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    """Stories that are put away in the end; `more`: endpoints beside "crm", which is reminded by `repeat`."""
    begun: list[Story] = []

    def begin(attention: Attention, *more: Interest, repeat: float | None = None) -> Story:
        every = None if repeat is None else repeat * SECOND
        interests = [Interest("crm", PHONES, None, repeat=every), *more]
        begun.append(Story(tmp_path / "hours.db", interests=interests, attention=attention))
        return begun[-1]

    yield begin
    for story in begun:
        story.database.close()


def causes(story: Story) -> list[tuple[str, str | None]]:
    return [(one["reason"], one.get("cause")) for one in story.alerts()]


@USED
def test_outside_its_hours_nothing_fires(play: Play) -> None:
    story = play(during((300, 900)))
    story.phone("077", (0, 250))
    story.run(until=290)

    story.expect()


@USED
def test_outside_its_hours_an_equal_answer_is_passed_over_and_within_them_judged_again(play: Play) -> None:
    story = play(during((0, 100), (300, 900)))
    story.phone("077", (10, 900))
    story.run(until=250)
    assert story.poll("sip").is_unchanged
    story.run(until=301)
    with story.database.read() as db:
        phases = db.exec_driver_sql("SELECT phase FROM alerts WHERE watch = 'sip'").scalars().all()
    assert phases == ["pending"]


@USED
def test_what_fires_when_its_hours_end_is_over_for_everyone_who_was_told(play: Play) -> None:
    story = play(during((0, 203)), Interest("ops", PHONES, None))
    story.phone("077", (10, 900))
    story.run(until=400)

    for endpoint in ("crm", "ops"):
        story.expect((70, FIRES), (205, RESOLVES), endpoint=endpoint)
    assert causes(story) == [("first", None), ("resolved", "outside_hours")]
    (fired, over) = story.alerts()
    assert over["incident"] == fired["incident"]
    assert (over["status"], over["changed_between"]) == ("resolved", fired["changed_between"])
    with story.database.read() as db:
        assert db.exec_driver_sql("SELECT cause FROM incidents").scalars().all() == ["outside_hours"]


@USED
def test_it_is_over_at_its_hour_though_the_api_does_not_answer(play: Play) -> None:
    story = play(during((0, 203)))
    story.phone("077", (10, 900))
    story.api_fails(100, 600)
    story.run(until=400)

    story.expect((70, FIRES), (205, RESOLVES))


@USED
def test_a_watch_that_is_asked_seldom_waits_for_no_answer(play: Play) -> None:
    story = play(during((0, 83)))
    story.phone("077", (10, 900))
    story.run(until=75)
    story._next_poll = 10_000  # the next answer comes in hours
    story.run(until=120)

    story.expect((70, FIRES), (85, RESOLVES))


@USED
def test_reminders_stop_when_its_hours_end(play: Play) -> None:
    story = play(during((0, 203)), repeat=60)
    story.phone("077", (10, 900))
    story.run(until=800)

    assert [type_ for _, type_ in story.accepted()] == [FIRES, FIRES, RESOLVES]
    assert [reason for reason, _ in causes(story)] == ["first", "repeat", "resolved"]


@USED
def test_no_time_passes_for_it_outside_its_hours(play: Play) -> None:
    """Bad for 40 s when they end: it takes the rest of `for` when they begin again."""
    story = play(during((0, 55), (300, 900)))
    story.phone("077", (10, 900))
    story.run(until=400)

    story.expect((320, FIRES))
    (fired,) = story.alerts()
    assert fired["started_at"] == "2026-03-01T12:00:10.000Z"


@USED
def test_it_begins_anew_with_its_hours_as_another_incident(play: Play) -> None:
    story = play(during((0, 203), (400, 900)))
    story.phone("077", (10, 900))
    story.run(until=600)

    story.expect((70, FIRES), (205, RESOLVES), (460, FIRES))
    first, _, again = story.alerts()
    assert again["incident"] != first["incident"]
    assert again["started_at"] == "2026-03-01T12:06:40.000Z"
    # Nobody looked before: since when it is so, is not known.
    assert again["changed_between"] == [None, "2026-03-01T12:06:40.000Z"]


@USED
def test_hours_that_end_while_it_recovers_end_it(play: Play) -> None:
    story = play(during((0, 123)))
    story.phone("077", (10, 100))
    story.run(until=300)

    story.expect((70, FIRES), (125, RESOLVES))
    assert causes(story)[-1] == ("resolved", "outside_hours")


@USED
def test_what_is_well_again_within_its_hours_was_seen_to_be_so(play: Play) -> None:
    story = play(during((0, 500)))
    story.phone("077", (10, 100))
    story.run(until=600)

    story.expect((70, FIRES), (160, RESOLVES))
    assert causes(story)[-1] == ("resolved", None)


@USED
def test_in_a_quiet_window_the_end_waits_and_is_told_with_its_cause(play: Play) -> None:
    asleep = Interest("ops", PHONES, None, quiet=(Quiet(between((150, 400))),))
    story = play(during((0, 203)), asleep)
    story.phone("077", (10, 900))
    story.run(until=500)

    story.expect((70, FIRES), (400, RESOLVES), (400, "quiet.ended"), endpoint="ops")
    told = [json.loads(one.body)["data"] for _, one, _ in story.told if one.endpoint == "ops"]
    assert (told[1]["alert"]["reason"], told[1]["alert"]["cause"]) == ("catch_up", "outside_hours")


@USED
def test_an_endpoint_that_was_down_at_the_fire_hears_of_both_in_one(play: Play) -> None:
    story = play(during((0, 203)))
    story.endpoint_says(Outcome.UNREACHABLE, 60, 400)
    story.phone("077", (10, 900))
    story.run(until=900)

    alerts = [json.loads(one.body)["data"]["alert"] for _, one, how in story.told if how is Outcome.ACCEPTED]
    assert [(one["status"], one.get("cause")) for one in alerts] == [("resolved", "outside_hours")]


@USED
def test_many_at_once_are_over_together(play: Play) -> None:
    story = play(during((0, 203)))
    for name in ("071", "072", "073", "074"):
        story.phone(name, (10, 900))
    story.run(until=300)

    kinds = [type_ for _, type_ in story.accepted()]
    assert kinds[0] == "sip.accounts.unregistered"
    assert kinds.count("sip.accounts.registered") == 1
    assert {cause for reason, cause in causes(story) if reason == "resolved"} == {"outside_hours"}


@USED
@pytest.mark.parametrize("seconds", [-3600.0, 3600.0])
def test_a_clock_that_is_set_opens_and_closes_them(play: Play, seconds: float) -> None:
    """The wall says when; an answer that is equal to the byte is judged by the new hour."""
    spans = ((0.0, 1800.0),) if seconds > 0 else ((-1800.0, 1800.0),)
    story = play(during(*spans))
    story.phone("077", (10, 9000))
    story.run(until=200)
    story.clock.jump(seconds)
    story.run(until=300)
    story.clock.jump(-seconds)
    story.run(until=500)

    assert [type_ for _, type_ in story.accepted()] == [FIRES, RESOLVES, FIRES]
    over, again = (at for at, _ in story.accepted()[1:])
    assert over <= 210
    assert again <= 380


@USED
def test_hours_that_are_back_before_the_next_answer_are_noticed(play: Play) -> None:
    """Ended between two polls, and the clock is set back before the second: its answer is equal to the one
    before, but that was judged before the end."""
    story = play(during((0, 203)))
    story.phone("077", (10, 900))
    story.run(until=204)
    story.tick()
    story.clock.jump(-150)
    story.run(until=340)

    assert [type_ for _, type_ in story.accepted()][:3] == [FIRES, RESOLVES, FIRES]


@USED
def test_a_reload_that_closes_them_ends_what_fires(play: Play) -> None:
    story = play(during((0, 900)))
    story.phone("077", (10, 900))
    story.run(until=101)
    story.attend(during((500, 900)))
    story.run(until=300)
    story.attend(during((0, 900)))
    story.run(until=400)

    assert [type_ for _, type_ in story.accepted()] == [FIRES, RESOLVES, FIRES]


@USED
def test_hours_that_end_while_nobody_runs_end_it_at_the_start(play: Play) -> None:
    story = play(during((0, 150)))
    story.phone("077", (10, 900))
    story.run(until=100)
    story.clock.advance(100)
    story.kill()
    story.run(until=260)

    assert [type_ for _, type_ in story.accepted()] == [FIRES, RESOLVES]
    assert causes(story)[-1] == ("resolved", "outside_hours")


@USED
def test_a_phone_that_a_reload_ignores_is_over_and_that_is_told(play: Play) -> None:
    story = play(Attention())
    story.phone("0773137770", (10, 900))
    story.phone("0773137771", (10, 900))
    story.run(until=101)
    story.attend(Attention(ignored=frozenset({"sip/0773137770"})))
    story.run(until=300)

    story.expect((70, FIRES), (70, FIRES), (105, RESOLVES))
    over = story.alerts()[-1]
    assert (over["status"], over["reason"]) == ("resolved", "removed")
    assert subjects(story) == ["sip/0773137771"]


@USED
def test_it_is_over_though_the_api_does_not_answer_any_more(play: Play) -> None:
    story = play(Attention())
    story.phone("0773137770", (10, 900))
    story.api_fails(90, 900)
    story.run(until=101)
    story.attend(Attention(ignored=frozenset({"sip/0773137770"})))
    story.run(until=300)

    story.expect((70, FIRES), (105, RESOLVES))


@USED
def test_of_an_ignored_phone_nothing_is_news_when_it_is_not_ignored_any_more(play: Play) -> None:
    story = play(Attention(ignored=frozenset({"sip/0773137770"})))
    story.phone("0773137770", (10, 900))
    story.phone("0773137771")
    story.run(until=200)
    story.expect()
    story.attend(Attention())
    story.run(until=300)

    story.expect((260, FIRES))


@USED
def test_ignored_phones_make_no_incident_of_many(play: Play) -> None:
    spare = frozenset({"sip/071", "sip/072"})
    story = play(Attention(ignored=spare))
    for name in ("071", "072", "073", "074"):
        story.phone(name, (10, 900))
    story.run(until=200)

    assert {type_ for _, type_ in story.accepted()} == {FIRES}


def subjects(story: Story) -> list[str]:
    with story.database.read() as db:
        found = "SELECT subject FROM subjects WHERE left_at IS NULL AND watch = 'sip' ORDER BY subject"
        return list(db.exec_driver_sql(found).scalars())
