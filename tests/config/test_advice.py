"""Warnings: a configuration that can be used, but does not do what somebody meant."""

from pathlib import Path

import pytest

from daemon.config.load import load
from tests.support.config_files import ENVIRON, QUIET, SMS, SYSTEM, WEBHOOK, warnings, written

QUIET_SYSTEM = QUIET + SYSTEM
GATEWAY = """
authorization = "bearer"
switch_id = "uuid"
base_url = "https://rest.yemot.co.il/api/v1/switch/"
"""
GOOD = QUIET_SYSTEM + SMS
BOT = """
[[webhooks]]
name = "bot"
url = "https://api.telegram.org"
format = "telegram"
token = "123456789:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"
chat_id = 7
events = ["sms.*"]
"""
SCRIPT = WEBHOOK.replace("crm.example.org/hook", "script.google.com/macros/s/AKfy/exec")
ACCEPTING, IN_BODY = 'accept_redirect = "https://script.googleusercontent.com/"\n', 'signature = "body"\n'
SECRET_FILE = GOOD.replace('token_env = "TOKEN"', 'token_file = "token"')


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            '[http]\ntoken = "fifteen-letters"\n[[http.tokens]]\nname = "long"\ntoken = "sixteen-letters-"\n'
            + SYSTEM
            + SMS,
            '[http] the token "token" has fewer than 16 characters',
        ),
        (
            '[http]\ntrusted_proxies = ["127.0.0.1"]\ntoken = "yemotd-admin-password-2026"\n' + SYSTEM + SMS,
            '[http] the token "token" is made of words, so it can be guessed, and others than this machine '
            "can try; make one: openssl rand -hex 24",
        ),
        (
            '[http]\nurl = "https://phones.example.org"\ntoken = "1234567890123456789"\n' + SYSTEM + SMS,
            '[http] the token "token" has only 19 characters of few kinds',
        ),
        (GOOD + 'every = "4s999ms"\n', "[systems.sms] every = '4s999ms': under 5s"),
        (
            QUIET_SYSTEM + '[systems.sip]\ncontexts = [1]\ncontexts_every = "1s"\n',
            "[systems.sip] contexts_every = '1s': under 5s",
        ),
        (
            QUIET_SYSTEM + '[[systems.queues]]\npath = "/5"\nevery = "200ms"\n',
            "[systems.queues] every = '200ms': under 5s",
        ),
        (
            QUIET_SYSTEM + '[[systems.directories]]\npath = "/5"\nevery = "1s"\n',
            "[systems.directories] every = '1s': under 5s",
        ),
        (
            QUIET_SYSTEM + '[[systems.queues]]\npath = "/5"\n[[systems.queues.thresholds]]\n'
            'metric = "abandoned"\nabove = 5\n',
            "[systems.queues.thresholds] metric = 'abandoned': only grows until the platform resets it, so it"
            ' fires once and stays; write instead: metric = "abandoned_per_hour"',
        ),
        (
            GOOD + '[smtp]\nhost = "mail.example.org"\nfrom = "a@example.org"\nsecurity = "none"\n',
            "[smtp] security = 'none': mails, and the password, go there unencrypted",
        ),
        (QUIET_SYSTEM, "[systems] has no watch: nothing is polled"),
        (SYSTEM + SMS, "[http] has no token: the API answers nobody"),
        (
            QUIET_SYSTEM + 'base_url = "http://pbx.example.org/"\n' + SMS,
            "[systems] base_url: the token goes there unencrypted; use https",
        ),
        (
            QUIET_SYSTEM + 'fallback_url = "http://pbx.example.org/"\n' + SMS,
            "[systems] fallback_url: the token goes there unencrypted; use https",
        ),
        (
            QUIET_SYSTEM + 'authorization = "bearer"\nswitch_id = "uuid"\n' + SMS,
            "[systems] authorization = 'bearer': is the newer gateway's, and the base_url is not: that would "
            "be https://rest.yemot.co.il/api/v1/switch/",
        ),
        (
            QUIET_SYSTEM + 'commands = ["campaign.*"]\n' + SMS,
            "[systems] commands: campaign.bridge is refused until campaign_units_per_day is set",
        ),
        (
            QUIET_SYSTEM + 'commands = ["queue.*", "queue.kcik"]\n' + SMS,
            '[systems] commands, entry 2: "queue.kcik" is no command; did you mean "queue.kick"?',
        ),
        (
            GOOD + WEBHOOK + 'events = ["sms.recieved", "*"]\n',
            '[webhooks] events, entry 1: "sms.recieved" is no event type; did you mean "sms.received"?',
        ),
        (GOOD + WEBHOOK + "events = []\n", "[webhooks] no event can reach it"),
        (GOOD + WEBHOOK + 'events = ["sip.*"]\n', "[webhooks] no event can reach it"),
        (GOOD + WEBHOOK + 'events = ["api.*"]\nsystems = []\n', "[webhooks] no event can reach it"),
        (
            '[daemon]\ndatabase = "postgresql+psycopg://yemotd:hunter2@db/yemotd"\n' + GOOD,
            "[daemon] database: has a password in it",
        ),
        (
            GOOD + WEBHOOK.replace("https://", "http://"),
            "[webhooks] what it tells goes to another machine unencrypted: everybody on the way reads it",
        ),
        (
            GOOD + BOT.replace("https://", "http://"),
            "[webhooks] what it tells, and what opens the receiver, goes to another machine unencrypted",
        ),
        (
            GOOD + SCRIPT + ACCEPTING,
            "[webhooks] a Google script sees no headers, so it cannot tell who sent it; add signature = "
            '"body"',
        ),
        (
            GOOD + SCRIPT + IN_BODY,
            "[webhooks] a Google script answers by a redirect, so nothing would count as sent; add "
            'accept_redirect = "https://script.googleusercontent.com/"',
        ),
    ],
)
def test_one_warning_is_given(tmp_path: Path, text: str, told: str) -> None:
    (only,) = warnings(tmp_path, text)

    assert told in only
    assert "hunter2" not in only


