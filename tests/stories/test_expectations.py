"""What is expected and does not come: what is told when, to the second."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon.core.alerts.hours import Hours
from daemon.core.delivery.outcome import Outcome
from daemon.core.model import Failure, Severity
from daemon.core.routing.escalation import Escalation, Step
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import Quiet
from daemon.core.watches.expectations import Expectation
from tests.stories.test_hours import between
from tests.support.engines import USED
from tests.support.story import SECOND, Story

MISSING, SEEN = "activity.missing", "activity.seen"
FOR = Expectation("messages", "sms.received", 300 * SECOND, Severity.WARNING, frozenset({"sms"}))
Play = Callable[..., Story]


def within(*spans: tuple[float, float]) -> Hours:
    return Hours(("office",), between(*spans))


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    begun: list[Story] = []

    def begin(*expected: Expectation, more: tuple[Interest, ...] = (), **of_it: object) -> Story:
        interests = [Interest("crm", ("activity.*",), None), *more]
        story = Story(tmp_path / "expected.db", interests=interests, expected=expected or (FOR,), **of_it)  # type: ignore[arg-type]
        begun.append(story)
        return story

    yield begin
    for story in begun:
        story.database.close()


@USED
def test_what_does_not_come_is_missing_and_is_seen_when_it_comes(play: Play) -> None:
    story = play()
    story.sms_arrives(5, "the first is seen at 10 s")
    story.sms_arrives(400, "and this")
    story.run(until=500)

    # The poll of 310 s is the first that has seen nothing for 300 s; it is looked at every 5 s.
    story.expect((310, MISSING), (400, SEEN))
    bodies: list[dict[str, Any]] = story.bodies()
    missing, seen = [body["data"] for body in bodies if body["type"] in (MISSING, SEEN)]
    assert missing["subject"] == "activity/messages"
    assert missing["expectation"] == {"name": "messages", "type": "sms.received", "within": "5m"}
    assert missing["last_seen_at"] == "2026-03-01T12:00:10.000Z"
    assert seen["last_seen_at"] == "2026-03-01T12:06:40.000Z"
    assert seen["alert"]["reason"] == "resolved"


@USED
def test_what_comes_in_time_is_nothing_to_tell(play: Play) -> None:
    story = play()
    for at in range(0, 2000, 250):
        story.sms_arrives(at, str(at))
    story.run(until=2000)

    story.expect()


@USED
def test_of_what_is_about_something_else_nothing_is_expected(play: Play) -> None:
    story = play(replace(FOR, subject="sms/054*"))
    story.sms_arrives(200, "another", sender="0521234567")
    story.run(until=350)

    assert [what for _, what in story.accepted()] == [MISSING]


@USED
def test_time_in_which_nothing_is_seen_counts_for_nothing(play: Play) -> None:
    story = play()
    story.api_fails(100, 1000)
    story.run(until=1199)
    story.expect()
    story.run(until=1300)

    # 90 s until the last answer before; the next interval begins with the first answer after, at 1000 s.
    story.expect((1210, MISSING))


@USED
def test_nor_does_time_in_which_the_process_is_gone_or_stopped(play: Play) -> None:
    story = play()
    story.run(until=101)
    story.clock.advance(5000)  # stopped
    story.run(until=5200)
    story.database.close()
    story.clock.advance(5000)  # gone
    story.start()
    story.run(until=10_250)
    story.expect()
    story.run(until=10_500)

    assert [what for _, what in story.accepted()] == [MISSING]


@USED
def test_a_clock_that_is_set_neither_fires_nor_clears_it(play: Play) -> None:
    story = play()
    for by in (86_400, -3 * 86_400, 3600):
        story.run(until=story.now() + 60)
        story.clock.jump(by)
    story.run(until=290)
    story.expect()
    story.run(until=400)
    assert [what for _, what in story.accepted()] == [MISSING]
    story.clock.jump(-86_400)
    story.run(until=600)
    story.clock.jump(400 * 86_400)
    story.run(until=700)
    assert [what for _, what in story.accepted()] == [MISSING]


@USED
def test_only_its_hours_count_and_what_fires_at_their_end_is_over(play: Play) -> None:
    story = play(replace(FOR, hours=within((0, 200), (1000, 1300), (2000, 2500))))
    story.run(until=2600)

    # 190 s, then 110 s of the next hours, from their first answer on; and anew in those after them.
    story.expect((1110, MISSING), (1300, SEEN), (2300, MISSING), (2500, SEEN))
    causes = [alert.get("cause") for alert in story.alerts()]
    assert causes == [None, "outside_hours", None, "outside_hours"]


@USED
def test_it_is_told_once_however_often_the_process_dies(play: Play) -> None:
    story = play()
    for at in (150, 310, 315, 320, 500):
        story.run(until=at)
        story.kill()
    story.sms_arrives(600, "at last")
    story.run(until=700)

    assert [what for _, what in story.accepted()] == [MISSING, SEEN]


@USED
def test_a_kill_costs_no_more_than_what_was_not_written(play: Play) -> None:
    story = play()
    story.run(until=235)
    story.kill()
    story.run(until=500)

    ((at, what),) = story.accepted()
    assert what == MISSING
    # 60 s that were not written, and 10 s until the second answer after it.
    assert 310 < at <= 310 + 60 + 20


@USED
def test_what_is_not_expected_any_more_is_over_for_who_was_told(play: Play) -> None:
    other = replace(FOR, name="other", within=10_000 * SECOND)
    story = play(FOR, other)
    story.run(until=320)
    story.expected = (other,)
    story.run(until=400)

    assert [what for _, what in story.accepted()] == [MISSING, SEEN]
    assert [alert["reason"] for alert in story.alerts()] == ["first", "removed"]
    with story.database.read() as db:
        keys = db.exec_driver_sql("SELECT key FROM expectations").scalars().all()
    assert keys == [other.key]


@USED
def test_more_patience_ends_it_and_says_that_nothing_came(play: Play) -> None:
    story = play()
    story.run(until=320)
    story.expected = (replace(FOR, within=400 * SECOND),)
    story.run(until=600)

    assert [what for _, what in story.accepted()] == [MISSING, SEEN, MISSING]
    assert [alert["reason"] for alert in story.alerts()] == ["first", "removed", "first"]


@USED
def test_of_several_watches_all_have_to_have_been_seen(play: Play) -> None:
    story = play(replace(FOR, watches=frozenset({"sms", "sip"})))
    story.phone("077")
    story.run(until=100)
    while story.now() < 400:  # the phones are not asked any more
        story.poll("sms")
        story.tick()
        story.clock.advance(10)
    story.expect()
    story.run(until=620)
    assert [what for _, what in story.accepted()] == [MISSING]


@USED
def test_it_goes_the_road_of_all_alerts(play: Play) -> None:
    quiet = (Quiet(between((0, 400)), None),)
    late = Interest("night", ("activity.*",), None, quiet=quiet)
    boss = Interest("boss", ("sip.*",), None)
    step = Step("ladder", 1, timedelta(seconds=100), ("boss",), False)
    story = play(more=(late, boss), escalations=[Escalation("ladder", ("activity.*",), (step,))])
    story.endpoint_says(Outcome.UNREACHABLE, 0, 500)
    story.run(until=700)

    assert story.accepted("night")[0][1] == MISSING
    assert story.accepted("night")[0][0] >= 400
    assert MISSING in [what for _, what in story.accepted("boss")]
    assert MISSING in [what for _, what in story.accepted()]


@USED
def test_while_the_api_is_away_who_was_not_told_is_not(play: Play) -> None:
    after = Interest("late", ("activity.*",), None, after=60 * SECOND)
    story = play(more=(after,))
    story.api_fails(330, 800, Failure.UNREACHABLE)
    story.run(until=790)
    assert [what for _, what in story.accepted()] == [MISSING]
    assert story.accepted("late") == []
    story.run(until=900)
    assert [what for _, what in story.accepted("late")] == [MISSING]


@USED
def test_it_takes_few_writes(play: Play) -> None:
    story = play(replace(FOR, within=timedelta(hours=4)))
    story.run(until=20)
    written: list[object] = []
    real = story.database.write

    def counted() -> object:
        written.append(1)
        return real()

    story.database.write = counted  # type: ignore[method-assign, assignment]
    while story.now() < 3620:
        story.poller.poll(story.watches()[1])
        story.poller.hearers.expecter.look(story.timeline.now())
        story.clock.advance(10)

    assert 55 <= len(written) <= 62  # one a minute
