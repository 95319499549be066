"""Every number and duration that a configuration is accepted with can be used when the daemon runs."""

import json
import select
import socket
import tomllib
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
import sqlalchemy as sa
from apscheduler.triggers.interval import IntervalTrigger
from hypothesis import example, given
from hypothesis import strategies as st

from daemon.app.jobs import CALLS_OF_A_POLL
from daemon.app.watchdog import TURN_WITHIN
from daemon.cli.run import longest_end
from daemon.config.load import ConfigError, load
from daemon.config.settings import Config
from daemon.config.systems import SystemSettings
from daemon.config.values import Settings
from daemon.core.commands.policy import Policy
from daemon.core.delivery.breaker import HEALTHY, Breaker, Health
from daemon.core.delivery.mail_pace import MailPace
from daemon.core.delivery.outcome import Attempted, Outcome
from daemon.core.delivery.rate import Bucket
from daemon.core.delivery.route import Route
from daemon.core.event_types import EVENT_TYPES
from daemon.core.retention import Retention, ages
from daemon.core.routing.ledger import Standing, Told, repeat_due, retell_due
from daemon.core.routing.plan import Interest
from daemon.core.watches import flapping, machine
from daemon.core.watches.machine import Disk
from daemon.host import clock
from daemon.senders.webhook import WebhookSender
from daemon.store import outbox
from daemon.store.column_types import millis
from daemon.store.database import Database
from daemon.store.outbox import Lease
from daemon.wiring.clients import client_of, heartbeat_of
from daemon.wiring.commands import policies
from daemon.wiring.endpoints import interests, retention, routes
from daemon.wiring.escalations import ladders
from daemon.wiring.senders import server, targets
from daemon.wiring.watches import plan
from daemon.workers.endpoint_queue import AHEAD, Queue
from daemon.workers.endpoint_queues import LEASE_MARGIN
from tests.support import stores
from tests.support.attempts import message
from tests.support.config_files import ENVIRON, written
from tests.support.examples import sample

NOW = datetime(2026, 11, 29, 7, tzinfo=UTC)
LAST = datetime(2262, 1, 1, tzinfo=UTC)
"""Later than anything that a configuration can ask for."""
INT64 = 2**63
BASE = """
[daemon]
[retention]
[http]
listen = ""
[heartbeat]
url = "https://hc.example.org/1"
[[windows]]
name = "shabbat"
shabbat = true
nightfall = "72m"
latitude = 31.0
longitude = 35.0
[[systems]]
name = "main"
token_env = "TOKEN"
sms_units_per_day = 20
[systems.api]
[systems.sms]
[systems.sip]
[[systems.queues]]
path = "/5"
[[systems.queues.thresholds]]
metric = "calls_waiting"
above = 5
[[systems.callbacks]]
path = "/5"
[[systems.directories]]
path = "/2"
[[systems.reports]]
path = "/1"
file = "ApprovalAll"
[systems.pirsumphone]
[[systems.expectations]]
type = "sms.received"
within = "2h"
[systems.units]
below = 100
[systems.sms_units]
below = 100
[systems.caller_ids]
[[webhooks]]
name = "crm"
url = "https://crm.example.org/hook"
secret_env = "SIGNING"
[[webhooks.schedules]]
events = ["sms.*"]
[[webhooks.quiet]]
shabbat = true
nightfall = "72m"
latitude = 31.0
longitude = 35.0
[smtp]
host = "mail.example.org"
from = "a@example.org"
[[emails]]
name = "ops"
to = ["ops@example.org"]
[[texts]]
name = "boss"
system = "main"
to = ["0541234567"]
events = ["sip.*"]
[[escalations]]
name = "night"
events = ["sip.*"]
after = "10m"
to = ["crm"]
"""
BEYOND = [
    "5e-324",
    "1e-300",
    "1e-9",
    "0.0001",
    "1e4",
    "1e12",
    "1e300",
    "1.7976931348623157e308",
    "inf",
    "nan",
]
WHOLE = ["0", "1", "2", "-1", str(10**12), str(2**31), str(2**63), str(2**64)]
NUMBERS = st.sampled_from(BEYOND + WHOLE) | st.floats().map(repr) | st.integers().map(str)
LENGTHS = ["0s", "1ms", "1s", "59m", "1h", "6h", "24h", "3650d", "3651d", "999999999999999d"]
UNITS = st.tuples(st.integers(0, 10**15), st.sampled_from(["d", "h", "m", "s", "ms"]))
DURATIONS = st.sampled_from(LENGTHS) | UNITS.map(lambda one: f"{one[0]}{one[1]}")
VALUES = NUMBERS | DURATIONS.map(json.dumps)


