"""Faults of a configuration: all of them at once, each with its place, its value and the way out."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from daemon.config.load import ConfigError
from daemon.config.reading import Reading
from daemon.config.secrets import Sources
from daemon.config.settings import Config
from daemon.config.values import Settings
from daemon.config.wording import Fault, Location, translated
from daemon.core.wording import WITHOUT_WORDS
from tests.support import nonsense
from tests.support.config_files import QUEUE, SYSTEM, THRESHOLD, WEBHOOK, faults, loaded
from tests.support.examples import sample


def test_a_fault_names_the_place_the_value_and_the_way_out(tmp_path: Path) -> None:
    text = SYSTEM + '[systems.sip]\nevery = "10ms"\nfor = "soon"\nevry = "5s"\n'

    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, text)

    assert str(refused.value).splitlines() == [
        f"{tmp_path}/config.toml is not usable:",
        "  [systems.sip] every = '10ms': at least 200ms",
        '  [systems.sip] for = \'soon\': expected a duration such as "30s" or "5m"',
        '  [systems.sip] unknown key "evry"; did you mean "every"?',
    ]


def test_with_several_tables_of_a_kind_the_place_says_which(tmp_path: Path) -> None:
    second = SYSTEM.replace("main", "other")
    queue = (
        '[[systems.queues]]\npath = "/5"\n[[systems.queues]]\npath = "/6"\nname = "sales"\nevery = "1ms"\n'
    )
    threshold = '[[systems.queues.thresholds]]\nmetric = "abandoned"\nabove = 1\n'
    text = SYSTEM + "[systems.sip]\nevery = 5\n" + second + queue + threshold + threshold

    assert faults(tmp_path, text) == (
        '[systems "main" sip] every = 5: expected a duration such as "30s" or "5m"',
        '[systems "other" queues "sales"] every = \'1ms\': at least 200ms',
        '[systems "other" queues "sales" thresholds 2] '
        "another threshold has this metric, direction and severity",
    )


def test_faults_of_every_kind_are_told_together(tmp_path: Path) -> None:
    text = """
    [daemon]
    timezone = "Mars/Olympus"
    [[systems]]
    name = "main"
    token_file = "none"
    [systems.spi]
    [[systems]]
    name = "main"
    token_env = "NOT_SET"
    base_url = "call2all.co.il"
    [[webhooks]]
    name = "crm"
    systems = ["mian"]
    """

    assert faults(tmp_path, text) == (
        "[daemon] timezone = 'Mars/Olympus': expected the name of a time zone, such as \"Asia/Jerusalem\"",
        f"[systems 1] token_file = 'none': \"{tmp_path}/none\" cannot be read: No such file or directory",
        '[systems 1] unknown key "spi"; did you mean "sip"?',
        "[systems 2] name = 'main': another system has this name",
        "[systems 2] token_env = 'NOT_SET': this environment variable is not set, or empty",
        '[systems 2] base_url: expected a URL that starts with "https://" or "http://"',
        "[webhooks] systems = 'mian': no system has this name; did you mean \"main\"?",
        "[webhooks] url is missing: give it, or url_file, url_credential or url_env",
        "[webhooks] secret is missing: give secret_file, secret_credential or secret_env",
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "there is no [[systems]]: nothing to watch"),
        ("[deamon]\n" + SYSTEM, 'unknown key "deamon"; did you mean "daemon"?'),
        ("daemon = 5\n" + SYSTEM, "daemon = 5: expected a table"),
        ("[[daemon]]\n" + SYSTEM, "daemon: write it as [daemon], with one bracket"),
        (SYSTEM.replace("[[systems]]", "[systems]"), "[systems] write it as [[systems]], with two brackets"),
        ('[http]\nlisten = "8470"\n' + SYSTEM, "[http] listen = '8470': expected host:port"),
        ('[http]\nlisten = "::1:8470"\n' + SYSTEM, "[http] listen = '::1:8470': expected host:port"),
        ('[http]\nlisten = "a:65536"\n' + SYSTEM, "[http] listen = 'a:65536': expected host:port"),
        ('[daemon]\ndatabase = "yemotd.db"\n' + SYSTEM, '[daemon] database: expected "sqlite:///yemotd.db"'),
        (SYSTEM.replace('"main"', '"a b"'), "[systems] name = 'a b': expected letters, digits"),
        (SYSTEM + "commands = 'queue.*'\n", "[systems] commands = 'queue.*': expected a list"),
        (SYSTEM + "authorization = true\n", "[systems] authorization = true: expected 'token' or 'bearer'"),
        (SYSTEM + "ca_file = 'none.pem'\n", "[systems] ca_file = 'none.pem': cannot be read: No such file"),
        (SYSTEM + "ca_file = 'config.toml'\n", "[systems] ca_file = 'config.toml': holds no certificate"),
        (SYSTEM + "[systems.sms]\nevery = '199ms'\n", "[systems.sms] every = '199ms': at least 200ms"),
        (SYSTEM + "[systems.sms]\nlimit = 3001\n", "[systems.sms] limit = 3001: at most 3000"),
        (SYSTEM + "[systems.sms]\nlimit = '9'\n", "[systems.sms] limit = '9': expected a whole number"),
        (SYSTEM + "[systems.sip]\ncontexts = [0]\n", "[systems.sip] contexts = 0: at least 1"),
        (SYSTEM + "[systems.sip]\ncontexts = [1, 1]\n", "[systems.sip] contexts: names one of its entries"),
        (SYSTEM + "[systems.units]\n", 'expires_within: give "below", "expires_within" or both'),
        (QUEUE + "[[systems.queues]]\npath = '5/'\n", "path = '5/': another queue of this system has this"),
        (THRESHOLD, '[systems.queues.thresholds] below: give exactly one of "above" and "below"'),
        (THRESHOLD + "above = 1\nbelow = 1\n", 'below = 1: give exactly one of "above" and "below"'),
        (THRESHOLD + "above = nan\n", "above = nan: expected a number"),
        (SYSTEM + "commands_rate = 0\n", "[systems] commands_rate = 0: at least 0.0001 a second"),
        (SYSTEM + WEBHOOK + "[[webhooks.quiet]]\nshabbat = 1\n", "shabbat = 1: expected true or false"),
        (THRESHOLD + "above = 5\nclear = 6\n", 'clear = 6: must not be more than "above", 5'),
        (THRESHOLD + "below = 5\nclear = 4\n", 'clear = 4: must not be less than "below", 5'),
        (THRESHOLD.replace("calls_waiting", "calls"), "metric = 'calls': expected 'calls_waiting', 'longest"),
        (
            SYSTEM + WEBHOOK.replace("https", "ftp"),
            '[webhooks] url: expected a URL that starts with "https://"',
        ),
        (SYSTEM + WEBHOOK.replace("crm.example.org", ""), "[webhooks] url: names no host"),
        (SYSTEM + WEBHOOK.replace("//crm", "//u:p@crm"), "[webhooks] url: must not hold a user name"),
        (SYSTEM + WEBHOOK.replace("crm.ex", "c m.ex"), "[webhooks] url: has a space"),
        (SYSTEM + WEBHOOK.replace(".org/", ".org:x/"), "[webhooks] url: its host or port is not one"),
        (
            SYSTEM + WEBHOOK + "allow = ['10.0.0.1/8']\n",
            "allow = '10.0.0.1/8': expected an address or a network",
        ),
        (SYSTEM + WEBHOOK + WEBHOOK, "[webhooks 2] name = 'crm': another endpoint has this name"),
        (
            SYSTEM
            + WEBHOOK
            + "[[emails]]\nname = 'crm'\nto = ['a@b.c']\n[smtp]\nhost = 'h'\nfrom = 'a@b.c'\n",
            "[emails] name = 'crm': another endpoint has this name",
        ),
        (SYSTEM + "[[emails]]\nname = 'ops'\nto = ['a@b.c']\n", "[emails] needs [smtp]"),
        (SYSTEM + "[smtp]\nhost = 'h'\nfrom = 'nobody'\n", "[smtp] from = 'nobody': expected a mail address"),
        (SYSTEM + "[smtp]\nhost = 'h'\nfrom = 'a@b.c'\nusername = 'u'\n", '"username" and "password" go tog'),
        (SYSTEM + "'a\\nb' = 1\n", "unknown key"),
    ],
)
def test_a_fault_is_told(tmp_path: Path, text: str, told: str) -> None:
    assert any(told in one for one in faults(tmp_path, text)), faults(tmp_path, text)


def test_the_fields_of_the_code_are_no_keys_of_the_file(tmp_path: Path) -> None:
    assert faults(tmp_path, SYSTEM + '[systems.sip]\nhold = "5s"\n') == ('[systems.sip] unknown key "hold"',)


def tables(annotation: Any) -> Iterator[type[Settings]]:
    """The tables that a key may hold."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from tables(inner)


