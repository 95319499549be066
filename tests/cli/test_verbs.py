"""The verbs, called as a terminal calls them: exit codes, what is said where, and what programs read."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from daemon import __version__
from daemon.config.load import Loaded, load
from daemon.core.commands.command_types import READS
from daemon.core.differences import difference
from daemon.core.model import Fact
from daemon.host.clock import utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from daemon.store import events, in_force
from daemon.wiring.described import digests, parts
from tests.cli.conftest import TOKEN, Call
from tests.support import stores
from tests.support.certificates import Authority
from tests.support.config_files import QUIET, SYSTEM, WEBHOOK
from tests.support.fakes import START, Ids


def configure(text: str) -> None:
    path = Path("config.toml")
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def happen(*types: str, subject: str = "daemon") -> list[str]:
    """Write events into the store of the directory; their ids."""
    database = stores.on_file(Path("yemotd.db"))
    with database.write() as db:
        facts = [Fact(one, subject, {"daemon": {"text": "שלום"}}) for one in types]
        written = events.record(db, "main", facts, START, Ids())
    database.close()
    return [one.id for one in written]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator({TOKEN: SimulatedSystem(now=utcnow)}, now=utcnow) as one:
        yield one


def test_the_version(call: Call) -> None:
    assert call("--version") == (0, f"yemotd {__version__}\n", "")


def test_a_word_that_is_no_verb_is_a_usage_error(call: Call) -> None:
    code, out, err = call("polls")

    assert (code, out) == (os.EX_USAGE, "")
    assert "No such command 'polls'" in err


@pytest.mark.parametrize(
    "verb",
    [
        "status",
        "events list",
        "alerts list",
        "db prune",
        "endpoints list",
        "endpoints disable crm",
        "endpoints replay crm --which all",
        "command add sip.accounts",
    ],
)
def test_the_configuration_is_read_once(verb: str, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be another one by the second time; and with a thousand systems that is a third of a second."""
    configure(SYSTEM + "[systems.sip]\n" + WEBHOOK)
    happen("daemon.started")
    read: list[Path] = []

    def counted(path: Path, *rest: Any, **more: Any) -> Loaded:
        read.append(path)
        return load(path, *rest, **more)

    monkeypatch.setattr("daemon.config.load.load", counted)
    code, _, _ = call(*verb.split())

    assert (code, read) == (os.EX_OK, [Path("config.toml")])


def test_every_fault_of_a_configuration_is_said_at_once(call: Call) -> None:
    configure(SYSTEM + '[systems.sip]\nevery = "fast"\nfro = "10s"\n')
    code, out, err = call("check")

    assert (code, out) == (os.EX_CONFIG, "")
    assert "every" in err
    assert 'did you mean "for"' in err
    assert "secret-of-the-system" not in err


@pytest.mark.parametrize("verb", ["poll", "check", "run"])
def test_what_the_api_s_client_would_refuse_is_a_fault_of_the_configuration(call: Call, verb: str) -> None:
    configure(SYSTEM + 'authorization = "bearer"\n[systems.sip]\nevery = "fast"\n')
    code, out, err = call(verb)

    assert (code, out) == (os.EX_CONFIG, "")
    assert '[systems] switch_id: needed with authorization = "bearer"' in err
    assert "[systems.sip] every = 'fast'" in err


def test_no_configuration_says_where_one_was_looked_for(call: Call) -> None:
    code, _, err = call("check", "--config", "absent.toml")

    assert code == os.EX_CONFIG
    assert "absent.toml" in err


def test_a_good_configuration_is_shown_as_it_is_understood(call: Call) -> None:
    configure(QUIET + SYSTEM + '[systems.sip]\nevery = "20s"\n')
    code, out, err = call("check")

    assert (code, err) == (0, "")
    assert "sip, every 20s" in out
    assert out.endswith("The configuration is good.\n")


def test_check_for_programs_is_one_document(call: Call) -> None:
    configure(QUIET + SYSTEM + "[systems.sip]\n")
    code, out, _ = call("check", "--json")

    (system,) = json.loads(out)["systems"]
    assert code == 0
    assert system["commands"] == [*READS]
    assert (system["campaign_units_per_day"], system["sms_units_per_day"]) == (None, None)
    assert system["name"] == "main"
    assert system["watches"][0]["every_seconds"] == 30


@pytest.mark.parametrize(
    ("more", "takes"),
    [
        ("commands = []\n", "no commands"),
        ('commands = ["queue.*", "sms.send"]\n', "queue.*, sms.send"),
        ('commands = ["sms.send"]\nsms_units_per_day = 20\n', "sms.send; SMS for 20 units a day"),
        (
            'commands = ["*"]\ncampaign_units_per_day = 1.5\nsms_units_per_day = 2\n',
            "*; campaigns for 1.5 units a day; SMS for 2 units a day",
        ),
    ],
)
def test_check_says_which_commands_are_taken_and_what_they_may_cost(
    call: Call, more: str, takes: str
) -> None:
    configure(f"{QUIET}{SYSTEM}{more}[systems.sip]\n")

    assert f"  takes   {takes}\n" in call("check")[1]


