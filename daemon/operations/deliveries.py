"""Deliveries, and sending one once more: the rules that the command line and HTTP share.

Where one raises `Refused`, nothing was written.
"""

from datetime import datetime

import sqlalchemy as sa

from daemon.core.delivery.outcome import OPEN, Status
from daemon.core.refusals import Refused, Why
from daemon.schemas.documents import Delivery, SentText
from daemon.schemas.redaction import REDACTED, has_texts
from daemon.store import events, history, replay, retries
from daemon.store.history import DeliveryView


def find_delivery(db: sa.Connection, delivery: int) -> DeliveryView:
    """One delivery by its id, with its attempts. Raises `Refused` where there is none."""
    found = history.find(db, delivery)
    if found is None:
        raise Refused(Why.MISSING, f"there is no delivery {delivery}")
    return found


def whole(db: sa.Connection, found: DeliveryView) -> Delivery:
    """A delivery with what is kept of it elsewhere: the SMS, where it went to a phone."""
    if "/" not in found.endpoint:  # as those of phones are called, and mailboxes
        return Delivery.of(found)
    from daemon.store import texts  # noqa: PLC0415 - most have none, and a cold start is measured

    text = texts.of_event(db, found.endpoint, found.event)
    return Delivery.of(found).model_copy(update={"text": text and SentText.of(text)})


def shown(db: sa.Connection, found: DeliveryView, *, with_texts: bool) -> Delivery:
    """A delivery as who may, or may not, see the texts of SMS is shown it.

    Many receivers say back what they got: of the answers to an event with texts only that there were any.
    """
    document = whole(db, found)
    event = None if with_texts else events.find(db, found.event)
    if event is None or not has_texts(event[1].body):
        return document
    attempts = [
        one.model_copy(update={"response_head": one.response_head and REDACTED}) for one in document.attempts
    ]
    return document.model_copy(update={"attempts": attempts})


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
    retries.reopen(db, [delivery], now)
    return find_delivery(db, delivery)
