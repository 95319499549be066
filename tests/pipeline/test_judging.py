"""What is well and was is not judged: a judge that judges all of it says the same, and stores the same."""

from contextlib import closing
from datetime import timedelta

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.alerts.life import Seen
from daemon.core.durations import NOTHING
from daemon.core.model import Condition, Rule, Severity, Verdict
from daemon.core.watches import sip
from daemon.pipeline.alerts import Judge
from daemon.pipeline.events import Recorder
from daemon.store import schema
from tests.support import stores
from tests.support.engines import USED
from tests.support.examples import examples
from tests.support.fakes import FakeClock, Ids

SECOND = timedelta(seconds=1)
KEYS = ("a", "b", "c")
RULES = tuple(
    Rule(hold, keep, Severity.ERROR) for hold in (NOTHING, 15 * SECOND) for keep in (NOTHING, 15 * SECOND)
)
Look = tuple[dict[str, Verdict], Rule, timedelta, bool]
LOOK = st.tuples(
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from(Verdict)),
    st.sampled_from(RULES),
    st.sampled_from([NOTHING, 10 * SECOND]),
    st.booleans(),
)
STORED = (schema.alerts, schema.transitions, schema.incidents)


class EveryOne(Judge):
    """The slow, obvious way."""

    def _is_well(self, _condition: Condition) -> bool:
        return False


def judged(kind: type[Judge], looks: list[Look]) -> list[object]:
    """What each look came to, and what is stored after all."""
    clock, recorder = FakeClock(), Recorder([], Ids())
    said: list[object] = []
    with closing(stores.new()) as database:
        for verdicts, rule, observed, is_closed in looks:
            clock.advance(10)
            with database.write() as db:
                judge = kind(db, recorder, "main", "sip")
                when = Seen(clock.at, clock.at - 10 * SECOND, observed)
                judge.take([_condition(key, one, rule) for key, one in verdicts.items()], when)
                if is_closed:
                    judge.close_unmentioned(when)
                said.append((judge.judged(), judge.phases))
                said += [_rows(db, table) for table in STORED]
    return said


def _rows(db: sa.Connection, table: sa.Table) -> list[str]:
    """Without their own numbers: a server gives what is known in no order, and so it is told in none."""
    columns = [column for column in table.c if column.name != "id" or column.type.python_type is str]
    return sorted(map(repr, db.execute(sa.select(*columns))))


def _condition(key: str, verdict: Verdict, rule: Rule) -> Condition:
    return Condition(key, sip.EVENTS.alerts[0], f"sip/{key}", verdict, rule, {"of": key})


@USED
@settings(max_examples=examples(200))
@given(st.lists(LOOK, max_size=8))
def test_who_judges_only_what_may_not_be_well_says_and_stores_the_same(looks: list[Look]) -> None:
    assert judged(Judge, looks) == judged(EveryOne, looks)
