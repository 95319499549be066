"""Delivery: the health of endpoints, expiry, what a delivery stands for, the phases of each attempt.

Indexes change so that a lease touches as few of them as can be. Attempts keep what they held; their
phases were not measured before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NOT_ENDED = sa.text("ended_at IS NULL")
WAITING = sa.text("status = 'waiting'")
LEASED = sa.text("status = 'leased'")
DEAD = sa.text("status = 'dead'")


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("failures", sa.Integer, nullable=False, server_default="0"))
    op.add_column("deliveries", sa.Column("superseded", sa.Integer, nullable=False, server_default="0"))
    op.add_column("deliveries", sa.Column("expires_at", sa.BigInteger))
    op.add_column("deliveries", sa.Column("error", sa.Text))
    # Until now every attempt counted; a leased one has not failed yet.
    op.execute(
        "UPDATE deliveries SET failures = CASE status WHEN 'leased' THEN attempts - 1 ELSE attempts END"
        " WHERE status IN ('waiting', 'pending', 'leased')"
    )
    _index("deliveries_lane", ["endpoint", "lane", "id"], NOT_ENDED, is_new=False)
    _index("deliveries_waiting", ["endpoint", "lane", "id"], WAITING)
    _index("deliveries_leased", ["token"], LEASED, is_new=False)
    _index("deliveries_dead", ["status", "endpoint", "id"], DEAD, is_new=False)
    op.create_index("deliveries_of_endpoint", "deliveries", ["endpoint", "id"])
    _attempts()
    op.create_table(
        "endpoints",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("health", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger),
        sa.Column("failing_since", sa.BigInteger),
        sa.Column("first_failures", sa.Integer, nullable=False),
        sa.Column("any_failures", sa.Integer, nullable=False),
        sa.Column("rejections", sa.Integer, nullable=False),
        sa.Column("throttles", sa.Integer, nullable=False),
        sa.Column("trials", sa.Integer, nullable=False),
        sa.Column("not_before", sa.BigInteger),
        sa.Column("suspended_for", sa.BigInteger, nullable=False),
        sa.Column("disabled_by", sa.Text),
        sa.Column("is_catching_up", sa.Boolean, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("asked", sa.Text),
    )


def _index(name: str, columns: list[str], where: sa.TextClause, *, is_new: bool = True) -> None:
    if not is_new:
        op.drop_index(name, "deliveries")
    op.create_index(name, "deliveries", columns, sqlite_where=where, postgresql_where=where)


def _attempts() -> None:
    op.drop_index("attempts_of_delivery", "attempts")
    op.rename_table("attempts", "attempts_before")
    op.create_table(
        "attempts",
        sa.Column("delivery", NUMBER, sa.ForeignKey("deliveries.id"), primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("resolved", sa.Integer, nullable=False),
        sa.Column("connected", sa.Integer, nullable=False),
        sa.Column("secured", sa.Integer, nullable=False),
        sa.Column("answered", sa.Integer, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("http_status", sa.Integer),
        sa.Column("error", sa.Text),
        sa.Column("response_head", sa.Text),
        sa.Column("address", sa.Text),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO attempts (delivery, number, started_at, resolved, connected, secured, answered, total,"
        " outcome, http_status, error, response_head)"
        " SELECT delivery, number, started_at, 0, 0, 0, 0, took * 1000, outcome, http_status, error,"
        " response_head FROM attempts_before"
        " WHERE id IN (SELECT max(id) FROM attempts_before GROUP BY delivery, number)"
    )
    op.drop_table("attempts_before")
