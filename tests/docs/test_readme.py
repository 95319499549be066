"""The README, taken at its word: its verbs are all there are, its map is whole, its terminals are played."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer.main

from daemon.cli.verbs import VERBS, app
from daemon.host.clock import monotonic, utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.docs.test_docs import blocks
from tests.support.fakes import Receiver
from tests.support.paths import ROOT
from tests.support.process import CONFIGURATION, TOKEN, Process, run_cli

README = (ROOT / "README.md").read_text(encoding="utf-8")
CONSOLES = blocks(README, "console")
MOST_LINES = 350
PATIENCE = 20
SHOWN = """
[contacts]
"0541234567" = "Dana"
"0770000000=2" = "Front desk"
[[systems.queues]]
path = "/5"
name = "sales"
every = "200ms"
[[systems.queues.thresholds]]
metric = "calls_waiting"
above = 1
[systems.units]
every = "200ms"
below = 100
"""


def sections() -> dict[str, str]:
    return {text.partition("\n")[0]: text for text in README.split("\n## ")[1:]}


def test_the_table_has_every_verb_and_what_is_below_it() -> None:
    rows = re.findall(r"^\| ((?:`[^`]+`(?:, )?)+) \|", sections()["The verbs"], re.MULTILINE)
    told: dict[str, set[str]] = {}
    for row in rows:
        first, *others = re.findall(r"`([^`]+)`", row)
        verb, _, below = first.partition(" ")
        told[verb] = {below, *others} - {""}
    root = typer.main.get_group(app)
    shown = {
        name: {below for below, one in getattr(root.commands[name], "commands", {}).items() if not one.hidden}
        for name in VERBS
    }

    assert told == shown


def test_the_map_has_every_page() -> None:
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    rooms = {f"{path.parent.name}/{path.name}" for path in (ROOT / "docs").glob("*/README.md")}

    assert set(re.findall(r"\]\(docs/([\w/-]+\.md)\) \|", sections()["The pages"])) == pages | rooms
    assert len(README.splitlines()) <= MOST_LINES


def test_what_is_linked_is_there() -> None:
    """In the README and in every page: files, pictures, and the headings behind a `#`."""
    missing = []
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        for link, heading in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", text):
            target = (page.parent / link).resolve() if link else page
            if not target.exists() or (heading and heading not in anchors(target)):
                missing.append((page.name, link, heading))

    assert missing == []


def anchors(page: Path) -> set[str]:
    """How the headings of a page are linked."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.slow
@pytest.mark.parametrize("words", re.findall(r"^\$ (?:sudo )?yemotd (.*?)(?: +#.*)?$", README, re.MULTILINE))
def test_a_command_is_one_that_there_is(words: str, tmp_path: Path) -> None:
    asked = run_cli(tmp_path, *words.split(), "--help")

    assert (asked.returncode, asked.stderr) == (0, "")


@pytest.fixture
def system() -> SimulatedSystem:
    one = SimulatedSystem("0770000000", now=utcnow)
    for name in ("0770000000", "0770000000=2"):
        one.add_sip_account(name)
    one.queue("/5").add_agent("SIP-0770000000-2")
    one.receive_sms("0501112222", "of yesterday")
    return one


@pytest.fixture
def daemon(system: SimulatedSystem, tmp_path: Path) -> Iterator[Process]:
    with Simulator({TOKEN: system}, now=utcnow) as simulator, Receiver() as receiver:
        text = CONFIGURATION.replace("[[webhooks]]", f"{SHOWN}[[webhooks]]")
        process = Process(tmp_path, text, base_url=simulator.base_url, webhook_url=receiver.url)
        process.start()
        yield process
        process.stop()


def steady(text: str) -> list[str]:
    """Words, without what is another each time."""
    text = re.sub(r"20\d\d-\d\d-\d\d( \d\d:\d\d:\d\d\+\d\d:\d\d)?", "<time>", text)
    text = re.sub(r"inc_\w+", "<id>", text)
    return re.sub(r"\b\d+ ?s\b", "<age>", text).split()


def until(daemon: Process, is_it: Callable[[str], bool]) -> str:
    """What `yemotd now` prints, once it is so."""
    deadline = monotonic() + PATIENCE
    while not is_it(said := run_cli(daemon.directory, "now").stdout):
        assert monotonic() < deadline, said
    return said


@pytest.mark.slow
def test_the_terminals_show_what_is_shown(system: SimulatedSystem, daemon: Process) -> None:
    until(daemon, lambda said: all(one in said for one in ("2 on", "0 waiting", "units   250", "log seen")))
    system.set_registered("0770000000=2", registered=False)
    for phone in ("0501000001", "0541234567"):
        system.queue("/5").join(phone)
    system.queue("/5").add_agent("SIP-0770000000-3")
    system.queue("/5").set_agent("SIP-0770000000-3", paused=True)
    system.receive_sms("0541234567", "hi")
    shown, events = CONSOLES[0], next(one for one in CONSOLES if "events tail" in one)

    until(daemon, lambda said: steady(said.partition("\n")[2]) == steady(shown.partition("\n")[2]))
    listed = run_cli(daemon.directory, "events", "list").stdout
    assert steady(events.splitlines()[-1]) in [steady(line) for line in listed.splitlines()]
