"""Sending a delivery once more: the rules that the command line and HTTP share.

Where one raises `Refused`, nothing was written.
"""

from datetime import datetime

import sqlalchemy as sa

from daemon.core.delivery.outcome import OPEN, Status
from daemon.core.refusals import Refused, Why
from daemon.store import history, outbox, replay
from daemon.store.history import DeliveryView


def find_delivery(db: sa.Connection, delivery: int) -> DeliveryView:
    """One delivery by its id, with its attempts. Raises `Refused` where there is none."""
    found = history.find(db, delivery)
    if found is None:
        raise Refused(Why.MISSING, f"there is no delivery {delivery}")
    return found


def retry(db: sa.Connection, delivery: int, now: datetime, *, with_history: bool) -> DeliveryView:
    """Make a delivery that has ended due again; as it stands then.

    Raises `Refused` where there is none, where it has not ended, and without `with_history` where it tells
    what is not true any more.
    """
    found = find_delivery(db, delivery)
    if found.status in OPEN:
        raise Refused(Why.CONFLICT, f"delivery {delivery} has not ended: it is {found.status.value}")
    is_outdated = found.status is Status.SUPERSEDED or not replay.may_be_told(db, found.event, found.endpoint)
    if is_outdated and not with_history:
        reason = (
            f"delivery {delivery} tells what is not true any more: a newer event of it was told since; "
            "`history` sends it all the same"
        )
        raise Refused(Why.CONFLICT, reason, "history")
    outbox.reopen(db, [delivery], now)
    return find_delivery(db, delivery)
