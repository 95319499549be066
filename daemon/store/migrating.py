"""A database becomes as new as this program, by the migrations.

Imported only where there is something to upgrade: to load Alembic takes as long as half the daemon.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError


def alembic_config() -> Config:
    """Alembic's configuration: the migrations in the wheel, or beside the package in a checkout."""
    package = Path(__file__).resolve().parent.parent
    folder = next(path for path in (package / "migrations", package.parent / "migrations") if path.is_dir())
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config


def is_known(revision: str) -> bool:
    """Whether this program has migrations that start from there."""
    try:
        ScriptDirectory.from_config(alembic_config()).get_revision(revision)
    except CommandError:
        return False
    return True


def upgrade(db: sa.Connection) -> None:
    """Run the migrations that are missing."""
    config = alembic_config()
    config.attributes["connection"] = db
    command.upgrade(config, "head")
