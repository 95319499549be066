"""Alembic's entry: runs the migrations on the connection that it is handed.

Within the daemon that is the connection of the upgrade's own transaction. From the command line of
Alembic (`alembic -x url=sqlite:///yemotd.db …`) it opens one.
"""

import sqlalchemy as sa
from alembic import context

from daemon.store.schema import metadata


def run(connection: sa.Connection) -> None:
    """Run what is to run, in one transaction."""
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with sa.create_engine(context.get_x_argument(as_dictionary=True)["url"]).begin() as opened:
        run(opened)
