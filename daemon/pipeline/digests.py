"""A digest as an event, in the transaction of whoever makes it.

store.load       whether it has told no further meanwhile           read
recorder.write   the event                                          written
receivers        whom it names, and who names it                    pure
store.save       how far it has told                                written, with it
"""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from daemon.core.digests import digest as digests
from daemon.core.digests.schedule import Digest, Told
from daemon.core.model import Event, Fact, Json
from daemon.core.routing import plan
from daemon.core.routing.plan import DAEMON, Interest
from daemon.pipeline.events import Recorded, Recorder
from daemon.store import digests as store


def make(
    db: sa.Connection,
    recorder: Recorder,
    digest: Digest,
    before: Told,
    after: Told,
    said: Mapping[str, Json] | None,
    now: datetime,
) -> Recorded:
    """Write one (None: it is left out), where it has told no further meanwhile. The caller commits."""
    if store.load(db, digest.name) != before:
        return Recorded()
    if said is None:
        store.save(db, digest.name, after)
        return Recorded()
    fact = Fact(digests.MADE, digests.subject(digest.name), digests.data(said))
    ((event, _),) = recorder.write(db, DAEMON, [fact], now)
    store.save(db, digest.name, Told(after.until, after.number, after.day, event.id))
    planned = [plan.planned(event, one, plan.lane(event)) for one in receivers(recorder, digest, event)]
    return Recorded((event,), recorder.deliver(db, planned, now))


def receivers(recorder: Recorder, digest: Digest, event: Event) -> list[Interest]:
    """To whom one goes: whom it names, and who names it and may hear of all its systems."""
    return [
        one
        for one in recorder.interests
        if digest.names(one.endpoint) or (_may_hear(one, digest) and plan.wants(one, event))
    ]


def _may_hear(interest: Interest, digest: Digest) -> bool:
    if interest.systems is None:
        return True
    return digest.systems is not None and set(digest.systems) <= set(interest.systems)
