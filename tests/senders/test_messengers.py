"""Telegram, Slack and ntfy by the real sender: what they show, and what each of their answers comes to."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from daemon.config.load import load
from daemon.config.settings import Config
from daemon.core.delivery.outcome import MAX_RETRY_AFTER, Attempted, Outcome
from daemon.senders.webhook import WebhookSender
from daemon.wiring.endpoints import routes
from daemon.wiring.senders import targets
from tests.core.rendering.test_formats import ALERT, SMS, stored
from tests.support.attempts import attempt, message
from tests.support.config_files import ENVIRON, SYSTEM, faults, loaded, written
from tests.support.messengers import CHAT, TOKEN, Said, Service

HTTP = '[http]\nurl = "https://phones.example.org"\n'
OUT = stored(ALERT, type_="sip.account.unregistered", subject="sip/0773137770")
BACK = stored(
    {
        **ALERT,
        "alert": {"incident": "inc_1", "status": "resolved", "severity": "error", "reason": "resolved"},
    },
    type_="sip.account.registered",
    subject="sip/0773137770",
)
TELEGRAM = f'format = "telegram"\ntoken_env = "BOT"\nchat_id = {CHAT}\n'


@pytest.fixture
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    with Service(request.param) as one:
        yield one


def configured(folder: Path, name: str, base: str, more: str = "") -> Config:
    settings = {
        "telegram": f'url = "{base}"\n{TELEGRAM}',
        "slack": f'url = "{base}/services/T0/B0/x"\nformat = "slack"\n',
        "ntfy": f'url = "{base}/phones"\nformat = "ntfy"\n',
    }
    text = HTTP + SYSTEM + f'[[webhooks]]\nname = "crm"\n{settings[name]}{more}'
    return load(written(folder, text), {**ENVIRON, "BOT": TOKEN, "NTFY": "tk_0123456789"}).config


def sent(sender: WebhookSender, folder: Path, service: Service, body: bytes, more: str = "") -> Attempted:
    to = targets(configured(folder, service.name, service.base, more))["crm"]
    (one,) = attempt(sender, to, message(body=body))
    return one


NAMES = ("telegram", "slack", "ntfy")
every = pytest.mark.parametrize("service", NAMES, indirect=True)
of = {name: pytest.mark.parametrize("service", [name], indirect=True) for name in NAMES}


@every
def test_an_alert_is_told_with_a_link_to_its_incident(
    sender: WebhookSender, tmp_path: Path, service: Service
) -> None:
    one = sent(sender, tmp_path, service, OUT)

    assert (one.outcome, one.error) == (Outcome.ACCEPTED, None)
    (shown,) = service.shown
    assert "Phone 0773137770 is off the network" in shown.text
    assert "2026-03-01 14:00:00 (Israel time)" in shown.text
    assert set(shown.links) == {"https://phones.example.org/incidents/inc_1"}


@every
def test_a_fact_is_told_in_hebrew(sender: WebhookSender, tmp_path: Path, service: Service) -> None:
    sent(sender, tmp_path, service, stored(SMS), 'language = "he"\n')

    assert "מסרון מ-" in service.shown[0].text
    assert set(service.shown[0].links) == {"https://phones.example.org/events"}


@of["telegram"]
def test_telegram_is_told_which_chat_and_which_topic(
    sender: WebhookSender, tmp_path: Path, service: Service
) -> None:
    for body in (OUT, BACK, stored(SMS)):
        assert sent(sender, tmp_path, service, body, "topic = 7\n").outcome is Outcome.ACCEPTED

    assert [one.where for one in service.shown] == [(CHAT, 7)] * 3
    assert [one.text[0] for one in service.shown] == ["🔴", "✅", "S"]
    path, headers, _ = service.requests[0]
    assert path == f"/bot{TOKEN}/sendMessage"
    assert "webhook-signature" not in headers


@of["ntfy"]
def test_ntfy_is_told_how_urgent_it_is(sender: WebhookSender, tmp_path: Path, service: Service) -> None:
    for body in (OUT, BACK, stored(SMS)):
        sent(sender, tmp_path, service, body, 'token_env = "NTFY"\n')

    assert [(one.title, one.where) for one in service.shown] == [("main", "phones")] * 3
    assert [one.priority for one in service.shown] == [4, 3, 3]
    assert [one.tags for one in service.shown] == [("rotating_light",), ("white_check_mark",), ()]
    assert {headers["authorization"] for _, headers, _ in service.requests} == {"Bearer tk_0123456789"}


def telegram_says(status: int, why: str, **parameters: object) -> Said:
    document = {"ok": False, "error_code": status, "description": why, "parameters": parameters}
    return Said.json(status, document)


TELEGRAMS = [
    (telegram_says(429, "Too Many Requests: retry after 35", retry_after=35), Outcome.THROTTLED, 35),
    (telegram_says(429, "Too Many Requests", retry_after=10**30), Outcome.THROTTLED, "the longest"),
    (telegram_says(429, "Too Many Requests", retry_after=-1), Outcome.THROTTLED, None),
    (telegram_says(429, "Too Many Requests", retry_after="35"), Outcome.THROTTLED, None),
    (telegram_says(401, "Unauthorized"), Outcome.FORBIDDEN, None),
    (telegram_says(404, "Not Found"), Outcome.FORBIDDEN, None),
    (telegram_says(403, "Forbidden: bot was blocked by the user"), Outcome.FORBIDDEN, None),
    (telegram_says(403, "Forbidden: bot was kicked from the supergroup chat"), Outcome.FORBIDDEN, None),
    (telegram_says(400, "Bad Request: chat not found"), Outcome.FORBIDDEN, None),
    (telegram_says(400, "Bad Request: message thread not found"), Outcome.FORBIDDEN, None),
    (telegram_says(400, "Bad Request: TOPIC_CLOSED"), Outcome.FORBIDDEN, None),
    (telegram_says(400, "Bad Request: not enough rights to send text messages"), Outcome.FORBIDDEN, None),
    (telegram_says(400, "Bad Request: message is too long"), Outcome.REFUSED, None),
    (telegram_says(400, "Bad Request: can't parse entities"), Outcome.REFUSED, None),
    (telegram_says(500, "Internal Server Error"), Outcome.FAILED, None),
    (telegram_says(502, "Bad Gateway"), Outcome.FAILED, None),
    (Said(502, b"<html>"), Outcome.FAILED, None),
    (Said(200, b"<html>Sign in to this network</html>"), Outcome.FAILED, None),
    (Said(200, b'{"ok":false}'), Outcome.FAILED, None),
    (Said(404, b"<html>"), Outcome.FAILED, None),
]


@pytest.mark.parametrize(("said", "outcome", "waits"), TELEGRAMS)
@of["telegram"]
def test_what_telegram_says_is_understood(
    sender: WebhookSender, tmp_path: Path, service: Service, said: Said, outcome: Outcome, waits: object
) -> None:
    service.next = [said]
    one = sent(sender, tmp_path, service, OUT)

    assert one.outcome is outcome
    seconds = {"the longest": MAX_RETRY_AFTER, None: None}
    assert one.retry_after == (seconds[waits] if waits in seconds else timedelta(seconds=int(str(waits))))
    if said.body.startswith(b'{"ok": false, "e'):
        unknown = ": it does not know the bot's token" if one.http_status in (401, 404) else ""
        assert one.error == f"Telegram: {json.loads(said.body)['description']}{unknown}"


@of["telegram"]
def test_the_new_number_of_a_group_is_said(sender: WebhookSender, tmp_path: Path, service: Service) -> None:
    why = "Bad Request: group chat was upgraded to a supergroup chat"
    service.next = [telegram_says(400, why, migrate_to_chat_id=-1009876543210)]
    one = sent(sender, tmp_path, service, OUT)

    assert one.outcome is Outcome.FORBIDDEN
    assert one.error == f"Telegram: {why}: give chat_id = -1009876543210"


@of["telegram"]
def test_a_token_that_is_said_back_is_shown_nowhere(
    sender: WebhookSender, tmp_path: Path, service: Service
) -> None:
    service.next = [telegram_says(401, f"Unauthorized: {TOKEN}")]

    assert TOKEN not in str(sent(sender, tmp_path, service, OUT))


SLACKS = [
    (Said(429, b"rate_limited", {"retry_after": "30"}), Outcome.THROTTLED, 30),
    (Said(429, b""), Outcome.THROTTLED, None),
    (Said(410, b"channel_is_archived"), Outcome.FORBIDDEN, None),
    (Said(404, b"channel_not_found"), Outcome.FORBIDDEN, None),
    (Said(404, b"no_service\n"), Outcome.FORBIDDEN, None),
    (Said(403, b"action_prohibited"), Outcome.FORBIDDEN, None),
    (Said(403, b"invalid_token"), Outcome.FORBIDDEN, None),
    (Said(400, b"user_not_found"), Outcome.FORBIDDEN, None),
    (Said(400, b"invalid_payload"), Outcome.REFUSED, None),
    (Said(404, b"<html>"), Outcome.FAILED, None),
    (Said(410, b""), Outcome.GONE, None),
    (Said(500, b"rollup_error"), Outcome.FAILED, None),
    (Said(200, b'{"success":true}'), Outcome.ACCEPTED, None),
]


@pytest.mark.parametrize(("said", "outcome", "waits"), SLACKS)
@of["slack"]
def test_what_slack_says_is_understood(
    sender: WebhookSender, tmp_path: Path, service: Service, said: Said, outcome: Outcome, waits: int | None
) -> None:
    service.next = [said]
    one = sent(sender, tmp_path, service, OUT)

    assert one.outcome is outcome
    assert one.retry_after == (None if waits is None else timedelta(seconds=waits))


def ntfy_says(status: int, code: object, why: object, **headers: str) -> Said:
    return Said.json(status, {"code": code, "http": status, "error": why}, **headers)


NTFYS = [
    (ntfy_says(429, 42901, "limit reached: too many requests"), Outcome.THROTTLED, None),
    (ntfy_says(429, 42901, "limit reached", retry_after="9"), Outcome.THROTTLED, 9),
    (ntfy_says(429, 42908, "limit reached: too many messages"), Outcome.THROTTLED, 3600),
    (ntfy_says(401, 40101, "unauthorized"), Outcome.FORBIDDEN, None),
    (ntfy_says(403, 40301, "forbidden"), Outcome.FORBIDDEN, None),
    (ntfy_says(400, 40010, "invalid request: topic name is disallowed"), Outcome.FORBIDDEN, None),
    (ntfy_says(413, 41303, "JSON body too large"), Outcome.REFUSED, None),
    (ntfy_says(400, [40010], {"a": 1}), Outcome.REFUSED, None),
    (ntfy_says(400, [40010], "x"), Outcome.REFUSED, None),
    (ntfy_says(500, 50001, "internal server error"), Outcome.FAILED, None),
    (Said(200, b"<html>Sign in to this network</html>"), Outcome.FAILED, None),
    (Said(200, b'{"id":"x","event":"message","message":"' + b"x" * 20_000), Outcome.ACCEPTED, None),
]


@pytest.mark.parametrize(("said", "outcome", "waits"), NTFYS)
@of["ntfy"]
def test_what_ntfy_says_is_understood(
    sender: WebhookSender, tmp_path: Path, service: Service, said: Said, outcome: Outcome, waits: int | None
) -> None:
    service.next = [said]
    one = sent(sender, tmp_path, service, OUT)

    assert one.outcome is outcome
    assert one.retry_after == (None if waits is None else timedelta(seconds=waits))


URL = 'url = "https://api.example.org/x"'
BARE = SYSTEM + f'[[webhooks]]\nname = "crm"\n{URL}\n'


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('format = "telegram"\n', '"telegram" needs "token"; format = "telegram" needs "chat_id"'),
        (TELEGRAM.replace("BOT", "WRONG"), "token_env = 'WRONG': expected the token of a bot"),
        (TELEGRAM.replace(str(CHAT), '"office"'), "chat_id = 'office': expected the number of a chat"),
        (TELEGRAM.replace(str(CHAT), "true"), "chat_id = true: expected the number of a chat"),
        (TELEGRAM + 'topic = "x"\n', "topic = 'x': "),
        ('format = "slack"\ntoken_env = "BOT"\n', '"token" is not for format = "slack"'),
        ('format = "ntfy"\nchat_id = 7\n', '"chat_id" is not for format = "ntfy"'),
        (f'secret_env = "SECRET"\nchat_id = {CHAT}\n', '"chat_id" is not for format = "standard"'),
    ],
)
def test_what_a_format_lacks_or_has_no_use_for_is_a_fault(tmp_path: Path, settings: str, said: str) -> None:
    environ = {**ENVIRON, "BOT": TOKEN, "WRONG": "tk_secret", "SECRET": "whsec_" + "QUJD" * 8}
    (line,) = faults(tmp_path, BARE + settings, environ)

    assert said in line
    assert "tk_secret" not in line


def test_a_bad_token_and_a_bad_chat_are_said_at_once(tmp_path: Path) -> None:
    text = BARE + TELEGRAM.replace("BOT", "PREFIXED").replace(str(CHAT), '"office"')
    said = faults(tmp_path, text, {**ENVIRON, "PREFIXED": f"bot{TOKEN}"})

    assert [line.partition("] ")[2] for line in said] == [
        "token_env = 'PREFIXED': expected the token of a bot, as @BotFather gives it: 123456789:AbCd…,"
        ' without "bot" in front',
        "chat_id = 'office': expected the number of a chat, such as -1001234567890, or \"@channel\"",
    ]


@pytest.mark.parametrize("path", ["/bot", "/bot/", f"/bot{TOKEN}/sendMessage", "/sendMessage", "/BOT1:x"])
def test_an_address_with_the_bot_in_it_is_a_fault(tmp_path: Path, path: str) -> None:
    text = BARE.replace(URL, f'url = "https://api.telegram.org{path}"') + TELEGRAM
    (line,) = faults(tmp_path, text, {**ENVIRON, "BOT": TOKEN})

    assert 'url: has the bot in it, which the token says; give "https://api.telegram.org"' in line
    assert TOKEN not in line


@pytest.mark.parametrize("path", ["", "/", "/bots", "/telegram/"])
def test_a_server_of_one_s_own_may_be_anywhere(tmp_path: Path, path: str) -> None:
    text = BARE.replace(URL, f'url = "https://phones.example.org{path}"') + TELEGRAM
    loaded(tmp_path, text, {**ENVIRON, "BOT": TOKEN})


@pytest.mark.parametrize("path", ["", "/", "/a%20b", "/phones?auth=x", "/" + "x" * 65])
def test_an_address_that_is_no_topic_is_a_fault(tmp_path: Path, path: str) -> None:
    text = SYSTEM + f'[[webhooks]]\nname = "n"\nformat = "ntfy"\nurl = "https://ntfy.example.org{path}"\n'
    (line,) = faults(tmp_path, text, ENVIRON)

    assert "expected the address of a topic, such as https://ntfy.sh/topic" in line


@pytest.mark.parametrize("name", ["telegram", "slack", "ntfy"])
def test_people_get_one_message_after_the_other_unless_they_say_otherwise(tmp_path: Path, name: str) -> None:
    found = [
        routes(configured(tmp_path, name, "https://example.org", more))["crm"].max_in_flight
        for more in ("", "max_in_flight = 8\n")
    ]
    assert found == [1, 8]