def test_check_names_every_kind_of_endpoint_and_no_secret(call: Call) -> None:
    smtp = '[smtp]\nhost = "mail.example.org"\nfrom = "y@example.org"\n'
    configure(
        f'{QUIET}{SYSTEM}[systems.sip]\n[[webhooks]]\nname = "crm"\nurl = "https://crm.example.org/"\n'
        f'secret_env = "SIGNING"\n{smtp}[[emails]]\nname = "ops"\nto = ["ops@example.org"]\n'
        '[[notify]]\nname = "phone"\nurl = "ntfys://ntfy.sh/top-secret"\n'
    )
    code, out, _ = call("check")
    shown = json.loads(call("check", "--json")[1])

    assert code == 0
    for line in ("webhook   crm: *", "email     ops: *", "notify    phone: *"):
        assert line in out.splitlines()
    for kind, name in (("emails", "ops"), ("notify", "phone")):
        assert shown[kind] == [{"name": name, "events": ["*"], "quiet": []}]
    leads = {"host": "crm.example.org", "secret_url": False}
    assert shown["webhooks"] == [{"name": "crm", "events": ["*"], "quiet": [], **leads}]
    assert "  to      crm.example.org" in out.splitlines()
    assert "top-secret" not in out + json.dumps(shown)


def test_check_says_of_a_secret_address_whose_it_is(call: Call) -> None:
    place = Path("crm-url")
    place.touch(mode=0o600)
    place.write_text("https://crm.example.org/hooks/opensesame")
    configure(
        f'{QUIET}{SYSTEM}[systems.sip]\n[[webhooks]]\nname = "crm"\n'
        'url_file = "crm-url"\nsecret_env = "SIGNING"\n'
    )
    code, out, err = call("check")
    shown = call("check", "--json")[1]

    assert (code, json.loads(shown)["webhooks"][0]["secret_url"]) == (0, True)
    assert "  to      crm.example.org, at an address that is a secret" in out.splitlines()
    assert "opensesame" not in out + err + shown


def test_events_are_listed_oldest_first_and_to_the_byte(call: Call) -> None:
    configure(SYSTEM)
    ids = happen("test.ping", "daemon.started", "test.ping")

    code, out, _ = call("events", "list", "--limit", "2", "--json")
    assert (code, [json.loads(line)["data"]["id"] for line in out.splitlines()]) == (0, ids[1:])
    assert "שלום" in out
    code, out, _ = call("events", "list", "--type", "daemon.*")
    assert (code, len(out.splitlines())) == (0, 1)
    assert "daemon.started" in out


def test_events_of_a_phone_are_listed_by_any_spelling_of_it(call: Call) -> None:
    configure(SYSTEM)
    (event,) = happen("sms.received", subject="sms/972501234567")

    for spelling in ("0501234567", "+972-50-123 45 67", "972501234567"):
        code, out, _ = call("events", "list", "--subject", f"sms/{spelling}", "--json")
        assert (code, json.loads(out)["data"]["id"]) == (0, event)
    assert call("events", "list", "--subject", "sms/0501234568", "--json") == (0, "", "")


def test_one_event_is_shown_whole_and_another_is_not_there(call: Call) -> None:
    configure(SYSTEM)
    (event,) = happen("test.ping")

    code, out, _ = call("events", "show", event)
    assert (code, json.loads(out)["data"]["id"]) == (0, event)
    code, out, err = call("events", "show", "evt_0")
    assert (code, out) == (os.EX_DATAERR, "")
    assert "'evt_0'" in err


@pytest.mark.parametrize("verb", [["status"], ["events", "list"]])
def test_a_store_that_is_not_there_is_said_and_not_made(call: Call, verb: list[str]) -> None:
    configure(SYSTEM)
    code, out, err = call(*verb)

    assert (code, out) == (os.EX_IOERR, "")
    assert "yemotd.db" in err
    assert not Path("yemotd.db").exists()


def test_status_shows_watches_that_were_never_seen(call: Call) -> None:
    configure(SYSTEM + "[systems.sip]\n")
    happen("test.ping")
    call("poll")  # the token leads to nobody: a failed poll is stored
    code, out, _ = call("status")

    assert code == 0
    assert "not running; 1 events so far" in out
    assert "watch     main/sip: seen never; unreachable" in out


