"""`yemotd verify`, called as a terminal calls it: where secrets may come from, and what is said."""

import io
import json
import os
import sys
from pathlib import Path

import pytest

from daemon.core.model import Secret
from daemon.core.webhooks import envelope
from daemon.core.webhooks.signing import headers, hmac_signer
from daemon.senders import ed25519
from tests.cli.conftest import Call
from tests.support.config_files import SYSTEM, WEBHOOK

SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FOREIGN = "whsec_" + "QUJD" * 8
PRIVATE = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
BODY = '{"type":"test.ping","data":{"id":"evt_1","text":"שלום"}}'.encode()
SECONDS = 1772366400
GIVEN = dict(headers([hmac_signer(Secret(SIGNING))], message="evt_1", timestamp=SECONDS, body=BODY))
AT = ("--now", "2026-03-01T12:00:00+00:00")
FILES = ("--body", "body", "--headers", "headers", *AT)


@pytest.fixture(autouse=True)
def captured(call: Call) -> None:
    """A request that somebody kept, in the directory of the terminal, and the secret beside it."""
    Path("body").write_bytes(BODY)
    keep(GIVEN)
    Path("secret").write_text(SIGNING + "\n", encoding="ascii")


def keep(given: dict[str, str]) -> None:
    Path("headers").write_text("".join(f"{name}: {value}\n" for name, value in given.items()), "utf-8")


def configure(text: str) -> None:
    path = Path("config.toml")
    path.touch(mode=0o600)
    path.write_text(SYSTEM + text, encoding="utf-8")


def test_a_genuine_webhook_exits_with_0(call: Call) -> None:
    code, out, err = call("verify", *FILES, "--secret-file", "secret")

    assert (code, err) == (0, "")
    assert out.startswith('Genuine: "evt_1", signed 2026-03-01 ')
    assert len(out.splitlines()) == 1


def test_one_that_is_not_genuine_exits_with_65_and_says_why(call: Call) -> None:
    Path("body").write_bytes(BODY + b"\n")
    code, out, err = call("verify", *FILES, "--secret-file", "secret")

    assert (code, err) == (os.EX_DATAERR, "")
    assert out.splitlines()[0].startswith('Not genuine: "evt_1"')
    assert out.splitlines()[1:] == [
        "  no signature matches (v1 checked)",
        "  the body has a line break at its end that was not signed",
    ]


def test_for_programs_it_is_one_document(call: Call) -> None:
    code, out, _ = call("verify", *FILES, "--secret-env", "SIGNING", "--json")
    assert (code, json.loads(out)) == (
        0,
        {"is_genuine": True, "id": "evt_1", "signed_at": "2026-03-01T12:00:00.000Z", "findings": []},
    )

    keep({})
    code, out, _ = call("verify", *FILES, "--secret-env", "SIGNING", "--json")
    assert code == os.EX_DATAERR
    assert json.loads(out)["is_genuine"] is False
    assert json.loads(out)["findings"][0] == {
        "problem": "header_missing",
        "text": "the header webhook-id is missing",
    }


def test_the_secrets_of_an_endpoint_come_from_the_configuration(call: Call) -> None:
    Path("old").touch(mode=0o600)
    Path("old").write_text(FOREIGN, encoding="ascii")
    configure(
        WEBHOOK.replace('secret_env = "SIGNING"', 'secret_file = ["old", "secret"]')
        + WEBHOOK.replace("crm", "other").replace('secret_env = "SIGNING"', 'secret_file = "old"')
    )

    assert call("verify", *FILES, "--endpoint", "crm")[0] == 0
    assert call("verify", *FILES, "--endpoint", "other")[0] == os.EX_DATAERR
    code, out, err = call("verify", *FILES, "--endpoint", "crn")
    assert (code, out) == (os.EX_USAGE, "")
    assert err == 'there is no webhook "crn"; did you mean "crm"?\n'


