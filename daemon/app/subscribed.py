"""What is kept in the store of whom to tell: endpoints, opened by the key file, and feeds.

look        what the store has, opened and judged under a configuration   read
subscribed  a configuration in force goes by it from now on               a value
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import sqlalchemy as sa
import structlog
from pydantic import ValidationError

from daemon.config.kept_endpoints import KeptWebhook, Opened, effective, made, names_of_file
from daemon.config.settings import Config
from daemon.core.feeds import Wanted
from daemon.host import key_file
from daemon.host.key_file import Key
from daemon.host.sealing import SealError, opened, sealed
from daemon.store import feeds as feed_store
from daemon.store import kept_endpoints as store
from daemon.store.database import Database
from daemon.store.kept_endpoints import Kept

log = structlog.get_logger()

PURPOSE = "endpoints"
NO_KEY = "there is no key file: `[daemon] key_file` has to be one that can be written, and stays"
OTHER_KEY = "it was kept under another key file: bring that one back, or remove it and add it anew"
UNFIT = "its settings are not those of this release: change it, or remove it and add it anew"
NO_TEMPLATE = "the file has not its template any more: give that back, or change it"
NO_WINDOW = "it goes by [[windows]] that the file has not any more: those do not count"


@dataclass(frozen=True)
class Subscribed:
    """What is kept, as it counts under a configuration."""

    endpoints: tuple[KeptWebhook, ...] = ()
    """Those that can be used, by name; whether the file hides one is not judged here."""
    feeds: tuple[Wanted, ...] = ()
    faults: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with an endpoint, by name."""
    names: frozenset[str] = frozenset()
    """Of all endpoints that are kept."""
    next_end: datetime | None = None
    """When the secrets that were replaced end next."""


NOTHING = Subscribed()


class Vault:
    """Seals and opens what is kept of endpoints."""

    def __init__(self, key: Key | None) -> None:
        self._key = key.derived(PURPOSE) if key is not None and key.is_kept else None

    @property
    def is_there(self) -> bool:
        """Whether anything can be kept: by a key that the next daemon has, too."""
        return self._key is not None

    def sealed(self, name: str, content: Opened) -> bytes:
        """What the store keeps."""
        assert self._key is not None  # noqa: S101 - who keeps has asked `is_there`
        return sealed(self._key, content.to_bytes(), name)

    def opened(self, kept: Kept) -> Opened:
        """What was kept. Raises `SealError`."""
        if self._key is None:
            raise SealError(NO_KEY)
        try:
            return Opened.from_bytes(opened(self._key, kept.sealed, kept.name))
        except SealError:
            raise SealError(OTHER_KEY) from None


def vault_of(config: Config, database: Database) -> Vault:
    """What opens what a store keeps, for who runs no daemon; nothing is made. Raises `KeyFileError`."""
    with database.read() as db:
        is_needed = bool(store.load(db))
    if not is_needed or not config.daemon.key_file.exists():
        return Vault(None)
    return Vault(key_file.take(config.daemon.key_file).key)


def with_kept(config: Config, database: Database, now: Callable[[], datetime]) -> Config:
    """A configuration with what a store keeps beside it, for who runs no daemon. Raises `KeyFileError`."""
    vault = vault_of(config, database)
    with database.read() as db:
        return effective(config, look(db, vault, config, now).endpoints)


def look(db: sa.Connection, vault: Vault, config: Config, now: Callable[[], datetime]) -> Subscribed:
    """What is kept, under a configuration and at a time."""
    rows = store.load(db)
    at = now() if any(row.overlap_until for row in rows) else None
    found: list[KeptWebhook] = []
    faults: dict[str, str] = {}
    ends: list[datetime] = []
    for row in rows:
        is_over = at is not None and row.overlap_until is not None and row.overlap_until <= at
        if row.overlap_until is not None and not is_over:
            ends.append(row.overlap_until)
        try:
            content = vault.opened(row)
            if is_over:
                content = replace(content, secrets=content.secrets[:1])
            one, fault = _made(content, config)
        except SealError as error:
            faults[row.name] = str(error)
            continue
        except (ValidationError, ValueError, KeyError):
            faults[row.name] = UNFIT
            continue
        if _lacks_template(one, config):
            faults[row.name] = NO_TEMPLATE
            continue
        found.append(one)
        if fault:
            faults[row.name] = fault
    wanted = tuple(one.wanted for one in feed_store.load(db))
    names = frozenset(row.name for row in rows)
    return Subscribed(tuple(found), wanted, faults, names, min(ends, default=None))


def tell(before: Subscribed, after: Subscribed, config: Config) -> None:
    """Say in the log what does not count, once."""
    for name, fault in after.faults.items():
        if before.faults.get(name) != fault:
            log.error("endpoint.kept_unusable", endpoint=name, reason=fault)
    hidden = after.names & names_of_file(config)
    if hidden:
        log.warning("endpoint.kept_hidden", endpoints=sorted(hidden), reason="the file has them, too")


def _lacks_template(one: KeptWebhook, config: Config) -> bool:
    return one.template is not None and config.templates.text_of(one) is None


def _made(content: Opened, config: Config) -> tuple[KeptWebhook, str | None]:
    """An endpoint, and what of it does not count: a window that the file has not any more mutes nobody."""
    names = {one.name for one in config.windows}
    quiet = content.settings.get("quiet")
    listed = [quiet] if isinstance(quiet, str) else quiet if isinstance(quiet, list) else []
    kept = [one for one in listed if not isinstance(one, str) or one in names]
    if len(kept) == len(listed):
        return made(content, config), None
    return made(replace(content, settings={**content.settings, "quiet": kept}), config), NO_WINDOW
