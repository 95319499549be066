"""The recipes for the platform's logs, taken at their word: each is run against the simulator."""

import json
import re
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from daemon.config.load import load
from daemon.core import allowance, cards
from daemon.core.allowance import Allowance
from daemon.core.durations import MINUTE
from daemon.core.routing.plan import Interest
from daemon.core.watches import report_files as watched
from daemon.pipeline.events import Recorder
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from daemon.wiring.clients import client_of
from daemon.wiring.watches import watches
from daemon.workers.poller import Poller
from daemon.yemot import reports
from tests.support import stores
from tests.support.fakes import FakeClock, Ids
from tests.support.paths import ROOT

PAGE = (ROOT / "docs/recipes.md").read_text(encoding="utf-8")
ZONE = ZoneInfo("Asia/Jerusalem")
TOKEN = "0770000000:demo"


class Recipe(NamedTuple):
    """What one of them shows."""

    title: str
    tables: str
    file: str
    rows: str
    told: list[dict[str, str]]
    prose: str


def recipes() -> list[Recipe]:
    found = []
    for section in PAGE.split("\n## ")[1:]:
        blocks = {name: text for name, text in re.findall(r"```(\w+)\n(.*?)```", section, re.DOTALL)}
        (file,) = re.findall(r"^Of th\w+ rows? of `(.+)`$", section, re.MULTILINE)
        told = [json.loads(line) for line in blocks["json"].splitlines()]
        found.append(Recipe(section.splitlines()[0], blocks["toml"], file, blocks["text"], told, section))
    return found


@pytest.mark.parametrize("recipe", recipes(), ids=lambda one: one.title)
def test_each_tells_what_it_shows(recipe: Recipe, tmp_path: Path) -> None:
    clock, system = FakeClock(), SimulatedSystem(now=FakeClock().now)
    (tmp_path / "token").write_text(TOKEN)
    with Simulator({TOKEN: system}, now=clock.now) as simulator, closing(stores.in_memory()) as database:
        own = f'[[systems]]\nname = "main"\ntoken_file = "token"\nbase_url = "{simulator.base_url}"\n'
        (tmp_path / "config.toml").write_text(own + recipe.tables, encoding="utf-8")
        (settings,) = load(tmp_path / "config.toml", {}).config.systems
        client = client_of(settings, allowance=Allowance(clock.monotonic))
        (watch,) = watches(settings, client, ZONE)
        recorder = Recorder([Interest("crm", ("report.*",), None)], Ids())
        poller = Poller(database, lambda: recorder, now=clock.now, monotonic=clock.monotonic)
        with closing(client):
            system.files.put(recipe.file, b"")
            poller.poll(watch)
            system.files.append(recipe.file, recipe.rows.encode())
            clock.advance(300)
            bodies = [json.loads(one.body)["data"] for one in poller.poll(watch).recorded.events]

    assert [one["row"] for one in bodies] == recipe.told
    withheld = [one["report"]["withheld"] for one in bodies if "withheld" in one["report"]]
    assert withheld == [json.loads(one) for one in re.findall(r'`"withheld": (.+?)`', recipe.prose)]


def test_its_figures_are_the_code_s() -> None:
    assert f"at most every {allowance.SELDOM // MINUTE} minutes" in PAGE
    assert f"{allowance.MOST_A_DAY // 1_000_000} MB a day" in PAGE
    assert f"more than {reports.MOST_BYTES // 2**20} MiB, or {reports.MOST_ROWS:,} rows" in PAGE
    assert f"only the {watched.AT_FIRST} newest" in PAGE
    assert f"{cards.SHORTEST} to {cards.LONGEST} digits" in PAGE
    assert len(recipes()) == 3
