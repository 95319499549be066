"""The order of one poll: what is asked, what is passed over, how long a system is left alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest
import sqlalchemy as sa

from daemon.core.alerts.life import Phase, Seen
from daemon.core.durations import NOTHING
from daemon.core.model import Change, Failure, Rule, Severity, Unknown
from daemon.core.watches import sip
from daemon.core.watches.subjects import Subject, SubjectState
from daemon.core.watches.watch import POLLING, Answered, AnyWatch, Description, Unchanged, Watch, WatchKind
from daemon.core.wishes import Kind, Wish, Wishes
from daemon.pipeline.events import Recorder
from daemon.store import schema, subjects, watches
from daemon.store.database import Database
from daemon.store.ownership import EVERYTHING, Ownership
from daemon.workers.historian import Historian
from daemon.workers.poller import Polled, Poller
from daemon.workers.system_pauses import Pauses
from tests.support import stores
from tests.support.engines import ON_SQLITE
from tests.support.fakes import FakeClock, Ids
from tests.support.statements import KINDS
from tests.support.story import answered

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


@dataclass
class Bench:
    """A poller with one watch; `answer` is what the API says next."""

    database: Database
    clock: FakeClock = field(default_factory=FakeClock)
    answer: dict[str, bool] | Unknown = field(default_factory=lambda: {"077": True})
    problems: tuple[str, ...] = ()
    asked: int = 0
    seen: list[Seen] = field(default_factory=list)
    is_conclusive: bool = True
    rule: Rule = Rule(NOTHING, NOTHING, Severity.ERROR)  # noqa: RUF009 - frozen
    asks_before: bool = False
    """Whether the kind's question depends on the state."""
    before: list[sip.State | None] = field(default_factory=list)
    recorder: Recorder = field(default_factory=lambda: Recorder([], Ids()))
    kept: list[AnyWatch] = field(default_factory=list)
    """The watches in force; none: all are."""
    took: list[tuple[Polled, timedelta]] = field(default_factory=list)

    ownership: Ownership = EVERYTHING
    on_ask: Callable[[], None] = lambda: None
    """What happens while the API is asked."""

    def __post_init__(self) -> None:
        self.poller = self.another()
        described = Description(
            system="main",
            name="sip",
            method="GetSipAccountsRegisteredStatus",
            every=10 * SECOND,
            conditions={},
            api_rule=Rule(MINUTE, NOTHING, Severity.ERROR),
        )
        self.watch = Watch(described, Scripted(self))

    def described(self, **changes: str) -> Watch[sip.State, sip.Observation]:
        """The watch under another system or name."""
        return Watch(replace(self.watch.description, **changes), self.watch.kind)  # type: ignore[arg-type]

    def reloaded(self) -> None:
        """The same watch, out of a configuration that was read again."""
        self.watch = self.described()

    def another(self) -> Poller:
        """A poller that remembers nothing, as after a restart."""
        self.pauses = Pauses(self.clock.monotonic)
        return Poller(
            self.database,
            lambda: self.recorder,
            now=self.clock.now,
            monotonic=self.clock.monotonic,
            pauses=self.pauses,
            watches=lambda: {one.id: one for one in self.kept} or None,
            on_polled=lambda polled, took: self.took.append((polled, took)),
            ownership=self.ownership,
        )

    def poll(self, *, after: float = 0) -> Polled:
        self.clock.advance(after)
        return self.poller.poll(self.watch)

    def stored(self) -> watches.Stored:
        with self.database.read() as db:
            return watches.load(db, "main", "sip")


@dataclass(frozen=True)
class Scripted(WatchKind[sip.State, sip.Observation]):
    """Phones that are as the bench says."""

    bench: Bench
    dump = staticmethod(sip.dump)
    load = staticmethod(sip.load)

    def ask(
        self, known: bytes | None, before: Callable[[], sip.State | None]
    ) -> Answered[sip.Observation] | Unchanged | Unknown:
        self.bench.asked += 1
        self.bench.on_ask()
        if self.bench.asks_before:
            self.bench.before.append(before())
        answer = self.bench.answer
        if isinstance(answer, Unknown):
            return answer
        return answered(sip.Observation(answer, self.bench.problems), known)

    def diff(self, before: sip.State | None, seen: sip.Observation, when: Seen) -> Change[sip.State]:
        self.bench.seen.append(when)
        return sip.diff(before, seen, self.bench.rule, is_emitting=False)

    def subjects(self, seen: sip.Observation, change: Change[sip.State], when: Seen) -> list[Subject]:
        return sip.subjects(seen, change.state)

    def is_conclusive(self, seen: sip.Observation) -> bool:
        return self.bench.is_conclusive


