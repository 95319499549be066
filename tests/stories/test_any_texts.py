"""Whatever fires, ends, fails and is killed: no SMS twice, no day over its budget, and every end fits."""

from collections import Counter, defaultdict
from contextlib import suppress

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from daemon.core.commands.policy import ROUNDING
from daemon.core.delivery.outcome import Outcome
from daemon.core.routing.text_limits import MOST_IN_AN_HOUR
from tests.support import stores
from tests.support.examples import examples
from tests.support.texting import Killed, Point, Says, Texting, lost, refused, taken, unsent

PHONES = tuple(f"07731377{number:02d}" for number in range(6))
SAYS: dict[str, Says] = {"taken": taken, "lost": lost, "refused": refused, "unsent": unsent}
PER_DAY, OWN = 1.0, 0.7


class AnyTexts(RuleBasedStateMachine):
    """The manager's phone on a bad week."""

    def __init__(self) -> None:
        super().__init__()
        self.office = Texting(stores.in_memory(), per_day=PER_DAY, own_per_day=OWN)
        self.times: list[float] = []

    def teardown(self) -> None:
        self.office.database.close()

    @rule(phone=st.sampled_from(PHONES))
    def fires(self, phone: str) -> None:
        self.office.fire(phone)

    @precondition(lambda self: self.office.firing)
    @rule(data=st.data())
    def ends(self, data: st.DataObject) -> None:
        self.office.resolve(data.draw(st.sampled_from(sorted(self.office.firing))))

    @rule(says=st.sampled_from(sorted(SAYS)))
    def platform_says(self, says: str) -> None:
        self.office.says = SAYS[says]

    @rule(minutes=st.sampled_from([1, 20, 90, 600]))
    def time_passes(self, minutes: int) -> None:
        self._run(minutes)

    @rule(at=st.sampled_from(Point), minutes=st.sampled_from([1, 20]))
    def killed(self, at: Point, minutes: int) -> None:
        self.office.kill_at = at
        self._run(minutes)
        self.office.start()

    def _run(self, minutes: int) -> None:
        with suppress(Killed):
            self.office.run(minutes * 60, step=max(60, minutes * 10))
        many = len(self.office.left) - len(self.times)
        self.times += [self.office.clock.monotonic()] * many

    @invariant()
    def no_day_is_over_its_budget(self) -> None:
        by_day: dict[str, float] = defaultdict(float)
        for day, (_, _, units) in zip(self.office.left_on, self.office.left, strict=True):
            by_day[day] += units
        assert all(one <= OWN + ROUNDING for one in by_day.values()), by_day

    @invariant()
    def what_is_used_and_held_is_within_it(self) -> None:
        used, held = self.office.figures()
        assert used + held <= OWN + ROUNDING

    @invariant()
    def nothing_left_twice(self) -> None:
        with self.office.database.read() as db:
            events = db.exec_driver_sql("SELECT endpoint, event FROM texts").all()
        assert max(Counter(map(tuple, events)).values(), default=1) == 1

    @invariant()
    def no_end_lacks_units_that_were_held(self) -> None:
        for one in self.office.ended:
            if one.outcome is Outcome.THROTTLED and one.message.event_type == "sip.account.registered":
                assert "units" not in (one.error or "") or one.message.superseded, one.error

    @invariant()
    def nobody_is_told_too_often(self) -> None:
        recent = [at for at in self.times if at > self.office.clock.monotonic() - 3600]
        assert len(recent) <= MOST_IN_AN_HOUR


TestAnyTexts = AnyTexts.TestCase
TestAnyTexts.settings = settings(max_examples=examples(15), stateful_step_count=12, deadline=None)
