"""`yemotd endpoints preview`: what would be sent is shown, whatever it is made by, and nothing is sent."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.cli.conftest import Call
from tests.cli.test_verbs import configure
from tests.support.config_files import SYSTEM, WEBHOOK
from tests.support.event_examples import example

PASSWORD = "hunter2222"
TEMPLATE = (
    "content-type: application/x-www-form-urlencoded\nx-team: a\n\nkey={{ values.key }}\ntext={{ text }}\n"
)
CONFIGURATION = (
    "[http]\nlisten = ''\n[templates]\ngateway = 'gateway.txt'\n"
    + SYSTEM
    + "[systems.sms]\n"
    + WEBHOOK
    + '[[webhooks]]\nname = "gateway"\nurl = "http://127.0.0.1:9/path-that-nobody-sees"\n'
    + 'template = "gateway"\n'
    + 'events = ["sip.*"]\nvalues = { key_file = "key" }\nheaders = { Authorization = "Bearer hunter2222" }\n'
    + '[smtp]\nhost = "127.0.0.1"\nsecurity = "none"\nfrom = "y@example.org"\n'
    + '[[emails]]\nname = "ops"\nto = ["ops@example.org"]\n'
)


@pytest.fixture(autouse=True)
def configured(call: Call) -> None:
    Path("gateway.txt").write_text(TEMPLATE, encoding="utf-8")
    Path("key").write_text(PASSWORD + "\n", encoding="utf-8")
    Path("key").chmod(0o600)
    configure(CONFIGURATION)


def previewed(call: Call, *words: str) -> dict[str, Any]:
    code, out, err = call("endpoints", "preview", *words, "--json")
    assert code == os.EX_OK, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_a_format_is_shown_as_it_is_signed(call: Call) -> None:
    found = previewed(call, "crm", "--type", "sms.received")
    headers = {one["name"]: one["value"] for one in found["headers"]}

    assert json.loads(found["body"]) == example("sms.received")
    assert headers["content-type"] == "application/json"
    assert (found["host"], found["template"], found["type"]) == ("crm.example.org", None, "sms.received")
    Webhook(os.environ["SIGNING"]).verify(found["body"].encode(), headers)


def test_a_template_is_shown_with_no_secret_in_it(call: Call) -> None:
    code, out, err = call("endpoints", "preview", "gateway")

    assert (code, err) == (os.EX_OK, "")
    assert "POST to 127.0.0.1:9\n" in out
    assert "x-team: a\n" in out
    assert "key=%2A%2A%2A&text=" in out
    assert PASSWORD not in out
    assert "path-that-nobody-sees" not in out
    assert "webhook-signature" not in out
    assert previewed(call, "gateway")["type"] == "sip.account.added"


def test_what_of_its_settings_a_format_puts_into_the_body_stands_there(call: Call) -> None:
    Path("bot").write_text("123456789:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr\n", encoding="utf-8")
    Path("bot").chmod(0o600)
    telegram = '[[webhooks]]\nname = "telegram"\nformat = "telegram"\nurl = "http://127.0.0.1:9"\n'
    configure(CONFIGURATION + telegram + 'token_file = "bot"\nchat_id = -1001234567890\ntopic = 42\n')

    found = previewed(call, "telegram", "--type", "sip.account.unregistered")
    body = json.loads(found["body"])
    assert (body["chat_id"], body["message_thread_id"]) == (-1001234567890, 42)
    assert "AAbbCC" not in json.dumps(found)


def test_what_there_is_not_is_said_with_what_was_meant(call: Call) -> None:
    for words, code, said in (
        (("gatewy",), os.EX_USAGE, 'there is no webhook "gatewy"; did you mean "gateway"?'),
        (("ops",), os.EX_USAGE, '"ops" is no webhook'),
        (("ops/ops@example.org",), os.EX_USAGE, '"ops/ops@example.org" is no webhook'),
        (("crm", "--type", "sms.recieved"), os.EX_USAGE, 'did you mean "sms.received"?'),
    ):
        found, _, err = call("endpoints", "preview", *words)
        assert found == code
        assert said in err


def test_a_type_that_never_goes_there_is_tried_all_the_same(call: Call) -> None:
    Path("gateway.txt").write_text(
        TEMPLATE.replace("{{ text }}", "{{ data.account.user_name }}"), encoding="utf-8"
    )
    configure(CONFIGURATION.replace('events = ["sip.*"]', 'events = ["sip.account.added"]'))

    code, _, err = call("endpoints", "preview", "gateway", "--type", "sms.received")
    assert code == os.EX_DATAERR
    assert 'the template "gateway" cannot tell sms.received: line 5: there is no "account"' in err
