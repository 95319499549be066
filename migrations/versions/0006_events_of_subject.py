"""What happened to one subject can be read without reading everything."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("events_of_subject", "events", ["subject", "number"])
