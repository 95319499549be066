"""Incidents by the time at which they fired, of all systems and of one."""

from alembic import op

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("incidents_fired", "incidents", ["fired_at", "id"])
    op.create_index("incidents_of_system", "incidents", ["system", "fired_at", "id"])
