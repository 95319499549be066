"""Callers of queues who are to be called back, and how those left who waited."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "callbacks",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("waited_least", sa.Integer),
        sa.Column("waited_most", sa.Integer),
        sa.Column("request", sa.Text),
        sa.Column("closed_at", sa.BigInteger),
        sa.Column("done", sa.Text),
        sa.Column("closed_by", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("is_told", sa.Boolean, nullable=False),
        sqlite_autoincrement=True,
    )
    for name, columns, where, unique in (
        ("callbacks_open", ["system", "key"], "closed_at IS NULL", True),
        ("callbacks_listed", ["number"], "closed_at IS NULL", False),
        ("callbacks_aging", ["last_at"], "closed_at IS NULL", False),
        ("callbacks_untold", ["number"], "NOT is_told", False),
        ("callbacks_closed", ["closed_at"], "closed_at IS NOT NULL", False),
    ):
        _index(name, "callbacks", columns, where, unique=unique)
    op.create_table(
        "queue_calls",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("call_id", sa.Text),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("left_after", sa.BigInteger, nullable=False),
        sa.Column("left_at", sa.BigInteger, nullable=False),
        sa.Column("waited_least", sa.Integer),
        sa.Column("waited_most", sa.Integer),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("many", sa.Integer, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("queue_calls_of_subject", "queue_calls", ["system", "subject", "left_at"])
    op.create_index("queue_calls_of_phone", "queue_calls", ["system", "key", "left_at"])
    op.create_index("queue_calls_of_system", "queue_calls", ["system", "left_at"])
    op.create_index("queue_calls_aging", "queue_calls", ["left_at"])
    _index("queue_calls_held", "queue_calls", ["left_at"], "many = 0 AND is_open")
    _index("queue_calls_open", "queue_calls", ["system", "key", "number"], "is_open")
    _index("queue_calls_of_call", "queue_calls", ["system", "call_id"], "is_open")


def _index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