@pytest.fixture
def bench(engine: str, tmp_path: Path) -> Iterator[Bench]:
    database = stores.at(tmp_path / "poller.db")
    yield Bench(database)
    database.close()


def test_an_equal_answer_is_passed_over_and_remembered_until_the_flush(bench: Bench) -> None:
    bench.poll()
    first = bench.clock.at
    polled = bench.poll(after=10)

    assert polled.is_unchanged
    assert len(bench.seen) == 1
    assert bench.poller.unflushed() == {("main", "sip"): bench.clock.at}
    assert bench.stored().observed_at == first
    bench.poller.flush()
    assert bench.stored().observed_at == bench.clock.at
    assert bench.poller.unflushed() == {}


def test_an_equal_answer_is_judged_once_more_by_another_configuration(bench: Bench) -> None:
    bench.rule = Rule(MINUTE, NOTHING, Severity.ERROR)
    bench.answer = {"077": True}
    bench.poll()
    bench.reloaded()

    assert not bench.poll(after=10).is_unchanged
    assert bench.poll(after=10).is_unchanged


def test_a_kind_is_handed_the_state_that_is_stored(bench: Bench) -> None:
    bench.asks_before = True
    bench.poll()
    bench.answer = {"077": False}
    bench.poll(after=10)
    bench.poll(after=10)
    bench.reloaded()
    bench.poll(after=10)

    known = [one and one.registered for one in bench.before]
    assert known == [None, {"077": True}, {"077": False}, {"077": False}]


def test_a_state_that_was_not_stored_is_not_handed_on(bench: Bench) -> None:
    bench.asks_before = True
    bench.poll()
    bench.answer = {"077": False}
    with stores.refusing(bench.database, "UPDATE ON watches"), pytest.raises(sa.exc.DBAPIError):
        bench.poll(after=10)
    bench.poll(after=10)

    assert [one and one.registered for one in bench.before] == [None, {"077": True}, {"077": True}]


def test_an_answer_to_which_time_adds_meaning_is_never_passed_over(bench: Bench) -> None:
    bench.is_conclusive = False
    bench.poll()

    assert not bench.poll(after=10).is_unchanged
    assert len(bench.seen) == 2


def test_an_answer_after_a_failure_is_walked_although_it_is_equal(bench: Bench) -> None:
    bench.poll()
    good, bench.answer = bench.answer, Unknown(Failure.TIMEOUT, "too slow")
    bench.poll(after=10)
    bench.answer = good

    assert not bench.poll(after=10).is_unchanged
    assert bench.stored().failure is None


def test_observed_time_is_what_passed_between_two_answers(bench: Bench) -> None:
    bench.is_conclusive = False
    bench.poll()
    bench.poll(after=12)

    assert [when.observed for when in bench.seen] == [NOTHING, 12 * SECOND]


def test_no_more_than_two_intervals_count_as_observed(bench: Bench) -> None:
    """A machine that slept saw nothing while it slept."""
    bench.is_conclusive = False
    bench.poll()
    bench.poll(after=3600)

    assert bench.seen[-1].observed == 20 * SECOND


@pytest.mark.parametrize("is_restarted", [True, False])
def test_time_beside_a_failure_or_a_restart_was_not_observed(bench: Bench, *, is_restarted: bool) -> None:
    bench.is_conclusive = False
    bench.poll()
    if is_restarted:
        bench.poller = bench.another()
    else:
        good, bench.answer = bench.answer, Unknown(Failure.FILTERED, "a page")
        bench.poll(after=10)
        bench.answer = good
    bench.poll(after=10)

    assert bench.seen[-1].observed == NOTHING


