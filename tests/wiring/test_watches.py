"""Every kind of watch that can be configured is polled, by the method and with the events that it names."""

import json
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple, get_args
from zoneinfo import ZoneInfo

import pytest

from daemon.config.load import load
from daemon.config.systems import SystemSettings
from daemon.config.watches import Metric, WatchSettings
from daemon.core.alerts.life import Seen
from daemon.core.durations import NOTHING
from daemon.core.model import Event, Rule, Severity
from daemon.core.rendering import machine_words
from daemon.core.rendering.mail_words import LABELS
from daemon.core.rendering.phrases_en import ENGLISH_METRICS
from daemon.core.rendering.phrases_he import HEBREW_METRICS
from daemon.core.routing.plan import Interest
from daemon.core.watches import queues, sms
from daemon.core.watches.callers import ABANDONED
from daemon.core.watches.watch import Answered, AnyWatch
from daemon.host.clock import utcnow
from daemon.pipeline import missed
from daemon.pipeline.calls import Scene
from daemon.pipeline.events import Recorded, Recorder
from daemon.pipeline.hours import look
from daemon.pipeline.observation import UNOBSERVED, Walk
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from daemon.store.database import Database
from daemon.web.page.sentences import Sentences
from daemon.web.page.words import Words
from daemon.web.page.writing import Writing
from daemon.wiring.clients import client_of
from daemon.wiring.kinds.sms import Sms
from daemon.wiring.watches import limits, plan, watches
from daemon.workers.poller import Poller
from daemon.yemot import answers
from tests.support import stores
from tests.support.callers import left
from tests.support.fakes import FakeClock, Ids
from tests.support.process import TOKEN

ZONE = ZoneInfo("Asia/Jerusalem")
LISTS = {"GetIVR2Dir"}
"""What is asked first, to find what to ask for."""


class Case(NamedTuple):
    """A watch with something to tell: its tables, and what happens there."""

    tables: str
    happen: Callable[[SimulatedSystem], object]


CASES = {
    "sms": Case('[systems.sms]\ninitial = "emit"\n', lambda system: system.receive_sms("0501234567", "שלום")),
    "sip": Case("[systems.sip]\ncontexts = [1]\n", lambda system: system.add_sip_account("077")),
    "queues": Case(
        '[[systems.queues]]\npath = "/5"\nlog = false\n[[systems.queues.thresholds]]\n'
        'metric = "agents_available"\nbelow = 1\n',
        lambda system: system.queue("/5"),
    ),
    "callbacks": Case(
        '[[systems.callbacks]]\npath = "/5"\ninitial = "emit"\n',
        lambda system: system.queue("/5").request_callback("0501234567"),
    ),
    "directories": Case(
        '[[systems.directories]]\npath = "/2"\ninitial = "emit"\n',
        lambda system: system.directory("/2").add_recording("0501234567"),
    ),
    "reports": Case(
        '[[systems.reports]]\npath = "/1"\nfile = "ApprovalAll"\ninitial = "emit"\nevery = "1m"\n',
        lambda system: system.files.put("1/ApprovalAll.ymgr", b"Phone#0501234567%P050#1\n"),
    ),
    "pirsumphone": Case(
        '[systems.pirsumphone]\ninitial = "emit"\n', lambda system: setattr(system, "pirsumphone", True)
    ),
    "units": Case("[systems.units]\nbelow = 5\n", lambda system: system.set_units(1)),
    "sms_units": Case("[systems.sms_units]\nbelow = 5\n", lambda system: setattr(system, "sms_units", 1.0)),
    "caller_ids": Case(
        "[systems.caller_ids]\n", lambda system: system.caller_ids.update({"0771111111": system.now()})
    ),
}


@pytest.fixture
def system() -> SimulatedSystem:
    return SimulatedSystem(now=utcnow)


class Watched(NamedTuple):
    settings: SystemSettings
    watches: list[AnyWatch]


@pytest.fixture
def watched(
    request: pytest.FixtureRequest, tmp_path: Path, system: SimulatedSystem, simulator: Simulator
) -> Watched:
    """A system of which one thing is watched."""
    case = CASES[request.param]
    case.happen(system)
    (tmp_path / "token").write_text(TOKEN)
    own = f'[[systems]]\nname = "main"\ntoken_file = "token"\nbase_url = "{simulator.base_url}"\n'
    (tmp_path / "config.toml").write_text(own + case.tables)
    (settings,) = load(tmp_path / "config.toml", {}).config.systems
    client = client_of(settings)
    request.addfinalizer(client.close)
    return Watched(settings, watches(settings, client, ZONE))