def test_the_signing_key_of_an_endpoint_checks_as_well(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", PRIVATE)
    configure(WEBHOOK + 'signing_key_env = "KEY"\n')
    keep(dict(headers([ed25519.signer(Secret(PRIVATE))], message="evt_1", timestamp=SECONDS, body=BODY)))

    assert call("verify", *FILES, "--endpoint", "crm")[0] == 0
    assert call("verify", *FILES, "--public-key", PUBLIC)[0] == 0
    assert call("verify", *FILES, "--secret-file", "secret")[0] == os.EX_DATAERR


def test_a_signing_key_that_is_damaged_is_a_fault_of_the_configuration(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", PRIVATE.replace("Kvg==", "Kvw=="))
    configure(WEBHOOK + 'signing_key_env = "KEY"\n')
    code, out, err = call("verify", *FILES, "--endpoint", "crm")

    assert (code, out) == (os.EX_CONFIG, "")
    assert "[webhooks] signing_key_env = 'KEY': its second half" in err
    assert PRIVATE[5:20] not in err


def test_a_configuration_that_cannot_be_used_exits_with_78(call: Call) -> None:
    configure(WEBHOOK + "nonsense = 1\n")

    assert call("verify", *FILES, "--endpoint", "crm")[0] == os.EX_CONFIG
    assert call("verify", *FILES, "--secret-file", "secret")[0] == 0


def test_any_of_several_secrets_is_enough(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOREIGN", FOREIGN)

    both = ("--secret-env", "FOREIGN", "--secret-file", "secret")
    assert call("verify", *FILES, *both)[0] == 0
    assert call("verify", *FILES, "--secret-env", "FOREIGN")[0] == os.EX_DATAERR


SIGNED = GIVEN["webhook-signature"]


@pytest.mark.parametrize(
    "kept",
    [
        f"Webhook-Id: evt_1\r\nWEBHOOK-TIMESTAMP:{SECONDS}\r\nwebhook-signature:  {SIGNED} \r\n",
        f"* Connected to a (127.0.0.1) port 80\n> POST /hook HTTP/1.1\n> Host: crm.example.org\n"
        f"> webhook-id: evt_1\n> webhook-timestamp: {SECONDS}\n> webhook-signature: {SIGNED}\n> \n"
        "< HTTP/1.1 200 OK\n< webhook-id: evt_9\n",
        "< webhook-id: evt_9\n" + "".join(f"> {name}: {value}\n" for name, value in GIVEN.items()),
        f"POST http://crm.example.org/ HTTP/1.1\nAccept: a\nAccept: b\nwebhook-id: evt_1\n"
        f"webhook-timestamp: {SECONDS}\nwebhook-signature: {SIGNED}\n\nwebhook-id: in the body\n",
        json.dumps({name.title(): value for name, value in GIVEN.items()}),
        "\ufeff" + json.dumps(GIVEN | {"webhook-timestamp": SECONDS, "webhook-id": ["evt_1"]}, indent=1),
    ],
    ids=["lines", "curl -v", "an answer above it", "a captured request", "JSON", "JSON of another program"],
)
def test_headers_may_be_kept_in_many_ways(call: Call, kept: str) -> None:
    Path("headers").write_bytes(kept.encode())

    assert call("verify", *FILES, "--secret-file", "secret")[0] == 0


def test_headers_may_be_options(call: Call) -> None:
    options = [word for name, value in GIVEN.items() for word in ("--header", f"{name}: {value}")]
    secret = ("--secret-file", "secret", *AT)
    assert call("verify", "--body", "body", *options, *secret)[0] == 0

    keep({name: value for name, value in GIVEN.items() if name != "webhook-id"})
    added = ("--headers", "headers", "--header", "webhook-id: evt_1")
    assert call("verify", "--body", "body", *added, *secret)[0] == 0


def test_a_body_may_come_from_standard_input(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BODY)))

    assert call("verify", "--body", "-", *FILES[2:], "--secret-file", "secret")[0] == 0


@pytest.mark.parametrize("more", [(), ("--header", "Content-Type: application/json")])
def test_a_signature_may_stand_in_the_body(call: Call, more: tuple[str, ...]) -> None:
    Path("body").write_bytes(envelope.enveloped(BODY, "evt_1", SECONDS, GIVEN["webhook-signature"]))
    words = ("verify", "--body", "body", *more, *AT)

    assert call(*words, "--secret-file", "secret")[1].startswith('Genuine: "evt_1"')
    Path("secret").write_text(FOREIGN, encoding="ascii")
    assert call(*words, "--secret-file", "secret")[0] == os.EX_DATAERR
    # Where headers sign it, it is a body as any other, of which they say more.
    keep({**GIVEN, "webhook-id": "evt_2"})
    assert '"evt_2"' in call("verify", *FILES, "--secret-file", "secret")[1]


@pytest.mark.parametrize("now", ["2026-03-01T14:10:00+02:00", "1772367000"])
def test_it_is_checked_as_of_another_time_with_another_tolerance(call: Call, now: str) -> None:
    words = ("verify", *FILES[:4], "--secret-file", "secret", "--now", now)

    code, out, _ = call(*words)
    assert code == os.EX_DATAERR
    assert "webhook-timestamp is 10m ago, more than 5m" in out
    assert call(*words, "--tolerance", "10m")[0] == 0


def test_without_another_time_it_is_checked_as_of_now(call: Call) -> None:
    code, out, _ = call("verify", *FILES[:4], "--secret-file", "secret")

    assert code == os.EX_DATAERR
    assert "ago, more than 5m" in out or "ahead, more than 5m" in out


def test_a_time_is_as_people_write_it(call: Call) -> None:
    code, out, _ = call("verify", *FILES[:4], "--secret-file", "secret", "--now", "yesterday 8:00")

    assert code == os.EX_DATAERR
    assert "ago, more than 5m" in out or "ahead, more than 5m" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give one of --secret-file, --secret-env, --endpoint and --public-key"),
        (("--secret-file", "absent"), '--secret-file "absent": cannot be read: No such file or directory'),
        (("--secret-env", "ABSENT"), '--secret-env "ABSENT": this environment variable is not set, or empty'),
        (("--secret-file", "secret", "--body", "absent"), '--body "absent": cannot be read'),
        (("--secret-file", "secret", "--headers", "absent"), '--headers "absent": cannot be read'),
        (("--secret-file", "secret", "--header", "evt_1"), '--header: expected "Name: value"'),
        (("--secret-file", "secret", "--header", "webhook-id: evt_2"), "two different webhook-id"),
        (("--secret-file", "secret", "--now", "soon"), "--now 'soon': expected a time such as"),
        (("--secret-file", "secret", "--tolerance", "soon"), "--tolerance 'soon': expected a duration"),
        (("--public-key", "crm"), "--public-key: expected whpk_ and base64"),
    ],
)
def test_a_call_that_is_wrong_exits_with_64(call: Call, words: tuple[str, ...], said: str) -> None:
    code, out, err = call("verify", *FILES, *words)

    assert (code, out) == (os.EX_USAGE, "")
    assert said in err


