"""What `[[webhooks]]` may say of formats, filters, schedules and keys, and what is refused."""

import json
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.config.load import load
from daemon.config.secrets import held
from daemon.core.redaction import redacted, spellings
from daemon.core.rendering.formats import Format
from daemon.core.routing.plan import Order
from daemon.core.routing.schedule import schedule_of
from daemon.senders import ed25519
from daemon.wiring.endpoints import interests, routes
from daemon.wiring.senders import target, targets
from tests.support.certificates import Authority
from tests.support.config_files import ENVIRON, SMS, SYSTEM, WEBHOOK, config, faults, loaded, written

ALL = SYSTEM + SMS + WEBHOOK
SECOND = timedelta(seconds=1)


def test_without_any_wish_it_is_the_standard(tmp_path: Path) -> None:
    (webhook,) = config(tmp_path, ALL).webhooks

    assert (webhook.format, webhook.order, webhook.rate, webhook.expires) == (
        Format.STANDARD,
        Order.STRICT,
        None,
        None,
    )
    assert target(webhook).shape.is_plain


def test_wishes_reach_the_sender_and_the_dispatcher(tmp_path: Path) -> None:
    wishes = """
    format = "cloudevents-binary"
    payload = "thin"
    redact = ["sms.text"]
    order = "latest"
    rate = 2.5
    recovery_rate = 5
    headers = { "X-Site" = "office" }
    proxy = "http://127.0.0.1:3128"
    """
    found = config(tmp_path, ALL + wishes)
    sent_to, route, interest = targets(found)["crm"], routes(found)["crm"], interests(found)[0]

    assert (sent_to.shape.format, sent_to.shape.is_thin, sent_to.shape.redact) == (
        Format.CLOUDEVENTS_BINARY,
        True,
        ("sms.text",),
    )
    assert sent_to.headers == (("X-Site", "office"),)
    assert sent_to.proxy == "http://127.0.0.1:3128"
    assert (route.rate, route.recovery_rate) == (2.5, 5)
    assert route.order is interest.order is Order.LATEST


def test_the_first_schedule_that_names_a_type_counts_and_the_webhook_s_own_is_last(tmp_path: Path) -> None:
    text = (
        ALL
        + """
    retries = ["1s"]
    expires = "1h"
    [[webhooks.schedules]]
    events = ["sms.*"]
    expires = "0s"
    [[webhooks.schedules]]
    events = ["queue.*", "s*"]
    retries = []
    expires = "5m"
    """
    )
    schedules = routes(config(tmp_path, text))["crm"].schedules

    sms, queue, other = (schedule_of(schedules, one) for one in ("sms.received", "queue.x", "api.reachable"))
    assert (sms.retries, sms.expires) == ((SECOND,), None)
    assert (queue.retries, queue.expires) == ((), 300 * SECOND)
    assert (other.retries, other.expires) == ((SECOND,), 3600 * SECOND)


def test_a_signing_key_signs_beside_the_secret(tmp_path: Path) -> None:
    key = ed25519.generate()
    environ = {**ENVIRON, "KEY": key}
    (webhook,) = loaded(tmp_path, ALL + 'signing_key_env = "KEY"\n', environ).config.webhooks

    versions = [sign(b"x").partition(",")[0] for sign in target(webhook).signers]
    assert versions == ["v1", "v1a"]
    assert key not in repr(webhook)


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ('format = "xml"', "format = 'xml': expected"),
        ('format = "cloudevent"', '; did you mean "cloudevents"?'),
        ('payload = "thinn"', "payload = 'thinn': expected 'full' or 'thin'; did you mean \"thin\"?"),
        ('accept_redirect = "a.example"', "accept_redirect = 'a.example': expected an https URL that ends"),
        ('accept_redirect = "https://a.example"', 'must end with a "/" behind the host or the path'),
        ('order = "any"', "order = 'any': expected"),
        ('payload = "half"', "payload = 'half': expected"),
        ("rate = 0", "rate = 0"),
        ('redact = ["SMS text"]', "redact = 'SMS text': expected a field of the event's data"),
        ('headers = { "Webhook-Id" = "x" }', '"Webhook-Id" is set by yemotd itself'),
        ('headers = { "Content-Length" = "1" }', '"Content-Length" is set by yemotd itself'),
        ("headers = false", "headers = false: expected a table"),
        ('headers = { "X Y" = "x" }', '"X Y" is no name of a header'),
        ('headers = { "X-Y" = "a\\nb" }', '"X-Y" has U+000A (a control character) in it'),
        ('signature = "body"\nformat = "slack"', 'signature = "body" goes with format = "standard" or'),
        ('signature = "header"', "signature = 'header': expected"),
        ('proxy = "socks"', 'expected a URL that starts with "https://" or "http://"'),
        ('key = "k.pem"', '"key" goes with "certificate"'),
        ('ca_file = "none.pem"', "cannot be read: No such file"),
        ('certificate = "none.pem"', "cannot be read: No such file"),
        ('certificate = "config.toml"', "is no certificate in PEM form with its key"),
        ("[[webhooks.schedules]]\nevents = []", "[webhooks.schedules] events: must not be empty"),
        ('[[webhooks.filters]]\nfield = "alert.reason"\nis = "a"', 'only "alert.severity" stays the same'),
        ('[[webhooks.filters]]\nfield = "sms.text"', 'give one of "is", "in", "not_in"'),
        ('[[webhooks.filters]]\nfield = "sms.text"\nis = "a"\nin = ["b"]', 'give one of "is", "in"'),
        ('[[webhooks.filters]]\nfield = "sms.text"\ncontain = "a"', 'did you mean "contains"?'),
        ('signing_key_env = "SIGNING"', "is a symmetric secret, which is for `secret`; expected whsk_"),
    ],
)
def test_what_cannot_be_is_refused_with_the_way_out(tmp_path: Path, wish: str, reason: str) -> None:
    assert reason in "\n".join(faults(tmp_path, ALL + wish + "\n"))


