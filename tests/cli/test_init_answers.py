"""`yemotd init` without anybody at a terminal, and what it leaves when something is wrong."""

import json
import os
import tempfile
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.cli import init_files, init_service
from daemon.cli.init_files import Places
from daemon.cli.init_system import from_answers
from daemon.config import writing
from daemon.config.answers import load as load_answers
from daemon.config.chosen import Chosen, ChosenSystem
from daemon.config.load import load
from daemon.core.durations import NOTHING
from daemon.core.model import Secret
from daemon.host.clock import utcnow
from daemon.host.new_files import NewFile, Replaced
from daemon.simulator.faults import Fault
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from daemon.store.location import file_of
from tests.cli.conftest import TOKEN, Call
from tests.support.examples import examples
from tests.support.fakes import Receiver, answer
from tests.support.smtp import MailServer

SYSTEM = """
[system]
token_env = "TOKEN"
"""


@pytest.fixture
def system() -> SimulatedSystem:
    found = SimulatedSystem("0773137770", now=utcnow)
    found.add_sip_account("0773137770")
    found.set_extension("/5", "queue", "מכירות")
    return found


@pytest.fixture
def simulator(system: SimulatedSystem) -> Iterator[Simulator]:
    with Simulator({TOKEN: system}, now=utcnow) as one:
        yield one


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YEMOTD_CONFIG", raising=False)
    monkeypatch.setattr("daemon.wiring.discovery.GAP", NOTHING)


def answered(text: str) -> str:
    Path("answers.toml").write_text(text, encoding="utf-8")
    return "answers.toml"


def left() -> set[str]:
    return {str(one) for one in Path().rglob("*") if one.is_file()} - {"answers.toml"}


def test_where_nobody_can_answer_it_says_what_to_do(call: Call) -> None:
    code, out, err = call("init")

    assert (code, out) == (os.EX_USAGE, "")
    assert "--answers FILE" in err
    assert left() == set()


def test_answers_make_what_the_questions_would(call: Call, simulator: Simulator) -> None:
    with Receiver() as receiver, MailServer() as mail_server:
        text = f"""{SYSTEM}
        [webhook]
        url = "{receiver.url}"
        [mail]
        host = "127.0.0.1"
        port = {mail_server.port}
        security = "none"
        from = "phones@example.org"
        to = ["dana@example.org"]
        [quiet]
        shabbat = "jerusalem"
        """
        code, out, err = call("init", "--base-url", simulator.base_url, "--answers", answered(text))

    assert (code, "warning" in out + err) == (os.EX_OK, False)  # the mail server of the test logs here, too
    assert left() == {
        "config.toml",
        *(f"secrets/{one}" for one in ("main-token", "http-token", "webhook-secret")),
    }
    loaded = load(Path("config.toml"), {})
    assert loaded.warnings == ()
    (found,) = loaded.config.systems
    assert [one.name for one in found.queues] == ["מכירות"]
    assert loaded.config.emails[0].quiet[0].place == "jerusalem"
    assert "The configuration is good." in out
    assert loaded.config.webhooks[0].secrets[0].value in out
    assert TOKEN not in out
    assert len(receiver.received) == len(mail_server.mails) == 1


def test_every_fault_of_the_answers_is_told_at_once(call: Call) -> None:
    text = """
    [system]
    name = "a name"
    token_env = "NOT_SET"
    sip_for = "soon"
    [webhook]
    url = "crm"
    events = ["sns.*"]
    [mail]
    host = "mail.example.org"
    security = "none"
    from = "phones@example.org"
    to = ["x@example.org", "x@example.org"]
    [http]
    listen = "0.0.0.0:1"
    tokn = "x"
    """
    code, out, err = call("init", "--answers", answered(text))

    assert (code, out) == (os.EX_CONFIG, "")
    for said in (
        "letters, digits",
        "NOT_SET",
        "sip_for",
        "https://",
        "did you mean",
        "given twice",
        "itself",
        "tokn",
    ):
        assert said in err, (said, err)
    assert left() == set()


