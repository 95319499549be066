"""Loading a configuration: what is found, and what it becomes."""

import codecs
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import certifi
import pytest
from pydantic import ValidationError

from daemon.config import load as configuration
from daemon.config.load import ConfigError, find, load
from daemon.config.settings import Config
from daemon.config.watches import SipWatch, SmsWatch, ThresholdSettings, UnitsWatch
from daemon.core.model import Secret, Severity
from tests.support.config_files import (
    ENVIRON,
    QUEUE,
    QUIET,
    SIGNING,
    SMS,
    SYSTEM,
    THRESHOLD,
    WEBHOOK,
    config,
    faults,
    loaded,
    without_psycopg,
    written,
)

SECOND = timedelta(seconds=1)


def test_the_named_file_is_used_before_any_other(tmp_path: Path) -> None:
    assert find(tmp_path / "one.toml", {"YEMOTD_CONFIG": "two.toml"}) == tmp_path / "one.toml"


def test_the_variable_names_the_file_where_no_option_does() -> None:
    assert find(None, {"YEMOTD_CONFIG": "/somewhere/two.toml"}) == Path("/somewhere/two.toml")


@pytest.mark.parametrize("environ", [{}, {"YEMOTD_CONFIG": ""}])
def test_the_working_directory_is_looked_at_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    (tmp_path / "config.toml").touch()
    monkeypatch.chdir(tmp_path)

    assert find(None, environ) == Path("config.toml")


def test_the_last_place_is_looked_at_where_the_first_has_none(tmp_path: Path) -> None:
    last = tmp_path / "etc.toml"
    last.touch()

    assert find(None, {}, places=(tmp_path / "config.toml", last)) == last


def test_without_any_file_the_places_are_listed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        find(None, {}, places=(Path("nowhere.toml"), tmp_path / "etc.toml"))

    for place in ("./nowhere.toml", str(tmp_path / "etc.toml"), "--config", "$YEMOTD_CONFIG"):
        assert place in str(refused.value)


def test_the_last_place_is_the_one_of_the_contract() -> None:
    assert [str(place) for place in configuration.PLACES] == ["config.toml", "/etc/yemotd/config.toml"]


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load(tmp_path / "none.toml", {})


def test_what_is_no_toml_is_refused_with_its_line_and_column(tmp_path: Path) -> None:
    (told,) = faults(tmp_path, "[daemon]\ntimezone = \n")

    assert "line 2, column 12" in told


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = " + b"[" * 9999, b"a = " + b"9" * 9999])
def test_what_no_parser_takes_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)

    with pytest.raises(ConfigError, match=r"is not UTF-8 text|is not TOML"):
        load(path, {})


def test_the_smallest_file_gets_the_defaults(tmp_path: Path) -> None:
    found = loaded(tmp_path, SYSTEM)
    (system,) = found.config.systems

    assert found.path == tmp_path / "config.toml"
    assert found.config.daemon.database == "sqlite:///yemotd.db"
    assert found.config.daemon.timezone == "Asia/Jerusalem"
    assert found.config.http.address == ("127.0.0.1", 8470)
    assert system.token == Secret(ENVIRON["TOKEN"])
    assert system.base_url == "https://www.call2all.co.il/ym/api/"
    assert system.fallback_url == "https://private.call2all.co.il/ym/api/"
    assert (system.api.hold, system.api.keep, system.api.severity) == (
        60 * SECOND,
        0 * SECOND,
        Severity.ERROR,
    )
    assert [system.sms, system.sip, system.units, system.pirsumphone] == [None] * 4


def test_an_empty_watch_gets_the_defaults(tmp_path: Path) -> None:
    (system,) = config(tmp_path, SYSTEM + "[systems.sms]\n[systems.sip]\n").systems

    assert system.sms == SmsWatch(
        every=15 * SECOND, limit=100, method="GetSmsIncomingLog", initial="baseline"
    )
    assert system.sip == SipWatch(every=30 * SECOND, hold=60 * SECOND, keep=60 * SECOND, initial="baseline")


