"""A delivery's first attempt stands in its own row, where it was accepted.

What was written before stays in `attempts`, and is read from there.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

COLUMNS = (
    ("first_started_at", sa.BigInteger),
    ("first_resolved", sa.Integer),
    ("first_connected", sa.Integer),
    ("first_secured", sa.Integer),
    ("first_answered", sa.Integer),
    ("first_total", sa.BigInteger),
    ("first_http_status", sa.Integer),
    ("first_address", sa.Text),
    ("first_response_head", sa.Text),
)


def upgrade() -> None:
    for name, kind in COLUMNS:
        op.add_column("deliveries", sa.Column(name, kind))