def test_a_rejected_token_is_asked_about_ever_more_slowly(bench: Bench) -> None:
    bench.answer = Unknown(Failure.TOKEN_REJECTED, "bad token")
    asked_at = []
    for minute in range(60):
        before = bench.asked
        bench.poll(after=60)
        asked_at += [minute] * (bench.asked - before)

    assert asked_at == [0, 1, 3, 7, 15, 30, 45]


def test_an_accepted_token_ends_the_slowness(bench: Bench) -> None:
    rejected = Unknown(Failure.TOKEN_REJECTED, "bad token")
    bench.answer = rejected
    bench.poll()
    bench.poll(after=60)
    bench.answer = {"077": True}
    bench.poll(after=120)
    bench.answer = rejected
    bench.poll(after=10)

    assert bench.poll(after=59).is_paused
    assert not bench.poll(after=1).is_paused


def test_the_api_is_left_alone_for_as_long_as_it_asks(bench: Bench) -> None:
    bench.answer = Unknown(Failure.THROTTLED, "wait 55s", retry_after=55 * SECOND)
    bench.poll()

    assert bench.poll(after=54).is_paused
    assert bench.asked == 1
    assert not bench.poll(after=1).is_paused
    assert bench.asked == 2


def test_a_pause_is_the_system_s_and_hurts_no_other(bench: Bench) -> None:
    bench.answer = Unknown(Failure.THROTTLED, "wait 55s", retry_after=55 * SECOND)
    bench.poll()
    bench.watch = bench.described(name="sip/1")
    assert bench.poll().is_paused
    bench.watch = bench.described(system="branch")
    assert not bench.poll().is_paused


def test_what_is_left_alone_was_not_asked_and_says_until_when(bench: Bench) -> None:
    bench.answer = Unknown(Failure.THROTTLED, "HTTP 429", 429, timedelta(days=1))
    bench.poll()
    asked_at = bench.clock.at
    first = bench.stored()
    polled = bench.poll(after=10)
    stored = bench.stored()

    assert (stored.polled_at, stored.failure, stored.failing_since) == (asked_at, "throttled", asked_at)
    assert first.failing_since == asked_at
    assert polled.unknown is not None
    assert polled.unknown.message == "HTTP 429; left alone until 2026-03-01 12:15:00 UTC"


def test_a_watch_that_was_left_alone_with_its_system_is_blind_too(bench: Bench) -> None:
    """The other watch was the one that heard of it."""
    bench.poll()
    of_sip, bench.watch = bench.watch, bench.described(name="sip/1")
    good, bench.answer = bench.answer, Unknown(Failure.THROTTLED, "HTTP 429", 429, timedelta(days=1))
    bench.poll(after=10)
    bench.watch = of_sip
    told = [event.type for _ in range(8) for event in bench.poll(after=10).recorded.events]
    assert (told, bench.stored().failure) == (["api.unreachable"], "throttled")
    bench.answer = good
    bench.clock.advance(900)
    polled = bench.poll()

    assert not polled.is_unchanged  # the answer is equal, and yet it ends something
    assert bench.stored().failure is None


def test_an_answer_equal_to_the_last_ends_the_slowness_too(bench: Bench) -> None:
    bench.poll()
    pauses = bench.pauses
    pauses.take("main", Unknown(Failure.TOKEN_REJECTED, "bad token"))
    bench.clock.advance(60)
    assert bench.poll().is_unchanged

    assert pauses.left() == {}


def test_time_in_a_pause_was_not_observed(bench: Bench) -> None:
    bench.is_conclusive = False
    bench.poll()
    bench.poll(after=10)
    good, bench.answer = bench.answer, Unknown(Failure.THROTTLED, "wait", retry_after=15 * SECOND)
    bench.poll(after=10)
    bench.answer = good
    bench.poll(after=10)
    bench.poll(after=10)

    assert bench.seen[-1].observed == NOTHING


def test_a_rehearsal_writes_nothing(bench: Bench) -> None:
    bench.answer = {"077": True, "088": False}
    polled = bench.poller.rehearse(bench.watch)

    assert [event.type for event in polled.recorded.events] == ["sip.account.unregistered"]
    with bench.database.read() as db:
        for table in (schema.watches, schema.alerts, schema.events, schema.sequences):
            assert db.scalar(sa.select(sa.func.count()).select_from(table)) == 0, table.name


