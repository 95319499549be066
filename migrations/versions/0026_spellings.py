"""How the phones of events' subjects are spelled, and how far that has got; both are filled while the daemon
runs."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "spellings",
        sa.Column("phone", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Index("spellings_number", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "spelled",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("up_to", sa.BigInteger, nullable=False),
        sa.Column("behind", sa.Text),
    )
