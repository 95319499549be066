"""What `[[webhooks]]` may say of formats, filters, schedules and keys, and what is refused."""

from datetime import timedelta
from pathlib import Path

import pytest

from daemon.core.rendering.formats import Format
from daemon.core.routing.plan import Order
from daemon.core.routing.schedule import schedule_of
from daemon.senders import ed25519
from daemon.wiring.endpoints import interests, routes
from daemon.wiring.senders import target, targets
from tests.support.certificates import Authority
from tests.support.config_files import ENVIRON, SMS, SYSTEM, WEBHOOK, config, faults, loaded

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
        ('order = "any"', "order = 'any': expected"),
        ('payload = "half"', "payload = 'half': expected"),
        ("rate = 0", "rate = 0"),
        ('redact = ["SMS text"]', "redact = 'SMS text': expected a field of the event's data"),
        ('headers = { "Webhook-Id" = "x" }', '"Webhook-Id" is set by yemotd itself'),
        ('headers = { "Content-Length" = "1" }', '"Content-Length" is set by yemotd itself'),
        ("headers = false", "headers = false: expected a table"),
        ('headers = { "X Y" = "x" }', '"X Y" is no name of a header'),
        ('headers = { "X-Y" = "a\\nb" }', '"X-Y" has U+000A (a control character) in it'),
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
