"""One `test.ping` to one endpoint, now: for `yemotd endpoints test` and for HTTP."""

from datetime import timedelta

from daemon.config.settings import Config
from daemon.core import own_events
from daemon.core.delivery import outcome
from daemon.core.delivery.outcome import Attempted, Outcome
from daemon.core.model import Fact
from daemon.core.routing.plan import DAEMON, Planned
from daemon.host import clock
from daemon.pipeline.events import Recorder
from daemon.store import history, outbox
from daemon.store.clock_steps import wall
from daemon.store.database import Database
from daemon.store.history import DeliveryView
from daemon.store.outbox import Finished, Lease
from daemon.wiring.endpoints import routes
from daemon.wiring.senders import Outgoing
from daemon.workers.endpoint_queues import LEASE_MARGIN


def ping(database: Database, endpoint: str, config: Config) -> DeliveryView:
    """Send a `test.ping` to an endpoint, out of turn and beside a daemon that may be running; what came of
    it. It is tried once, whatever the endpoint's health, and says nothing of that health."""
    recorder, timeout = Recorder([], clock.new_id), routes(config)[endpoint].timeout
    fact = Fact(own_events.PING, "test", {"test": {"endpoint": endpoint}})
    with database.write() as db:
        now = wall(db, clock.utcnow)
        ((event, _),) = recorder.write(db, DAEMON, [fact], now)
        recorder.deliver(db, [Planned(event, endpoint, f"test/{event.id}")], now)
        lease = Lease(clock.new_id("lease"), now, now + timeout + LEASE_MARGIN)
        message = outbox.lease_one(db, event.id, endpoint, lease)
    began = clock.elapsed()
    sender = Outgoing(config, now=lambda: now + timedelta(seconds=clock.elapsed() - began)).senders
    sender.start(message)
    ended: list[Attempted] = []
    while not ended:
        ended = sender.finished(timeout.total_seconds())
    sender.close()
    then = outcome.DELIVERED if ended[0].outcome is Outcome.ACCEPTED else outcome.DEAD
    with database.write() as db:
        outbox.finish(db, [Finished(ended[0], then)], wall(db, clock.utcnow))
        found = history.find(db, message.delivery)
    assert found is not None  # noqa: S101 - it was written above
    return found
