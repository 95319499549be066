"""A feed over any life of the store: everything that it is for comes to who reads it, in order and once, or
lies in a gap that it was told of."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.feeds import Wanted
from daemon.core.model import Fact
from daemon.operations import feeds
from daemon.store import events, pruning
from daemon.store.database import Database
from tests.support import stores
from tests.support.engines import USED
from tests.support.examples import examples
from tests.support.fakes import START, Ids

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("happen"), st.lists(st.booleans(), min_size=1, max_size=4)),
        st.tuples(st.just("forget"), st.integers(0, 12)),
        st.tuples(st.just("read"), st.integers(1, 3)),
        st.tuples(st.just("read and ack"), st.integers(1, 3)),
    ),
    max_size=14,
)


@dataclass
class Reader:
    """Who reads a feed, and acknowledges what he was given; and all that there ever was."""

    database: Database
    ids: Ids = field(default_factory=Ids)
    wanted: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)
    gaps: list[range] = field(default_factory=list)

    def happen(self, kinds: list[bool]) -> None:
        facts = [Fact("sms.received" if one else "sip.account.added", "sms/054", {}) for one in kinds]
        with self.database.write() as db:
            written = events.record(db, "main", facts, START, self.ids)
            last, _ = events.newest(db)
        for index, (event, is_wanted) in enumerate(zip(written, kinds, strict=True)):
            self.numbers[event.id] = last - len(written) + 1 + index
            self.wanted += [event.id] if is_wanted else []

    def forget(self, up_to: int) -> None:
        with self.database.write() as db:
            pruning.forget_events(db, range(1, up_to + 1, 2))
            pruning.forget_events(db, range(1, up_to))

    def read(self, limit: int, *, acks: bool) -> bool:
        with self.database.read() as db:
            found = feeds.read(db, "crm", limit)
        if not acks:
            return False
        with self.database.write() as db:
            feeds.move(db, "crm", found.cursor, START, may_go_back=False)
        self.taken += [one.id for one in found.events]
        self.gaps += [range(found.gap.after + 1, found.gap.up_to + 1)] if found.gap else []
        return found.has_more


@USED
@settings(max_examples=examples(40), deadline=None)
@given(steps=STEPS)
def test_all_that_it_is_for_comes_once_and_in_order_or_lies_in_a_gap(
    steps: list[tuple[str, int | list[bool]]],
) -> None:
    database = stores.new()
    try:
        with database.write() as db:
            wanted = Wanted(("sms.*",))
            feeds.put(db, "crm", wanted, start="now", systems=["main"], author="admin", now=START)
        reader = Reader(database)
        for kind, what in steps:
            if isinstance(what, list):
                reader.happen(what)
            elif kind == "forget":
                reader.forget(what)
            else:
                reader.read(what, acks=kind == "read and ack")
        while reader.read(3, acks=True):
            pass
        with database.read() as db:
            end = feeds.find(db, "crm")
    finally:
        database.close()

    missing = [one for one in reader.wanted if one not in reader.taken]
    assert reader.taken == [one for one in reader.wanted if one in reader.taken]
    assert all(any(reader.numbers[one] in gap for gap in reader.gaps) for one in missing)
    assert (end.behind, end.gap) == (0, None)