def test_every_kind_that_can_be_configured_is_tried_here() -> None:
    kinds = {one.__name__ for one in WatchSettings.__subclasses__()}
    keys = {
        key
        for key, field in SystemSettings.model_fields.items()
        if any(kind in str(field.annotation) for kind in kinds)
    }

    assert len(keys) == len(kinds)
    assert CASES.keys() == keys


@pytest.mark.parametrize("watched", CASES, indirect=True)
def test_each_has_a_row_for_every_interval_and_is_planned_as_it_is_polled(watched: Watched) -> None:
    intervals = [every for _, one in watched.settings.watches() for every in one.intervals.values()]

    assert [one.every for one in watched.watches] == intervals
    assert plan(watched.settings) == [one.description for one in watched.watches]


ENGLISH = ("units",)
"""Names of watches that are words."""


@pytest.mark.parametrize("language", ["en", "he"])
def test_people_have_a_word_for_each_watch(tmp_path: Path, language: str) -> None:
    """On the page and in messages alike, instead of its name in the configuration."""
    tables = "".join(one.tables for one in CASES.values()).replace("log = false\n", "")
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "config.toml").write_text('[[systems]]\nname = "main"\ntoken_file = "token"\n' + tables)
    (settings,) = load(tmp_path / "config.toml", {}).config.systems
    words = Words(language)
    say = Sentences(words, Writing(words, ZONE, utcnow()), lambda *parts: "".join(parts))
    names = [one.name for one in plan(settings)]

    assert {"queue-log/5", "callbacks/5"} <= {*names}
    for name in names:
        if name not in ENGLISH:
            assert machine_words.watch(name, language) != name
        assert name not in say.watch(name)


HOURS = """
[[windows]]
name = "office"
from = "08:00"
to = "17:00"
[[windows]]
name = "nights"
from = "22:00"
to = "07:00"
[[systems]]
name = "main"
token_file = "token"
[systems.sip]
active = "office"
ignore = ["+972-77-313-7770", "0770000000=9"]
[[systems.queues]]
path = "/5"
active = "office"
[[systems.queues.thresholds]]
metric = "agents_available"
below = 1
active = ["nights", "office"]
[[systems.queues.thresholds]]
metric = "calls_waiting"
above = 5
[systems.units]
below = 5
"""


def test_alerts_count_at_the_hours_of_their_own_else_of_their_watch(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "config.toml").write_text(HOURS)
    (settings,) = load(tmp_path / "config.toml", {}).config.systems
    client = client_of(settings)
    found = {one.name: one.description.attention for one in watches(settings, client, ZONE)}
    client.close()
    noon, midnight = (datetime(2026, 3, 1, hour, 30, tzinfo=ZONE) for hour in (12, 23))
    agents, calls = "queue/5/agents_available/below/warning", "queue/5/calls_waiting/above/warning"

    outside = {
        (name, key): [one.is_outside(key, at) for at in (noon, midnight)]
        for name, one in found.items()
        for key in ("sip/1", agents, calls)
    }
    assert outside["sip", "sip/1"] == [False, True]
    assert outside["queue/5", agents] == [False, False]
    assert outside["queue/5", calls] == [False, True]
    assert outside["units", "sip/1"] == [False, False]
    assert found["queue/5"].closed(midnight) == {""}
    assert found["units"].closed(midnight) == frozenset()
    assert [
        found["sip"].ignores(one) for one in ("sip/0773137770", "sip/0770000000=9", "sip/0770000000")
    ] == [
        True,
        True,
        False,
    ]


RINGS = """
[[windows]]
name = "office"
days = ["sun", "mon", "tue", "wed", "thu"]
from = "08:00"
to = "17:00"
except = ["holidays"]
[[systems]]
name = "main"
token_file = "token"
base_url = "{base_url}"
[[systems.queues]]
path = "/5"
log = false
[[systems.queues.thresholds]]
metric = "agents_available"
below = 1
active = "office"
"""


