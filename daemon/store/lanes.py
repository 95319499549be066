"""Who goes before whom: a lane is the deliveries of one endpoint and one subject, or one phone.

Only its head may be pending, and who leases it may lease what is behind it, too, to send one after the other;
the others wait. So a backlog behind one failing delivery is in nobody's way: it is not even in the index of
what is due.
"""

import re
from collections.abc import Container, Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from daemon.core.phones import PHONE_SUBJECTS, subject_key
from daemon.core.routing.plan import Order, Planned
from daemon.store import happened
from daemon.store.column_types import millis
from daemon.store.happened import Topic
from daemon.store.prepared import Prepared

_BUSY = Prepared(
    "SELECT 1 FROM deliveries WHERE endpoint = :endpoint AND lane = :lane AND ended_at IS NULL LIMIT 1",
    "endpoint", "lane",
)  # fmt: skip
_BUSY_UNLESS_FAILED = Prepared(
    "SELECT 1 FROM deliveries WHERE endpoint = :endpoint AND lane = :lane AND ended_at IS NULL"
    " AND NOT (status = 'pending' AND failures > 0) LIMIT 1",
    "endpoint", "lane",
)  # fmt: skip
PROMOTE = Prepared(
    "UPDATE deliveries SET status = 'pending', due_at = CASE WHEN due_at < :now THEN :now ELSE due_at END"
    " WHERE id = (SELECT min(id) FROM deliveries WHERE endpoint = :endpoint AND lane = :lane"
    " AND status = 'waiting') AND status = 'waiting'",
    "now", "endpoint", "lane",
)  # fmt: skip
"""The oldest that waits goes: what led the lane has ended. If it still waits: on a server another may have
promoted it, and sent it, while we waited for its row."""
PROMOTE_UNLESS_LED = Prepared(
    "UPDATE deliveries SET status = 'pending', due_at = CASE WHEN due_at < :now THEN :now ELSE due_at END"
    " WHERE id = (SELECT min(id) FROM deliveries WHERE endpoint = :endpoint AND lane = :lane"
    " AND status = 'waiting') AND status = 'waiting'"
    " AND NOT EXISTS (SELECT 1 FROM deliveries WHERE endpoint = :endpoint"
    " AND lane = :lane AND ended_at IS NULL AND status IN ('pending', 'leased') AND failures = 0)",
    "now", "endpoint", "lane",
)  # fmt: skip
"""The same, unless one that has not failed leads the lane by now."""
_PROMOTE_HEADLESS = Prepared(
    "UPDATE deliveries SET status = 'pending', due_at = CASE WHEN due_at < :now THEN :now ELSE due_at END"
    " WHERE id = (SELECT min(id) FROM deliveries WHERE endpoint = :endpoint AND lane = :lane"
    " AND status = 'waiting') AND status = 'waiting'"
    " AND NOT EXISTS (SELECT 1 FROM deliveries WHERE endpoint = :endpoint"
    " AND lane = :lane AND ended_at IS NULL AND status IN ('pending', 'leased'))",
    "now", "endpoint", "lane",
)  # fmt: skip
_NAMED_BY_PHONES = Prepared(
    "SELECT l.endpoint, l.lane, e.system, e.subject FROM (SELECT endpoint, lane, min(id) AS head"
    " FROM deliveries WHERE ended_at IS NULL AND lane LIKE :kind AND lane NOT LIKE :own"
    " GROUP BY endpoint, lane) AS l JOIN deliveries AS d ON d.id = l.head"
    " JOIN events AS e ON e.number = d.event",
    "kind", "own",
)  # fmt: skip
"""Not those of mailings, where each delivery has a lane of its own."""
_OPEN_LANES = Prepared(
    "SELECT lane FROM deliveries WHERE ended_at IS NULL AND lane NOT LIKE :own GROUP BY endpoint, lane",
    "own",
)  # fmt: skip
_IN_ITS_ONE_FORM = re.compile(r".*/(?:sms|sip)/0[1-9][0-9]{7,8}(?:=[0-9]{1,4})?(?:/[0-9]+)?", re.DOTALL)
"""Lanes of nearly all phones, which are the same before and after."""
_RENAME = Prepared(
    "UPDATE deliveries SET lane = :name WHERE endpoint = :endpoint AND lane = :lane AND ended_at IS NULL",
    "name", "endpoint", "lane",
)  # fmt: skip
_QUEUE_UP = Prepared(
    "UPDATE deliveries SET status = 'waiting' WHERE endpoint = :endpoint AND lane = :lane"
    " AND ended_at IS NULL AND status = 'pending' AND id > (SELECT min(id) FROM deliveries"
    " WHERE endpoint = :endpoint AND lane = :lane AND ended_at IS NULL)",
    "endpoint", "lane",
)  # fmt: skip
"""`ended_at` twice, so that the index of the lane serves; else each lane costs a walk over the backlog."""
_LANE_OF = Prepared("SELECT endpoint, lane FROM deliveries WHERE id = :id", "id")


def busy(db: sa.Connection, planned: Sequence[Planned]) -> set[tuple[str, str]]:
    """Those of the lanes in which a new delivery has to wait."""
    order = {(one.endpoint, one.lane): one.order for one in planned}
    return {
        (endpoint, lane)
        for (endpoint, lane), kept in order.items()
        if (_BUSY_UNLESS_FAILED if kept is Order.BEST_EFFORT else _BUSY).all(db, endpoint, lane)
    }


def of(db: sa.Connection, ids: Iterable[int]) -> set[tuple[str, str]]:
    """Endpoint and lane of these deliveries, of which there may be more than one statement can name."""
    return {(row.endpoint, row.lane) for number in ids for row in _LANE_OF.all(db, number)}


def promote_headless(db: sa.Connection, lanes: Iterable[tuple[str, str]], now: datetime) -> None:
    """Promote in those of the lanes that have no head any more."""
    if _PROMOTE_HEADLESS.run_many(db, [(millis(now), endpoint, lane) for endpoint, lane in sorted(lanes)]):
        happened.mark(db, Topic.DELIVERIES)


def unite(db: sa.Connection, now: datetime, *, unordered: Container[str]) -> None:
    """Make one lane of those that are one phone's: a release before this one named them by its spellings.

    To be called while nothing is leased. `unordered`: endpoints that want best effort, of whose lanes several
    deliveries may be pending.
    """
    # Events are read only then, one for each lane; and hardly ever is it so.
    if not any(may_be_renamed(row.lane) for row in _OPEN_LANES.all(db, "%/evt_%")):
        return
    renamed = []
    for row in (row for kind in PHONE_SUBJECTS for row in _NAMED_BY_PHONES.all(db, f"%/{kind}%", "%/evt_%")):
        before, after = f"{row.system}/{row.subject}", f"{row.system}/{subject_key(row.subject)}"
        if after != before and row.lane.startswith(before):
            renamed.append((after + row.lane.removeprefix(before), row.endpoint, row.lane))
    _RENAME.run_many(db, renamed)
    united = {(endpoint, name) for name, endpoint, _ in renamed if endpoint not in unordered}
    _QUEUE_UP.run_many(db, sorted(united))
    promote_headless(db, united, now)


def may_be_renamed(lane: str) -> bool:
    """Whether any part of the name, read as a subject, is a phone in another than its one form."""
    if _IN_ITS_ONE_FORM.fullmatch(lane):
        return False
    tails = [lane[at + 1 :] for at, sign in enumerate(lane) if sign == "/"]
    subjects = (one for tail in tails for one in (tail, tail.rpartition("/")[0]))
    return any(subject_key(one) != one for one in subjects)
