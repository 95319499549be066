"""Whether an endpoint fails alone, of those that share a server: a mailbox is refused, and no other."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("endpoints", sa.Column("is_own", sa.Boolean, nullable=False, server_default=sa.false()))
