"""`events tail`: by the stream where the daemon runs, else from the store; nothing twice, none left out."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.cli import following
from daemon.cli.following import Door, Following
from daemon.config.load import load
from daemon.config.settings import Config
from daemon.core.model import Event
from daemon.store import database as databases
from daemon.store import events
from daemon.store.events import Query
from tests.support import stores
from tests.support.config_files import SYSTEM
from tests.support.examples import examples
from tests.support.fakes import Ids
from tests.support.process import free_port
from tests.web.test_stream import TRUSTED, Office

HTTP = """
[http]
listen = "127.0.0.1:{port}"
[[http.tokens]]
name = "blind"
token_env = "BLIND"
[[http.tokens]]
name = "tail"
token_env = "TAIL"
scopes = ["content"]
"""


def configuration(directory: Path, http: str) -> Config:
    path = directory / "config.toml"
    path.write_text(f'[daemon]\ndatabase = "sqlite:///{directory}/web.db"\n{http}\n{SYSTEM}')
    return load(path, {"TOKEN": "0:0", "BLIND": "of-the-blind", "TAIL": TRUSTED}).config


class Terminal:
    """One who follows, as the verb does, beside a daemon that comes and goes."""

    def __init__(self, directory: Path, type_: str | None = None) -> None:
        self.port = free_port()
        self.config = configuration(directory, HTTP.format(port=self.port))
        self.database = stores.on_file(directory / "web.db")
        self.office: Office | None = None
        self.ids = Ids()
        self.writer = Office(self.database, ids=self.ids)  # at another port, which nobody asks
        self.reader = databases.connect(self.config.daemon.database)
        with self.reader.read() as db:
            number, last_id = events.newest(db)
        self.following = Following(
            self.reader, self.config.daemon.database, Door.of(self.config), Query(number, type_), last_id
        )

    def begin(self) -> None:
        self.end()
        self.office = Office(self.database, ids=self.ids, port=self.port)

    def end(self) -> None:
        if self.office is not None:
            self.office.close()
        self.office = None

    def close(self) -> None:
        self.end()
        self.writer.close()
        self.reader.close()
        self.database.close()

    def take(self, many: int) -> list[bytes]:
        """So many, and then nothing more in two looks."""
        got: list[Event] = []
        looks = 0
        while looks < 2:
            found = self.following.next()
            got += found
            looks = 0 if found or len(got) < many else looks + 1
        return [one.body for one in got]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(following, "AGAIN_SECONDS", 0.0)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    one = Terminal(tmp_path)
    yield one
    one.close()


def test_it_follows_the_stream_where_the_daemon_runs(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.begin()
    assert terminal.following.next() == []
    monkeypatch.setattr(following.Following, "_looked", None)
    written = terminal.writer.happen("sms/1", "sms/2")
    assert terminal.office
    terminal.office.bell.ring()

    got: list[Event] = []
    while len(got) < 2:
        got += terminal.following.next()
    assert [one.body for one in got] == written
    assert [(one.id, one.system, one.subject) for one in got] == [
        ("evt_1", "main", "sms/1"),
        ("evt_2", "main", "sms/2"),
    ]
    with terminal.reader.read() as db:
        assert [event for _, event in events.read(db, Query())] == got


def test_without_a_daemon_it_looks_into_the_store(terminal: Terminal) -> None:
    written = terminal.writer.happen("sms/1")

    assert terminal.take(1) == written


@pytest.mark.parametrize(
    "http",
    [
        '[http]\nlisten = ""',
        '[http]\nlisten = "127.0.0.1:0"\ntoken_env = "TAIL"',
        '[http]\nlisten = "127.0.0.1:8470"',
        '[http]\n[[http.tokens]]\nname = "reader"\ntoken_env = "TAIL"\nscopes = ["read"]',
    ],
)
def test_where_nobody_could_show_it_all_it_asks_nobody(tmp_path: Path, http: str) -> None:
    assert Door.of(configuration(tmp_path, http)) is None


def test_it_asks_where_it_listens_with_a_token_that_may_see_the_texts(tmp_path: Path) -> None:
    everywhere = HTTP.replace("127.0.0.1:{port}", "0.0.0.0:8470")

    assert Door.of(configuration(tmp_path, everywhere)) == Door("127.0.0.1", 8470, TRUSTED)


def test_it_speaks_to_no_daemon_that_would_take_it_for_noise(tmp_path: Path) -> None:
    config = configuration(tmp_path, HTTP.replace("{port}", "8470"))
    by_tls = config.http.model_copy(update={"tls_cert": tmp_path / "cert", "tls_key": tmp_path / "key"})

    assert Door.of(config) is not None
    assert Door.of(config.model_copy(update={"http": by_tls})) is None


STEPS = st.tuples(st.sampled_from(["commit", "commit", "begin", "end", "take"]), st.integers(0, 4))


@settings(max_examples=examples(30))
@given(st.lists(STEPS, max_size=12), st.sampled_from([None, "sip.*"]))
def test_whichever_way_it_goes_on_nothing_is_missed_or_repeated(
    story: list[tuple[str, int]], type_: str | None
) -> None:
    with ExitStack() as cleanups:
        directory = Path(cleanups.enter_context(TemporaryDirectory()))
        terminal = Terminal(directory, type_)
        cleanups.callback(terminal.close)
        wanted: list[bytes] = []
        got: list[bytes] = []
        for what, many in story:
            if what == "commit":
                kind = ("sms.received", "sip.account.registered")[many % 2]
                written = terminal.writer.happen(*(f"x/{one}" for one in range(many)), type_=kind)
                wanted += written if type_ is None or many % 2 else []
            elif what == "take":
                got += terminal.take(len(wanted) - len(got))
            else:
                getattr(terminal, what)()
        got += terminal.take(len(wanted) - len(got))
        assert list(map(json.loads, got)) == list(map(json.loads, wanted))
        assert got == wanted
