"""The pages in `docs/`, taken at their word: stories and terminals are played, programs are run."""

import json
import re
import runpy
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daemon.cli import main as cli
from daemon.config import load
from daemon.config.secrets import check_signing, check_signing_key
from daemon.core.delivery.mail_pace import MailPace
from daemon.core.delivery.outcome import Outcome
from daemon.core.model import Fact, Secret
from daemon.core.routing.plan import Interest
from daemon.host import clock
from daemon.pipeline.events import Recorder
from daemon.senders import ed25519
from daemon.senders.webhook import WebhookSender
from daemon.store import database as databases
from daemon.wiring.endpoints import routes
from daemon.wiring.senders import targets
from daemon.workers.dispatcher import Dispatcher
from daemon.workers.endpoint_health import EndpointHealth
from tests.support import stores
from tests.support.config_files import SMS, SYSTEM
from tests.support.fakes import Receiver, answer
from tests.support.paths import ROOT
from tests.support.signing import FOREIGN, OLD, SECRET, SIGN, SIGN_OLD, sent, tampered
from tests.support.story import Story

DOCS = ROOT / "docs"
ALERTS = (DOCS / "alerts.md").read_text(encoding="utf-8")
DELIVERY = (DOCS / "delivery.md").read_text(encoding="utf-8")
MONITORING = (DOCS / "monitoring.md").read_text(encoding="utf-8")
"""Its metrics and rules are tried in `tests/web/test_metrics.py`."""


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL)


STORIES, PROGRAMS, SETTINGS = blocks(ALERTS, "story"), blocks(DELIVERY, "python"), blocks(DELIVERY, "toml")


def seconds(text: str) -> int:
    minutes, rest = text.split(":")
    return 60 * int(minutes) + int(rest)


def spans(text: str) -> Iterator[tuple[float, float]]:
    for since, until in re.findall(r"(\d+:\d\d) to (\d+:\d\d)", text):
        yield seconds(since), seconds(until)


def told(line: str) -> tuple[int, str, str]:
    at, event_type, reason = line.split()[1:]
    return seconds(at), event_type, reason


@pytest.mark.parametrize("example", STORIES, ids=range(len(STORIES)))
def test_a_story_of_alerts(story: Story, example: str) -> None:
    wanted = []
    for line in example.splitlines():
        if line.startswith("phone"):
            story.phone(line.split()[1], *spans(line))
        elif line.startswith("the API"):
            (span,) = spans(line)
            story.api_fails(*span)
        elif line.startswith("the endpoint"):
            (span,) = spans(line)
            story.endpoint_says(Outcome.UNREACHABLE, *span)
        elif line != "told nothing":
            wanted.append(told(line))
    story.run(until=1200)

    accepted = [
        (at, one.event_type, json.loads(one.body)["data"]["alert"]["reason"])
        for at, one, outcome in story.told
        if outcome is Outcome.ACCEPTED
    ]
    assert accepted == wanted


def test_the_pages_have_examples() -> None:
    assert (len(STORIES), len(PROGRAMS), len(SETTINGS)) == (7, 3, 5)


@pytest.fixture
def event_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., object]:
    """A receiver's program, as the page shows it."""
    path = tmp_path / "receiver.py"
    path.write_text(request.param, encoding="utf-8")
    made: Callable[..., object] = runpy.run_path(str(path))["event_of"]
    return made


@pytest.mark.parametrize("event_of", PROGRAMS[:2], indirect=True, ids=["with a library", "without"])
def test_a_receiver_with_a_secret_takes_what_is_genuine_and_nothing_else(
    event_of: Callable[..., object],
) -> None:
    rotating = sent(SIGN, SIGN_OLD, ed25519.signer(Secret(ed25519.generate())))

    for known in (SECRET, OLD):
        assert event_of(rotating.body, rotating.headers, known.value) == json.loads(rotating.body)
    for touched in tampered(rotating).values():
        with pytest.raises(Exception, match=r".+"):
            event_of(touched.body, touched.headers, SECRET.value)
    with pytest.raises(Exception, match=r".+"):
        event_of(rotating.body, rotating.headers, FOREIGN.value)


@pytest.mark.parametrize("event_of", PROGRAMS[2:], indirect=True, ids=["with a public key"])
def test_a_receiver_with_a_public_key_does_so_too(event_of: Callable[..., object]) -> None:
    ours, other = Secret(ed25519.generate()), Secret(ed25519.generate())
    request = sent(SIGN, ed25519.signer(ours))

    assert event_of(request.body, request.headers, ed25519.public_key(ours)) == json.loads(request.body)
    for touched in tampered(request).values():
        with pytest.raises(Exception, match=r".*"):
            event_of(touched.body, touched.headers, ed25519.public_key(ours))
    with pytest.raises(Exception, match=r".*"):
        event_of(request.body, request.headers, ed25519.public_key(other))


