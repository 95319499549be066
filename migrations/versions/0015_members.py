"""Several daemons share one database: who they are, and which of them holds what."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "members",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("incarnation", sa.Text, nullable=False),
        sa.Column("lock", sa.Integer, nullable=False, unique=True),
        sa.Column("counter", sa.BigInteger, nullable=False),
        sa.Column("joined_at", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("read_at", sa.BigInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("differs", sa.Text),
        sa.Column("told", sa.Text),
    )
    op.create_table(
        "holdings",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("member", sa.Text),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("paused_until", sa.BigInteger),
        sa.Column("pause", sa.Text),
    )
    op.create_index("holdings_of_member", "holdings", ["member"])
    op.add_column("in_force", sa.Column("fingerprint", sa.Text))