def numeric(model: type[Settings] = Config, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The place of every setting that is a number or a duration, or a list of them."""
    for name, field in model.model_fields.items():
        place = (*at, str(field.validation_alias or name))
        kinds = set(_kinds(field.annotation))
        for kind in kinds:
            # `active` has names of windows, and their numbers stand there.
            if isinstance(kind, type) and issubclass(kind, Settings) and name != "active":
                yield from numeric(kind, place)
        if kinds & {int, float, timedelta}:
            yield place


def _kinds(annotation: Any) -> Iterator[Any]:
    yield annotation if get_origin(annotation) is None else None
    for one in get_args(annotation):
        yield from _kinds(one)


PLACES = sorted(set(numeric()))
LISTS = ("retries", "contexts")


def put(document: Any, place: tuple[str, ...], value: Any) -> bool:
    """Set one key; False where its table is not in the document."""
    for key in place[:-1]:
        document = document.get(key) if isinstance(document, dict) else None
        document = document[0] if isinstance(document, list) else document
    if not isinstance(document, dict):
        return False
    document[place[-1]] = value
    return True


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return value.text if isinstance(value, Raw) else json.dumps(value)


class Raw:
    """A value as it is written."""

    def __init__(self, text: str) -> None:
        self.text = text


def accepted(folder: Path, changes: dict[tuple[str, ...], str]) -> Config | None:
    document = tomllib.loads(BASE)
    for place, value in changes.items():
        put(document, place, [Raw(value)] if place[-1] in LISTS else Raw(value))
    try:
        text = "".join(f"{key} = {toml(value)}\n" for key, value in document.items())
        return load(written(folder, text), ENVIRON).config
    except ConfigError as error:
        assert all(place[-1] in str(error) for place in changes if len(changes) == 1)
        return None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("numbers")


@pytest.fixture(scope="module")
def store() -> Iterator[Database]:
    with closing(stores.in_memory()) as one:
        yield one


def test_every_such_setting_is_tried() -> None:
    document = tomllib.loads(BASE)

    assert len(PLACES) > 60
    missed = {place[0] for place in PLACES if not put(document, place, 0)}
    assert missed <= {"emails", "notify", "texts"}  # their quiet windows and filters are the webhooks'


@given(st.dictionaries(st.sampled_from(PLACES), VALUES, min_size=1, max_size=3))
@example({("webhooks", "rate"): "1e-300"})
@example({("webhooks", "recovery_rate"): "5e-324"})
@example({("systems", "commands_rate"): "1e-300"})
@example({("webhooks", "max_in_flight"): str(2**63)})
@example({("webhooks", "timeout"): '"3650d"', ("webhooks", "connect_timeout"): '"3650d"'})
@example({("daemon", "free_mib"): "1" + "0" * 320})
@example({("webhooks", "repeat"): '"24h"'})
def test_what_is_accepted_can_be_used(folder: Path, store: Database, changes: dict[Any, str]) -> None:
    config = accepted(folder, changes)

    if config:
        use(config, store)


@pytest.mark.parametrize("place", sample(PLACES), ids=".".join)
def test_each_alone_at_its_ends(folder: Path, store: Database, place: tuple[str, ...]) -> None:
    """What is far beyond the use of anybody, written in every form."""
    for value in sample([*map(json.dumps, LENGTHS), *BEYOND, *WHOLE]):
        if config := accepted(folder, {place: value}):
            use(config, store)


def use_escalations(config: Config) -> None:
    for one in ladders(config.escalations):
        for step in one.steps:
            stored(NOW + step.after)
            json.dumps(step.after.total_seconds())


def use(config: Config, store: Database) -> None:
    """What the daemon does with numbers and durations when it runs."""
    for route in routes(config).values():
        use_route(route, store)
    for interest in interests(config):
        use_interest(interest)
    use_escalations(config)
    with closing(WebhookSender(targets(config), now=clock.utcnow, monotonic=clock.monotonic)) as sender:
        for webhook in config.webhooks:
            sender.start(message(webhook.name))
    if mails := server(config.smtp):
        use_timeouts(mails.timeout, mails.connect_timeout)
    for system in config.systems:
        use_system(system)
    for policy in policies(config).values():
        use_policy(policy)
    use_retention(retention(config))
    if config.heartbeat:
        heartbeat_of(config.heartbeat)
        IntervalTrigger(seconds=config.heartbeat.every.total_seconds(), start_date=NOW)
    machine.disk(Disk("/", 1, 2), config.daemon.free_mib)
    use_timeouts(config.daemon.drain)
    assert longest_end(config.daemon.drain) < timedelta(days=1)


def use_system(system: SystemSettings) -> None:
    client_of(system).close()
    use_timeouts(system.connect_timeout, system.read_timeout, system.deadline)
    stored(NOW + CALLS_OF_A_POLL * system.deadline + TURN_WITHIN)
    for watch in plan(system):
        trigger = IntervalTrigger(seconds=watch.every.total_seconds(), start_date=NOW)
        stored(trigger.get_next_fire_time(NOW, NOW))
        json.dumps([duration.total_seconds() for duration in watch.conditions.values()])
    if system.sip and system.sip.flapping:
        slot = flapping.slot_length(system.sip.flapping, system.sip.every)
        flapping.observe(flapping.CALM, slot, 2 * system.sip.every, is_changed=True)


def use_route(route: Route, store: Database) -> None:
    degraded = Breaker(Health.DEGRADED, failing_since=NOW)
    for state in (HEALTHY, degraded, Breaker(is_catching_up=True)):
        queue = Queue("crm", MailPace())
        room = queue.room(route, state, 0, NOW)
        assert room >= 0
        stored(queue.due_at(route, state, 0, NOW))
        lease = Lease("lease", NOW, NOW + (1 + AHEAD) * route.timeout + LEASE_MARGIN)
        with store.write() as db:
            outbox.claim(db, "crm", room, lease, least=None, is_trial=False)
            db.execute(sa.select(sa.literal(millis(lease.until), sa.BigInteger)))
        if (rate := route.rate_for(state)) is not None:
            use_rate(rate)
    use_timeouts(route.timeout / 5)  # of a mailing: five letters
    for failures in range(len(route.schedules[-1].retries)):
        failed = Attempted(message()._replace(failures=failures), Outcome.FAILED, NOW)
        stored(route.after(failed, NOW, 0.999, is_our_outage=False).due_at)
    if route.mailing:
        pace = MailPace()
        pace.add("crm", NOW)
        stored(pace.free_at("crm", route.mailing, NOW))


def use_rate(rate: float) -> None:
    bucket = Bucket(rate)
    for _ in range(3):
        assert bucket.room(NOW) >= 0
        bucket.take(bucket.room(NOW))
        ready = bucket.ready_at(NOW)
        stored(ready)
        assert ready <= NOW + timedelta(hours=3)
    assert bucket.room(bucket.ready_at(NOW)) >= 1


def use_interest(interest: Interest) -> None:
    stored(NOW + interest.after)
    stored(NOW + interest.group_wait)
    for many in (0, 1, 26, 27, 28, 30, 31, 100_000):
        told = Told(Standing.FIRING, NOW, many, losses=many, is_lost=True)
        stored(repeat_due(told, interest.repeat))
        stored(retell_due(told))
    for schedule in interest.schedules:
        stored(NOW + schedule.expires if schedule.expires else NOW)
    for event_type in EVENT_TYPES:
        interest.covers("main", event_type)
    for window in interest.quiet:
        window.covers(NOW)


def use_policy(policy: Policy) -> None:
    use_rate(policy.rate)
    stored(NOW + policy.expires)
    if policy.units_per_day is not None:
        assert policy.units_per_day + 0.6 > policy.units_per_day
        assert json.loads(json.dumps(policy.units_per_day)) == policy.units_per_day


def use_retention(kept: Retention) -> None:
    for age in (kept.events, *(age for _, age in ages(kept))):
        stored(NOW - age if age else NOW)


def use_timeouts(*timeouts: timedelta) -> None:
    """As sockets, epoll and libcurl take them."""
    left, right = socket.socketpair()
    with left, right, closing(select.epoll()) as poll:
        left.send(b"!")
        poll.register(right, select.EPOLLIN)
        for timeout in timeouts:
            right.settimeout(timeout.total_seconds())
            assert right.recv(1, socket.MSG_PEEK) or timeout
            assert poll.poll(timeout.total_seconds())
            assert timeout / timedelta(milliseconds=1) < 2**31


def stored(moment: datetime | None) -> None:
    """It can be kept and shown."""
    if moment is not None:
        assert moment < LAST
        assert abs(millis(moment)) < INT64