@pytest.mark.parametrize("kept", ['{"webhook-id": null}', '{"webhook-id": {}}', "{", '{"a": true}'])
def test_headers_that_are_no_json_after_all_are_a_wrong_call(call: Call, kept: str) -> None:
    Path("headers").write_text(kept, "utf-8")
    code, out, err = call("verify", *FILES, "--secret-file", "secret")

    assert (code, out) == (os.EX_USAGE, "")
    assert '--headers "headers": is no JSON object' in err


@pytest.mark.parametrize(
    "words",
    [
        ("--secret", SIGNING),
        (f"--secret={SIGNING}",),
        ("--secret-file", SIGNING),
        ("--secret-env", SIGNING),
        ("--public-key", SIGNING),
        ("--public-key", PRIVATE),
        ("--endpoint", SIGNING),
    ],
)
def test_a_secret_among_the_arguments_is_refused_and_not_shown(call: Call, words: tuple[str, ...]) -> None:
    configure(WEBHOOK)
    code, out, err = call("verify", *FILES, *words)

    assert (code, out) == (os.EX_USAGE, "")
    assert err
    assert not any(secret[8:] in err for secret in (SIGNING, PRIVATE))


def test_signs_that_move_the_cursor_are_not_printed_as_they_are(call: Call) -> None:
    keep(GIVEN | {"webhook-id": "evt_\x1b[2J"})
    _, out, _ = call("verify", *FILES, "--secret-file", "secret")

    assert "\x1b" not in out


def test_no_reason_shows_a_secret(call: Call) -> None:
    keep(GIVEN | {"webhook-signature": "v1,AAAA"})
    for words in (("--secret-env", "SIGNING"), ("--secret-env", "SIGNING", "--json")):
        _, out, err = call("verify", *FILES, *words)
        assert SIGNING[6:] not in out + err