def test_a_webhook_gets_the_defaults(tmp_path: Path) -> None:
    (webhook,) = config(tmp_path, SYSTEM + WEBHOOK).webhooks

    assert webhook.secrets == (Secret(SIGNING),)
    assert (webhook.events, webhook.systems, webhook.allow) == (("*",), None, ())
    assert (webhook.timeout, webhook.connect_timeout) == (15 * SECOND, 5 * SECOND)
    assert [int(wait / SECOND) for wait in webhook.retries] == [
        *(5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    ]


def test_words_of_the_file_become_values(tmp_path: Path) -> None:
    webhook = WEBHOOK + 'allow = ["10.0.0.0/8", "::1"]\nretries = ["1s", "1m30s"]\nsystems = ["main"]\n'
    text = SYSTEM + '[systems.sip]\nfor = "500ms"\nkeep_firing = "0s"\nseverity = "info"\n' + webhook
    found = config(tmp_path, text)

    assert found.systems[0].sip == SipWatch(
        hold=SECOND / 2, keep=0 * SECOND, severity=Severity.INFO, initial="baseline"
    )
    assert found.webhooks[0].allow == (ip_network("10.0.0.0/8"), ip_network("::1"))
    assert found.webhooks[0].retries == (SECOND, 90 * SECOND)
    assert found.webhooks[0].systems == ("main",)


def test_a_configuration_cannot_be_changed(tmp_path: Path) -> None:
    found = config(tmp_path, SYSTEM)

    with pytest.raises(ValidationError):
        found.daemon = found.daemon
    assert hash(found)


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("", None),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:8470", ("::1", 8470)),
        ("10.0.0.1:1", ("10.0.0.1", 1)),
    ],
)
def test_the_address_to_listen_on_is_read(
    tmp_path: Path, listen: str, address: tuple[str, int] | None
) -> None:
    assert config(tmp_path, f'[http]\nlisten = "{listen}"\n' + SYSTEM).http.address == address


@pytest.mark.parametrize(
    ("written", "base", "fallback"),
    [
        ('base_url = "http://127.0.0.1:8080/ym/api"', "http://127.0.0.1:8080/ym/api/", None),
        ('base_url = "https://www.call2all.co.il/ym/api"', None, "https://private.call2all.co.il/ym/api/"),
        ('fallback_url = ""', None, None),
        ('fallback_url = "https://example.org"', None, "https://example.org/"),
    ],
)
def test_a_base_ends_with_a_slash_and_only_the_default_has_a_twin(
    tmp_path: Path, written: str, base: str | None, fallback: str | None
) -> None:
    (system,) = config(tmp_path, SYSTEM + written).systems

    assert system.base_url == (base or "https://www.call2all.co.il/ym/api/")
    assert system.fallback_url == fallback


@pytest.mark.parametrize(("direction", "clear"), [("above", 5), ("below", 5)])
def test_a_threshold_clears_at_its_firing_value_by_default(
    tmp_path: Path, direction: str, clear: float
) -> None:
    (queue,) = config(tmp_path, THRESHOLD + f"{direction} = 5\n").systems[0].queues

    assert queue.thresholds[0].clear == clear
    assert queue.thresholds[0].severity is Severity.WARNING


def test_a_threshold_may_clear_at_nought(tmp_path: Path) -> None:
    (queue,) = config(tmp_path, THRESHOLD + "above = 5\nclear = 0\n").systems[0].queues

    assert queue.thresholds[0].clear == 0


def test_polls_may_be_200_milliseconds_apart(tmp_path: Path) -> None:
    sms = config(tmp_path, SYSTEM + SMS + 'every = "200ms"\n').systems[0].sms

    assert sms == SmsWatch(every=SECOND / 5)


def test_thresholds_that_differ_in_direction_or_severity_stand_beside_each_other(tmp_path: Path) -> None:
    another = '[[systems.queues.thresholds]]\nmetric = "calls_waiting"\n'
    text = THRESHOLD + "above = 5\n" + another + "below = 1\n" + another + 'above = 9\nseverity = "error"\n'

    assert len(config(tmp_path, text).systems[0].queues[0].thresholds) == 3


def test_a_queue_keeps_its_path_and_is_called_by_it(tmp_path: Path) -> None:
    (queue,) = config(tmp_path, QUEUE.replace("/5", "5/")).systems[0].queues

    assert (queue.path, queue.name) == ("5/", "5/")


def test_paths_of_two_systems_may_be_the_same(tmp_path: Path) -> None:
    text = QUEUE + QUEUE.replace("main", "other")

    assert [len(system.queues) for system in config(tmp_path, text).systems] == [1, 1]


