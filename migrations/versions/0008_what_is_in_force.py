"""What a configuration came to: which one is in force, and by which schedule a hastened delivery goes on.

Also which faults of an answer were told, so that one that comes and goes is told once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("again_at", sa.BigInteger))
    op.add_column("watches", sa.Column("told_problems", sa.Text))
    op.create_table(
        "in_force",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("described", sa.Text, nullable=False),
        sa.Column("reloaded_at", sa.BigInteger),
        sa.Column("reload", sa.Text),
    )