def places(model: type[Settings], at: Location = ()) -> Iterator[Location]:
    """Every key of a model and of the tables below it, as TOML spells it."""
    for name, one in model.model_fields.items():
        place = (*at, str(one.validation_alias or name))
        yield place
        is_list = "tuple" in str(one.annotation)
        for table in tables(one.annotation):
            yield from places(table, (*place, 0) if is_list else place)


def only(place: Location, value: object) -> Any:
    """A document with one value at a place, and nothing else."""
    for key in reversed(place):
        value = [value] if key == 0 else {key: value}
    return value


def refused(document: Any) -> Iterator[tuple[str, Fault]]:
    """What pydantic finds in a document: its own words for it, and ours."""
    cleaned = Reading(Sources(Path(), {}, is_shared=False)).table(Config, document)
    try:
        Config.model_validate(cleaned, context={"directory": Path()})
    except ValidationError as error:
        yield from zip([one["msg"] for one in error.errors()], translated(error, cleaned), strict=True)


def test_whatever_stands_at_a_key_is_refused_in_our_words() -> None:
    found = [
        (place, foreign, ours.text)
        for place, value in sample(product(places(Config), nonsense.TOML))
        for foreign, ours in refused(only(place, value))
    ]

    assert not [one for one in found if WITHOUT_WORDS in one[2] or one[1] in one[2]]
    assert len({place for place, _, _ in found}) > 100  # every key has its turn, with one nonsense or all
