"""What `init` writes: it loads without a fault or a warning, and says what was chosen, whatever that was."""

import base64
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.config import chosen as values
from daemon.config import writing
from daemon.config.chosen import (
    Chosen,
    ChosenFolder,
    ChosenMail,
    ChosenQueue,
    ChosenQuiet,
    ChosenSystem,
    ChosenWebhook,
    Watches,
)
from daemon.config.load import ConfigError, Loaded, load
from daemon.config.quiet import PLACES
from daemon.config.settings import Config
from daemon.config.systems import SystemSettings
from daemon.config.values import queue_key
from daemon.config.writing import Named
from daemon.core.durations import SECOND
from daemon.core.hidden import hidden
from daemon.core.inventory import Extension, Inventory
from daemon.core.model import Secret
from daemon.yemot.base_urls import BASE_URL, GATEWAY_URL
from tests.support.config_files import SIGNING
from tests.support.examples import examples

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True).filter(lambda one: one != "smtp")
seen = st.text(
    st.characters(blacklist_categories=["Cs", "Cc", "Cf", "Co", "Cn", "Zl", "Zp", "Zs"]), min_size=1
)
texts = seen.filter(lambda one: hidden(one) is None and one == one.strip())
words = st.one_of(st.sampled_from(["/5", ".", "/", "1/2", "ext/1"]), texts)
durations = st.one_of(
    st.integers(0, 10**6).map(lambda one: one * SECOND),
    st.integers(0, 5000).map(lambda one: timedelta(milliseconds=one)),
)
amounts = st.one_of(st.integers(0, 10**6).map(float), st.floats(0, 10**6, allow_nan=False))
tokens = st.one_of(
    st.just("0773137770:pass:word"),
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40),
).map(Secret)
http_tokens = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=16, max_size=48).map(
    Secret
)
signing = st.binary(min_size=24, max_size=64).map(
    lambda one: Secret("whsec_" + base64.b64encode(one).decode())
)
urls = st.sampled_from(
    [
        "https://crm.example.org/hook",
        "http://127.0.0.1:9/x",
        "https://crm.example.org/AbCdEf0123456789AbCdEf?token=x",
    ]
)
mailboxes = st.sampled_from(
    ["ops@example.org", "Dana Levi <dana@example.org>", '"דנה \\"לוי\\"" <d@example.org>']
)
hours = st.times().map(lambda one: time(one.hour, one.minute))


def apart(paths: Iterable[str]) -> bool:
    keys = [queue_key(one) for one in paths]
    return len(set(keys)) == len(keys)


queues = st.lists(
    st.builds(
        ChosenQueue,
        words,
        st.none() | texts,
        st.none() | amounts,
        durations,
        st.none() | durations,
    ),
    max_size=4,
).filter(lambda found: apart(one.path for one in found))
folders = st.lists(st.builds(ChosenFolder, words, st.text(max_size=20)), max_size=3).filter(
    lambda found: apart(one.path for one in found)
)
watches = st.builds(
    Watches,
    st.booleans(),
    st.none() | durations,
    queues.map(tuple),
    folders.map(tuple),
    st.none() | amounts,
    st.none() | durations,
    st.booleans(),
).filter(lambda one: not one.is_empty)
systems = st.builds(
    ChosenSystem,
    tokens,
    names | st.just("http"),
    st.none() | st.just("http://127.0.0.1:9/ym/api/"),
    st.none() | st.just("9f3c2c1e-5b1d-4a52-8f0e-0d7b6f1f6a11"),
    watches=watches,
)
webhooks = st.builds(ChosenWebhook, urls, signing, names, st.sampled_from([("*",), ("api.*", "test.ping")]))
logins = st.one_of(st.just((None, None)), st.tuples(texts, texts.map(Secret)))


@st.composite
def mails(draw: st.DrawFn) -> ChosenMail:
    username, password = draw(logins)
    security = draw(st.sampled_from(["starttls", "tls", "none"]))
    return ChosenMail(
        "localhost"
        if security == "none"
        else draw(st.sampled_from(["mail.example.org", "דואר.example.org"])),
        draw(mailboxes),
        tuple(draw(st.lists(mailboxes, min_size=1, max_size=3, unique=True))),
        draw(st.integers(1, 65535)),
        security,
        username,
        password,
        draw(names),
        draw(st.sampled_from(["he", "en"])),
    )


