"""Whatever is asked, cancelled, killed and answered, in whatever order: every command ends once and as it
was, no campaign reaches the phone system twice, and no day costs more than its budget."""

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from daemon.core.commands.command import HOLIDAY, Command, Done, Status
from daemon.core.commands.command_types import Nature
from daemon.core.model import Failure, Unknown
from daemon.core.refusals import Refused
from daemon.operations import commands
from daemon.store import inbox
from tests.support import stores
from tests.support.commanding import BRIDGE, KICK, PAUSE, READ, Office, at, with_policy
from tests.support.engines import USED
from tests.support.examples import examples

REQUESTS = {"pause": PAUSE, "kick": KICK, "read": READ, "bridge": BRIDGE}
BUDGET = 3.0
"""Units a day; a campaign of the test counts 1.2, so two go and a third does not."""
ANSWERS: dict[str, Done | Unknown] = {
    "well": Done({"well": True}),
    "nothing done": Done({}, Status.FAILED, "nobody"),
    "not confirmed": Done({}, Status.UNKNOWN, "silent"),
    "timeout": Unknown(Failure.TIMEOUT, "late"),
    "not sent": Unknown(Failure.UNREACHABLE, "refused", is_unsent=True),
    "wait": Unknown(Failure.THROTTLED, "wait 5s", retry_after=timedelta(seconds=5)),
    "refused": Unknown(Failure.REFUSED, "no", 101),
    "holiday": Unknown(Failure.REFUSED, "Shabbat", HOLIDAY),
    "rejected": Unknown(Failure.TOKEN_REJECTED, "no"),
}
ACTED = frozenset({"well", "not confirmed", "timeout"})
"""Answers after which the phone system may have acted."""


class Killed(BaseException):
    """The process ends here."""


class AnyCommand(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.office = Office(stores.new(), says=self.says, systems=("main", "other"))
        with_policy(self.office, units_per_day=BUDGET)
        self.answer = "well"
        self.acted: Counter[str] = Counter()
        """How often each command may have acted on the phone system."""
        self.keys: dict[tuple[str, str], str] = {}
        self.given: list[str] = []
        self.ends: dict[str, Command] = {}

    def says(self, command: Command) -> Done | Unknown:
        is_dying = self.answer.startswith("killed")
        if self.answer in ACTED or self.answer == "killed after sending":
            self.acted[command.id] += 1
        if is_dying:
            raise Killed
        return ANSWERS[self.answer]

    @initialize()
    def starts(self) -> None:
        self.office.commander.recover()

    @rule(
        name=st.sampled_from(sorted(REQUESTS)),
        system=st.sampled_from(["main", "other"]),
        key=st.sampled_from([None, "k1", "k2"]),
        delay=st.sampled_from([None, 5, 30]),
        patience=st.sampled_from([None, 10, 100]),
        on_holiday=st.sampled_from(["fail", "wait"]),
    )
    def give(
        self,
        name: str,
        system: str,
        key: str | None,
        delay: int | None,
        patience: int | None,
        on_holiday: str,
    ) -> None:
        request: dict[str, Any] = {**REQUESTS[name], "system": system}
        if delay:
            request["not_before"] = at(self.office.clock, delay)
        if patience:
            request["expires_at"] = at(self.office.clock, (delay or 0) + patience)
        if name == "bridge":
            request["on_holiday"] = on_holiday
        try:
            found = self.office.give(request, key=key)
        except Refused:
            return
        if key is not None:
            known = self.keys.setdefault((system, key), found.command.id)
            assert known == found.command.id
        if not found.is_repeat:
            self.given.append(found.command.id)

    @rule(answer=st.sampled_from(sorted(ANSWERS)))
    def says_from_now_on(self, answer: str) -> None:
        self.answer = answer

    @rule()
    def works(self) -> None:
        self.office.work()

    @rule(seconds=st.sampled_from([1, 7, 61, 3600, 86_400]))
    def time_passes(self, seconds: int) -> None:
        self.office.clock.advance(seconds)

    @rule(moment=st.sampled_from(["killed before sending", "killed after sending"]))
    def is_killed(self, moment: str) -> None:
        before, self.answer = self.answer, moment
        with suppress(Killed):
            self.office.work()
        self.answer = before
        self.office.start()
        with_policy(self.office)
        self.office.commander.recover()

    @precondition(lambda self: self.given)
    @rule(data=st.data())
    def is_cancelled(self, data: st.DataObject) -> None:
        command = data.draw(st.sampled_from(self.given))
        with self.office.database.write() as db:
            before = inbox.find(db, command)
            after = commands.cancel(db, command, self.office.clock.now())
        assert before is not None
        assert after is not None
        is_cancelled = after.status is Status.CANCELLED
        assert is_cancelled == (before.status in (Status.QUEUED, Status.CANCELLED))

    @precondition(lambda self: self.given)
    @rule(is_campaign_allowed=st.booleans())
    def is_reloaded(self, is_campaign_allowed: bool) -> None:
        with_policy(self.office, units_per_day=BUDGET if is_campaign_allowed else None)

    @invariant()
    def all_is_true(self) -> None:
        found = [self.office.find(command) for command in self.given]
        self.check_ends(found)
        self.check_campaigns([one for one in found if one.nature is Nature.ONCE])
        told = Counter(
            (f"command.{end.status.value}", f"command/{end.id}")
            for end in self.ends.values()
            if end.status is not Status.CANCELLED
        )
        assert Counter(self.office.told()) == told

    def check_ends(self, found: list[Command]) -> None:
        """What ended stays as it ended, and what is said of it is true."""
        for one in found:
            assert one == self.ends.get(one.id, one)
            if one.status.is_ended:
                self.ends[one.id] = one
            if one.status in (Status.FAILED, Status.EXPIRED):
                assert one.nature is Nature.READ or not self.acted[one.id], one
            if one.status is Status.SUCCEEDED:
                assert self.acted[one.id]
            assert (one.ended_at is not None) == one.status.is_ended

    def check_campaigns(self, found: list[Command]) -> None:
        """None acts twice, and no day costs more than its budget."""
        acted = [one for one in found if self.acted[one.id]]
        assert all(self.acted[one.id] == 1 for one in acted)
        days = Counter((one.system, one.day) for one in acted)
        assert all(many * 1.2 <= BUDGET for many in days.values()), days

    def teardown(self) -> None:
        """In the end the API answers, and every command ends."""
        self.answer = "well"
        for _ in range(40):
            self.office.run(1)
            self.office.clock.advance(6 * 3600)
        for command in self.given:
            assert self.office.find(command).status.is_ended
        self.office.database.close()


@USED
def test_any_command() -> None:
    run_state_machine_as_test(
        AnyCommand,
        settings=settings(
            max_examples=examples(30), stateful_step_count=25, suppress_health_check=list(HealthCheck)
        ),
    )
