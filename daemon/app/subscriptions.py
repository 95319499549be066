"""Endpoints added, changed and taken away over HTTP: judged as those of the file, kept sealed, and in force
at once.

One transaction changes the row; what follows from it (deliveries that are for nobody any more, what is said
to be in force) is done where every member hears of it: `Reloading.follow`.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from daemon.app.subscribed import NO_KEY, Subscribed, Vault
from daemon.config.kept_endpoints import Opened, names_of_file
from daemon.config.settings import Config
from daemon.core.durations import DAY, NOTHING
from daemon.core.refusals import Refused, Why
from daemon.core.webhooks.signing import PREFIX
from daemon.core.wording import nearest, quoted
from daemon.host.sealing import SealError
from daemon.schemas.endpoint_requests import MOST, TAKEN, WrongError, judged
from daemon.schemas.kept_endpoints import KeptEndpoint, KeptSecret
from daemon.store import kept_endpoints as store
from daemon.store.database import Database
from daemon.store.kept_endpoints import Kept
from daemon.web.problems import SAID, WRONG, Fault, Problem
from daemon.web.subscriptions import Source

SECRET_BYTES = 32
"""Of 24 to 64 (Standard Webhooks 1.0.0, "Signature scheme")."""
OVERLAP = DAY
LONGEST_OVERLAP = 30 * DAY


class Subscriptions:
    """For every thread of the HTTP side."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        config: Callable[[], Config],
        subscribed: Callable[[], Subscribed],
        *,
        now: Callable[[], datetime],
        changed: Callable[[], None],
    ) -> None:
        """`config`: that which is in force; `changed`: goes by what is kept now, and comes back when that is
        in force here."""
        self._database = database
        self._vault = vault
        self._config = config
        self._subscribed = subscribed
        self._now = now
        self._changed = changed

    def add(self, settings: Mapping[str, Any], by: str, key: str | None) -> tuple[KeptSecret, bool]:
        self._needs_key()
        asked = _fingerprint(settings)
        request = None if key is None else json.dumps([by, key])
        with self._database.write() as db:
            before = next((one for one in store.load(db) if request and one.request == request), None)
            if before is not None:
                return self._repeated(before, asked), True
            content = Opened(dict(settings), (_secret(),), asked)
            self._judge(content)
            name = str(settings["name"])
            rows = store.load(db)
            if any(one.name == name for one in rows):
                said = f"an endpoint of the name {quoted(name)} is kept already: PATCH changes it"
                raise Refused(Why.CONFLICT, said, "name")
            if len(rows) >= MOST:
                raise Refused(Why.CONFLICT, f"{MOST} endpoints are kept already: remove one")
            now = self._now()
            kept = Kept(name, self._vault.sealed(name, content), by, now, now, request=request)
            store.put(db, kept)
        self._changed()
        return KeptSecret.shown(kept, content.settings, content.secrets[0]), False

    def change(self, name: str, changes: Mapping[str, Any], by: str) -> KeptEndpoint:
        self._needs_key()
        if "name" in changes and changes["name"] != name:
            raise _problem([("name", "cannot be changed: add another, and remove this one")])
        with self._database.write() as db:
            kept = self._found(db, name)
            self._is_not_hidden(name)
            content = self._opened(kept)
            merged = {**content.settings, **changes}
            # What there is not cannot be taken back either: it is told as what it is.
            merged = {key: one for key, one in merged.items() if one is not None or key not in TAKEN}
            content = replace(content, settings=merged)
            self._judge(content)
            kept = replace(kept, sealed=self._vault.sealed(name, content), author=by, changed_at=self._now())
            store.put(db, kept)
        self._changed()
        return KeptEndpoint.of(kept, content.settings)

    def rotate(self, name: str, overlap: timedelta | None) -> KeptSecret:
        self._needs_key()
        lasts = OVERLAP if overlap is None else overlap
        if lasts > LONGEST_OVERLAP:
            raise _problem([("overlap", "at most 30d")])
        with self._database.write() as db:
            kept, now = self._found(db, name), self._now()
            content = self._opened(kept)
            is_lasting = kept.overlap_until is not None and kept.overlap_until > now
            if is_lasting and lasts > NOTHING:
                said = "the secret before signs yet: `overlap` of 0s ends all but the new one at once"
                raise Refused(Why.CONFLICT, said, "overlap")
            new = _secret()
            content = replace(content, secrets=(new, *(content.secrets[:1] if lasts > NOTHING else ())))
            until = now + lasts if lasts > NOTHING else None
            sealed = self._vault.sealed(name, content)
            kept = replace(kept, sealed=sealed, changed_at=now, overlap_until=until)
            store.put(db, kept)
        self._changed()
        return KeptSecret.shown(kept, content.settings, new)

    def remove(self, name: str) -> KeptEndpoint:
        with self._database.write() as db:
            kept = self._found(db, name)
            store.remove(db, name)
        self._changed()
        return self._document(kept)

    def show(self, name: str) -> KeptEndpoint:
        with self._database.read() as db:
            kept = self._found(db, name)
        return self._document(kept)

    def sources(self) -> Mapping[str, Source]:
        found, file = self._subscribed(), names_of_file(self._config())
        return {
            **dict.fromkeys(file, Source(is_kept=False)),
            **{name: Source(is_kept=True, fault=found.faults.get(name)) for name in found.names - file},
        }

    def _document(self, kept: Kept) -> KeptEndpoint:
        is_hidden = kept.name in names_of_file(self._config())
        try:
            content, fault = self._vault.opened(kept), self._subscribed().faults.get(kept.name)
        except SealError as error:
            content, fault = Opened({}, ()), str(error)
        return KeptEndpoint.of(kept, content.settings, is_hidden=is_hidden, fault=fault)

    def _repeated(self, kept: Kept, asked: str) -> KeptSecret:
        content = self._opened(kept)
        if content.asked != asked:
            said = (
                f"the key was given before, for the endpoint {quoted(kept.name)}, with something else in it"
            )
            raise Refused(Why.KEY_IN_USE, said, "idempotency-key")
        return KeptSecret.shown(kept, content.settings, None)

    def _judge(self, content: Opened) -> None:
        try:
            judged(content.settings, content.secrets, self._config())
        except WrongError as error:
            raise _problem(error.faults) from None

    def _found(self, db: sa.Connection, name: str) -> Kept:
        kept = store.find(db, name)
        if kept is None and name in names_of_file(self._config()):
            said = f"the endpoint {quoted(name)} stands in the configuration file, and is changed there"
            raise Refused(Why.CONFLICT, said)
        if kept is None:
            near = nearest(name, [one.name for one in store.load(db)])
            raise Refused(Why.MISSING, f"no endpoint of the name {quoted(name)} is kept{near}")
        return kept

    def _is_not_hidden(self, name: str) -> None:
        if name in names_of_file(self._config()):
            said = f"the configuration file has an endpoint {quoted(name)}, which counts: change that one"
            raise Refused(Why.CONFLICT, said)

    def _opened(self, kept: Kept) -> Opened:
        try:
            return self._vault.opened(kept)
        except SealError as error:
            raise Refused(Why.CONFLICT, f"{quoted(kept.name)} cannot be opened: {error}") from None

    def _needs_key(self) -> None:
        if not self._vault.is_there:
            raise Refused(Why.CONFLICT, f"no secret can be kept: {NO_KEY}")


def _secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _fingerprint(settings: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _problem(faults: list[tuple[str, str]]) -> Problem:
    detail = "; ".join(f"{name}: {reason}" for name, reason in faults[:SAID])
    return Problem(422, WRONG, detail, [Fault(name=name, reason=reason) for name, reason in faults])
