"""What watches store beside their states: piece by piece, each watch its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.store import pieces
from daemon.store.database import Database
from tests.support import stores


@pytest.fixture
def database(engine: str, tmp_path: Path) -> Iterator[Database]:
    opened = stores.at(tmp_path / "a.db")
    yield opened
    opened.close()


def test_pieces_are_stored_changed_and_forgotten_each_by_itself(database: Database) -> None:
    mine, other = ("main", "report/1/A"), ("main", "report/1/B")
    with database.write() as db:
        pieces.save(db, mine, {"A.ymgr/0": b"\x00" * 32_768, "A.ymgr/1": b"\xff", "/0": b"x"})
        pieces.save(db, other, {"A.ymgr/0": b"other"})
    with database.write() as db:
        pieces.save(db, mine, {"A.ymgr/1": b"\xff\xfe", "/0": None})
        pieces.save(db, mine, {})

    with database.read() as db:
        assert pieces.load(db, *mine) == {"A.ymgr/0": b"\x00" * 32_768, "A.ymgr/1": b"\xff\xfe"}
        assert pieces.load(db, *other) == {"A.ymgr/0": b"other"}
        assert pieces.load(db, "other", "report/1/A") == {}
