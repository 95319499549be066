"""What an endpoint is told of one subject comes in the order in which it was written down."""

from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.alerts.life import Seen
from daemon.core.durations import NOTHING
from daemon.core.model import Condition, Fact, Rule, Severity, Verdict
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import Quiet
from daemon.core.watches import sip
from daemon.pipeline.alerts import Judge
from daemon.pipeline.events import Recorder
from daemon.pipeline.notification import Teller
from tests.support import stores
from tests.support.engines import USED
from tests.support.examples import examples
from tests.support.fakes import START, Ids

AT_ONCE = Rule(NOTHING, NOTHING, Severity.ERROR)
SUBJECTS = ("sip/a", "sip/b")
KINDS = {"": sip.KIND, "/flapping": sip.FLAPPING, "/other": sip.MANY}
"""By the end of the key: so that several alerts of one subject can turn in one poll."""
INTERESTS = [
    Interest("all", ("*",), None),
    Interest("late", ("*",), None, quiet=(Quiet(lambda now: now.minute % 3 == 0, Severity.ERROR),)),
    Interest("mail", ("*",), None, is_batched=True),
]


@dataclass(frozen=True)
class Poll:
    """What one answer says: of some alerts, in this order, and of what stands alone."""

    verdicts: tuple[tuple[str, str, Verdict], ...]
    facts: tuple[str, ...]
    is_delivered: bool = True
    """All that it gave arrived before the next."""


polls = st.builds(
    Poll,
    st.lists(
        st.tuples(st.sampled_from(SUBJECTS), st.sampled_from(sorted(KINDS)), st.sampled_from(Verdict)),
        max_size=6,
        unique_by=lambda one: one[:2],
    ).map(tuple),
    st.lists(st.sampled_from(SUBJECTS), max_size=2).map(tuple),
    st.booleans(),
)


def conditions(poll: Poll) -> list[Condition]:
    return [
        Condition(subject + end, KINDS[end], subject, verdict, AT_ONCE, {})
        for subject, end, verdict in poll.verdicts
    ]


def lanes_of(life: list[Poll]) -> dict[tuple[str, ...], list[int]]:
    """The sequences of what is told, as it was put into each lane."""
    recorder = Recorder(INTERESTS, Ids())
    with closing(stores.new()) as database:
        for minute, poll in enumerate(life):
            now = START + timedelta(minutes=minute)
            with database.write() as db:
                judge = Judge(db, recorder, "main", "sip")
                judge.take(conditions(poll), Seen(now, None, NOTHING))
                alone = [Fact("sip.account.added", subject, {}) for subject in poll.facts]
                recorded = recorder.record(db, "main", [*alone, *judge.judged().facts], now)
                Teller(recorder).settle(db, now, recorded.turned)
                if poll.is_delivered:
                    db.exec_driver_sql("UPDATE deliveries SET status = 'delivered', ended_at = 1")
        with database.read() as db:
            rows = db.exec_driver_sql(
                "SELECT d.endpoint, e.system, e.subject, d.lane, e.sequence FROM deliveries d"
                " JOIN events e ON e.number = d.event ORDER BY d.id"
            ).all()
    lanes = defaultdict[tuple[str, ...], list[int]](list)
    for endpoint, system, subject, lane, sequence in rows:
        # A mail's deliveries wait for nobody, and stand in it as they were added.
        lanes[endpoint, system, subject if endpoint == "mail" else lane].append(sequence)
    return lanes


@USED
@settings(max_examples=examples(150))
@given(st.lists(polls, min_size=1, max_size=8))
def test_in_every_lane_the_first_arrivals_are_in_the_order_of_their_sequence(life: list[Poll]) -> None:
    for lane, told in lanes_of(life).items():
        assert told == sorted(told), lane


@USED
def test_two_alerts_of_a_subject_that_turn_in_one_poll_are_told_as_they_were_written() -> None:
    fires = Poll((("sip/a", "", Verdict.BAD),), ())
    flaps = Poll((("sip/a", "/flapping", Verdict.BAD),), ())
    calm = Poll((("sip/a", "", Verdict.GOOD), ("sip/a", "/flapping", Verdict.GOOD)), ())

    assert lanes_of([fires, flaps, calm])["all", "main", "main/sip/a"] == [1, 2, 3, 4]
