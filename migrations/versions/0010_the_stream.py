"""The stream: up to which number events were forgotten, and which tokens keep the texts of SMS for a while.

A reader who goes on from an event has to learn that others after it are not kept any more. What was forgotten
before is what lies before the newest gap.

Tokens that could read before there was the scope `content` keep the texts for one release. Which ones there
are, only the configuration says: here it is written down that the next daemon to start has to keep them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None

AFTER_THE_NEWEST_GAP = """
    SELECT max(number) - 1 FROM events AS one
    WHERE NOT EXISTS (SELECT 1 FROM events AS other WHERE other.number = one.number - 1)
"""


def upgrade() -> None:
    op.create_table(
        "forgotten",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("up_to", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "kept_scopes",
        sa.Column("token", sa.Text, primary_key=True),
        sa.Column("scope", sa.Text, primary_key=True),
    )
    db = op.get_bind()
    up_to = db.scalar(sa.text(AFTER_THE_NEWEST_GAP))
    if up_to is None and db.dialect.name == "sqlite":
        up_to = db.scalar(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'events'"))
    if up_to:
        db.execute(sa.text("INSERT INTO forgotten (name, up_to) VALUES ('events', :up_to)"), {"up_to": up_to})
    if db.scalar(sa.text("SELECT 1 FROM sequences LIMIT 1")):  # a daemon has run here
        db.execute(sa.text("INSERT INTO kept_scopes (token, scope) VALUES ('', 'content')"))
