"""What the configuration says of recordings: which go with mails, which are kept, and where they are."""

from pathlib import Path

from daemon.config.settings import Config
from daemon.store import location
from daemon.workers.copies import Asked, Keeping
from daemon.workers.mailed_recordings import Wish

FOLDER = "recordings"


def wish(config: Config) -> Wish:
    """What goes with mails."""
    return Wish(
        frozenset(
            (system.name, one.path) for system in config.systems for one in system.directories if one.attach
        ),
        has_links=config.http.recording_links is not None and config.http.base is not None,
    )


def asked(config: Config) -> Asked:
    """What is kept on the disk."""
    return {
        (system.name, one.path): Keeping(one.keep, one.keep_mib)
        for system in config.systems
        for one in system.directories
        if one.keep is not None
    }


def beside(config: Config) -> Path:
    """Where the daemon may write files of its own: beside its database, or its key."""
    return (location.file_of(config.daemon.database) or config.daemon.key_file).absolute().parent