def test_a_token_that_others_can_read_is_warned_of(call: Call, simulator: Simulator) -> None:
    path = answered(f'[system]\ntoken = "{TOKEN}"')
    Path(path).chmod(0o644)

    code, out, err = call("init", "--base-url", simulator.base_url, "--answers", path)

    assert code == os.EX_OK
    assert "chmod 600" in err
    assert TOKEN not in out + err


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ('[system]\ntoken_env = "WRONG"', os.EX_UNAVAILABLE, "the token is wrong"),
        (f'{SYSTEM}[webhook]\nurl = "{{url}}"', os.EX_UNAVAILABLE, "HTTP 500"),
        (
            f'{SYSTEM}[webhook]\nurl = "{{url}}"\nevents = ["directory.*"]',
            os.EX_CONFIG,
            "no event can reach it",
        ),
        (
            f'{SYSTEM}[mail]\nhost = "127.0.0.1"\nport = 9\nsecurity = "none"\nfrom = "a@b.example"\n'
            'to = ["a@b.example"]',
            os.EX_UNAVAILABLE,
            "[mail] test:",
        ),
    ],
)
def test_what_does_not_do_ends_it_with_nothing_written(
    call: Call, simulator: Simulator, text: str, code: int, said: str
) -> None:
    with Receiver(answer(500)) as receiver:
        path = answered(text.replace("{url}", receiver.url))
        ended, _, err = call("init", "--base-url", simulator.base_url, "--answers", path)

    assert (ended, said in err) == (code, True), err
    assert left() == set()


def test_nothing_is_overwritten(call: Call, simulator: Simulator) -> None:
    """A configuration ends it before anything is asked; a secret of the same name stays, ours goes beside."""
    Path("secrets").mkdir()
    Path("secrets/main-token").write_text("mine", encoding="utf-8")
    words = ["init", "--base-url", simulator.base_url, "--answers", answered(SYSTEM)]
    assert call(*words)[0] == os.EX_OK
    written = Path("config.toml").read_bytes()
    asked = sum(simulator.systems[TOKEN].request_counts.values())

    code, _, err = call(*words)

    assert code == os.EX_CANTCREAT
    assert "nothing is overwritten" in err
    assert Path("config.toml").read_bytes() == written
    assert Path("secrets/main-token").read_text(encoding="utf-8") == "mine"
    assert Path("secrets/main-token-2").read_text(encoding="utf-8") == f"{TOKEN}\n"
    assert sum(simulator.systems[TOKEN].request_counts.values()) == asked


def test_what_the_answers_say_comes_before_what_was_found(call: Call, simulator: Simulator) -> None:
    text = f"""{SYSTEM}
    sms = false
    sip = false
    units = false
    pirsumphone = false
    recordings = ["/8"]
    [[system.queues]]
    path = "5"
    name = "sales"
    alert_no_agent = false
    waiting_above = 0
    [http]
    listen = ""
    """
    code, _, err = call("init", "--base-url", simulator.base_url, "--answers", answered(text))

    assert (code, err) == (os.EX_OK, "")
    document = tomllib.loads(Path("config.toml").read_text(encoding="utf-8"))
    (system,) = document["systems"]
    assert system.keys() == {"name", "token_file", "base_url", "queues", "directories"}
    (queue,) = system["queues"]
    assert (queue["path"], queue["name"], len(queue["thresholds"])) == ("5", "sales", 1)
    assert [one["path"] for one in system["directories"]] == ["/8"]
    assert document["http"] == {"listen": ""}