def test_a_poll_that_hangs_is_waited_for_no_longer_than_asked(bench: Bench) -> None:
    patience: list[bool] = []
    bench.on_ask = lambda: patience.append(bench.poller.settle(NOTHING))
    bench.answer = Unknown(Failure.TIMEOUT, "too slow")
    bench.poll()

    assert patience == [False]
    assert bench.poller.settle(NOTHING)


def test_what_a_poll_under_way_finds_is_dropped_when_its_watch_leaves(bench: Bench) -> None:
    # a reload, with the same watch and other thresholds
    bench.on_ask = lambda: bench.kept.append(bench.described())
    bench.answer = {"077": False}

    polled = bench.poll()

    assert polled.is_dropped
    assert bench.stored().state is None


def test_every_poll_is_told_with_the_time_from_the_question_to_the_commit(bench: Bench) -> None:
    bench.on_ask = lambda: bench.clock.advance(3)
    first, second = bench.poll(), bench.poll(after=10)

    assert bench.took == [(first, 3 * SECOND), (second, 3 * SECOND)]
    assert second.is_unchanged


def test_who_is_without_an_answer_is_known_until_there_is_one_or_the_watch_leaves(bench: Bench) -> None:
    bench.kept = [bench.watch]
    found = []

    def polled(answer: dict[str, bool] | Unknown) -> None:
        bench.answer = answer
        bench.poll(after=10)
        found.append(bench.poller.unanswered())

    polled({"077": True})
    polled(Unknown(Failure.TIMEOUT, "no complete answer in time"))
    polled({"077": True})  # as before: compared all the same
    polled({"077": True})  # passed over
    polled(Unknown(Failure.THROTTLED, "HTTP 429", 429, MINUTE))
    polled({"077": True})  # left alone
    bench.kept = [bench.described(name="other")]
    found.append(bench.poller.unanswered())

    silent = [("main", "sip")]
    assert found == [[], silent, [], [], silent, silent, []]


def test_a_rehearsal_is_not_told(bench: Bench) -> None:
    bench.poller.rehearse(bench.watch)

    assert bench.took == []


@ON_SQLITE
def test_a_poll_that_raises_is_not_seen_moves_no_state_and_says_nothing_of_the_api(bench: Bench) -> None:
    wishes = Wishes()
    bench.watch = replace(bench.watch, guard=wishes.guard(Kind.WATCH, "main/sip"))
    bench.poll()
    before = bench.stored()

    def raises() -> None:
        raise ValueError("the secret of somebody")

    bench.on_ask = raises
    polled = bench.poll(after=10)
    after = bench.stored()
    for _ in range(20):
        bench.poll(after=10)

    assert polled.unknown is not None
    assert polled.unknown.failure is Failure.OURS
    assert (after.state, after.observed_at, after.failure) == (before.state, before.observed_at, "our_fault")
    assert wishes.look()[Wish(Kind.WATCH, "main/sip", POLLING)].error
    with bench.database.read() as db:
        of_api = watches.load_alerts(db, "main", "api").values()
        assert {one.alert.phase for one in of_api} <= {Phase.OK}

    bench.on_ask = lambda: None
    bench.answer = {"077": False}
    bench.poll(after=10)
    assert bench.stored().failure is None


