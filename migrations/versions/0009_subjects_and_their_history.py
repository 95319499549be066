"""How each thing that is watched stands, and for how long it was up and down."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "subjects",
        sa.Column("system", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("watch", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("metrics", sa.Text),
        sa.Column("details", sa.Text),
        sa.Column("known_state", sa.Text),
        sa.Column("known_since", sa.BigInteger),
        sa.Column("left_at", sa.BigInteger),
    )
    op.create_index("subjects_number", "subjects", ["system", "number"], unique=True)
    op.create_index("subjects_of_watch", "subjects", ["system", "watch"])
    op.create_table(
        "history",
        sa.Column("step", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("start", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("system", sa.Text, primary_key=True),
        sa.Column("flush", sa.BigInteger, nullable=False),
        sa.Column("tallies", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
