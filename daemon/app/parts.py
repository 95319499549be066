"""The parts of the daemon, made in one go: each is handed what it needs, and nothing is put in afterwards."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from daemon.app import recordings
from daemon.app.alarm import Alarm
from daemon.app.in_force import Current
from daemon.core.alerts import acknowledgement_link
from daemon.core.commands.command import Command
from daemon.core.delivery.breaker import HEALTHY
from daemon.core.delivery.route import longest_wait
from daemon.core.ownership import HOUSE, Kind
from daemon.core.routing.plan import Interest
from daemon.core.templates.planned import Planned
from daemon.core.timeline import Look, Timeline
from daemon.host import clock
from daemon.pipeline.endpoint_alerts import Reporter
from daemon.store import location, template_versions
from daemon.store.database import Database
from daemon.store.ownership import EVERYTHING, Ownership
from daemon.web.waiting import Bell, Endings
from daemon.wiring import recordings as wiring
from daemon.wiring.senders import Outgoing
from daemon.workers.chores import Chores
from daemon.workers.commander import Commander
from daemon.workers.counters import Counters
from daemon.workers.digester import Digester
from daemon.workers.dispatcher import Dispatcher
from daemon.workers.downloads import Downloads
from daemon.workers.endpoint_health import EndpointHealth
from daemon.workers.endpoint_shares import EndpointShares
from daemon.workers.expecter import Expecter
from daemon.workers.follower import Follower
from daemon.workers.hearers import Hearers
from daemon.workers.historian import Historian
from daemon.workers.housekeeper import Housekeeper
from daemon.workers.indexer import Indexer
from daemon.workers.keeper import Keeper
from daemon.workers.mailed_recordings import MailedRecordings
from daemon.workers.observation_keeper import ObservationKeeper
from daemon.workers.poller import Poller
from daemon.workers.self_check import Heard, SelfCheck
from daemon.workers.shared_clock import SharedClock
from daemon.workers.shared_timekeeper import SharedTimekeeper
from daemon.workers.surroundings import Around
from daemon.workers.system_pauses import Pauses
from daemon.workers.text_follower import TextFollower
from daemon.workers.texter import Texter
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
    follower: Follower
    texter: Texter
    text_follower: TextFollower
    chores: Chores
    digester: Digester
    indexer: Indexer
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
    downloads: Downloads
    keeper: Keeper


def parts(
    database: Database,
    current: Current,
    heard: Heard,
    *,
    is_stopping: Callable[[], bool],
    ownership: Ownership = EVERYTHING,
    link_key: Callable[[], bytes | None] = lambda: None,
    recording_key: Callable[[], bytes | None] = lambda: None,
) -> Parts:
    """Make them all; nothing runs yet. `ownership`: what is theirs to do, of what several daemons share;
    `link_key`, `recording_key`: by which links in mails are signed, None where there can be none."""
    counters, endings, bell = Counters(), Endings(), Bell()
    database.on_events = bell.ring
    url = current().config.daemon.database  # of all the time that it runs: a reload changes it not
    witness, pauses = Witness(clock.monotonic), Pauses(clock.monotonic)
    shared = _shared_clock(database) if database.is_shared else None
    now = shared.wall if shared else clock.utcnow
    timeline = Timeline(now, clock.elapsed)
    around = Around(
        database,
        lambda: current().recorder.interests,
        now,
        contacts=current.contacts,
        acknowledge=lambda *about: acknowledgement_link.path_by(link_key(), *about),
    )
    keeper, downloads = recordings.parts(
        database, current, ownership, now=now, pauses=pauses, on_tried=counters.copied
    )
    mailed = MailedRecordings(
        downloads, lambda: wiring.wish(current().config), recording_key, clock.monotonic
    )

    def wake() -> None:
        dispatcher.wake()

    def stepped_by() -> timedelta | None:
        return timekeeper.stepped()

    texter = Texter(
        database,
        current.recorder,
        lambda: current().texts,
        now=timeline.now,
        monotonic=clock.monotonic,
        pauses=pauses,
        wake=wake,
        stepped=stepped_by,
        ownership=ownership,
    )
    outgoing = Outgoing(
        current().config,
        current().wishes,
        now=now,
        around=around,
        recordings=mailed,
        text=texter.tell,
        planned_with=partial(_planned_with, database),
        templated=partial(_templated, database),
    )
    if shared:
        heard.clock = shared.wall

    def follow_clock() -> timedelta:
        return timekeeper.follow()

    dispatcher = Dispatcher(
        database,
        outgoing.senders,
        current().routes if ownership.is_sole else {},
        health=EndpointHealth(
            jitter=clock.jitter,
            tell=Reporter(current.recorder).tell,
            is_api_answering=witness.is_answered,
            shares=EndpointShares(ownership),
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
        ownership=ownership,
        hearers=Hearers(
            Historian(database, ownership=ownership),
            Expecter(database, current.recorder, lambda: current().expected, ownership=ownership),
            ObservationKeeper(
                database, is_on=lambda: bool(current().retention.observations), ownership=ownership
            ),
        ),
    )

    def stepped(step: timedelta) -> None:
        poller.follow(step)
        heard.forget()

    timekeeper = _timekeeper(
        shared,
        lambda db: bool(ownership.kept(db, Kind.DUTY, (HOUSE,))),
        database=database,
        timeline=timeline,
        recorder=current.recorder,
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
        ownership=ownership,
    )

    follower = Follower(
        database,
        current.recorder,
        lambda: current().campaigns,
        lambda: current().policies,
        now=timeline.now,
        monotonic=clock.monotonic,
        pauses=pauses,
        ownership=ownership,
    )

    text_follower = TextFollower(
        database,
        current.recorder,
        lambda: current().text_logs,
        lambda: ZoneInfo(current().config.daemon.timezone),
        now=timeline.now,
        monotonic=clock.monotonic,
        pauses=pauses,
        ownership=ownership,
    )

    def listening() -> list[Interest]:
        health = dispatcher.health(current().routes)
        return [
            one
            for one in current().recorder.interests
            if health.get(one.endpoint, HEALTHY).disabled_by is None
        ]

    alarm = Alarm(lambda: current().config, listening, now=now)
    self_check = SelfCheck(
        database,
        current.recorder,
        now=timeline.now,
        heard=heard,
        disk=lambda: location.disk(url),
        least_mib=lambda: current().config.daemon.free_mib,
        wake=dispatcher.wake,
        alarm=alarm,
        ownership=ownership,
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
        ownership=ownership,
    )
    digester = Digester(
        database,
        current.recorder,
        lambda: current().digests,
        lambda: [system.name for system in current().config.systems],
        now=timeline.now,
        wake=dispatcher.wake,
        keep_history=chores.keep_history,
        is_clock_believed=timekeeper.is_believed,
        ownership=ownership,
    )
    return Parts(
        database,
        outgoing,
        dispatcher,
        poller,
        commander,
        follower,
        texter,
        text_follower,
        chores,
        digester,
        Indexer(database, monotonic=clock.monotonic, is_stopping=is_stopping, ownership=ownership),
        self_check,
        counters,
        timeline,
        timekeeper,
        pauses,
        endings,
        bell,
        alarm,
        downloads,
        keeper,
    )


def _planned_with(database: Database, endpoint: str, delivery: int) -> Planned | None:
    """The template that a delivery was planned with."""
    with database.read() as db:
        return template_versions.planned_with(db, endpoint, delivery)


def _templated(database: Database) -> set[str]:
    """The endpoints that have, or had, a template."""
    with database.read() as db:
        return template_versions.templated(db)


def wall(database: Database) -> Callable[[], datetime]:
    """The wall clock that a database goes by: its own, where others share it."""
    return _shared_clock(database).wall if database.is_shared else clock.utcnow


def _shared_clock(database: Database) -> SharedClock:
    """The clock of a database that others share, asked once."""
    shared = SharedClock(clock.elapsed)
    with database.read() as db:
        shared.sample_well(db)
    return shared


def _timekeeper(
    shared: SharedClock | None, is_ours: Callable[[sa.Connection], bool], **what: Any
) -> Timekeeper:
    """What looks after the clock: this machine's, or the one that is shared."""
    return Timekeeper(**what) if shared is None else SharedTimekeeper(clock=shared, is_ours=is_ours, **what)
