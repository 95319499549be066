"""What every test starts from: no variables of ours in the environment, and quiet logs."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from daemon.core.wishes import UNGUARDED, Wish
from daemon.host.clock import utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from daemon.store.database import Database
from tests.support import examples, parts, postgresql, stores
from tests.support.dispatching import Setting
from tests.support.fakes import Receiver
from tests.support.plans import Listener
from tests.support.process import TOKEN
from tests.support.statements import Recorder
from tests.support.story import Story

examples.register()

listener = Listener()

MACHINES = ("tests/process/systemd/", "tests/browser/")
"""The tests that share a machine, which is booted once, or a browser; so they run one after the other."""


class ByMachine(LoadScopeScheduling):  # type: ignore[misc] # it has no types
    """Each test goes to whoever is free, but those of a machine to one. (`--dist loadgroup` marks tests by
    changing their ids, which pytest has forbidden since.)"""

    def _split_scope(self, nodeid: str) -> str:
        return next((one for one in MACHINES if nodeid.startswith(one)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByMachine:
    return ByMachine(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record-statements", action="store_true", help="write tests/store/statements.txt")
    parser.addoption(
        "--cpu-budget", type=float, help="say how many seconds of CPU the run took, beside so many"
    )


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As a shell leaves it that runs us in the background: whatever we start would ignore Ctrl-C as well.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    parts.look_everywhere()
    listener.listen()
    if config.getoption("--record-statements"):
        config.pluginmanager.register(Recorder())


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    parts.check(item)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What was imported and collected stays: to look through it again with each full collection costs
    seconds."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What tests say of the machine that they ran on, as the property "says"; and the CPU that they
    took. Both are there to be seen, and fail nothing."""
    passed = terminalreporter.stats.get("passed", [])
    for line in sorted({str(said) for one in passed for key, said in one.user_properties if key == "says"}):
        terminalreporter.write_line(line)
    budget = config.getoption("--cpu-budget")
    if budget is not None:
        spent = sum(os.times()[:4])
        terminalreporter.write_line(f"{spent:.1f} s of CPU; the budget is {budget:g} s")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("YEMOTD_") or name in ("CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def quiet_logs() -> Iterator[None]:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def nothing_is_set_aside_in_silence(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where no configuration stands behind a wish nobody would hear that it raises; here it does raise."""

    def again(_wish: Wish, error: Exception) -> None:
        raise error

    monkeypatch.setattr(UNGUARDED.wishes, "_on_raised", again)
    yield
    UNGUARDED.wishes._standing.clear()
    UNGUARDED.wishes._set_aside.clear()


@pytest.fixture(autouse=True)
def no_statement_reads_all_there_ever_was() -> Iterator[None]:
    """Of those that the store says for the first time in this run; `tests/support/plans.py` judges."""
    yield
    assert listener.faults() == []


@pytest.fixture(scope="session", autouse=True)
def run_with_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """All processes of a run share one server, which the first of them starts that needs it."""
    folder = tmp_path_factory.getbasetemp()
    with postgresql.run(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder):
        yield


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """What the stores of the test are made on: SQLite, or what a test says; where the store's contract is
    tested, its folder lets each run on both (`tests/support/engines.py`)."""
    name = getattr(request, "param", stores.SQLITE)
    with stores.on_engine(name):
        yield name


@pytest.fixture
def database(engine: str) -> Iterator[Database]:
    """A new store; in SQLite it is in memory."""
    one = stores.new()
    yield one
    one.close()


@pytest.fixture
def setting(database: Database) -> Setting:
    """Deliveries on that store."""
    return Setting(database)


@pytest.fixture
def story(engine: str, tmp_path: Path) -> Iterator[Story]:
    one = Story(tmp_path / "story.db")
    yield one
    one.database.close()


@pytest.fixture
def system() -> SimulatedSystem:
    """A phone system with one phone, which is on the network."""
    one = SimulatedSystem(now=utcnow)
    one.add_sip_account("0773137770")
    one.set_registered("0773137770", registered=True)
    return one


@pytest.fixture
def simulator(system: SimulatedSystem) -> Iterator[Simulator]:
    """The API of that system."""
    with Simulator({TOKEN: system}, now=utcnow) as one:
        yield one


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of webhooks that takes everything."""
    with Receiver() as one:
        yield one
