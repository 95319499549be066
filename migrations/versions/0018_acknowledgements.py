"""Who has an incident, which steps of its escalation were taken, and since when that counts."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # No foreign keys: the release before forgets incidents, and knows nothing of what is here.
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "acknowledgements",
        sa.Column("number", number, primary_key=True),
        sa.Column("incident", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger),
        sa.Column("lasts_until", sa.BigInteger),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("is_passed_on", sa.Boolean, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("acknowledgements_of_incident", "acknowledgements", ["incident", "number"])
    is_new = sa.text("NOT is_passed_on")
    op.create_index(
        "acknowledgements_new",
        "acknowledgements",
        ["number"],
        sqlite_where=is_new,
        postgresql_where=is_new,
    )
    op.create_table(
        "escalations",
        sa.Column("incident", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("step", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("endpoints", sa.Text, nullable=False),
        sa.Column("break_through", sa.Boolean, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
    )
    op.add_column("incidents", sa.Column("told_at", sa.BigInteger))
    op.add_column("incidents", sa.Column("paused_at", sa.BigInteger))
    op.add_column("ledger", sa.Column("acknowledged", sa.BigInteger))
