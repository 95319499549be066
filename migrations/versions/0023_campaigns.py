"""Campaigns of ours, followed to their end."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # No foreign key: the release before forgets commands, and knows nothing of what is here.
    op.create_table(
        "campaigns",
        sa.Column("command", sa.Text, primary_key=True),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("campaign", sa.Text),
        sa.Column("numbers", sa.Integer),
        sa.Column("estimate", sa.Float, nullable=False),
        sa.Column("day", sa.Text),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("idle", sa.Integer, nullable=False),
        sa.Column("final", sa.Integer, nullable=False),
        sa.Column("unlearned", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.Text, nullable=False),
        sa.Column("seen_at", sa.BigInteger),
        sa.Column("busy_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("outcome", sa.Text),
        sa.Column("reason", sa.Text),
    )
    is_open = sa.text("ended_at IS NULL")
    op.create_index(
        "campaigns_open", "campaigns", ["system", "command"], sqlite_where=is_open, postgresql_where=is_open
    )
    op.create_index("campaigns_started", "campaigns", ["system", "started_at"])