@pytest.mark.parametrize(
    "text",
    [
        GOOD + 'every = "5s"\n',
        QUIET_SYSTEM + 'base_url = "http://127.0.0.1:8080/"\n' + SMS,
        QUIET_SYSTEM + 'base_url = "http://[::1]:8080/"\n' + SMS,
        QUIET_SYSTEM + 'base_url = "http://localhost/"\n' + SMS,
        QUIET_SYSTEM + GATEWAY + SMS,
        QUIET_SYSTEM + 'commands = ["campaign.*"]\ncampaign_units_per_day = 5\n' + SMS,
        QUIET_SYSTEM + 'commands = ["queue.*"]\n' + SMS,
        GOOD + WEBHOOK,
        GOOD + WEBHOOK + 'events = ["queue.caller.*", "sms.*"]\n',
        GOOD + WEBHOOK + 'events = ["daemon.*"]\nsystems = []\n',
        '[daemon]\ndatabase = "postgresql+psycopg://yemotd@db/yemotd"\n' + GOOD,
        GOOD + BOT,
        GOOD + SCRIPT + ACCEPTING + IN_BODY,
        GOOD + WEBHOOK + 'accept_redirect = "https://answers.example.org/"\n',
        GOOD + WEBHOOK.replace("https://crm.example.org", "http://127.0.0.1:8080"),
    ],
)
def test_nothing_is_said_of_what_is_well(tmp_path: Path, text: str) -> None:
    assert warnings(tmp_path, text) == ()


@pytest.mark.parametrize(
    ("mode", "is_warned"), [(0o600, False), (0o640, True), (0o604, True), (0o620, False)]
)
def test_a_secret_in_a_file_that_others_can_read_is_warned_of(
    tmp_path: Path, mode: int, *, is_warned: bool
) -> None:
    text = GOOD.replace('token_env = "TOKEN"', 'token = "0773137770:hunter2"')

    told = load(written(tmp_path, text, mode=mode), {}).warnings

    assert told == (
        ("[systems] token: stands in a file that its group or others can read: chmod 600",) * is_warned
    )


@pytest.mark.parametrize("mode", [0o644, 0o600])
def test_a_configuration_without_secrets_may_be_read_by_others(tmp_path: Path, mode: int) -> None:
    assert load(written(tmp_path, GOOD, mode=mode), ENVIRON).warnings == ()


@pytest.mark.parametrize(("mode", "is_warned"), [(0o600, False), (0o640, False), (0o644, True)])
def test_a_secret_file_that_others_can_read_is_warned_of(
    tmp_path: Path, mode: int, *, is_warned: bool
) -> None:
    (tmp_path / "token").write_text("0773137770:hunter2")
    (tmp_path / "token").chmod(mode)

    told = warnings(tmp_path, SECRET_FILE)

    assert told == (("[systems] token_file = 'token': others can read the file: chmod o-r",) * is_warned)