def test_an_answer_that_cannot_be_compared_is_not_seen_either(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raises(*_: object) -> Change[sip.State]:
        raise ValueError

    bench.watch = replace(bench.watch, guard=Wishes().guard(Kind.WATCH, "main/sip"))
    bench.poll()
    bench.answer = {"077": False}
    with monkeypatch.context() as patch:
        patch.setattr(Scripted, "diff", raises)
        assert bench.poll(after=10).unknown
    polled = bench.poll(after=10)

    assert polled.unknown is None
    assert [event.type for event in polled.recorded.events] == ["sip.account.unregistered"]


@pytest.mark.parametrize("error", stores.FAILING)
def test_a_store_that_cannot_be_written_is_no_fault_of_the_watch(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def raises(*_: object) -> Change[sip.State]:
        raise error

    monkeypatch.setattr(Scripted, "diff", raises)

    with pytest.raises(type(error)):
        bench.poll()


def test_one_field_that_is_missing_is_told_once_whatever_answers_and_failures_follow(bench: Bench) -> None:
    """Across restarts, too: what was told is kept in the store."""
    told: list[str] = []
    broken = Unknown(Failure.MALFORMED, "the JSON is broken: Expecting value: line 1 column 7 (char 6)")
    for number in range(2, 9):
        seen = {f"07{one}": True for one in range(number)}
        for answer, problems in ((seen, (f"accounts[].registered: missing in 1 of {number}",)), (broken, ())):
            bench.answer, bench.problems = answer, problems
            bench.poller = bench.another()
            told += [one.type for one in bench.poll(after=10).recorded.events]

    assert told.count("api.schema_changed") == 2
    assert bench.stored().problems.lines == (broken.message,)


def standing(bench: Bench, watch: str) -> dict[str, SubjectState]:
    with bench.database.read() as db:
        return {name: one.state for name, one in subjects.load(db, "main", watch).items()}


def test_the_api_is_known_again_after_an_error_of_ours(bench: Bench) -> None:
    def raises() -> None:
        raise ValueError

    bench.watch = replace(bench.watch, guard=Wishes().guard(Kind.WATCH, "main/sip"))
    bench.poll()
    bench.on_ask = raises
    bench.poll(after=10)
    unknown = standing(bench, "api")
    bench.on_ask = lambda: None
    bench.poll(after=10)

    assert (unknown, standing(bench, "api")) == ({"api": SubjectState.UNKNOWN}, {"api": SubjectState.UP})


class Broken(Historian):
    """Its book cannot be kept."""

    def _at(self, *_: object) -> NoReturn:
        raise ValueError("a bug")


def test_alerts_are_told_although_history_cannot_be_kept(bench: Bench) -> None:
    bench.rule = Rule(20 * SECOND, NOTHING, Severity.ERROR)
    poller = bench.poller
    poller.hearers = replace(poller.hearers, historian=Broken(bench.database))
    bench.poll()
    bench.answer = {"077": False}
    told = [event.type for _ in range(5) for event in bench.poll(after=10).recorded.events]
    same = bench.poll(after=10)

    assert told == ["sip.account.unregistered"]
    assert (bench.stored().failure, same.unknown) == (None, None)


def test_alerts_are_told_although_nobody_can_say_how_all_stands(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raises(*_: object) -> list[Subject]:
        raise ValueError("a bug")

    bench.rule = Rule(20 * SECOND, NOTHING, Severity.ERROR)
    bench.poll()
    with monkeypatch.context() as patch:
        patch.setattr(Scripted, "subjects", raises)
        bench.answer = {"077": False}
        told = [event.type for _ in range(5) for event in bench.poll(after=10).recorded.events]
        unknown = standing(bench, "sip")
    bench.poll(after=10)

    assert told == ["sip.account.unregistered"]
    assert (unknown, standing(bench, "sip")) == (
        {"sip/077": SubjectState.UNKNOWN},
        {"sip/077": SubjectState.DOWN},
    )


def test_alerts_are_looked_up_where_any_of_the_system_is_not_plainly_well(bench: Bench) -> None:
    bench.rule = Rule(MINUTE, NOTHING, Severity.ERROR)
    bench.poll()
    said: list[str] = []
    sa.event.listen(bench.database.engine, "before_cursor_execute", lambda *call: said.append(call[2]))

    def looks(answer: dict[str, bool]) -> int:
        said.clear()
        bench.answer = answer
        bench.poll(after=10)
        return sum(one.startswith("SELECT alerts") for one in said)

    well, many = looks({"077": True, "078": True}), sum(one.startswith(KINDS) for one in said)
    falls, lies, rises = (looks({"077": is_up, "078": True}) for is_up in (False, False, True))

    assert [well, falls, lies, rises, looks({"077": True, "078": True, "079": True})] == [0, 0, 2, 2, 0]
    # Three of them for the account that is new, two for its event; on a server its lock, and to tell others.
    assert many <= 8 + 2 * stores.is_on_postgresql()
