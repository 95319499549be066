"""What Alertmanager gets: both sides of an alert under the same labels, and facts that end by themselves."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.event_types import ALERT_TYPES, EVENT_TYPES, KINDS
from daemon.core.model import Json
from daemon.core.rendering.formats import Format, Shape, render
from daemon.core.rendering.wire.alertmanager import FIRED_BY
from daemon.core.timestamps import from_iso
from tests.core.rendering.test_formats import ALERT, SMS, stored

SHAPE = Shape(Format.ALERTMANAGER)
OFF, ON = "sip.account.unregistered", "sip.account.registered"


def told(payload: dict[str, Json], type_: str, shape: Shape = SHAPE, **more: str) -> dict[str, Any]:
    (alert,) = json.loads(render(stored(payload, type_=type_, **more), shape).body)
    assert isinstance(alert, dict)
    return alert


def side(status: str, **alert: Json) -> dict[str, Json]:
    of_alert = ALERT["alert"]
    assert isinstance(of_alert, dict)
    return {**ALERT, "alert": {**of_alert, "status": status, **alert}}


def test_both_sides_of_an_alert_have_the_same_labels() -> None:
    fires, ends = told(ALERT, OFF, subject="sip/077"), told(side("resolved"), ON, subject="sip/077")

    assert (
        fires["labels"]
        == ends["labels"]
        == {
            "alertname": OFF,
            "system": "main",
            "subject": "sip/077",
            "severity": "error",
            "incident": "inc_1",
        }
    )
    assert fires["startsAt"] == ends["startsAt"] == "2026-03-01T12:00:00.000Z"


def test_what_fires_is_not_over_before_we_say_so() -> None:
    fires = told(ALERT, OFF)

    assert fires["endsAt"] == "2036-02-27T12:00:00.000Z"
    assert told(side("firing", reason="repeat"), OFF)["endsAt"] == fires["endsAt"]


def test_what_is_over_ended_when_that_was_seen_and_never_before_it_began() -> None:
    ends = told(side("resolved", started_at="2020-01-01T00:00:00.000Z"), ON)
    early = told(side("resolved", started_at="2099-01-01T00:00:00.000Z"), ON)

    whole = json.loads(stored(side("resolved"), type_=ON))
    assert ends["endsAt"] == whole["timestamp"]
    assert early["endsAt"] == early["startsAt"]


def test_a_fact_has_no_end_and_is_another_than_every_other() -> None:
    fact = told(SMS, "sms.received")

    assert "endsAt" not in fact
    assert fact["labels"] == {
        "alertname": "sms.received",
        "system": "main",
        "subject": "sms/0501234567",
        "event": "evt_1",
        "severity": "info",
    }


def test_what_is_said_of_an_alert_beside_its_two_sides_is_a_fact() -> None:
    said = told({"alert": {"incident": "inc_1", "status": "firing"}}, "alert.acknowledged")

    assert "endsAt" not in said
    assert said["labels"]["event"] == "evt_1"


def test_the_daemon_s_own_have_no_label_that_is_empty() -> None:
    assert "system" not in told({}, "daemon.started", system="")["labels"]


def test_people_read_a_sentence_and_of_a_thin_event_no_content() -> None:
    assert "123456" in told(SMS, "sms.received")["annotations"]["summary"]
    thin = told(SMS, "sms.received", Shape(Format.ALERTMANAGER, is_thin=True))
    assert "קוד" not in thin["annotations"]["summary"]


def test_each_end_belongs_to_one_beginning() -> None:
    assert len(FIRED_BY) == len(KINDS)
    assert {*FIRED_BY, *FIRED_BY.values()} == ALERT_TYPES


@given(
    st.sampled_from(EVENT_TYPES),
    st.sampled_from(["firing", "resolved", None, 7]),
    st.one_of(
        st.none(), st.integers(), st.text(max_size=5), st.datetimes().map(lambda at: f"{at.isoformat()}Z")
    ),
    st.text(max_size=5),
)
def test_whatever_stands_there_it_is_an_alert_that_alertmanager_takes(
    kind: str, status: Any, began: Any, incident: str
) -> None:
    alert = {"incident": incident, "status": status, "severity": "error", "started_at": began}
    one = told({"alert": alert}, kind)

    assert one["labels"]["alertname"]
    assert all(isinstance(value, str) and value for value in one["labels"].values())
    if "endsAt" in one:
        starts, ends = from_iso(one["startsAt"]), from_iso(one["endsAt"])
        assert starts is not None
        assert ends is not None
        assert timedelta(0) <= ends - starts


@pytest.mark.parametrize("status", ["firing", "resolved"])
def test_the_same_event_gives_the_same_bytes(status: str) -> None:
    whole = stored(side(status), type_=OFF)

    assert render(whole, SHAPE) == render(whole, SHAPE)
