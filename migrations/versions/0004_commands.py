"""Commands that other systems give: one row each, from the request to its outcome."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "commands",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("params", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("not_before", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("on_holiday", sa.Text, nullable=False),
        sa.Column("idempotency_key", sa.Text),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("estimate", sa.Float),
        sa.Column("units", sa.Float, nullable=False),
        sa.Column("day", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("is_doubtful", sa.Boolean, nullable=False),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("result", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("error_message", sa.Text),
        sa.Column("error_code", sa.Integer),
        sqlite_autoincrement=True,
    )
    _index("commands_key", ["system", "idempotency_key"], "idempotency_key IS NOT NULL", unique=True)
    _index("commands_queued", ["system", "number"], "status = 'queued'")
    _index("commands_running", ["system"], "status = 'running'")
    _index("commands_day", ["system", "day"], "day IS NOT NULL")
    _index("commands_ended", ["ended_at"], "ended_at IS NOT NULL")


def _index(name: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(
        name, "commands", columns, unique=unique, sqlite_where=condition, postgresql_where=condition
    )
