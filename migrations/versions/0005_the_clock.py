"""How the wall clock stands, so that a step of it is seen; and what of a command's times its caller wrote."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "clock",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("stepped", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("boot", sa.Text, nullable=False),
        sa.Column("elapsed", sa.BigInteger, nullable=False),
    )
    op.add_column("commands", sa.Column("clock", sa.BigInteger))
    op.add_column("commands", sa.Column("is_start_given", sa.Boolean))
    op.add_column("commands", sa.Column("is_end_given", sa.Boolean))
