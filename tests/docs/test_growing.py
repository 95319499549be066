"""What `docs/growing.md` says: its configurations are ones, its figures are the code's."""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from daemon.app import members
from daemon.core import ownership
from daemon.store import postgresql
from daemon.wiring import described
from daemon.workers import membership
from tests.docs.test_docs import blocks
from tests.support.config_files import ENVIRON, QUIET, SYSTEM, loaded
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "growing.md").read_text(encoding="utf-8")
TEXT = " ".join(PAGE.split())


@pytest.mark.parametrize("settings", blocks(PAGE, "toml"))
def test_a_configuration_of_the_page_is_one(settings: str, tmp_path: Path) -> None:
    found = loaded(tmp_path, settings + QUIET + SYSTEM, ENVIRON)

    assert postgresql.engine(sa.make_url(found.config.daemon.database)).dialect.name == "postgresql"


def test_its_figures_are_the_code_s() -> None:
    alive, gone = ownership.DEAD_AFTER, ownership.DEAD_WITHOUT_SESSION

    assert f"{gone:g} s after its session with the database has ended, {alive:g} s where" in TEXT
    assert f"it begins nothing from {membership.VALID:g} s after its last renewal on" in TEXT
    assert f"{ownership.MOST_MOVED} of them or a fiftieth of all at a look" in TEXT
    assert ownership.LEAST_LOOKS == 50
    assert f"after {members.PATIENCE:g} s it goes by the newest" in TEXT
    assert f"a daemon has up to {postgresql.CONNECTIONS + postgresql.OVERFLOW + 1} connections" in TEXT
    assert f"PostgreSQL {postgresql.OLDEST} or later" in TEXT


def test_what_may_differ_is_what_the_fingerprint_leaves_out() -> None:
    told = TEXT.partition("What may differ between them is ")[2].partition(";")[0]

    assert set(re.findall(r"`(\w+)`", told)) == {*described.OWN_OF_DAEMON, *described.OWN_OF_HTTP}