def test_certificates_are_looked_for_beside_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca.pem").write_text(Path(certifi.where()).read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.chdir("/")

    (system,) = config(tmp_path, SYSTEM + 'ca_file = "ca.pem"\n').systems

    assert system.ca_file == tmp_path / "ca.pem"


@pytest.mark.parametrize("listen", ["a..b:1", "\\u05d0" * 70 + ":1", "a\\u0000b:1"])
def test_a_host_that_nobody_can_have_is_nothing_to_listen_on(tmp_path: Path, listen: str) -> None:
    (line,) = faults(tmp_path, f'[http]\nlisten = "{listen}"\n' + SYSTEM)

    assert line.startswith("[http] listen = '")


@pytest.mark.parametrize("url", ["postgresql://host:port/x", "mysql://host/x"])
def test_a_database_that_cannot_be_named_is_refused_and_not_shown(tmp_path: Path, url: str) -> None:
    assert faults(tmp_path, f'[daemon]\ndatabase = "{url}"\n' + SYSTEM) == (
        '[daemon] database: expected "sqlite:///yemotd.db" or "postgresql+psycopg://host/name"',
    )


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("sqlite://", "expected the path of a file"),
        ("sqlite:///", "expected the path of a file"),
        ("sqlite:///:memory:", "expected the path of a file"),
        ("sqlite:///file:a.db?uri=true", '"uri" behind the path'),
        ("sqlite:///a.db?timeout=abc&foo=1", '"foo", "timeout" behind the path'),
        ("sqlite:///a.db?mode=memory", '"mode" behind the path'),
        ("sqlite:///a.db?wal_autocheckpoint=x", "a number of pages"),
        ("sqlite:///a.db?wal_autocheckpoint=1&wal_autocheckpoint=2", "a number of pages"),
    ],
)
def test_a_database_is_a_file_that_is_known_by_its_path(tmp_path: Path, url: str, why: str) -> None:
    (fault,) = faults(tmp_path, f'[daemon]\ndatabase = "{url}"\n' + SYSTEM)

    assert fault.startswith("[daemon] database")
    assert why in fault


@pytest.mark.parametrize("number", ["0x" + "f" * 5000, "0b" + "1" * 20_000])
def test_a_number_that_python_does_not_spell_is_a_fault_with_its_place(tmp_path: Path, number: str) -> None:
    (fault,) = faults(tmp_path, f"{SYSTEM}[systems.sms]\nlimit = {number}\n")

    assert "limit = 0xfff" in fault
    assert len(fault) < 500


def test_the_database_path_is_left_to_the_working_directory(tmp_path: Path) -> None:
    assert config(tmp_path, '[daemon]\ndatabase = "sqlite:///a.db"\n' + SYSTEM).daemon.database == (
        "sqlite:///a.db"
    )


def test_values_can_be_made_without_a_file() -> None:
    threshold = ThresholdSettings(metric="abandoned", below=2.0, hold=SECOND)

    assert (threshold.clear, threshold.hold) == (2.0, SECOND)
    assert UnitsWatch(below=5.0).expires_within is None
    assert Config().http.address == ("127.0.0.1", 8470)


def test_a_good_file_gives_no_warning(tmp_path: Path) -> None:
    assert loaded(tmp_path, QUIET + SYSTEM + SMS).warnings == ()


def test_a_mark_at_the_beginning_that_editors_of_windows_write_is_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path, SYSTEM + SMS)
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes().replace(b"\n", b"\r\n"))

    assert load(path, ENVIRON).config.systems[0].name == "main"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (
            "postgresql+psycopg://host/x",
            'needs psycopg, which is not installed: pip install "yemotd[postgres]"',
        ),
        ("postgresql+psycopg2://host/x", "needs psycopg2, which is not installed"),
        ("postgresql://host/x", "needs psycopg, which is not installed"),
        ("postgresql+nothing://host/x", 'there is no "postgresql+nothing"; expected postgresql+psycopg'),
        ("sqlite+aiosqlite:///x.db", ""),
    ],
)
def test_a_database_whose_driver_is_not_there_is_found_before_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, told: str
) -> None:
    without_psycopg(monkeypatch)
    (only,) = faults(tmp_path, f'[daemon]\ndatabase = "{url}"\n{SYSTEM}{SMS}')

    assert only.startswith(f"[daemon] database: {told}")
    without = only.replace("postgresql+psycopg", "")
    assert "host" not in without
