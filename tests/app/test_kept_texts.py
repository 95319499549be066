"""Tokens of before there was the scope `content`: they keep the texts for one release, whoever upgraded."""

import json
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa
from alembic import command
from structlog.testing import capture_logs

from daemon.app.kept_texts import KeptTexts
from daemon.cli import kept_texts as told
from daemon.config.load import load
from daemon.config.settings import Config
from daemon.store import database as databases
from daemon.store import kept_scopes, migrating
from daemon.store.database import Database
from tests.support import stores
from tests.support.config_files import SYSTEM

OLD = {"dashboard": ["read"], "crm": ["command"], "ops": ["admin"], "archive": ["content"]}


def configured(directory: Path, tokens: dict[str, list[str]]) -> Config:
    text = "".join(
        f'[[http.tokens]]\nname = "{name}"\ntoken_env = "T{number}"\nscopes = {json.dumps(scopes)}\n'
        for number, (name, scopes) in enumerate(tokens.items())
    )
    path = directory / "config.toml"
    path.write_text(f'[daemon]\ndatabase = "sqlite:///{directory}/web.db"\n{text}{SYSTEM}')
    environ = {f"T{number}": f"token-number-{number}" for number in range(len(tokens))}
    return load(path, {"TOKEN": "0:0", **environ}).config


def seeing(kept: KeptTexts, config: Config) -> set[str]:
    return {one.name for one in kept.tokens(config) if one.allows("content")}


def left_by_an_older_one(path: Path, *, was_run: bool = True) -> None:
    """A database as the release before left it."""
    path.touch(mode=0o600)
    path.write_bytes(older(was_run=was_run))


@cache
def older(*, was_run: bool) -> bytes:
    with TemporaryDirectory() as folder:
        engine = sa.create_engine(f"sqlite:///{folder}/old.db")
        config = migrating.alembic_config()
        with engine.begin() as db:
            config.attributes["connection"] = db
            command.upgrade(config, "0008")
            if was_run:
                db.exec_driver_sql("INSERT INTO sequences (system, last) VALUES ('', 1)")
        engine.dispose()
        return Path(folder, "old.db").read_bytes()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    left_by_an_older_one(tmp_path / "web.db")
    with closing(databases.open_for_daemon(f"sqlite:///{tmp_path}/web.db")) as one:
        yield one


def test_those_in_force_at_the_upgrade_keep_them_and_the_log_names_them(
    database: Database, tmp_path: Path
) -> None:
    config, kept = configured(tmp_path, OLD), KeptTexts(database)
    with capture_logs() as said:
        kept.settle(config, is_start=True)

    assert seeing(kept, config) == set(OLD)
    assert [(one["event"], one["tokens"]) for one in said] == [("http.content_kept", ["crm", "dashboard"])]
    assert [one.scopes for one in kept.tokens(config)][2:] == [{"admin"}, {"content"}]


def test_it_is_kept_over_starts_and_for_nobody_new(database: Database, tmp_path: Path) -> None:
    KeptTexts(database).settle(configured(tmp_path, OLD), is_start=True)
    again, config = KeptTexts(database), configured(tmp_path, {**OLD, "new": ["read"]})
    for is_start in (True, False):
        with capture_logs() as said:
            again.settle(config, is_start=is_start)
        assert seeing(again, config) == set(OLD)
        assert said[0]["tokens"] == ["crm", "dashboard"]


def test_who_was_taken_out_or_given_the_scope_is_new_when_he_comes_back(
    database: Database, tmp_path: Path
) -> None:
    kept, old = KeptTexts(database), configured(tmp_path, OLD)
    kept.settle(old, is_start=True)
    kept.settle(configured(tmp_path, {"dashboard": ["content"]}), is_start=False)
    kept.settle(old, is_start=False)

    assert seeing(kept, old) == {"ops", "archive"}


def test_an_upgrade_that_the_start_did_not_follow_loses_nothing(database: Database, tmp_path: Path) -> None:
    # Upgraded, and killed; `yemotd db upgrade` and a reload leave it as open.
    config = configured(tmp_path, OLD)
    kept = KeptTexts(database)
    kept.settle(config, is_start=False)
    assert seeing(kept, config) == {"ops", "archive"}
    with database.read() as db:
        assert kept_scopes.load(db) == ()
    kept.settle(config, is_start=True)
    assert seeing(kept, config) == set(OLD)


def test_a_reload_that_cannot_write_gives_nobody_more(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, config = KeptTexts(database), configured(tmp_path, {"dashboard": ["read"], "crm": ["command"]})
    kept.settle(config, is_start=True)
    monkeypatch.setattr(database, "write", stores.Failing(stores.FAILING[0]).write)
    fewer = configured(tmp_path, {"crm": ["command"], "new": ["read"]})
    kept.settle(fewer, is_start=False)

    assert seeing(kept, fewer) == {"crm"}
    with pytest.raises(sa.exc.OperationalError):
        KeptTexts(database).settle(config, is_start=True)


@pytest.mark.parametrize("is_old", [True, False])
def test_a_new_database_keeps_them_for_nobody(tmp_path: Path, is_old: bool) -> None:
    if is_old:  # one that no daemon ever wrote to
        left_by_an_older_one(tmp_path / "web.db", was_run=False)
    with closing(databases.open_for_daemon(f"sqlite:///{tmp_path}/web.db")) as database:
        config, kept = configured(tmp_path, OLD), KeptTexts(database)
        with capture_logs() as said:
            kept.settle(config, is_start=True)

        assert (seeing(kept, config), said) == ({"ops", "archive"}, [])
        assert told.warnings(config) == []


def test_check_tells_it_before_the_upgrade_after_it_and_from_the_start_on(tmp_path: Path) -> None:
    config = configured(tmp_path, OLD)
    assert told.warnings(config) == []
    left_by_an_older_one(tmp_path / "web.db")
    expected = [f"the token {name!r} {told.KEEPS_TEXTS}" for name in ("dashboard", "crm")]

    assert told.warnings(config) == expected
    with closing(databases.open_for_daemon(f"sqlite:///{tmp_path}/web.db")) as database:
        assert told.warnings(config) == expected
        KeptTexts(database).settle(configured(tmp_path, {"crm": ["command"]}), is_start=True)
        assert told.warnings(config) == expected[1:]
