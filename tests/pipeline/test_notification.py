"""Who is told what of alerts, over the real store: silences, quiet windows, folds, reminders, outages."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon.core.delivery.outcome import Outcome
from daemon.core.model import Failure, Severity
from daemon.core.routing.ledger import Hold
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import Quiet
from daemon.core.routing.silences import Silence
from daemon.pipeline.notification import sweep
from daemon.store import ledger, silences
from tests.support.engines import ON_SQLITE
from tests.support.fakes import START
from tests.support.story import SECOND, Story

DOWN, UP = "sip.account.unregistered", "sip.account.registered"
MANY, NONE = "sip.accounts.unregistered", "sip.accounts.registered"
GONE, BACK = "api.unreachable", "api.reachable"
MINUTE = timedelta(minutes=1)
Tell = Callable[..., Story]


@pytest.fixture
def tell(engine: str, tmp_path: Path) -> Iterator[Tell]:
    """A story whose endpoint "crm" has these wishes."""
    with ExitStack() as stories:
        numbers = itertools.count()

        def make(*, slot: timedelta | None = None, **wishes: Any) -> Story:
            interest = Interest("crm", wishes.pop("events", ("*",)), wishes.pop("systems", None), **wishes)
            story = Story(tmp_path / f"{next(numbers)}.db", interests=[interest], slot=slot)
            stories.callback(lambda: story.database.close())  # noqa: PLW0108 - a restart makes another
            return story

        yield make


def silence(story: Story, since: float, until: float | None, **match: str) -> None:
    def at(seconds: float) -> Any:
        return START + seconds * SECOND

    ends = None if until is None else at(until)
    type_, subject = match.get("type", "*"), match.get("subject", "*")
    with story.database.write() as db:
        silences.add(db, Silence("sil_1", at(since), ends, type_, "*", subject, "Dana", "-", at(since)))


def between(since: float, until: float, break_through: Severity | None = None) -> tuple[Quiet, ...]:
    return (Quiet(lambda now: since <= (now - START).total_seconds() < until, break_through),)


def held(story: Story) -> list[Hold | None]:
    """Why nothing was told, in order, over all incidents."""
    with story.database.read() as db:
        ids = db.exec_driver_sql("SELECT id FROM incidents ORDER BY fired_at").scalars().all()
        return [one.held_by for each in ids for one in ledger.of_incident(db, each) if one.told is None]


def test_a_silence_mutes_the_fire_and_its_end_tells_what_still_lasts(tell: Tell) -> None:
    story = tell()
    story.phone("077", (10, 400))
    silence(story, 0, 203)
    story.run(until=600)

    story.expect((205, DOWN), (460, UP))
    assert [one["reason"] for one in story.alerts()] == ["first", "catch_up", "resolved"]
    assert story.alerts()[1]["held_by"] == "silenced"
    assert held(story) == [Hold.SILENCED]


def test_what_fired_and_ended_under_a_silence_is_not_told(tell: Tell) -> None:
    story = tell()
    story.phone("077", (10, 100))
    silence(story, 0, 300)
    story.run(until=600)

    story.expect()


def test_a_silence_never_mutes_that_it_is_over(tell: Tell) -> None:
    story = tell()
    story.phone("077", (10, 200))
    story.run(until=100)
    silence(story, 100, 10_000)
    story.run(until=600)

    story.expect((70, DOWN), (260, UP))


def test_a_silence_until_it_is_over_ends_with_the_incident(tell: Tell) -> None:
    story = tell()
    story.phone("077", (10, 100), (400, 10_000))
    story.run(until=71)
    silence(story, 71, None, subject="sip/077")
    story.run(until=600)

    story.expect((70, DOWN), (160, UP), (460, DOWN))


def test_silences_are_about_what_they_match(tell: Tell) -> None:
    story = tell()
    story.phone("077", (10, 1000))
    story.phone("088", (10, 1000))
    silence(story, 0, 10_000, subject="sip/088")
    story.run(until=200)

    story.expect((70, DOWN))


def test_a_quiet_window_holds_all_and_tells_what_is_true_at_its_end(tell: Tell) -> None:
    story = tell(quiet=between(0, 300))
    story.phone("077", (10, 10_000))
    story.phone("088", (10, 100))
    story.sms_arrives(13, "one")
    story.run(until=500)

    told = story.accepted()
    assert [at for at, _ in told] == [300, 300, 300]
    assert sorted(what for _, what in told) == ["quiet.ended", DOWN, "sms.received"]
    (digest,) = [body["data"]["quiet"] for body in story.bodies() if body["type"] == "quiet.ended"]  # type: ignore[index]
    assert [(one["subject"], one["status"]) for one in digest["incidents"]] == [
        ("sip/077", "firing"),
        ("sip/088", "resolved"),
    ]


def test_a_digest_waits_for_the_alerts_that_it_lists_so_that_one_mail_tells_both(tell: Tell) -> None:
    story = tell(quiet=between(0, 300), is_batched=True, group_wait=15 * SECOND)
    story.phone("077", (10, 10_000))
    story.run(until=500)

    assert sorted(story.accepted()) == [(315, "quiet.ended"), (315, DOWN)]
    (digest,) = [body["data"]["quiet"] for body in story.bodies() if body["type"] == "quiet.ended"]  # type: ignore[index]
    assert [one["account"]["user_name"] for one in digest["incidents"]] == ["077"]


def test_what_is_silenced_when_a_window_ends_is_not_in_its_digest(tell: Tell) -> None:
    story = tell(quiet=between(0, 300))
    story.phone("077", (10, 400))
    story.phone("088", (20, 100))
    story.run(until=120)
    silence(story, 120, 10_000, subject="sip/077")
    story.run(until=500)

    assert [what for _, what in story.accepted()] == ["quiet.ended"]
    (digest,) = [body["data"]["quiet"] for body in story.bodies() if body["type"] == "quiet.ended"]  # type: ignore[index]
    assert [one["subject"] for one in digest["incidents"]] == ["sip/088"]
    assert digest["held"] == 1


def test_what_was_told_before_a_quiet_window_is_taken_back_after_it(tell: Tell) -> None:
    story = tell(quiet=between(100, 300))
    story.phone("077", (10, 150))
    story.run(until=500)

    assert [what for _, what in story.accepted()] == [DOWN, UP, "quiet.ended"]
    assert story.accepted()[1][0] == 300


def test_a_restart_within_a_quiet_window_loses_no_digest(tell: Tell) -> None:
    story = tell(quiet=between(0, 300))
    story.phone("077", (10, 100))
    story.run(until=200)
    story.kill()
    story.run(until=500)

    story.expect((300, "quiet.ended"))


def test_what_is_held_as_a_window_begins_is_in_its_digest(tell: Tell) -> None:
    """The poll may see that it is quiet before the look that comes every few seconds."""
    story = tell(quiet=between(69, 300))
    story.next_tick = 3.0
    story.phone("077", (10, 150))
    story.run(until=500)

    story.expect((303, "quiet.ended"))


@ON_SQLITE
def test_of_two_windows_the_one_that_lasts_decides(tell: Tell) -> None:
    """At night errors break through, on a Shabbat nothing does; an error in the night goes out at once."""
    story = tell(quiet=(*between(0, 100, Severity.ERROR), *between(100, 300)))
    story.phone("077", (10, 10_000))
    story.phone("088", (110, 10_000))
    story.run(until=500)

    assert [at for at, what in story.accepted() if what == DOWN] == [70, 300]


@ON_SQLITE
def test_what_may_break_through_does_while_the_rest_waits(tell: Tell) -> None:
    story = tell(quiet=between(0, 300, Severity.ERROR))
    story.phone("077", (10, 150))
    story.sms_arrives(13, "one")
    story.run(until=500)

    story.expect((70, DOWN), (210, UP), (300, "sms.received"))


def test_an_endpoint_is_told_only_what_matters_enough(tell: Tell) -> None:
    story = tell(min_severity=Severity.CRITICAL)
    story.phone("077", (10, 100))
    story.sms_arrives(13, "facts have no severity")
    story.run(until=300)

    story.expect((20, "sms.received"))
    assert held(story) == [Hold.SEVERITY, None]


@ON_SQLITE
def test_an_escalation_is_told_what_lasts_and_taken_back(tell: Tell) -> None:
    story = tell(after=15 * MINUTE)
    story.phone("077", (10, 2000))
    story.phone("088", (10, 800))
    story.run(until=2500)

    story.expect((970, DOWN), (2060, UP))
    assert story.alerts()[-2]["held_by"] == "escalation"


@ON_SQLITE
def test_reminders_are_numbered_and_grow_apart(tell: Tell) -> None:
    story = tell(repeat=10 * MINUTE)
    story.phone("077", (10, 5000))
    story.run(until=5500, step=5)

    story.expect((70, DOWN), (670, DOWN), (1870, DOWN), (4270, DOWN), (5060, UP))
    assert [one.get("repeat") for one in story.alerts()] == [None, 1, 2, 3, None]
    assert len({one["incident"] for one in story.alerts()}) == 1


@ON_SQLITE
def test_a_restart_changes_nothing_about_reminders(tell: Tell) -> None:
    story = tell(repeat=10 * MINUTE)
    story.phone("077", (10, 10_000))
    for moment in range(100, 1000, 100):
        story.run(until=moment, step=5)
        story.kill()
    story.run(until=1300, step=5)

    story.expect((70, DOWN), (670, DOWN))


@ON_SQLITE
def test_many_phones_at_once_are_one_incident_that_ends_with_the_last(tell: Tell) -> None:
    story = tell()
    for number in range(5):
        story.phone(f"07{number}", (10, 200 + 100 * number))
    for number in range(5):
        story.phone(f"08{number}")
    story.run(until=1000)

    assert [(at, what) for at, what in story.accepted() if what in (DOWN, UP)] == []
    assert [what for _, what in story.accepted()][::5] == [MANY, NONE]
    first = next(body["data"] for body in story.bodies() if body["type"] == MANY)
    assert first["accounts"] == {"unregistered": [f"07{n}" for n in range(5)], "total": 10}  # type: ignore[index]


@ON_SQLITE
def test_the_list_of_many_is_told_anew_when_it_has_changed_and_stays(tell: Tell) -> None:
    story = tell()
    for number in range(3):
        story.phone(f"07{number}", (10, 1000))
    story.phone("073", (200, 1000))
    story.run(until=500)

    assert [what for _, what in story.accepted()] == [MANY, MANY]
    (_, again) = [body["data"] for body in story.bodies() if body["type"] == MANY]
    assert again["accounts"]["unregistered"] == ["070", "071", "072", "073"]  # type: ignore[index]
    assert again["alert"]["reason"] == "repeat"  # type: ignore[index]


def test_phones_that_were_told_before_there_were_many_are_taken_back_one_by_one(tell: Tell) -> None:
    story = tell()
    story.phone("070", (10, 300))
    story.phone("071", (100, 400))
    story.phone("072", (100, 400))
    story.run(until=700)

    assert story.accepted() == [(70, DOWN), (160, MANY), (360, UP), (370, MANY), (460, NONE)]


def test_who_does_not_want_to_hear_of_many_hears_of_each(tell: Tell) -> None:
    story = tell(events=(DOWN, UP))
    for number in range(3):
        story.phone(f"07{number}", (10, 200))
    story.run(until=500)

    assert [what for _, what in story.accepted()] == [DOWN] * 3 + [UP] * 3


@ON_SQLITE
def test_a_phone_that_flaps_is_told_as_that_and_then_as_it_is(tell: Tell) -> None:
    story = tell(slot=30 * SECOND)
    story.phone("077", *[(10.0 + 60 * n, 40.0 + 60 * n) for n in range(10)], (610, 5000))
    story.run(until=1500)

    assert [what for _, what in story.accepted()] == ["sip.account.flapping", "sip.account.stable", DOWN]
    stable, down = (at for at, _ in story.accepted()[1:])
    assert stable <= down <= stable + 5
    assert Hold.FLAPPING in held(story)


def test_the_api_comes_back_before_what_is_still_true(tell: Tell) -> None:
    story = tell(repeat=2 * MINUTE)
    story.phone("077", (10, 10_000))
    story.api_fails(100, 600)
    story.run(until=650)

    story.expect((70, DOWN), (160, GONE), (280, GONE), (520, GONE), (600, BACK), (600, DOWN))
    assert held(story) == [Hold.INHIBITED]


def test_a_rejected_token_freezes_what_depends_on_it(tell: Tell) -> None:
    story = tell(repeat=2 * MINUTE)
    story.phone("077", (10, 10_000))
    story.api_fails(100, 400, Failure.TOKEN_REJECTED)
    story.run(until=600)

    told = [what for _, what in story.accepted()]
    back = told.index("api.token_accepted")
    assert told[:2] == [DOWN, "api.token_rejected"]
    assert DOWN not in told[1:back]
    assert told[back + 1] == DOWN


def test_an_alert_whose_watch_left_the_configuration_is_taken_back(tell: Tell) -> None:
    story = tell()
    story.phone("077", (10, 10_000))
    story.run(until=100)
    with story.database.write() as db:
        sweep(db, story.recorder, {"main": {"sms"}}, story.clock.now())
    story.dispatcher.wake()
    story.dispatcher.run_once()

    assert [what for _, what in story.accepted()] == [DOWN, UP]
    assert story.alerts()[-1]["reason"] == "removed"


def test_the_api_s_alert_of_what_left_the_configuration_is_taken_back(tell: Tell) -> None:
    story = tell()
    story.phone("077")
    story.api_fails(10, 10_000)
    story.run(until=100)
    with story.database.write() as db:
        sweep(db, story.recorder, {"main": {"sip"}}, story.clock.now())
        assert [one["status"] for one in story.alerts()] == ["firing"]
        sweep(db, story.recorder, {}, story.clock.now())
    story.dispatcher.wake()
    story.dispatcher.run_once()

    assert [what for _, what in story.accepted()] == [GONE, BACK]
    assert story.alerts()[-1]["reason"] == "removed"


def test_a_new_endpoint_is_told_what_is_true(tell: Tell) -> None:
    story = tell()
    story.phone("077", (10, 10_000))
    story.run(until=100)
    story.interests.append(Interest("new", ("*",), None))
    story.kill()
    story.run(until=200)

    story.expect((70, DOWN))
    story.expect((100, DOWN), endpoint="new")
    assert story.alerts()[-1]["reason"] == "catch_up"


def test_an_endpoint_that_no_longer_wants_it_still_hears_that_it_is_over(tell: Tell) -> None:
    story = tell()
    story.phone("077", (10, 200))
    story.run(until=100)
    story.interests[0] = Interest("crm", ("queue.*",), None)
    story.kill()
    story.run(until=400)

    story.expect((70, DOWN), (260, UP))


@ON_SQLITE
def test_a_fire_that_was_given_up_is_told_again_while_it_lasts(tell: Tell) -> None:
    story = tell()
    story.phone("077", (10, 20_000))
    story.endpoint_says(Outcome.REFUSED, 0, 100)
    story.run(until=4000, step=5)

    story.expect((3670, DOWN))
    assert story.alerts()[-1]["reason"] == "catch_up"


@ON_SQLITE
def test_a_resolve_that_was_given_up_is_told_again(tell: Tell) -> None:
    story = tell()
    story.phone("077", (10, 200))
    story.endpoint_says(Outcome.REFUSED, 200, 1000)
    story.run(until=4500, step=5)

    story.expect((70, DOWN), (3860, UP))


def test_an_endpoint_that_is_down_is_not_reminded_of_what_it_has_not_got(tell: Tell) -> None:
    story = tell(repeat=MINUTE)
    story.phone("077", (10, 10_000))
    story.endpoint_says(Outcome.UNREACHABLE, 0, 500)
    story.run(until=700)

    (first, again) = story.accepted()
    assert first[0] >= 500
    assert again[0] - first[0] == pytest.approx(60, abs=5)
    assert [one["reason"] for one in story.alerts()] == ["first", "repeat"]


def test_nothing_is_written_while_nothing_changes(tell: Tell) -> None:
    story = tell()
    story.phone("077", (10, 10_000))
    story.run(until=200)

    def changes() -> int:
        with story.database.read() as db:
            return int(db.exec_driver_sql("SELECT count(*) FROM decisions").scalar() or 0)

    before = changes()
    for _ in range(10):
        story.clock.advance(5)
        assert story.teller.tick(story.database, story.clock.now()).events == ()
    assert changes() == before


def test_whoever_was_given_up_on_a_fire_hears_that_it_was_and_is_over(tell: Tell) -> None:
    story = tell()
    story.phone("077", (10, 200))
    story.endpoint_says(Outcome.REFUSED, 0, 100)
    story.run(until=400)

    story.expect((260, UP))
    assert [one["reason"] for one in story.alerts()] == ["first", "resolved", "catch_up"]


def test_whoever_heard_of_a_fire_and_was_given_up_on_a_reminder_hears_that_it_is_resolved(
    tell: Tell,
) -> None:
    story = tell(repeat=2 * MINUTE)
    story.phone("077", (10, 260))
    story.endpoint_says(Outcome.REFUSED, 100, 300)
    story.run(until=500)

    story.expect((70, DOWN), (320, UP))
    assert [one["reason"] for one in story.alerts()] == ["first", "repeat", "resolved"]


def test_a_reminder_that_had_not_arrived_is_superseded_by_a_plain_resolve(tell: Tell) -> None:
    story = tell(repeat=2 * MINUTE)
    story.phone("077", (10, 260))
    story.endpoint_says(Outcome.UNREACHABLE, 100, 330)
    story.run(until=700)

    assert [what for _, what in story.accepted()] == [DOWN, UP]
    last = story.alerts()[-1]
    assert (last["reason"], last["superseded"]) == ("resolved", 1)
