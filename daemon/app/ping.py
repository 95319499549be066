"""One `test.ping` to one endpoint, now: for `yemotd endpoints test` and for HTTP."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from daemon.config.settings import Config
from daemon.core import own_events
from daemon.core.delivery import outcome
from daemon.core.delivery.outcome import Attempted, Outcome
from daemon.core.model import Fact
from daemon.core.routing.plan import DAEMON, Planned
from daemon.host import clock
from daemon.pipeline.events import Recorder
from daemon.senders.texts import Tell
from daemon.store import history, outbox
from daemon.store.clock_steps import wall
from daemon.store.database import Database
from daemon.store.history import DeliveryView
from daemon.store.outbox import Finished, Lease
from daemon.wiring.endpoints import routes
from daemon.wiring.phones import phones
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

    def wall_now() -> datetime:
        return now + timedelta(seconds=clock.elapsed() - began)

    with _texting(database, recorder, endpoint, config, wall_now) as text:
        sender = Outgoing(config, now=wall_now, text=text).senders
        sender.start(message)
        ended: list[Attempted] = []
        while not ended:
            ended = sender.finished(timeout.total_seconds())
        sender.close()
    then = outcome.DELIVERED if ended[0].outcome is Outcome.ACCEPTED else outcome.DEAD
    then = outcome.UNKNOWN if ended[0].is_unknown else then
    with database.write() as db:
        outbox.finish(db, [Finished(ended[0], then)], wall(db, clock.utcnow))
        found = history.find(db, message.delivery)
    assert found is not None  # noqa: S101 - it was written above
    return found


@contextmanager
def _texting(
    database: Database, recorder: Recorder, endpoint: str, config: Config, now: Callable[[], datetime]
) -> Iterator[Tell | None]:
    """What sends an SMS beside a daemon that may be running, within the same budget; None: it is none."""
    if endpoint not in {one.endpoint for one in phones(config)}:
        yield None
        return
    from daemon.wiring.clients import clients_of  # noqa: PLC0415 - few endpoints are phones
    from daemon.wiring.texts import recipients  # noqa: PLC0415 - as above
    from daemon.workers.system_pauses import Pauses  # noqa: PLC0415 - as above
    from daemon.workers.texter import Texter  # noqa: PLC0415 - as above

    clients = clients_of(config)
    found = recipients(config, clients)
    try:
        yield Texter(
            database,
            lambda: recorder,
            lambda: found,
            now=now,
            monotonic=clock.elapsed,
            pauses=Pauses(clock.monotonic),
            wake=lambda: None,
        ).tell
    finally:
        for client in clients:
            client.close()
