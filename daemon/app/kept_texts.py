"""Who may see the texts of SMS: tokens of before there was a scope for it keep them for one release."""

from typing import TYPE_CHECKING

import structlog

from daemon.config.settings import Config, HttpToken
from daemon.core.scopes import CONTENT
from daemon.store import kept_scopes
from daemon.store.database import Database
from daemon.store.location import FAILURES

if TYPE_CHECKING:
    from daemon.web.auth import Token

log = structlog.get_logger()


class KeptTexts:
    """The tokens of the configuration in force, with what some of them keep."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._names: frozenset[str] = frozenset()

    def settle(self, config: Config, *, is_start: bool) -> None:
        """A configuration is in force: find whom this concerns, and tell it in the log. Raises the store's
        errors at the start; at a reload nobody is given more than he had."""
        without = config.http.without_content
        try:
            with self._database.write() as db:
                self._names = kept_scopes.settle(db, without, is_start=is_start)
        except FAILURES:
            if is_start:
                raise
            self._names = self._names.intersection(without)
        if self._names:
            log.warning("http.content_kept", tokens=sorted(self._names), until="the next release")

    def tokens(self, config: Config) -> "list[Token]":
        """All that open the HTTP side."""
        from daemon.web.auth import Token  # noqa: PLC0415 - who has no HTTP side needs none of it

        return [Token(one.name, one.token, self._scopes(one)) for one in config.http.tokens]

    def _scopes(self, token: HttpToken) -> frozenset[str]:
        kept = {CONTENT} if token.name in self._names else ()
        return frozenset(token.scopes).union(kept)