def test_a_dry_run_shows_what_would_be_sent_and_leaves_nothing(call: Call, simulator: Simulator) -> None:
    configure(
        SYSTEM
        + f'base_url = "{simulator.base_url}"\n[systems.sip]\nfor = "0s"\n'
        + WEBHOOK.replace("_env", "_file")
    )
    secret = Path("SIGNING")
    secret.touch(mode=0o600)
    secret.write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", encoding="ascii")
    code, out, err = call("poll", "--dry-run")

    assert (code, err) == (0, "")
    assert "main/sip: answered, 0 events" in out
    assert not Path("yemotd.db").exists()


def test_a_watch_that_is_not_there_is_answered_with_those_that_are(call: Call) -> None:
    configure(SYSTEM + "[systems.sip]\n[systems.sms]\n")
    code, _, err = call("poll", "--watch", "queue/5")

    assert code == os.EX_USAGE
    assert "main/sms, main/sip" in err


def test_a_poll_that_fails_exits_with_69(call: Call, simulator: Simulator) -> None:
    configure(SYSTEM.replace('"TOKEN"', '"WRONG"') + f'base_url = "{simulator.base_url}"\n[systems.sip]\n')
    code, out, _ = call("poll", "--json")

    assert code == os.EX_UNAVAILABLE
    assert json.loads(out)["failure"]["class"] == "token_rejected"


def test_check_refuses_a_certificate_that_has_expired_and_says_how_the_daemon_is_reached(call: Call) -> None:
    def issue(until: datetime) -> None:
        pem = Authority(Path()).issue("phones.example.org", until=until).read_bytes()
        Path("tls.pem").write_bytes(pem)

    reached = (
        '[http]\ntoken_env = "TOKEN"\nurl = "https://phones.example.org"\nprefix = "/yemotd"\n'
        'tls_cert = "tls.pem"\ntls_key = "tls.pem"\nvisitors = "status"\npublic = ["main/*"]\n'
    )
    configure(reached + SYSTEM + "[systems.sip]\n")
    issue(datetime(2020, 1, 1, tzinfo=UTC))
    code, _, err = call("check")
    assert code == os.EX_CONFIG
    assert "[http] tls_cert = 'tls.pem': has expired at 2020-01-01T00:00:00Z; renew it, and reload" in err

    issue(datetime(2090, 1, 1, tzinfo=UTC))
    code, out, _ = call("check")
    assert code == 0
    for line in ("TLS by tls.pem", "below /yemotd", "from outside https://phones.example.org/yemotd"):
        assert line in out
    assert "shows everybody main/*" in out
    reach = json.loads(call("check", "--json")[1])["reach"]
    assert (reach["tls"], reach["url"]) == (True, "https://phones.example.org/yemotd")
    assert (reach["visitors"], reach["public"], reach["feed"]) == ("status", ["main/*"], False)


def test_check_says_what_a_reload_would_change(call: Call) -> None:
    configure(QUIET + SYSTEM + "[systems.sms]\n" + WEBHOOK)
    assert call("check", "--against", "running")[0] == os.EX_IOERR, "there is no database"

    store = stores.on_file(Path("yemotd.db"))
    code, _, err = call("check", "--against", "running")
    assert (code, "no daemon" in err) == (os.EX_IOERR, True)

    with store.write() as db:
        in_force.save(
            db, digests(parts(load(Path("config.toml"), os.environ).config)), None, START, is_reload=False
        )
    store.close()
    assert "It is the one that runs" in call("check", "--against", "running")[1]

    configure(QUIET + SYSTEM + "[systems.sip]\n")
    code, out, _ = call("check", "--against", "running")
    assert code == 0
    assert out.splitlines()[-3:] == [
        "  added watches: main/sip",
        "  removed endpoints: crm",
        "  removed watches: main/sms",
    ]
    document = json.loads(call("check", "--against", "running", "--json")[1])
    assert document["against"]["removed"]["endpoints"] == ["crm"]
    assert json.loads(call("check", "--json")[1])["against"] is None


def test_status_says_since_when_the_configuration_is_in_force_and_what_it_changed(call: Call) -> None:
    configure(QUIET + SYSTEM)
    store = stores.on_file(Path("yemotd.db"))
    with store.write() as db:
        gone = difference({"watches": {"main/sms": 1}}, {})
        in_force.save(db, {}, gone, START, is_reload=True)
    store.close()

    lines = call("status")[1].splitlines()
    shown = json.loads(call("status", "--json")[1])["configuration"]

    assert lines[1].startswith("config    reloaded 2026-03-01")
    assert lines[2] == "            removed watches: main/sms"
    assert shown["reloaded_at"] == "2026-03-01T12:00:00.000Z"
    assert shown["changes"]["removed"]["watches"] == ["main/sms"]
