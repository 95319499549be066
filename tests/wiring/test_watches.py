"""Every kind of watch that can be configured is polled, by the method and with the events that it names."""

import json
from collections.abc import Callable
from datetime import timedelta
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
from daemon.core.model import Rule, Severity
from daemon.core.rendering.mail_words import LABELS
from daemon.core.rendering.phrases_en import ENGLISH_METRICS
from daemon.core.rendering.phrases_he import HEBREW_METRICS
from daemon.core.watches import queues, sms
from daemon.core.watches.watch import Answered, AnyWatch
from daemon.host.clock import utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from daemon.wiring.clients import client_of
from daemon.wiring.watches import Sms, limits, plan, watches
from daemon.yemot import answers
from tests.support.process import TOKEN

ZONE = ZoneInfo("Asia/Jerusalem")


class Case(NamedTuple):
    """A watch with something to tell: its tables, and what happens there."""

    tables: str
    happen: Callable[[SimulatedSystem], object]


CASES = {
    "sms": Case('[systems.sms]\ninitial = "emit"\n', lambda system: system.receive_sms("0501234567", "שלום")),
    "sip": Case("[systems.sip]\ncontexts = [1]\n", lambda system: system.add_sip_account("077")),
    "queues": Case(
        '[[systems.queues]]\npath = "/5"\n[[systems.queues.thresholds]]\n'
        'metric = "agents_available"\nbelow = 1\n',
        lambda system: system.queue("/5"),
    ),
    "directories": Case(
        '[[systems.directories]]\npath = "/2"\ninitial = "emit"\n',
        lambda system: system.directory("/2").add_recording("0501234567"),
    ),
    "pirsumphone": Case(
        '[systems.pirsumphone]\ninitial = "emit"\n', lambda system: setattr(system, "pirsumphone", True)
    ),
    "units": Case("[systems.units]\nbelow = 5\n", lambda system: system.set_units(1)),
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


@pytest.mark.parametrize("watched", CASES, indirect=True)
def test_each_asks_by_the_method_that_it_names_and_is_answered(
    watched: Watched, system: SimulatedSystem
) -> None:
    for watch in watched.watches:
        before = system.request_counts
        answer = watch.kind.ask(None, lambda: None)

        assert isinstance(answer, Answered), answer
        assert set(system.request_counts - before) == {watch.description.method}


@pytest.mark.parametrize("watched", CASES, indirect=True)
def test_what_it_tells_is_what_its_table_gives_and_its_state_survives_a_restart(watched: Watched) -> None:
    told = set()
    for watch in watched.watches:
        answer = watch.kind.ask(None, lambda: None)
        assert isinstance(answer, Answered)
        change = watch.kind.diff(None, answer.seen, Seen(utcnow() + timedelta(minutes=1), None, NOTHING))
        told |= {fact.type for fact in change.facts}
        told |= {one.kind.fires for one in change.conditions if one.kind}
        assert watch.state(watch.text(change.state)) == change.state

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