def test_folders_that_are_missing_are_made_for_their_owner_alone(call: Call, simulator: Simulator) -> None:
    text = f'config = "deep/er/config.toml"\n{SYSTEM}'
    code, _, err = call("init", "--base-url", simulator.base_url, "--answers", answered(text))

    assert (code, err) == (os.EX_OK, "")
    assert left() == {f"deep/er/{one}" for one in ("config.toml", "secrets/main-token", "secrets/http-token")}
    assert {Path(one).stat().st_mode & 0o777 for one in ("deep", "deep/er", "deep/er/secrets")} == {0o700}


def test_a_key_that_may_not_read_the_balance_is_taken(call: Call, simulator: Simulator) -> None:
    simulator.faults.set("GetSession", Fault.NOT_SUPPORTED)

    code, out, _ = call("init", "--base-url", simulator.base_url, "--answers", answered(SYSTEM))

    assert code == os.EX_OK
    assert "units        not learned" in out
    assert "units" not in tomllib.loads(Path("config.toml").read_text(encoding="utf-8"))["systems"][0]


choices = st.none() | st.booleans()


@settings(max_examples=examples(60))
@given(
    given_=st.fixed_dictionaries({one: choices for one in ("sms", "sip", "units", "pirsumphone")}),
    sip_for=st.integers(0, 10**5),
    below=st.integers(0, 10**6),
    within=st.integers(0, 10**3),
    queues=st.lists(
        st.tuples(st.integers(1, 99), choices, choices, st.integers(0, 99), st.integers(0, 999)),
        max_size=4,
        unique_by=lambda one: one[0],
    ),
    folders=st.lists(st.integers(1, 99), max_size=3, unique=True),
)
def test_what_is_answered_is_what_the_file_says(
    given_: dict[str, bool | None],
    sip_for: int,
    below: int,
    within: int,
    queues: list[tuple[int, bool | None, bool | None, int, int]],
    folders: list[int],
) -> None:
    """Of every answer about a system at which nobody looks: it is written, and read again."""
    lines = ["[system]", "look = false", 'token = "an-api-key"']
    lines += [f"{name} = {str(one).lower()}" for name, one in given_.items() if one is not None]
    lines += [f'sip_for = "{sip_for}s"', f"units_below = {below}", f'units_expire_within = "{within}d"']
    lines += [f"recordings = {json.dumps([f'/{one}' for one in folders])}"]
    for path, waiting, alone, above, for_ in queues:
        lines += [
            "[[system.queues]]",
            f'path = "/{path}"',
            f"waiting_above = {above}",
            f'waiting_for = "{for_}s"',
        ]
        lines += [] if waiting is None else [f"alert_waiting = {str(waiting).lower()}"]
        lines += [] if alone is None else [f"alert_no_agent = {str(alone).lower()}"]
    with tempfile.TemporaryDirectory() as folder:
        path_ = Path(folder, "answers.toml")
        path_.write_text("\n".join(lines), encoding="utf-8")
        answers, _ = load_answers(path_, {})
    chosen = Chosen(from_answers(answers.system, print))
    (system,) = writing.settings(chosen).systems

    assert (system.sms is not None) == (given_["sms"] is not False)
    assert (system.sip.hold if system.sip else None) == (
        None if given_["sip"] is False else timedelta(seconds=sip_for)
    )
    expected = None if given_["units"] is False else (below, timedelta(days=within))
    assert ((system.units.below, system.units.expires_within) if system.units else None) == expected
    assert (system.pirsumphone is not None) == (given_["pirsumphone"] is True)
    assert [one.path for one in system.directories] == [f"/{one}" for one in folders]
    for found, (path, waiting, alone, above, for_) in zip(system.queues, queues, strict=True):
        assert found.path == f"/{path}"
        thresholds = {one.metric: (one.above, one.hold) for one in found.thresholds}
        kept = {"calls_waiting": waiting, "agents_available": alone}
        assert thresholds.keys() == {metric for metric, one in kept.items() if one is not False}
        assert thresholds.get("calls_waiting") in (None, (above, timedelta(seconds=for_)))