@pytest.mark.parametrize("settings", SETTINGS, ids=range(len(SETTINGS)))
def test_settings_can_be_used(settings: str, tmp_path: Path) -> None:
    for name in ("crm-secret", "crm-secret-new"):
        (tmp_path / name).write_text(SECRET.value, encoding="ascii")
    (tmp_path / "crm-key").write_text(ed25519.generate(), encoding="ascii")
    (tmp_path / "crm-url").write_text("https://crm.example.org/hook", encoding="ascii")
    (tmp_path / "crm-authorization").write_text("Bearer opensesame", encoding="ascii")
    url = "" if "url_file" in settings else 'url = "https://crm.example.org/hook"\n'
    start = f'[[webhooks]]\nname = "crm"\n{url}'
    secret = "" if "secret" in settings else 'secret_file = "crm-secret"\n'
    path = tmp_path / "config.toml"
    path.write_text(SYSTEM + SMS + start + secret + settings, encoding="utf-8")
    (webhook,) = load.load(path, {"TOKEN": "0773137770:1234"}).config.webhooks

    assert webhook.secrets
    assert webhook.model_fields_set > {"name", "url", "secrets"} or len(webhook.secrets) > 1


@pytest.mark.needs("openssl")
def test_secrets_can_be_made_as_the_page_says(tmp_path: Path) -> None:
    commands = re.findall(r"^\$ (printf .*)$", DELIVERY, re.MULTILINE)
    for command in commands:
        subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, check=True)

    assert len(commands) == 2
    check_signing((tmp_path / "crm-secret").read_text("ascii").strip())
    check_signing_key((tmp_path / "crm-key").read_text("ascii").strip())


def shown(text: str) -> str:
    """What a terminal shows, without what is another each time."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d", "<time>", text)
    text = re.sub(r"evt_\w+…?", "<id>", text)
    text = re.sub(r"^ {4}(([a-zA-Z ]+ [\d.]+ ms)(, )?)+$", "    <phases>", text, flags=re.MULTILINE)
    return re.sub(r"\d+ (ms\)|s ago)", r"<some> \1", text)


@pytest.fixture
def terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[[str], str]]:
    """A folder in which three messages were tried: one was taken, one refused, one failed."""
    monkeypatch.chdir(tmp_path)
    scripted = [answer(204), answer(422, b'{"error": "unknown customer"}'), answer(503)]
    with Receiver(*scripted) as receiver:
        Path("crm-secret").write_text(SECRET.value, encoding="ascii")
        webhook = f'[[webhooks]]\nname = "crm"\nurl = "{receiver.url}"\nsecret_file = "crm-secret"\n'
        Path("config.toml").write_text(SYSTEM + SMS + webhook, encoding="utf-8")
        monkeypatch.setenv("TOKEN", "0773137770:1234")
        play(Path("config.toml"))
        (kept, *_) = receiver.received
        Path("headers.txt").write_text("".join(f"{name}: {value}\n" for name, value in kept.headers.items()))
        Path("body.json").write_text(json.dumps(json.loads(kept.body)), encoding="utf-8")
        # The daemon of this folder, as far as the commands look for one.
        database = stores.on_file(Path("yemotd.db"))

        def run(command: str) -> str:
            monkeypatch.setattr("sys.argv", shlex.split(command))
            with pytest.raises(SystemExit):
                cli.main()
            said = capsys.readouterr()
            return said.out + said.err

        yield run
        database.close()


def play(path: Path) -> None:
    """Try one delivery after the other, over a real socket."""
    loaded = load.load(path, {"TOKEN": "0773137770:1234"}).config
    database = databases.open_for_daemon(loaded.daemon.database)
    sender = WebhookSender(targets(loaded), now=clock.utcnow, monotonic=clock.monotonic)
    dispatcher = Dispatcher(
        database,
        sender,
        routes(loaded),
        health=EndpointHealth(jitter=lambda: 0.0),
        now=clock.utcnow,
        jitter=lambda: 0.0,
        new_id=clock.new_id,
        mail_pace=MailPace(),
    )
    recorder = Recorder([Interest("crm", ("*",), None)], clock.new_id)
    for number in ("0501234567", "0521111111", "0542222222"):
        with database.write() as db:
            recorder.record(db, "main", [Fact("sms.received", f"sms/{number}", {})], clock.utcnow())
        dispatcher.wake()
        while not dispatcher.run_once():
            pass
        while not sender.is_idle:
            dispatcher.run_once(1)
    dispatcher.run_once()
    sender.close()
    database.close()


def test_the_terminals_show_what_is_shown(terminal: Callable[[str], str]) -> None:
    lines = [line for block in blocks(DELIVERY, "console") for line in block.splitlines(keepends=True)]
    played = []
    for line in lines:
        if line.startswith("$ yemotd "):
            played += [line, *terminal(line.removeprefix("$ ")).splitlines(keepends=True)]
    wanted = [line for line in lines if not line.startswith("$ printf")]

    assert [*map(shown, played)] == [*map(shown, wanted)]


def commands(page: str) -> list[str]:
    return re.findall(r"`yemotd ([^`]+)`", page)


@pytest.mark.parametrize(
    "words", [*dict.fromkeys([*commands(ALERTS), *commands(DELIVERY), *commands(MONITORING)])]
)
def test_a_command_is_one_that_there_is(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["yemotd", *shlex.split(words), "--help"])
    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code in (None, 0)
    said = capsys.readouterr().out
    assert words.split(maxsplit=1)[0] in said.splitlines()[0]
    assert all(word in said for word in words.split() if word.startswith("--"))
