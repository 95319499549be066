"""SMS that were sent, and the units that are held for the ends of alerts."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "texts",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("endpoint", sa.Text),
        sa.Column("event", sa.Text),
        sa.Column("command", sa.Text),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("sender", sa.Text),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("parts", sa.Integer, nullable=False),
        sa.Column("units", sa.Float, nullable=False),
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("sent_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("report", sa.Text),
        sa.Column("outcome", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("is_live", sa.Boolean, nullable=False),
        sqlite_autoincrement=True,
    )
    for name, columns, where, unique in (
        ("texts_of_event", ["endpoint", "event"], "endpoint IS NOT NULL", True),
        ("texts_of_command", ["command", "phone"], "command IS NOT NULL", True),
        ("texts_sending", ["number"], "state = 'sending'", False),
        ("texts_live", ["system", "number"], "is_live", False),
    ):
        op.create_index(
            name,
            "texts",
            columns,
            unique=unique,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
    op.create_index("texts_day", "texts", ["system", "day", "state"])
    op.create_index("texts_of_phone", "texts", ["phone", "sent_at"])
    op.create_index("texts_of_system", "texts", ["system", "sent_at"])
    op.create_table(
        "text_reserves",
        sa.Column("endpoint", sa.Text, primary_key=True),
        sa.Column("incident", sa.Text, primary_key=True),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("units", sa.Float, nullable=False),
        sa.Index("text_reserves_of_system", "system"),
    )
