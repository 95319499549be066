"""One poll of each watch without a running daemon: for `yemotd poll`, and for cron.

It is the daemon's own parts that do it, but for what runs by itself.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager

from daemon.app.in_force import Current, InForce, in_force, resubscribed
from daemon.app.parts import parts, wall
from daemon.app.subscribed import look, vault_of
from daemon.app.taking_over import take_over_at_start
from daemon.config.settings import Config
from daemon.core.watches.watch import AnyWatch
from daemon.host import clock
from daemon.host.key_file import KeyFileError
from daemon.pipeline.handover import Handover
from daemon.store import database as databases
from daemon.store import location
from daemon.store.database import Database
from daemon.store.location import DatabaseError
from daemon.store.ownership import POLLING, STARTING
from daemon.wiring.clients import TracedOf
from daemon.workers.names import Names
from daemon.workers.poller import Polled, Poller
from daemon.workers.self_check import Heard


def poll_once(
    config: Config, *, system: str | None, watch: str | None, traced: TracedOf | None = None
) -> list[Polled]:
    """Poll, commit, and send what is due; `traced` is told of each question. Raises `DatabaseError`, also
    when a daemon runs on it; LookupError where there is no such system or watch."""
    with ExitStack() as cleanups:
        heard = Heard()
        names = Names()
        now_in_force = in_force(config, heard, Handover(), names, traced)
        cleanups.callback(now_in_force.close)
        chosen = _chosen(now_in_force, system, watch)
        database = databases.open_for_daemon(config.daemon.database)
        cleanups.callback(database.close)
        if database.is_shared:
            cleanups.enter_context(_alone(database))
        now_in_force = _subscribed(now_in_force, database)
        made = parts(database, Current(now_in_force), heard, is_stopping=lambda: False)
        cleanups.callback(made.outgoing.senders.close)
        names.look(database)
        made.timekeeper.recover()
        made.dispatcher.recover()
        take_over_at_start(database, now_in_force, now=made.timeline.now)
        polled = [made.poller.poll(one) for one in chosen]
        made.chores.tell()
        made.dispatcher.stop()
        made.dispatcher.run(drain=config.daemon.drain)
        return polled


def _subscribed(now_in_force: InForce, database: Database) -> InForce:
    """With the endpoints that the store keeps. Raises `DatabaseError` where what they are sealed by cannot be
    used."""
    config = now_in_force.config
    try:
        vault = vault_of(config, database)
    except KeyFileError as error:
        raise DatabaseError(f"[daemon] key_file = '{config.daemon.key_file}': {error}") from None
    with database.read() as db:
        return resubscribed(now_in_force, look(db, vault, config, wall(database)))


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """No member polls a shared database, and none starts. Raises `DatabaseError` where one does."""
    with closing(database.session()) as session:
        if not session.hold(STARTING) or session.held() != {STARTING}:
            raise DatabaseError(
                "daemons run on this database, and poll by themselves; `yemotd poll --dry-run` shows what a"
                " poll would send, or stop them first"
            )
        session.hold(POLLING)  # however long it says nothing over this session, it has something in hand
        yield


def rehearse_once(
    config: Config, *, system: str | None, watch: str | None, traced: TracedOf | None = None
) -> list[Polled]:
    """Poll and compare with the store as it is, and write nothing. Raises as `poll_once`."""
    with ExitStack() as cleanups:
        now_in_force = in_force(config, Heard(), Handover(), Names(), traced)
        cleanups.callback(now_in_force.close)
        chosen = _chosen(now_in_force, system, watch)
        url = config.daemon.database
        database = databases.connect(url) if location.exists(url) else databases.in_memory()
        cleanups.callback(database.close)
        now_in_force = _subscribed(now_in_force, database)
        poller = Poller(
            database,
            Current(now_in_force).recorder,
            now=wall(database),
            monotonic=clock.monotonic,
        )
        return [poller.rehearse(one) for one in chosen]


def _chosen(now_in_force: InForce, system: str | None, watch: str | None) -> Sequence[AnyWatch]:
    found = [
        one for one in now_in_force.watches if system in (None, one.system) and watch in (None, one.name)
    ]
    if not found:
        names = ["/".join(one.id) for one in now_in_force.watches]
        raise LookupError(f"no such watch; there are: {', '.join(names) or 'none'}")
    return found