def test_a_certificate_is_taken_with_its_key(tmp_path: Path) -> None:
    pem = Authority(tmp_path).issue("yemotd.example.org")
    (webhook,) = config(tmp_path, ALL + f'certificate = "{pem.name}"\nca_file = "authority.pem"\n').webhooks

    assert (webhook.certificate, webhook.ca_file) == (pem, tmp_path / "authority.pem")


@pytest.mark.parametrize(
    ("wish", "hidden"),
    [
        ('headers = { Authorization = "Bearer opensesame1" }', {"Bearer opensesame1", "opensesame1"}),
        ('headers = { authorization = "Basic dTpvcGVuc2VzYW1l" }', {"Basic dTpvcGVuc2VzYW1l", "opensesame"}),
        ('headers = { "X-Api-Key" = "opensesame" }', {"opensesame"}),
        ('headers = { "Cookie" = "a=b; session=opensesame" }', {"a=b; session=opensesame", "opensesame"}),
        ('headers = { "X-Site" = "Bearer opensesame" }', {"opensesame"}),
        ('headers = { "X-Site" = "office" }', set()),
        ('proxy = "http://127.0.0.1:3128"', set()),
    ],
)
def test_what_opens_the_receiver_is_as_secret_as_a_token(tmp_path: Path, wish: str, hidden: set[str]) -> None:
    (webhook,) = loaded(tmp_path, ALL + wish).config.webhooks
    own = {*held(webhook)} - {ENVIRON["SIGNING"]}

    assert hidden <= own
    assert bool(own) == bool(hidden)
    assert hidden <= {*target(webhook).hidden}


@pytest.mark.parametrize(
    ("url", "hidden"),
    [
        ("https://hooks.example.org/services/T0001/B0001/XXXX0000xxxx1111", ["XXXX0000xxxx1111"]),
        ("https://example.org/hook?token=opensesame&site=office", ["opensesame"]),
        ("https://example.org/hooks/yemot/incoming-messages?site=yemotd", []),
    ],
)
def test_what_a_url_opens_is_secret_and_the_rest_is_not(tmp_path: Path, url: str, hidden: list[str]) -> None:
    (webhook,) = config(tmp_path, ALL.replace("https://crm.example.org/hook", url)).webhooks

    assert webhook.credentials() == hidden


def test_a_credential_in_a_file_that_others_read_is_warned_of(tmp_path: Path) -> None:
    path = written(tmp_path, ALL + 'headers = { "X-Api-Key" = "opensesame" }', mode=0o644)
    said = [one for one in load(path, ENVIRON).warnings if "opens the receiver" in one]

    assert len(said) == 1
    assert "opensesame" not in said[0]


@given(st.text(min_size=6, max_size=20, alphabet=st.characters(min_codepoint=33, max_codepoint=126)))
def test_an_answer_that_says_a_header_back_does_not_show_it(secret: str) -> None:
    said = (secret, json.dumps({"seen": secret}), quote(f"x={secret}", safe=""), secret.replace("/", "\\/"))
    for text in said:
        shown = redacted(f"you sent {text}", spellings([secret]))
        assert secret not in shown.removeprefix("you sent ").replace("***", "")
        assert "***" in shown


def test_no_signing_secret_is_asked_for_where_nobody_looks_at_a_signature(tmp_path: Path) -> None:
    bare = SYSTEM + '[[webhooks]]\nname = "crm"\nurl = "https://hooks.example.org/x"\n'

    loaded = load(written(tmp_path, bare + 'format = "slack"\n'), ENVIRON).config
    assert loaded.webhooks[0].secrets == ()
    for form in ("", 'format = "standard"\n', 'format = "cloudevents"\n'):
        assert faults(tmp_path, bare + form) == (
            "[webhooks] secret is missing: give secret_file, secret_credential or secret_env",
        )
