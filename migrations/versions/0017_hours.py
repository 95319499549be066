"""Alerts have hours: why an incident ended; and silences that come back."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incidents", sa.Column("cause", sa.Text))
    op.create_table(
        "recurring_silences",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger),
        sa.Column("days", sa.Text, nullable=False),
        sa.Column("from_time", sa.Text, nullable=False),
        sa.Column("to_time", sa.Text, nullable=False),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("expired_at", sa.BigInteger),
    )
    op.create_index("recurring_silences_created", "recurring_silences", ["created_at"])
