"""What filters see of an alert: what its events say, but for what changes while it lasts."""

from datetime import UTC, datetime

import pytest

from daemon.core.alerts.incidents import Incident
from daemon.core.model import AlertKind, Interval, Severity
from daemon.core.routing.filters import Filter, Operator
from daemon.core.routing.holds import holds
from daemon.core.routing.ledger import Hold
from daemon.core.routing.plan import Interest

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KIND = AlertKind("queue.threshold.crossed", "queue.threshold.cleared")
LONG = Incident(
    "inc_1", "main", "queue/5", "queue/5", KIND, "queue/5", Severity.ERROR,
    {"queue": {"path": "/5", "name": "sales"}}, NOON, Interval(None, NOON), NOON,
)  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "is_wanted"),
    [
        ("queue.path", "/5", True),
        ("queue.path", "/6", False),
        ("subject", "queue/5", True),
        ("subject", "queue/6", False),
        ("system", "main", True),
        ("system", "branch", False),
        ("alert.severity", "error", True),
        ("alert.severity", "critical", False),
        ("sms.text", "code", True),
    ],
)
def test_filters_hold_alerts_by_the_fields_that_facts_are_held_by(
    field: str, value: str, *, is_wanted: bool
) -> None:
    interest = Interest("crm", ("*",), None, filters=(Filter(field, Operator.IS, (value,)),))

    assert (Hold.UNWANTED not in holds(LONG, interest, NOON, phases={})) is is_wanted