@st.composite
def choices(draw: st.DrawFn) -> Chosen:
    system = draw(systems)
    webhook, mail = draw(st.none() | webhooks), draw(st.none() | mails())
    if mail is not None:
        mail = replace(mail, events=values.mail_events(system.watches))
        if webhook is not None and webhook.name == mail.name:
            mail = replace(mail, name=f"{mail.name}.2")
    listen = draw(st.sampled_from(["", values.LISTEN, "[::1]:8470"]))
    quiet = ChosenQuiet(
        draw(st.none() | st.sampled_from(list(PLACES))),
        draw(st.none() | st.tuples(hours, hours)),
        draw(st.booleans()),
    )
    return Chosen(system, webhook, mail, quiet, listen, draw(http_tokens) if listen else None)


def written(folder: Path, chosen: Chosen, named: Named) -> Path:
    """The files, as `init` puts them."""
    for name, secret in chosen.secrets().items():
        path = folder / f"{named.before}{name}{named.after}"
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(f"{secret.value}\n", encoding="utf-8")
    path = folder / "config.toml"
    path.touch(mode=0o600)
    path.write_text(writing.written(chosen, named), encoding="utf-8")
    return path


def told(chosen: Chosen, config: Config) -> None:
    """Assert that a configuration says what was chosen."""
    (system,) = config.systems
    _system(chosen.system, system)
    assert (config.http.listen, config.http.token) == (chosen.listen, chosen.http_token)
    assert config.daemon.database == chosen.database
    given = chosen.webhook
    assert [(one.name, one.address, one.secrets, one.events) for one in config.webhooks] == (
        [] if given is None else [(given.name, given.url, (given.secret,), given.events)]
    )
    _mail(chosen.mail, config)
    for endpoint in (*config.webhooks, *config.emails):
        is_quiet = endpoint in config.emails or chosen.quiet.for_webhook
        windows = (
            [one.place for one in endpoint.quiet if one.shabbat],
            [(one.start, one.end) for one in endpoint.quiet if not one.shabbat],
        )
        place, hours_ = chosen.quiet.place, chosen.quiet.hours
        expected = [place] if place and is_quiet else [], [hours_] if hours_ and is_quiet else []
        assert windows == expected


def _system(given: ChosenSystem, system: SystemSettings) -> None:
    default = GATEWAY_URL if given.switch_id else BASE_URL
    assert (system.name, system.token, system.base_url) == (
        given.name,
        given.token,
        given.base_url or default,
    )
    assert system.switch_id == given.switch_id
    assert system.authorization == ("bearer" if given.switch_id else "token")
    watches_ = given.watches
    assert (system.sms is not None) == watches_.sms
    assert (system.sip.hold if system.sip else None) == watches_.sip_for
    assert (system.pirsumphone is not None) == watches_.pirsumphone
    found = system.units
    assert (found.below if found else None) == watches_.units_below
    assert (found.expires_within if found else None) == watches_.units_expire_within
    assert [one.path for one in system.directories] == [one.path for one in watches_.folders]
    assert [(one.path, one.name) for one in system.queues] == [
        (one.path, one.path if one.name is None else one.name) for one in watches_.queues
    ]
    for one, queue in zip(watches_.queues, system.queues, strict=True):
        waiting = (
            [] if one.waiting_above is None else [("calls_waiting", one.waiting_above, None, one.waiting_for)]
        )
        alone = [] if one.no_agent_for is None else [("agents_available", None, 1, one.no_agent_for)]
        assert [
            (each.metric, each.above, each.below, each.hold) for each in queue.thresholds
        ] == waiting + alone


def _mail(given: ChosenMail | None, config: Config) -> None:
    if given is None:
        assert config.smtp is None
        assert not config.emails
        return
    smtp, (email,) = config.smtp, config.emails
    assert smtp is not None
    assert (smtp.host, smtp.port, smtp.security, smtp.sender) == (
        given.host,
        given.port,
        given.security,
        given.sender,
    )
    assert (smtp.username, smtp.password) == (given.username, given.password)
    assert (email.name, email.to, email.language, email.events) == (
        given.name,
        given.to,
        given.language,
        given.events,
    )


def in_new_folder(chosen: Chosen, named: Named) -> Loaded:
    with tempfile.TemporaryDirectory() as folder:
        environ = {"CREDENTIALS_DIRECTORY": folder}
        return load(written(Path(folder), chosen, named), environ)


WAYS = st.sampled_from([Named("file", "secrets/"), Named("file", "", "-2"), Named("credential")])


