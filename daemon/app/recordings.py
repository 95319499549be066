"""What fetches recordings and what keeps them, of a daemon that runs."""

from collections.abc import Callable
from datetime import datetime
from typing import BinaryIO

from daemon.app.in_force import Current
from daemon.core.model import Failure, Unknown
from daemon.core.recordings import MIB, Recording
from daemon.host import clock
from daemon.store import location
from daemon.store.database import Database
from daemon.store.ownership import Ownership
from daemon.wiring.recordings import FOLDER, asked, beside
from daemon.workers.downloads import Downloads, FullError, Held
from daemon.workers.heedful_downloads import Heedful
from daemon.workers.keeper import Keeper
from daemon.workers.system_pauses import Pauses
from daemon.yemot import downloads as platform


def parts(
    database: Database,
    current: Current,
    ownership: Ownership,
    *,
    now: Callable[[], datetime],
    pauses: Pauses,
    on_tried: Callable[[str, int | None], None],
) -> tuple[Keeper, Downloads]:
    """Make both; nothing is fetched yet. `on_tried`: as of `Keeper`."""
    folder = beside(current().config)

    def fetch(recording: Recording, into: BinaryIO, is_wanted: Callable[[], bool]) -> int | Unknown:
        of = current()
        for system, client in zip(of.config.systems, of.clients, strict=True):
            if system.name == recording.system:
                return platform.fetch(client, recording, into, is_wanted)
        return Unknown(Failure.REFUSED, "its system is not configured any more", 404)

    def has_room(size: int) -> bool:
        disk = location.disk_under(folder)
        return disk is None or disk.free - size >= current().config.daemon.free_mib * MIB

    keeper = Keeper(
        database,
        lambda: downloads,
        folder / FOLDER,
        asked=lambda: asked(current().config),
        now=now,
        monotonic=clock.monotonic,
        has_room=has_room,
        ownership=ownership,
        on_tried=on_tried,
    )
    heedful = Heedful(fetch, pauses, database, ownership, now)
    downloads = Downloads(heedful, lambda: folder, monotonic=clock.monotonic, kept=keeper.find)
    return keeper, downloads


class Places:
    """Where the HTTP side has recordings fetched."""

    def __init__(self, downloads: Downloads) -> None:
        self._downloads = downloads

    def hold(self, recording: Recording, /) -> Held | None:
        """As `web.serving.Places`."""
        try:
            return self._downloads.hold(recording)
        except FullError:
            return None