def test_a_token_that_opens_nothing_is_none(call: Call, simulator: Simulator) -> None:
    """As a key whose switch-id is another's: each call is refused, and none says that the key is wrong."""
    simulator.faults.set("*", Fault.NOT_SUPPORTED)

    code, _, err = call("init", "--base-url", simulator.base_url, "--answers", answered(SYSTEM))

    assert (code, left()) == (os.EX_UNAVAILABLE, set())
    assert "it opens nothing" in err


def test_the_package_s_example_goes_beside_if_nobody_touched_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tmp_path / "share" / "config.toml"
    shipped.parent.mkdir()
    shipped.write_text("# an example", encoding="utf-8")
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    path = tmp_path / "config.toml"
    path.write_text("# an example", encoding="utf-8")

    where = init_files.places(path)
    assert where.replaced == Replaced(b"# an example", tmp_path / "config.toml.example")
    init_files.make([NewFile(path, "# mine")], where)
    assert path.read_text(encoding="utf-8") == "# mine"
    assert (tmp_path / "config.toml.example").read_text(encoding="utf-8") == "# an example"

    with pytest.raises(ValueError, match="nothing is overwritten"):
        init_files.places(path)


def test_of_the_service_the_secrets_are_credentials_and_the_data_is_where_it_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init_files, "PACKAGED", tmp_path / "config.toml")
    (tmp_path / "credentials").mkdir()
    where = Places(tmp_path / "config.toml")
    chosen = init_files.complete(Chosen(ChosenSystem(Secret("an-api-key")), listen=""), where)
    files = init_files.files(chosen, where)

    assert [one.path for one in files] == [tmp_path / "credentials" / "main-token", tmp_path / "config.toml"]
    assert 'token_credential = "main-token"' in files[-1].content
    assert 'database = "sqlite:////var/lib/yemotd/yemotd.db"' in files[-1].content


@pytest.mark.parametrize("name", ["plain", "with blank", "מספר", "a?b#c%41", "x:y@z"])
def test_the_database_stands_beside_the_file_whatever_its_folder_is_called(
    tmp_path: Path, name: str, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.chdir(folder)

    code, _, err = call("init", "--answers", answered("[http]\nlisten = ''"))

    assert (code, err) == (os.EX_OK, "")
    Path("secrets").mkdir()
    Path("secrets/main-token").touch(mode=0o600)
    Path("secrets/main-token").write_text(TOKEN, encoding="utf-8")
    loaded = load(folder / "config.toml", {})
    assert loaded.warnings == ()
    assert (folder / "yemotd.db") == Path(str(file_of(loaded.config.daemon.database))).absolute()


def test_the_service_is_enabled_by_the_words_that_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    fake = tmp_path / "systemctl"
    fake.write_text(f'#!/bin/sh\necho "$@" >>{log}\necho "no such unit" >&2\nexit $FAILS\n', encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    monkeypatch.setenv("FAILS", "0")
    assert init_service.enable() is None
    monkeypatch.setenv("FAILS", "5")
    assert init_service.enable() == "no such unit"

    shown = " ".join(init_service.ENABLE).removeprefix("systemctl ")
    assert log.read_text(encoding="utf-8").splitlines() == [shown, shown]


def test_a_service_is_offered_only_where_it_is_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = Places(tmp_path / "config.toml"), Places(tmp_path / "elsewhere.toml")
    (tmp_path / "credentials").mkdir()
    (tmp_path / "yemotd.service").touch()
    monkeypatch.setattr(init_files, "PACKAGED", own.config)
    monkeypatch.setattr(init_service, "BOOTED", tmp_path)
    monkeypatch.setattr(init_service, "UNITS", (tmp_path / "yemotd.service",))
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert init_service.can_enable(own)
    assert not init_service.can_enable(other)
    assert init_service.by_hand(own) == ["  sudo systemctl enable --now yemotd.service"]
    assert init_service.by_hand(other) == [f"  yemotd run --config {other.config}"]

    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert not init_service.can_enable(own)