@settings(max_examples=examples(150))
@given(chosen=choices(), named=WAYS)
def test_what_is_written_loads_without_a_warning_and_says_what_was_chosen(
    chosen: Chosen, named: Named
) -> None:
    loaded = in_new_folder(chosen, named)

    assert loaded.warnings == ()
    told(chosen, loaded.config)
    assert "\r" not in writing.written(chosen, named)


@settings(max_examples=examples(50))
@given(chosen=choices())
def test_the_settings_without_a_file_are_those_of_the_file(chosen: Chosen) -> None:
    told(chosen, writing.settings(chosen))


@pytest.mark.parametrize(("many", "every"), [(1, 10), (20, 10), (21, 11), (100, 50)])
def test_however_many_queues_and_folders_there_are_two_are_asked_for_a_second(many: int, every: int) -> None:
    found = Watches(
        queues=tuple(ChosenQueue(f"/{one}") for one in range(many)),
        folders=tuple(ChosenFolder(f"/{one}") for one in range(many)),
    )
    (system,) = writing.settings(Chosen(ChosenSystem(None, watches=found))).systems

    assert {one.every for one in system.queues} == {every * SECOND}
    assert {one.every for one in system.directories} == {max(every, 60) * SECOND}


def test_where_nothing_is_watched_that_alone_is_told() -> None:
    nothing = Watches(sms=False, sip_for=None, units_below=None, units_expire_within=None)
    chosen = Chosen(ChosenSystem(Secret("0773137770:1234"), watches=nothing), listen="")

    assert in_new_folder(chosen, Named("file")).warnings == ("[systems] has no watch: nothing is polled",)


def test_a_token_that_comes_later_is_the_only_fault() -> None:
    with pytest.raises(ConfigError) as refused:
        in_new_folder(Chosen(ChosenSystem(None), listen=""), Named("file", "secrets/"))

    (fault,) = refused.value.faults
    assert "secrets/main-token" in fault


@settings(max_examples=examples(100))
@given(
    extensions=st.lists(
        st.builds(
            Extension,
            st.from_regex(r"/[0-9]{1,3}", fullmatch=True),
            st.sampled_from(["queue", "routing_queue", "record", "voicemail_box", "menu"]),
            st.text(max_size=100),
        ),
        max_size=6,
        unique_by=lambda one: one.path,
    )
)
def test_whatever_a_system_was_found_to_have_can_be_proposed(extensions: list[Extension]) -> None:
    """Titles are strangers' text: with line breaks, marks that nobody sees, and twice the same."""
    found = Inventory(accounts=(), extensions=tuple(extensions), has_sms=False)
    chosen = Chosen(ChosenSystem(Secret("an-api-key"), watches=values.proposed(found)), listen="")

    loaded = in_new_folder(chosen, Named("file"))

    assert loaded.warnings == ()
    (system,) = loaded.config.systems
    queues_ = [one for one in extensions if one.is_queue]
    assert [one.path for one in system.queues] == [one.queue_path for one in queues_]
    titled = [one.name for one in system.queues if one.name != one.path]
    assert len(set(titled)) == len(titled)


@settings(max_examples=examples(100))
@given(system=systems)
def test_what_is_pasted_is_what_is_written_but_for_what_is_there(system: ChosenSystem) -> None:
    whole = writing.pasted(system, whole=True)
    known = {"sms", *(f"queues {queue_key(one.path)}" for one in system.watches.queues[:1])}
    rest = tomllib.loads("[[systems]]\n" + writing.pasted(system, known=known, whole=False))

    (table,) = tomllib.loads(whole)["systems"]
    assert table.keys() >= {"name", "token_file"}
    (pasted,) = rest["systems"]
    assert "sms" not in pasted
    assert len(pasted.get("queues", [])) == max(len(system.watches.queues) - 1, 0)


def test_an_address_that_is_a_secret_stands_in_a_file_of_its_own(tmp_path: Path) -> None:
    url = "https://hooks.example.org/services/T0001/B0001/XXXX0000xxxx1111"
    chosen = Chosen(ChosenSystem(Secret("0773137770:1234")), ChosenWebhook(url, Secret(SIGNING), "chat"))
    path = written(tmp_path, chosen, writing.IN_FILES)

    assert "XXXX0000xxxx1111" not in path.read_text(encoding="utf-8")
    (webhook,) = load(path, {}).config.webhooks
    assert (webhook.address, webhook.url) == (url, Secret(url))
