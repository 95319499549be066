"""How PostgreSQL carries out what is asked for each batch: it looks at no more rows than there is to do."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from daemon.core.model import Fact
from daemon.core.routing.plan import Interest, plan
from daemon.store import database as databases
from daemon.store import events, outbox
from daemon.store.column_types import millis
from daemon.store.database import Database
from daemon.store.outbox import Lease
from tests.support import postgresql
from tests.support.fakes import START, Ids

pytestmark = [pytest.mark.slow, pytest.mark.needs(*postgresql.NEEDED)]

LANES, DEEP, HEADS = 200, 8, 50
LEASE = Lease("t", START, START + timedelta(minutes=1), timedelta(seconds=1))


@pytest.fixture
def store() -> Iterator[Database]:
    with closing(databases.open_for_daemon(postgresql.url())) as opened:
        yield opened
    postgresql.this_run().take_back_all()


def explained(db: sa.Connection, statement: str, values: Any) -> Any:
    """Its plan as it was carried out."""
    return db.exec_driver_sql(f"EXPLAIN (ANALYZE, TIMING off, FORMAT json) {statement}", values).scalar()


def looked_at(plan: Any) -> float:
    """Rows, of all steps of a plan."""
    own = plan["Actual Loops"] * (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0))
    return float(own) + sum(looked_at(one) for one in plan.get("Plans", ()))


def test_what_is_behind_is_found_by_its_lane(store: Database) -> None:
    ids, everything = Ids(), [Interest("crm", ("*",), None)]
    with store.write() as db:
        facts = [Fact("sms.received", f"sms/{lane}", {}) for _ in range(DEEP) for lane in range(LANES)]
        outbox.add(db, plan(events.record(db, "main", facts, START, ids), everything), START)
    with store.write() as db:
        db.exec_driver_sql("ANALYZE deliveries")
        claimed = outbox.claim(db, "crm", HEADS, LEASE)
    with store.write() as db:
        asked = ("t", 0, 4, millis(START), 4 * HEADS)
        text, (values,) = outbox._LEASE_BEHIND._ready(db, [asked])
        (found,) = explained(db, text, values)

    assert len(claimed.messages) == HEADS
    assert looked_at(found["Plan"]) < 80 * HEADS
