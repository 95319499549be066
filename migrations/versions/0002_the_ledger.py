"""The ledger: incidents, what every endpoint was told of them, silences and quiet windows.

Incidents that fire at this moment are carried over, with whom they were told: the events and deliveries
say so. The API's alerts were one for each watch, and are one for a system from here on; theirs end here.
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IS_OPEN = sa.text("ended_at IS NULL")
NOT_OVER = sa.text("NOT is_over")
URGENT = sa.text("status = 'pending' AND urgency IS NOT NULL")
OF_INCIDENT = sa.text("incident IS NOT NULL")


def upgrade() -> None:
    op.add_column("alerts", sa.Column("is_steady", sa.Boolean, nullable=False, server_default=sa.true()))
    op.create_table(
        "transitions",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("is_blind", sa.Boolean, nullable=False),
        sa.Column("held", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("transitions_of_alert", "transitions", ["system", "key", "id"])
    op.create_table(
        "incidents",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("watch", sa.Text, nullable=False),
        sa.Column("fires", sa.Text, nullable=False),
        sa.Column("resolves", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("changed_after", sa.BigInteger),
        sa.Column("changed_before", sa.BigInteger, nullable=False),
        sa.Column("fired_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("end", sa.Text),
    )
    op.create_index(
        "incidents_open", "incidents", ["fired_at"], sqlite_where=IS_OPEN, postgresql_where=IS_OPEN
    )
    op.create_index("incidents_of_subject", "incidents", ["subject", "fired_at"])
    op.create_table(
        "ledger",
        sa.Column("incident", sa.Text, sa.ForeignKey("incidents.id"), primary_key=True),
        sa.Column("endpoint", sa.Text, primary_key=True),
        sa.Column("standing", sa.Text, nullable=False),
        sa.Column("told_at", sa.BigInteger),
        sa.Column("event", sa.Text),
        sa.Column("repeats", sa.Integer, nullable=False),
        sa.Column("members", sa.Text, nullable=False),
        sa.Column("held_by", sa.Text),
        sa.Column("losses", sa.Integer, nullable=False),
        sa.Column("is_over", sa.Boolean, nullable=False),
    )
    op.create_index(
        "ledger_open", "ledger", ["endpoint", "incident"], sqlite_where=NOT_OVER, postgresql_where=NOT_OVER
    )
    op.create_table(
        "decisions",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("incident", sa.Text, nullable=False),
        sa.Column("endpoint", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("told", sa.Text),
        sa.Column("held_by", sa.Text),
        sa.Column("event", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("decisions_of_incident", "decisions", ["incident", "id"])
    op.create_index("decisions_of_endpoint", "decisions", ["endpoint", "at"])
    op.create_table(
        "silences",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("expired_at", sa.BigInteger),
    )
    op.create_index("silences_created", "silences", ["created_at"])
    op.create_table(
        "quiet",
        sa.Column("endpoint", sa.Text, primary_key=True),
        sa.Column("since", sa.BigInteger, nullable=False),
    )
    op.add_column("deliveries", sa.Column("incident", sa.Text))
    op.add_column("deliveries", sa.Column("urgency", sa.SmallInteger))
    due, of_incident = ["endpoint", "due_at", "id"], ["incident", "endpoint"]
    op.create_index("deliveries_urgent", "deliveries", due, sqlite_where=URGENT, postgresql_where=URGENT)
    op.create_index(
        "deliveries_of_incident",
        "deliveries",
        of_incident,
        sqlite_where=OF_INCIDENT,
        postgresql_where=OF_INCIDENT,
    )
    _carry_over(op.get_bind())


def _carry_over(db: sa.Connection) -> None:
    """Incidents, and who was told of them, from the alerts that fire now."""
    firing = db.execute(
        sa.text("SELECT * FROM alerts WHERE phase IN ('firing', 'recovering') AND incident IS NOT NULL")
    )
    for alert in firing.mappings().all():
        is_over = alert["watch"] == "api" and alert["key"] != "api/token"
        _insert(db, "incidents", _incident(dict(alert), is_over=is_over))
        for told in _told(db, alert["system"], alert["fires"], alert["incident"]):
            _insert(db, "ledger", {"incident": alert["incident"], **told})
    db.execute(sa.text("DELETE FROM alerts WHERE watch = 'api' AND key <> 'api/token'"))


def _incident(alert: dict[str, Any], *, is_over: bool) -> dict[str, Any]:
    same = ("system", "key", "watch", "fires", "resolves", "subject", "severity", "payload", "started_at")
    return {
        **{name: alert[name] for name in same},
        "id": alert["incident"],
        "changed_after": alert["changed_after"],
        "changed_before": alert["changed_before"],
        "fired_at": alert["started_at"],
        "ended_at": alert["started_at"] if is_over else None,
        "end": "removed" if is_over else None,
    }


def _told(db: sa.Connection, system: str, event_type: str, incident: str) -> list[dict[str, Any]]:
    """Lines of the ledger: the endpoints that have a delivery of the event that fired."""
    events = db.execute(
        sa.text(
            "SELECT number, id, body FROM events WHERE type = :type AND system = :system ORDER BY number DESC"
        ),
        {"type": event_type, "system": system},
    )
    of_incident = [
        (number, event)
        for number, event, body in events
        if json.loads(body)["data"]["alert"]["incident"] == incident
    ]
    if not of_incident:
        return []
    number, event = of_incident[0]
    deliveries = sa.text("SELECT endpoint, created_at FROM deliveries WHERE event = :event")
    return [
        {
            "endpoint": endpoint,
            "standing": "firing",
            "told_at": created_at,
            "event": event,
            "repeats": 0,
            "members": "[]",
            "losses": 0,
            "is_over": False,
        }
        for endpoint, created_at in db.execute(deliveries, {"event": number})
    ]


def _insert(db: sa.Connection, table: str, values: dict[str, Any]) -> None:
    columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in values]
    db.execute(sa.insert(sa.table(table, *columns)).values(**values))
