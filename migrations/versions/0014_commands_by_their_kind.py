"""Commands of one system, and of how they ended, by the order in which they were accepted."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ENDED = sa.text("ended_at IS NOT NULL")


def upgrade() -> None:
    op.create_index("commands_of_system", "commands", ["system", "number"])
    op.create_index(
        "commands_of_status",
        "commands",
        ["status", "number"],
        sqlite_where=ENDED,
        postgresql_where=ENDED,
    )