def test_nobody_there_rings_in_the_office_alone(
    tmp_path: Path, system: SimulatedSystem, simulator: Simulator
) -> None:
    """From the file to what is told: at the fire, at the end of the hours, at night, on a holiday."""
    system.queue("/5")
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "config.toml").write_text(RINGS.format(base_url=simulator.base_url))
    (settings,) = load(tmp_path / "config.toml", {}).config.systems
    client, clock = client_of(settings), FakeClock()
    recorder = Recorder([Interest("crm", ("queue.threshold.*",), None)], Ids())
    (queue,) = watches(settings, client, ZONE)
    told = list[tuple[str, str, str | None]]()
    with closing(client), closing(stores.in_memory()) as database:
        poller = Poller(database, lambda: recorder, now=clock.now, monotonic=clock.monotonic)

        def at(text: str, *, polls: int = queues.NOBODY_AFTER) -> None:
            clock.at = datetime.fromisoformat(text).replace(tzinfo=ZONE)
            for _ in range(polls):
                told.extend(said(text, poller.poll(queue).recorded))
            now = clock.now()
            told.extend(said(text, look(database, lambda: recorder, lambda: {queue.id: queue}, now, kept)))

        at("2026-09-10T07:58")
        at("2026-09-10T16:00")
        at("2026-09-10T17:00", polls=0)
        at("2026-09-10T17:01")
        at("2026-09-13T10:00")  # the second day of Rosh Hashana
        at("2026-09-14T08:00")

    assert told == [
        ("2026-09-10T16:00", "queue.threshold.crossed", None),
        ("2026-09-10T17:00", "queue.threshold.cleared", "outside_hours"),
        ("2026-09-14T08:00", "queue.threshold.crossed", None),
    ]


def said(at: str, recorded: Recorded) -> list[tuple[str, str, str | None]]:
    """What turned; not what is told of it to an endpoint alone, which got nothing of it here."""
    alerts = [(one.type, json.loads(one.body)["data"]["alert"]) for one in recorded.events]
    return [(at, type_, one.get("cause")) for type_, one in alerts if one["reason"] != "catch_up"]


def kept(_db: object, systems: Collection[str]) -> Collection[str]:
    return systems


@pytest.mark.parametrize("watched", CASES, indirect=True)
def test_each_asks_by_the_method_that_it_names_and_is_answered(
    watched: Watched, system: SimulatedSystem
) -> None:
    for watch in watched.watches:
        before = system.request_counts
        answer = watch.kind.ask(None, lambda: None)

        assert isinstance(answer, Answered), answer
        asked = set(system.request_counts - before)
        assert watch.description.method in asked
        assert asked - {watch.description.method} <= LISTS


@pytest.mark.parametrize("watched", CASES, indirect=True)
def test_what_it_tells_is_what_its_table_gives_and_its_state_survives_a_restart(watched: Watched) -> None:
    told = set()
    for watch in watched.watches:
        answer = watch.kind.ask(None, lambda: None)
        assert isinstance(answer, Answered)
        when = Seen(utcnow() + timedelta(minutes=1), None, NOTHING)
        change = watch.kind.diff(None, answer.seen, when)
        if change.is_moving:
            change = watch.kind.diff(change.state, answer.seen, when)
        told |= {fact.type for fact in change.facts}
        told |= {one.kind.fires for one in change.conditions if one.kind}
        pieces = {name: piece for name, piece in change.pieces.items() if piece is not None}
        assert watch.state(watch.text(change.state), pieces.copy) == change.state

    given = {name for _, one in watched.settings.watches() for part in one.gives for name in part.names}
    assert told
    assert told <= given


@pytest.mark.parametrize(
    ("watched", "wanted"),
    [
        ("queues", {("main", "queue/5"): [("agents_available", 1)]}),
        ("units", {("main", "units"): [("balance", 5)]}),
        ("sip", {}),
    ],
    indirect=["watched"],
)
def test_the_limits_in_force_are_those_of_the_configuration(watched: Watched, wanted: object) -> None:
    found = limits(watched.watches)

    assert {name: [(one.metric, one.below) for one in of] for name, of in found.items()} == wanted


