"""The catalogue of event types, and which globs name them."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest

from daemon.core import own_events, watches
from daemon.core.event_types import EVENT_TYPES, KINDS, OPT_IN, PARTS, ROWS, kind_of, matches, states_like
from daemon.core.model import AlertKind, EventTypes
from daemon.core.watches import sip

OF_WATCHES: dict[str, EventTypes] = {
    one.name: module.EVENTS
    for one in iter_modules(watches.__path__)
    if hasattr(module := import_module(f"{watches.__name__}.{one.name}"), "EVENTS")
}
"""What each watch declares, by its module."""


@pytest.mark.parametrize(
    ("pattern", "event_type"),
    [
        ("*", "sms.received"),
        ("sms.*", "sms.gap"),
        ("sip.*", "sip.account.unregistered"),
        ("*.failed", "command.failed"),
        ("sip.account?.registered", "sip.accounts.registered"),
        ("units.low", "units.low"),
    ],
)
def test_a_glob_names_the_types_it_covers(pattern: str, event_type: str) -> None:
    assert matches((pattern,), event_type)


@pytest.mark.parametrize(
    ("pattern", "event_type"),
    [
        ("sms.*", "sip.account.added"),
        ("sms", "sms.received"),
        ("received", "sms.received"),
        ("SMS.*", "sms.received"),
        ("", "sms.received"),
    ],
)
def test_a_glob_names_nothing_else(pattern: str, event_type: str) -> None:
    assert not matches((pattern,), event_type)


def test_one_glob_of_several_is_enough() -> None:
    assert matches(("sms.*", "sip.*"), "sip.account.added")


def test_no_glob_names_nothing() -> None:
    assert not any(matches((), event_type) for event_type in EVENT_TYPES)


def test_a_bare_star_names_everything_but_the_opt_in_types() -> None:
    named = {event_type for event_type in EVENT_TYPES if matches(("*",), event_type)}

    assert named == set(EVENT_TYPES) - OPT_IN


@pytest.mark.parametrize("event_type", sorted(OPT_IN))
@pytest.mark.parametrize("pattern", ["{noun}.*", "*.*", "{type}"])
def test_an_opt_in_type_is_named_by_any_other_glob(pattern: str, event_type: str) -> None:
    glob = pattern.format(noun=event_type.partition(".")[0], type=event_type)

    assert matches(("*", glob), event_type)


def test_the_opt_in_types_are_callers_agents_rows_digests_and_who_has_an_alert() -> None:
    assert {
        "alert.acknowledged",
        "alert.escalated",
        "digest.made",
        "queue.caller.joined",
        "queue.caller.left",
        "queue.caller.answered",
        "queue.caller.abandoned",
        "queue.caller.kicked",
        "queue.agent.paused",
        "queue.agent.unpaused",
        "report.row.added",
        "sms.delivered",
        "sms.sent",
    } == OPT_IN


def test_the_catalogue_names_each_type_once() -> None:
    assert len(set(EVENT_TYPES)) == len(EVENT_TYPES)
    assert set(EVENT_TYPES) >= OPT_IN


def test_no_declaration_of_a_watch_is_forgotten_in_the_catalogue() -> None:
    assert OF_WATCHES
    assert all(any(one is part for part in PARTS) for one in OF_WATCHES.values())


def test_a_newer_state_makes_out_of_date_what_tells_of_the_same_thing() -> None:
    assert states_like("sip.account.added") == {"sip.account.added", "sip.account.removed"}
    assert states_like("pirsumphone.unregistered") == {"pirsumphone.registered", "pirsumphone.unregistered"}
    assert states_like("sip.registration.duplicate") == {
        "sip.registration.changed",
        "sip.registration.duplicate",
    }
    assert states_like("sms.received") == states_like("sip.account.unregistered") == frozenset()


def test_the_parts_that_tell_of_no_watch_are_commands_and_the_daemon_itself() -> None:
    of_systems = {name for kind, part in OF_WATCHES.items() if kind != "machine" for name in part.names}

    assert set(EVENT_TYPES) - of_systems == {
        "sms.sent",
        "sms.delivered",
        "sms.failed",
        "sms.unknown",
        "queue.callback.due",
        "queue.callback.done",
        "alert.acknowledged",
        "alert.escalated",
        "digest.made",
        "command.succeeded",
        "command.failed",
        "command.unknown",
        "command.expired",
        "campaign.finished",
        "endpoint.failing",
        "endpoint.recovered",
        "endpoint.misconfigured",
        "endpoint.configured",
        "endpoint.suspended",
        "endpoint.resumed",
        "endpoint.disabled",
        "endpoint.enabled",
        "daemon.started",
        "daemon.stopped",
        "daemon.config_reloaded",
        "daemon.clock_wrong",
        "daemon.clock_right",
        "daemon.disk_low",
        "daemon.disk_ok",
        "daemon.store_failed",
        "daemon.store_recovered",
        "daemon.clock_stepped",
        "daemon.part_restarted",
        "daemon.member_joined",
        "daemon.member_lost",
        "daemon.member_differs",
        "quiet.ended",
        "test.ping",
    }


@pytest.mark.parametrize("more", [{"opt_in": frozenset({"b"})}, {"states": (frozenset({"a", "b"}),)}])
def test_a_part_says_nothing_of_what_it_does_not_give(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no facts of this part: b"):
        EventTypes(("a",), **more)


def test_a_stored_pair_is_found_again_as_it_is_declared() -> None:
    assert kind_of("sip.account.unregistered", "sip.account.registered") is sip.KIND
    assert all(kind_of(one.fires, one.resolves) is one for one in KINDS.values())


@pytest.mark.parametrize("pair", [("door.opened", "door.closed"), ("sip.account.unregistered", "sip.gone")])
def test_a_pair_that_only_another_version_declares_is_that_pair_and_no_more(pair: tuple[str, str]) -> None:
    assert kind_of(*pair) == AlertKind(*pair)


def test_what_is_told_about_an_alert_may_say_whatever_alerts_say() -> None:
    names = {name for kind in KINDS.values() for name in (kind.fires, kind.resolves)}
    assert set(own_events.SAID) == {field for name in names for field in ROWS[name].data}
