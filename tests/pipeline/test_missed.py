"""Who is to be called back, and how that closes: over the real store."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from daemon.core.commands.command import Command, Status
from daemon.core.missed import EXPIRES, MOST, Done, Figures
from daemon.core.model import Json, Known
from daemon.core.refusals import Refused
from daemon.core.watches import callbacks
from daemon.core.watches.callbacks import Request
from daemon.core.watches.callers import ABANDONED, ANSWERED, KICKED, LEFT
from daemon.core.watches.outcomes import Outcome
from daemon.core.watches.queues import Caller, Queue
from daemon.operations import missed as operations
from daemon.pipeline import missed
from daemon.pipeline.calls import Scene
from daemon.pipeline.missed import HELD, UNSEEN
from daemon.store import clock_steps, inbox
from daemon.store import missed as store
from tests.support import stores
from tests.support.callers import AVI, DANA, Office, left
from tests.support.fakes import START

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def office(engine: str, tmp_path: Path) -> Iterator[Office]:
    database = stores.at(tmp_path / "one.db")
    yield Office(database)
    database.close()


def listed(office: Office) -> list[str]:
    with office.database.read() as db:
        return [one.phone for one in operations.listed(db)[0]]


def ended(office: Office) -> tuple[Done | None, str | None]:
    with office.database.read() as db:
        one = operations.find(db, "cb_1")
    return one.done, one.closed_by


def command(type_: str, params: dict[str, Json], result: Json, status: Status = Status.SUCCEEDED) -> Command:
    at = START
    return Command(
        id="cmd_1", system="main", type=type_, params=params, created_by="crm", created_at=at, not_before=at,
        expires_at=at + HOUR, due_at=at, status=status, result=result,
    )  # fmt: skip


def ends(office: Office, one: Command) -> list[str]:
    with office.database.write() as db:
        found = missed.after(Scene(db, "main", office.ids, office.at), one)
    return [fact.type.removeprefix("queue.") for fact in found]


def test_who_was_not_answered_is_listed_until_the_same_phone_is_answered_in_any_spelling(
    office: Office,
) -> None:
    assert office.sees(left(ABANDONED)) == ["caller.abandoned", "callback.due"]
    assert listed(office) == [DANA]
    answered = left(ANSWERED, "+972-54-123 4567", "c2", queue="/6")
    assert office.sees(answered) == ["caller.answered", "callback.done"]

    assert listed(office) == []
    assert office.last().payload["outcome"] == "answered"
    assert ended(office) == (Done.ANSWERED, None)


def test_a_further_call_of_who_is_listed_is_counted_and_no_news(office: Office) -> None:
    office.sees(left(ABANDONED))
    assert office.sees(left(ABANDONED, "972541234567", "c2", (5, 9))) == ["caller.abandoned"]

    with office.database.read() as db:
        (one,), _ = operations.listed(db)
    assert (one.calls, one.phone, one.waited) == (2, "972541234567", (5, 9))
    assert one.since == START + 10 * SECOND
    assert one.last_at == START + 20 * SECOND


def test_another_phone_another_system_and_who_is_not_known_to_be_missed_are_no_matter(office: Office) -> None:
    office.sees(left(ABANDONED))
    assert office.sees(left(ANSWERED, AVI, "c2")) == ["caller.answered"]
    assert office.sees(left(ANSWERED, DANA, "c3"), system="branch") == ["caller.answered"]
    assert office.sees(left(LEFT, AVI, "c4")) == ["caller.left"]
    assert office.sees(left(KICKED, AVI, "c5")) == ["caller.kicked"]

    assert listed(office) == [DANA]


def test_who_withholds_his_number_is_counted_and_not_listed(office: Office) -> None:
    for number, phone in enumerate(("", "anonymous", "Unknown")):
        assert office.sees(left(ABANDONED, phone, f"c{number}"), unseen=number) == ["caller.abandoned"]

    with office.database.read() as db:
        found = store.of_day(db, "main", START, START + HOUR)
    assert listed(office) == []
    assert found == {"queue/5": Figures(abandoned=3, withheld=3, unseen=3, longest_wait_seconds=40)}


def test_a_campaign_of_ours_that_dials_a_phone_crosses_it_off(office: Office) -> None:
    office.sees(left(ABANDONED))
    office.sees(left(ABANDONED, AVI, "c2"))
    rejected: Json = [{"phone": AVI, "reason": "not Vaild"}]
    phones: Json = ["+972 54-1234567", {"phones": [AVI], "caller_id": "077"}]
    bridge = command("campaign.bridge", {"phones": phones}, {"rejected": rejected})

    assert ends(office, replace(bridge, status=Status.UNKNOWN)) == []
    assert ends(office, bridge) == ["callback.done"]
    assert ended(office) == (Done.CALLED, "cmd_1")
    assert ends(office, bridge) == []
    assert listed(office) == [AVI]


def test_by_hand_it_is_closed_once_and_told_by_who_does_what_one_does_for_all(office: Office) -> None:
    office.sees(left(ABANDONED))
    with office.database.write() as db:
        first = operations.done(db, "054-1234567", by="Dana", note="called", now=office.at)
    with office.database.write() as db:
        again = operations.done(db, "cb_1", by="Avi", note=None, now=office.at)

    assert (first.is_new, again.is_new) == (True, False)
    assert again.callback.closed_by == "Dana"
    assert office.ticks() == ["callback.done"]
    assert office.ticks() == []
    assert listed(office) == []
    assert office.sees(left(ABANDONED, call_id="c2")) == ["caller.abandoned", "callback.due"]


def test_what_cannot_be_closed_is_refused(office: Office) -> None:
    office.sees(left(ABANDONED))
    office.sees(left(ABANDONED), system="branch")
    with office.database.write() as db:
        for unknown in ("cb_0", "0500000000", "nobody"):
            with pytest.raises(Refused, match="there is no missed caller"):
                operations.done(db, unknown, by="Dana", note=None, now=office.at)
        with pytest.raises(Refused, match="several systems have missed"):
            operations.done(db, DANA, by="Dana", note=None, now=office.at)


def test_after_a_week_it_is_over_whatever_the_clock_did(office: Office) -> None:
    office.sees(left(ABANDONED))
    year = timedelta(days=365)
    with office.database.write() as db:
        clock_steps.shift(db, year, year)
    office.at += year + EXPIRES - SECOND
    assert office.ticks() == []
    office.at += SECOND
    assert office.ticks() == ["callback.done"]
    assert ended(office) == (Done.EXPIRED, None)


def test_no_more_are_listed_than_may_be(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST == 10_000
    monkeypatch.setattr("daemon.core.missed.MOST", 2)
    for number in range(3):
        office.sees(left(ABANDONED, f"054000000{number}", f"c{number}"))

    assert len(listed(office)) == 2


def test_a_page_goes_on_where_the_one_before_ended(office: Office) -> None:
    for number in range(5):
        office.sees(left(ABANDONED, f"054000000{number}", f"c{number}"))
    found, after = list[str](), None
    with office.database.read() as db:
        while True:
            some, after = operations.listed(db, after=after, limit=2)
            found += [one.phone for one in some]
            if after is None:
                break
        with pytest.raises(Refused):
            operations.listed(db, after="cb_0")

    assert found == [f"054000000{number}" for number in range(5)]


def test_who_a_command_of_ours_put_out_is_told_as_that_whatever_the_counters_say(office: Office) -> None:
    calls: Json = {"calls": [{"call_id": "c1", "status": "kicked"}, {"call_id": "c2", "status": "not_found"}]}
    kick = command("queue.kick", {"queue_path": "/5", "call_ids": ["c1", "c2"]}, None, Status.RUNNING)
    with office.database.write() as db:
        inbox.add(db, kick, "")
    assert office.sees(left(ABANDONED), left(LEFT, AVI, "c2")) == ["caller.left", "caller.left"]
    assert office.last().payload["reason"] == "command"

    done = replace(kick, status=Status.SUCCEEDED, result=calls)
    with office.database.write() as db:
        inbox.save(db, done)
    assert ends(office, done) == ["caller.kicked"]
    assert ends(office, done) == []
    assert office.sees(left(ABANDONED, AVI, "c1")) == ["caller.kicked"]


def test_the_log_settles_what_was_not_known_once(office: Office) -> None:
    office.sees(left(LEFT, waited=(40, 52)))
    row = left(ABANDONED, "+972541234567", None, (45, 45), at=office.at - SECOND)
    assert office.sees(row) == ["caller.abandoned", "callback.due"]
    caller = office.told[-2].payload["caller"]
    assert caller == {"call_id": "c1", "phone": DANA, "waited_seconds": [45, 45]}
    assert office.sees(left(LEFT, AVI, "c2")) == ["caller.left"]

    with office.database.read() as db:
        figures = store.of_day(db, "main", START, START + HOUR)["queue/5"]
    assert figures == Figures(abandoned=1, unknown=1, longest_wait_seconds=45)


def test_what_was_certain_is_not_told_again_by_the_log(office: Office) -> None:
    office.sees(left(ABANDONED))
    assert office.sees(left(ABANDONED, call_id=None, waited=(45, 45), at=office.at - SECOND)) == []


def test_a_row_of_nobody_who_was_seen_is_told_of_its_own(office: Office) -> None:
    office.sees(unseen=3)
    assert office.sees(left(ABANDONED, call_id=None, waited=(3, 3), at=office.at)) == [
        "caller.abandoned",
        "callback.due",
    ]
    with office.database.read() as db:
        figures = store.of_day(db, "main", START, START + HOUR)["queue/5"]
    assert (figures.abandoned, figures.unseen) == (1, 0)


def test_who_was_counted_just_before_a_poll_and_told_by_the_log_is_no_other(office: Office) -> None:
    office.sees(unseen=3)
    last = office.at
    for number, at in ((1, last - 3 * SECOND), (2, last - SECOND)):
        phone = f"054000000{number}"
        office.sees(left(ABANDONED, phone, call_id=None, waited=(2, 2), at=at))
    with office.database.read() as db:
        figures = store.of_day(db, "main", START, START + HOUR)["queue/5"]
    assert (figures.abandoned, figures.unseen) == (2, 1)

    office.sees(left(ABANDONED, "0540000003", call_id=None, waited=(2, 2), at=last + HOUR / 2))
    with office.database.read() as db:
        figures = store.of_day(db, "main", START, START + HOUR)["queue/5"]
    assert (figures.abandoned, figures.unseen) == (3, 0)


def test_a_row_that_may_be_of_another_call_waits_until_that_one_has_its_own(office: Office) -> None:
    office.sees(left(LEFT, waited=(2, 14)))
    gave_up = left(ABANDONED, call_id=None, waited=(5, 5), at=office.at - 3 * SECOND)
    assert office.sees(gave_up) == []
    answered = left(ANSWERED, call_id=None, waited=(9, 9), at=office.at)
    assert office.sees(answered) == []
    office.at += HELD + HOUR

    assert office.ticks() == []
    with office.database.read() as db:
        assert store.of_day(db, "main", START, START + HOUR)["queue/5"].unknown == 1


def test_a_row_that_waited_alone_is_that_of_its_call(office: Office) -> None:
    office.sees(left(LEFT, waited=(2, 14)))
    assert office.sees(left(ABANDONED, call_id=None, waited=(5, 5), at=office.at)) == []
    office.at += HELD + HOUR

    assert office.ticks() == ["callback.due"], "and the caller's own event, which no endpoint has named"
    with office.database.read() as db:
        figures = store.of_day(db, "main", START, START + HOUR)["queue/5"]
    assert (figures.abandoned, figures.unknown) == (1, 0)


def figures(office: Office) -> tuple[int, int, int]:
    with office.database.read() as db:
        found = store.of_day(db, "main", START, START + 24 * HOUR).get("queue/5", Figures())
    return found.answered, found.abandoned, found.unknown


@pytest.mark.parametrize(
    ("seen", "logged", "told", "counted"),
    [
        (LEFT, ABANDONED, "caller.abandoned", (0, 1, 0)),
        (LEFT, ANSWERED, "caller.answered", (1, 0, 0)),
        (ABANDONED, ABANDONED, "caller.abandoned", (0, 1, 0)),
        (ANSWERED, ABANDONED, "caller.abandoned", (0, 1, 0)),
    ],
)
def test_a_row_of_who_waits_by_what_was_seen_last_is_held_until_a_poll_has_seen_him_leave(
    office: Office, seen: str, logged: str, told: str, counted: tuple[int, int, int]
) -> None:
    office.waits(Caller("c1", DANA, 40, 1))
    row = left(logged, "054-123-4567", call_id=None, waited=(45, 45), at=office.at + 5 * SECOND)
    assert office.sees(row) == []
    assert figures(office) == (0, 0, 0)
    office.waits()

    listed_then = [] if logged == ANSWERED else ["callback.due"]
    assert office.sees(left(seen, waited=(40, 62))) == [told, *listed_then]
    assert figures(office) == counted
    assert [one.payload["caller"] for one in office.told[:1]] == [
        {"call_id": "c1", "phone": DANA, "waited_seconds": [45, 45] if seen != logged else [40, 62]}
    ]
    office.at += HELD + HOUR
    assert office.ticks() == []
    assert figures(office) == counted


def test_a_row_of_who_waited_for_too_short_a_time_to_be_sure_of_is_told_of_his_call_in_the_end(
    office: Office,
) -> None:
    office.waits(Caller("c1", DANA, 1, 1))
    assert office.sees(left(ABANDONED, call_id=None, waited=(3, 3), at=office.at + 2 * SECOND)) == []
    office.waits()
    assert office.sees(left(LEFT, waited=(1, 23))) == ["caller.left"]
    office.at += HELD + HOUR
    office.waits()

    assert office.ticks() == ["callback.due"], "and the caller's own event, which no endpoint has named"
    assert figures(office) == (0, 1, 0)


def test_a_row_of_an_earlier_call_of_who_waits_is_told_at_once(office: Office) -> None:
    office.waits(Caller("c1", DANA, 400, 1))
    short = left(ABANDONED, call_id=None, waited=(30, 30), at=office.at + 2 * SECOND)
    assert office.sees(short) == ["caller.abandoned", "callback.due"]
    other = left(ABANDONED, AVI, call_id=None, waited=(400, 400), at=office.at)
    assert office.sees(other) == ["caller.abandoned", "callback.due"]
    office.waits()

    assert office.sees(left(LEFT, waited=(400, 430))) == ["caller.left"]
    assert figures(office) == (0, 2, 1)


def test_who_goes_on_waiting_is_not_he_of_whom_the_row_tells(office: Office) -> None:
    office.waits(Caller("c1", DANA, 40, 1))
    assert office.sees(left(ABANDONED, call_id=None, waited=(45, 45), at=office.at + 5 * SECOND)) == []
    office.at += HELD + MINUTE
    office.waits(Caller("c1", DANA, 40 + (HELD + MINUTE) // SECOND, 1))

    assert office.ticks() == ["callback.due"]
    assert figures(office) == (0, 1, 0)


def test_a_row_of_who_nobody_can_see_to_leave_is_held_for_some_hours_and_not_lost(office: Office) -> None:
    office.waits(Caller("c1", DANA, 40, 1))
    assert office.sees(left(ABANDONED, call_id=None, waited=(45, 45), at=office.at + 5 * SECOND)) == []
    office.at += HELD + HOUR
    assert office.ticks() == []
    assert figures(office) == (0, 0, 0)
    office.at += UNSEEN

    assert office.ticks() == ["callback.due"]
    assert figures(office) == (0, 1, 0)


def test_who_was_answered_since_is_not_listed_for_a_row_that_comes_late(office: Office) -> None:
    office.sees(left(ANSWERED, call_id="c9"))
    late = left(ABANDONED, call_id=None, waited=(300, 300), at=office.at - HOUR)

    assert office.sees(late) == ["caller.abandoned"]


def test_what_is_old_is_forgotten(office: Office) -> None:
    office.sees(left(ABANDONED))
    office.sees(left(ANSWERED, call_id="c2"))
    much = office.at + timedelta(days=400)
    with office.database.write() as db:
        while store.prune(db, calls=much, open_before=much, closed=much):
            pass
        assert store.of_day(db, "main", START, much) == {}
        assert store.find(db, "cb_1") is None
        assert store.open_calls(db, "main", DANA) == []


def test_the_log_that_says_otherwise_is_believed_and_told(office: Office) -> None:
    office.sees(left(ABANDONED))
    row = left(ANSWERED, call_id=None, waited=(45, 45), at=office.at - SECOND)

    assert office.sees(row) == ["caller.answered", "callback.done"]
    with office.database.read() as db:
        assert [one.outcome for one in store.by_ids(db, "main", ["c1"])] == []
        assert store.of_day(db, "main", START, START + HOUR)["queue/5"].answered == 1
    assert Outcome.ANSWERED.value == "answered"


def test_who_is_in_the_platforms_list_is_listed_and_goes_with_it(office: Office) -> None:
    queue = Queue("/5", "sales", ())

    def in_list(before: callbacks.State | None, *requests: Request) -> tuple[callbacks.State, list[str]]:
        change = callbacks.diff(before, callbacks.Observation(requests), queue, office.at, is_emitting=False)
        return change.state, office.sees(*change.facts)

    dana, avi = Request("1", DANA, START - HOUR), Request("2", AVI, None)
    state, told = in_list(None, dana)
    assert (told, listed(office)) == ([], [DANA]), "who was there at first is no news"
    state, told = in_list(state, dana, avi)
    assert told == ["callback.due"]
    assert office.sees(left(ABANDONED, AVI, "c1")) == ["caller.abandoned"]
    state, told = in_list(state, dana)
    assert (told, office.last().payload["outcome"]) == (["callback.done"], "gone")
    assert office.sees(left(ANSWERED)) == ["caller.answered", "callback.done"]
    assert in_list(state, avi)[1] == ["callback.due"]


def test_what_is_known_of_an_hour_counts_each_caller_once_and_nobody_whom_counters_alone_tell_of(
    office: Office,
) -> None:
    office.sees(left(ABANDONED), left(ANSWERED, AVI, "c2"), unseen=7)
    office.sees(left(LEFT, "0533333333", "c3", waited=(90, 99)))
    before = known(office)
    office.sees(
        left(ABANDONED, DANA, None, (41, 41), office.at), left(ANSWERED, AVI, None, (41, 41), office.at)
    )
    office.sees(left(ABANDONED, "0544444444", None, (300, 300), office.at))
    at = office.at
    later = [known(office, at + HOUR - timedelta(minutes=1)), known(office, at + 2 * HOUR)]

    assert before == Known(answered=1, abandoned=1, longest_wait_seconds=90)
    assert known(office) == later[0] == Known(1, 2, 300, is_logged=True)
    assert later[1] == Known(0, 0, 300, is_logged=True)
    assert known(office, queue="queue/6") == Known()


def known(office: Office, at: datetime | None = None, queue: str = "queue/5") -> Known:
    with office.database.read() as db:
        return missed.known(db, ("main", queue), at or office.at, START - HOUR)


def test_a_kick_of_before_somebody_began_to_wait_says_nothing_sure_of_him(office: Office) -> None:
    calls: Json = {"calls": [{"call_id": "c1", "status": "kicked"}]}
    kick = replace(command("queue.kick", {"call_ids": ["c1"]}, calls), ended_at=START)
    with office.database.write() as db:
        inbox.add(db, replace(kick, status=Status.QUEUED, result=None), "")
        inbox.save(db, kick)
    office.at += HOUR

    assert office.sees(left(ANSWERED)) == ["caller.left"], "the id may have been another call's"
    assert office.last().payload["reason"] == "command"
    assert office.sees(left(ANSWERED, waited=(4000, 4012))) == ["caller.kicked"]


def test_a_kick_settles_nobody_who_had_left_before_it_was_asked_for(office: Office) -> None:
    office.sees(left(LEFT))
    office.at += HOUR
    calls: Json = {"calls": [{"call_id": "c1", "status": "kicked"}]}
    kick = command("queue.kick", {"call_ids": ["c1"]}, calls)

    assert ends(office, replace(kick, created_at=office.at)) == []
    assert ends(office, kick) == ["caller.kicked"]