def test_every_metric_that_can_be_configured_has_a_value_and_a_name_in_both_languages() -> None:
    rule = Rule(NOTHING, NOTHING, Severity.WARNING)
    metrics = get_args(Metric)
    for name in metrics:
        told = (
            queues.diff(
                None,
                queues.Observation(0, 0, 0, 0, 0, None, (), ()),
                queues.Queue("/5", "sales", (queues.Threshold(name, 1, None, 1, rule),)),
                Seen(utcnow(), None, NOTHING),
                ZONE,
                is_emitting=False,
            )
            .conditions[0]
            .payload["queue"]
        )
        assert isinstance(told, dict)
        assert set(metrics) < set(told)

    assert set(metrics) == set(ENGLISH_METRICS) == set(HEBREW_METRICS)
    assert {f"queue.{name}" for name in metrics} <= set(LABELS)


@pytest.mark.parametrize("watched", ["sms"], indirect=True)
def test_a_log_s_rows_are_known_at_the_next_poll_and_kept_once_also_after_a_restart(
    watched: Watched, system: SimulatedSystem
) -> None:
    (watch,) = watched.watches
    kind = watch.kind
    assert isinstance(kind, Sms)
    when = Seen(utcnow() + timedelta(minutes=1), None, NOTHING)
    for number in range(9):
        system.receive_sms("0501234567", f"{number}")
    before = watch.state(watch.text(sms.load({"known": {}, "horizon": ""})))
    for text in ("first", '},{"phone":"1"},{', "third"):
        system.receive_sms("0501234567", text)
        answer = kind.ask(None, partial(watch.state, watch.text(before)))
        assert isinstance(answer, Answered)
        change = kind.diff(before, answer.seen, when)
        told = [fact.payload["sms"] for fact in change.facts]
        before = change.state

        assert answer.seen.known == tuple(map(sms.entry, answer.seen.rows))
        assert told[-1]["text"] == text  # type: ignore[call-overload, index]
        assert {id(one) for one in kind._known_rows._readings} == {id(one) for one in before.known}
        if text == "first":  # and then as if it had been loaded
            object.__setattr__(kind, "_known_rows", answers.known_sms_log())
            before = watch.kind.load(json.loads(watch.text(before)))


WITH_A_LOG = """
[[systems]]
name = "main"
token_file = "token"
base_url = "{base_url}"
[[systems.queues]]
path = "/5"
[[systems.queues.thresholds]]
metric = "abandoned_per_hour"
above = 1
for = "0s"
[[systems.queues]]
path = "/6"
log = false
"""


def test_a_poll_of_a_queue_judges_by_what_is_known_of_each_caller_where_its_log_is_read(
    tmp_path: Path,
) -> None:
    noon = datetime(2026, 11, 30, 10, tzinfo=UTC)
    system = SimulatedSystem(now=lambda: noon)
    for path in ("/5", "/6"):
        system.queue(path)
    with Simulator({TOKEN: system}, now=lambda: noon) as simulator:
        (tmp_path / "token").write_text(TOKEN)
        (tmp_path / "config.toml").write_text(WITH_A_LOG.format(base_url=simulator.base_url))
        (settings,) = load(tmp_path / "config.toml", {}).config.systems
        with closing(client_of(settings)) as client:
            found = {one.name: one for one in watches(settings, client, ZONE)}
            database = stores.in_memory()
            recorder = Recorder([Interest("all", ("queue.*",), None)], Ids())
            crossed = [event for _ in range(2) for event in _polled_once(database, found, recorder, noon)]
            logged = [left(ABANDONED, f"054123456{n}", None, (200 + n,) * 2, noon) for n in range(3)]
            with database.write() as db:
                missed.follow(Scene(db, "main", Ids(), noon), logged)
            crossed += _polled_once(database, found, recorder, noon)

    (event,) = crossed
    data = json.loads(event.body)["data"]
    assert data["threshold"] | {"value": 3, "source": "log"} == data["threshold"]
    assert (data["queue"]["path"], data["queue"]["longest_wait_today"]) == ("/5", 202)
    days = [found[name].kind.day_of_callers(noon) for name in ("queue/5", "queue/6", "queue-log/5")]
    assert days == [datetime(2026, 11, 29, 22, tzinfo=UTC), None, None]


def _polled_once(
    database: Database, found: Mapping[str, AnyWatch], recorder: Recorder, now: datetime
) -> list[Event]:
    """What a poll of both queues tells."""
    told = list[Event]()
    for name in ("queue/5", "queue/6"):
        answer = found[name].kind.ask(None, lambda: None)
        assert isinstance(answer, Answered)
        with database.write() as db:
            told += Walk(db, found[name], recorder, now=now, elapsed=UNOBSERVED).take(answer.seen).events
    return told
