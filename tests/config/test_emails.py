"""`[smtp]` and `[[emails]]`: what reaches the sender and the dispatcher, and what is refused."""

from datetime import timedelta
from pathlib import Path

import pytest

from daemon.senders.smtp import Security
from daemon.wiring.endpoints import interests, routes
from daemon.wiring.senders import server, styles
from tests.support.config_files import SYSTEM, config, faults

SMTP = '[smtp]\nhost = "mail.example.org"\nfrom = "Alerts <alerts@example.org>"\n'
EMAILS = '[[emails]]\nname = "ops"\nto = ["Anna <anna@example.org>", "ben@example.org"]\n'
MINUTE = timedelta(minutes=1)


def test_each_address_is_an_endpoint_of_its_own(tmp_path: Path) -> None:
    loaded = config(tmp_path, SYSTEM + SMTP + EMAILS)
    names = ["ops/anna@example.org", "ops/ben@example.org"]

    assert [one.endpoint for one in interests(loaded)] == names
    assert list(routes(loaded)) == names
    assert [one.recipient for one in styles(loaded).values()] == [
        "Anna <anna@example.org>",
        "ben@example.org",
    ]


def test_without_any_wish_mails_are_encrypted_gathered_and_tried_for_two_days(tmp_path: Path) -> None:
    loaded = config(tmp_path, SYSTEM + SMTP + EMAILS)
    route = routes(loaded)["ops/ben@example.org"]
    (interest, _) = interests(loaded)
    place = server(loaded.smtp)

    assert place is not None
    assert (place.port, place.security, place.sender) == (587, Security.STARTTLS, "alerts@example.org")
    assert sum(route.retries("sms.received"), timedelta()) > 47 * 60 * MINUTE
    assert route.mailing is not None
    assert (route.mailing.interval, route.mailing.most_per_hour) == (MINUTE, 30)
    assert (interest.group_wait, interest.repeat) == (timedelta(seconds=15), timedelta(hours=4))


def test_a_domain_in_hebrew_is_kept_in_the_name_and_is_ascii_in_the_envelope(tmp_path: Path) -> None:
    text = (SMTP + EMAILS).replace("example.org>", "דוגמה.com>")
    loaded = config(tmp_path, SYSTEM + text)
    place = server(loaded.smtp)

    assert place is not None
    assert place.sender == "alerts@xn--6dbbec0c.com"
    assert [one.endpoint for one in interests(loaded)] == ["ops/anna@דוגמה.com", "ops/ben@example.org"]


def test_wishes_reach_the_dispatcher_and_the_writer(tmp_path: Path) -> None:
    wishes = (
        'language = "he"\nredact = ["sms.text"]\ngroup_wait = "0s"\ngroup_interval = "5m"\n'
        "most_per_hour = 4\n"
        'retries = ["1m"]\nexpires = "1h"\n[[emails.filters]]\nfield = "sms.from"\nis = "050"\n'
    )
    loaded = config(tmp_path, SYSTEM + SMTP + EMAILS + wishes)
    route, style = routes(loaded)["ops/ben@example.org"], styles(loaded)["ops/ben@example.org"]
    (interest, _) = interests(loaded)

    assert route.mailing is not None
    assert (route.mailing.interval, route.mailing.most_per_hour) == (5 * MINUTE, 4)
    assert (route.retries("sms.received"), interest.schedules[0].expires) == ((MINUTE,), 60 * MINUTE)
    assert (style.language, style.redact) == ("he", ("sms.text",))
    assert interest.filters[0].values == ("050",)


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        (EMAILS + "most_per_hour = 0", "most_per_hour = 0"),
        (EMAILS.replace("ben@", "ANNA@"), "anna@example.org is given twice"),
        (EMAILS.replace('"ops"', '"smtp"'), "stands for the mail server"),
        (EMAILS + 'order = "latest"', 'unknown key "order"'),
        (EMAILS.replace("anna@", "anna..b@"), "Anna <anna..b@example.org>': expected a mail address"),
        (EMAILS.replace("anna@", "אנה@"), "expected a mail address"),
        (EMAILS.replace("anna@example.org", "anna@.org"), "expected a mail address"),
        (EMAILS.replace("anna@example.org", "anna@דוגמהa.com"), "no form in ASCII: Violation of BIDI"),
        (EMAILS.replace("anna@example.org", "anna@straße.de"), "no form in ASCII: U+00DF stands for"),
        (EMAILS.replace("anna@example.org", f"anna@{'א' * 64}.com"), "no form in ASCII: label"),
        (
            EMAILS.replace("anna@example.org", "a@דוגמה.com").replace(
                "ben@example.org", "A@xn--6dbbec0c.com"
            ),
            "a@דוגמה.com is given twice",
        ),
        ('templates = "none"', "templates = 'none': is no folder"),
        ('ca_file = "none.pem"', "cannot be read: No such file"),
        ('security = "ssl"', "security = 'ssl': expected"),
        ('timeout = "0s"', "timeout = '0s'"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, wish: str, reason: str) -> None:
    assert reason in "\n".join(faults(tmp_path, SYSTEM + SMTP + wish + "\n"))


def test_a_template_that_cannot_be_read_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "mails").mkdir()
    (tmp_path / "mails" / "mail.txt").write_text("Dear all,\n{% for %}\n")

    (line,) = faults(tmp_path, SYSTEM + SMTP + 'templates = "mails"\n')
    assert "mail.txt, line 2" in line
