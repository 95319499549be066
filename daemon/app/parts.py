"""The parts of the daemon, made in one go: each is handed what it needs, and nothing is put in afterwards."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from daemon.app.alarm import Alarm
from daemon.app.in_force import Current
from daemon.core.commands.command import Command
from daemon.core.delivery.breaker import HEALTHY
from daemon.core.delivery.route import longest_wait
from daemon.core.routing.plan import Interest
from daemon.core.timeline import Look, Timeline
from daemon.host import clock
from daemon.pipeline.endpoint_alerts import Reporter
from daemon.store import location
from daemon.store.database import Database
from daemon.web.waiting import Bell, Endings
from daemon.wiring.senders import Outgoing
from daemon.workers.chores import Chores
from daemon.workers.commander import Commander
from daemon.workers.counters import Counters
from daemon.workers.dispatcher import Dispatcher
from daemon.workers.endpoint_health import EndpointHealth
from daemon.workers.housekeeper import Housekeeper
from daemon.workers.poller import Poller
from daemon.workers.self_check import Heard, SelfCheck
from daemon.workers.system_pauses import Pauses
from daemon.workers.timekeeper import Timekeeper
from daemon.workers.witness import Witness


@dataclass(frozen=True)
class Parts:
    """What does the daemon's work, on one database."""

    database: Database
    outgoing: Outgoing
    dispatcher: Dispatcher
    poller: Poller
    commander: Commander
    chores: Chores
    self_check: SelfCheck
    counters: Counters
    timeline: Timeline
    timekeeper: Timekeeper
    pauses: Pauses
    endings: Endings
    """Rung when commands have ended."""
    bell: Bell
    """Rung after every commit that wrote events."""
    alarm: Alarm


def parts(database: Database, current: Current, heard: Heard, *, is_stopping: Callable[[], bool]) -> Parts:
    """Make them all; nothing runs yet."""
    counters, endings, bell = Counters(), Endings(), Bell()
    database.on_events = bell.ring
    url = current().config.daemon.database  # of all the time that it runs: a reload changes it not
    witness, pauses = Witness(clock.monotonic), Pauses(clock.monotonic)
    timeline = Timeline(clock.utcnow, clock.elapsed)
    outgoing = Outgoing(current().config, current().wishes)

    def follow_clock() -> timedelta:
        return timekeeper.follow()

    dispatcher = Dispatcher(
        database,
        outgoing.senders,
        current().routes,
        health=EndpointHealth(
            jitter=clock.jitter,
            tell=Reporter(current.recorder).tell,
            is_api_answering=witness.is_answered,
        ),
        mail_pace=outgoing.mail_pace,
        now=timeline.now,
        jitter=clock.jitter,
        new_id=clock.new_id,
        on_attempted=counters.attempted,
        follow_clock=follow_clock,
    )
    poller = Poller(
        database,
        current.recorder,
        now=timeline.now,
        monotonic=clock.monotonic,
        pauses=pauses,
        witness=witness,
        on_polled=counters.polled,
        watches=lambda: current().watches_by_id,
    )

    def stepped(step: timedelta) -> None:
        poller.follow(step)
        heard.forget()

    timekeeper = Timekeeper(
        database,
        timeline,
        current.recorder,
        look=lambda: Look(*clock.look()),
        wake=dispatcher.wake,
        ahead=heard.ahead,
        longest_wait=lambda endpoint: longest_wait(current().routes, endpoint),
        on_step=stepped,
    )

    def ended(these: Sequence[Command]) -> None:
        counters.commanded(these)
        endings.ring()

    commander = Commander(
        database,
        current.recorder,
        lambda: current().systems,
        now=timeline.now,
        jitter=clock.jitter,
        pauses=pauses,
        stepped=timekeeper.stepped,
        on_ended=ended,
    )

    def listening() -> list[Interest]:
        health = dispatcher.health()
        return [
            one
            for one in current().recorder.interests
            if health.get(one.endpoint, HEALTHY).disabled_by is None
        ]

    alarm = Alarm(lambda: current().config, listening)
    self_check = SelfCheck(
        database,
        current.recorder,
        now=timeline.now,
        heard=heard,
        disk=lambda: location.disk(url),
        least_mib=lambda: current().config.daemon.free_mib,
        wake=dispatcher.wake,
        alarm=alarm,
    )
    chores = Chores(
        database,
        current.recorder,
        poller,
        Housekeeper(database, monotonic=clock.monotonic, is_stopping=is_stopping),
        retention=lambda: current().retention,
        wishes=lambda: current().wishes,
        now=timeline.now,
        wake=dispatcher.wake,
        is_clock_believed=timekeeper.is_believed,
    )
    return Parts(
        database,
        outgoing,
        dispatcher,
        poller,
        commander,
        chores,
        self_check,
        counters,
        timeline,
        timekeeper,
        pauses,
        endings,
        bell,
        alarm,
    )
