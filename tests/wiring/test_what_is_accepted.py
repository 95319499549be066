"""Whatever a configuration is accepted with, the parts can be made of: nothing is refused after the check."""

import json
from email import policy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.config.load import ConfigError, load
from daemon.config.settings import Config
from daemon.core.rendering.mail_grouping import compose
from daemon.host import clock
from daemon.senders.letters import Letters
from daemon.senders.webhook import WebhookSender
from daemon.wiring.clients import client_of, heartbeat_of
from daemon.wiring.senders import styles, targets
from tests.core.rendering.test_mails import NOON, phone
from tests.support.attempts import message
from tests.support.config_files import ENVIRON, QUIET, SYSTEM, WEBHOOK, written

ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=6)
PRINTED = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=6)

LETTERS = Letters(None)


def mostly(good: str, *others: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Something good half of the time, so that the parts beside it count."""
    return st.booleans().flatmap(lambda is_good: st.just(good) if is_good else st.one_of(others))


TOKENS = mostly("077:1", st.sampled_from([" 077:1", "077:1 ", "077: 1", "a\tb"]), PRINTED, ANY_TEXT)
SWITCHES = mostly("9f3c2c1e", st.sampled_from([" a", "a ", "a b", "", "א"]), PRINTED, ANY_TEXT)
HOSTS = mostly(
    "a.example", st.sampled_from(["[::1]", "[::1", "a:1", "a:99999", "u:p@a", "@a", "", "."]), PRINTED
)
ENDS = mostly(
    "/", st.sampled_from(["", "/a/", "/?", "?", "#", "/#", "/?a=b", "/#a", "?#/", "//", "/;a"]), PRINTED
)
SCHEMES = mostly("https://", st.sampled_from(["http://", "HTTPS://", "ftp://", "//", ""]))
URLS = st.builds("{}{}{}".format, SCHEMES, HOSTS, ENDS)
ADDRESSES = mostly(
    "ops@example.org",
    st.text(st.sampled_from('ab.@<>", ()\\[]:;א=?_-é'), max_size=10),
    st.sampled_from(
        ["A <a@b>", '"A, B" <a@b>', "a@b..c", "a@.b", "א@b", "a@א.example", '"é@[', "a@[1.2.3.4]"]
    ),
)


def accepted(folder: Path, text: str) -> Config | None:
    """The configuration, where it is one."""
    try:
        return load(written(folder, text), ENVIRON).config
    except ConfigError:
        return None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("accepted")


def line(key: str, value: str | None) -> str:
    return "" if value is None else f"{key} = {json.dumps(value, ensure_ascii=True)}\n"


@given(TOKENS, URLS, st.none() | URLS, st.sampled_from([None, "token", "bearer"]), st.none() | SWITCHES)
def test_a_client_can_be_made(
    folder: Path,
    token: str,
    base_url: str,
    fallback_url: str | None,
    authorization: str | None,
    switch: str | None,
) -> None:
    text = '[[systems]]\nname = "main"\n' + line("token", token) + line("base_url", base_url)
    text += (
        line("fallback_url", fallback_url) + line("authorization", authorization) + line("switch_id", switch)
    )

    config = accepted(folder, text)

    if config:
        client_of(config.systems[0]).close()


@given(URLS)
def test_a_heartbeat_can_be_made(folder: Path, url: str) -> None:
    config = accepted(folder, SYSTEM + "[heartbeat]\n" + line("url", url))

    if config and config.heartbeat:
        heartbeat_of(config.heartbeat)


@given(URLS, st.none() | URLS, st.dictionaries(PRINTED, ANY_TEXT | PRINTED, max_size=2))
def test_a_target_can_be_made(folder: Path, url: str, proxy: str | None, headers: dict[str, str]) -> None:
    text = WEBHOOK.replace('"https://crm.example.org/hook"', json.dumps(url)) + line("proxy", proxy)
    text += "[webhooks.headers]\n" + "".join(line(json.dumps(name), value) for name, value in headers.items())
    config = accepted(folder, QUIET + SYSTEM + text)

    if config:
        sender = WebhookSender(targets(config), now=clock.utcnow, monotonic=clock.monotonic)
        sender.start(message())
        sender.close()


@given(ADDRESSES, ADDRESSES)
def test_a_mail_can_be_written(folder: Path, sender: str, recipient: str) -> None:
    text = '[smtp]\nhost = "mail.example.org"\n' + line("from", sender)
    text += f'[[emails]]\nname = "ops"\nto = [{json.dumps(recipient)}]\n'

    config = accepted(folder, QUIET + SYSTEM + text)

    for style in styles(config).values() if config else ():
        (mail,) = compose([phone(1)], style)
        assert LETTERS.render(mail, style, now=NOON).as_bytes(policy=policy.SMTPUTF8)
