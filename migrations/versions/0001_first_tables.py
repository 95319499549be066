"""The first tables: watches, alerts, events and their sequences, deliveries and their attempts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PENDING = sa.text("status = 'pending'")
OPEN = sa.text("status IN ('waiting', 'pending', 'leased')")
LEASED = sa.text("status = 'leased'")
DEAD = sa.text("status = 'dead'")


def upgrade() -> None:
    op.create_table(
        "watches",
        sa.Column("system", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("state", sa.Text),
        sa.Column("problems", sa.Text, nullable=False),
        sa.Column("observed_at", sa.BigInteger),
        sa.Column("polled_at", sa.BigInteger),
        sa.Column("failure", sa.Text),
        sa.Column("failure_message", sa.Text),
        sa.Column("failing_since", sa.BigInteger),
    )
    op.create_table(
        "alerts",
        sa.Column("system", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("watch", sa.Text, nullable=False),
        sa.Column("fires", sa.Text, nullable=False),
        sa.Column("resolves", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("held", sa.BigInteger, nullable=False),
        sa.Column("is_blind", sa.Boolean, nullable=False),
        sa.Column("last_known", sa.BigInteger),
        sa.Column("changed_after", sa.BigInteger),
        sa.Column("changed_before", sa.BigInteger),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("incident", sa.Text),
    )
    op.create_index("alerts_of_watch", "alerts", ["system", "watch"])
    op.create_table(
        "sequences",
        sa.Column("system", sa.Text, primary_key=True),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "events",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("timestamp", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("system", "sequence", name="events_sequence"),
        sqlite_autoincrement=True,
    )
    op.create_index("events_of_type", "events", ["type", "number"])
    op.create_table(
        "deliveries",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("event", NUMBER, sa.ForeignKey("events.number"), nullable=False),
        sa.Column("endpoint", sa.Text, nullable=False),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("token", sa.Text),
        sa.Column("leased_until", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.UniqueConstraint("event", "endpoint", name="deliveries_fan_out"),
        sqlite_autoincrement=True,
    )
    due, lane = ["endpoint", "due_at", "id"], ["endpoint", "lane", "id"]
    op.create_index("deliveries_due", "deliveries", due, sqlite_where=PENDING, postgresql_where=PENDING)
    op.create_index("deliveries_lane", "deliveries", lane, sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index(
        "deliveries_dead", "deliveries", ["endpoint", "id"], sqlite_where=DEAD, postgresql_where=DEAD
    )
    op.create_index(
        "deliveries_leased", "deliveries", ["leased_until"], sqlite_where=LEASED, postgresql_where=LEASED
    )
    op.create_table(
        "attempts",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("delivery", NUMBER, sa.ForeignKey("deliveries.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("took", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("http_status", sa.Integer),
        sa.Column("error", sa.Text),
        sa.Column("response_head", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("attempts_of_delivery", "attempts", ["delivery", "number"])
