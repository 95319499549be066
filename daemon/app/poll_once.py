"""One poll of each watch without a running daemon: for `yemotd poll`, and for cron."""

from contextlib import ExitStack
from zoneinfo import ZoneInfo

from daemon.app.in_force import wishes_of
from daemon.config.settings import Config
from daemon.core.watches.watch import AnyWatch
from daemon.core.wishes import Wishes
from daemon.host import clock
from daemon.pipeline import wish_alerts
from daemon.pipeline.endpoint_alerts import Reporter
from daemon.pipeline.events import Recorder, log_recorded
from daemon.pipeline.notification import Teller
from daemon.store import database as databases
from daemon.store import location
from daemon.store.database import Database
from daemon.wiring.clients import client_of
from daemon.wiring.endpoints import interests, routes
from daemon.wiring.senders import Outgoing
from daemon.wiring.watches import plan, watches
from daemon.workers.dispatcher import Dispatcher
from daemon.workers.endpoint_health import EndpointHealth
from daemon.workers.poller import Polled, Poller
from daemon.workers.witness import Witness


def poll_once(config: Config, *, system: str | None, watch: str | None) -> list[Polled]:
    """Poll, commit, and send what is due. Raises `DatabaseError`, also when a daemon runs on it;
    LookupError where there is no such system or watch."""
    with ExitStack() as cleanups:
        wishes = wishes_of(config)
        chosen = _chosen(config, system, watch, cleanups, wishes)
        database = databases.open_for_daemon(config.daemon.database)
        cleanups.callback(database.close)
        outgoing = Outgoing(config, wishes)
        sender = outgoing.senders
        cleanups.callback(sender.close)
        recorder = Recorder(interests(config, wishes), clock.new_id)
        witness = Witness(clock.monotonic)
        poller = _poller(database, recorder, witness)
        dispatcher = Dispatcher(
            database,
            sender,
            routes(config, wishes),
            health=EndpointHealth(
                jitter=clock.jitter,
                tell=Reporter(lambda: recorder).tell,
                is_api_answering=witness.is_answered,
            ),
            mail_pace=outgoing.mail_pace,
            now=clock.utcnow,
            jitter=clock.jitter,
            new_id=clock.new_id,
        )
        dispatcher.recover()
        polled = [poller.poll(one) for one in chosen]
        log_recorded(Teller(recorder).tick(database, clock.utcnow()))
        log_recorded(wish_alerts.look(database, recorder, wishes.look(), clock.utcnow()))
        dispatcher.stop()
        dispatcher.run(drain=config.daemon.drain)
        return polled


def rehearse_once(config: Config, *, system: str | None, watch: str | None) -> list[Polled]:
    """Poll and compare with the store as it is, and write nothing. Raises as `poll_once`."""
    with ExitStack() as cleanups:
        chosen = _chosen(config, system, watch, cleanups, wishes_of(config))
        url = config.daemon.database
        database = databases.connect(url) if location.exists(url) else databases.in_memory()
        cleanups.callback(database.close)
        recorder = Recorder(interests(config), clock.new_id)
        poller = _poller(database, recorder, Witness(clock.monotonic))
        return [poller.rehearse(one) for one in chosen]


def _poller(database: Database, recorder: Recorder, witness: Witness) -> Poller:
    return Poller(
        database,
        lambda: recorder,
        now=clock.utcnow,
        monotonic=clock.monotonic,
        wake=lambda: None,
        witness=witness,
    )


def _chosen(
    config: Config, system: str | None, watch: str | None, cleanups: ExitStack, wishes: Wishes
) -> list[AnyWatch]:
    zone = ZoneInfo(config.daemon.timezone)
    found: list[AnyWatch] = []
    for one in config.systems:
        if system in (None, one.name):
            client = client_of(one)
            cleanups.callback(client.close)
            found += [each for each in watches(one, client, zone, wishes) if watch in (None, each.name)]
    if not found:
        names = ["/".join(watch.id) for one in config.systems for watch in plan(one)]
        raise LookupError(f"no such watch; there are: {', '.join(names) or 'none'}")
    return found
