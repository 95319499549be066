"""Mailboxes: what is due goes together, not too often, and brief alerts not at all."""

from datetime import timedelta

import pytest

from daemon.core.delivery.breaker import Health
from daemon.core.delivery.outcome import Outcome
from daemon.core.delivery.route import Mailing, Route
from daemon.core.routing.plan import Interest
from daemon.core.routing.schedule import Schedule
from daemon.store.database import Database
from tests.support.dispatching import HOUR, MINUTE, SECOND, Setting

WAIT, INTERVAL = 15 * SECOND, MINUTE
MAILING = Mailing(INTERVAL, most_per_hour=4)
RETRIES = (MINUTE, 5 * MINUTE, HOUR)


@pytest.fixture
def mail(database: Database) -> Setting:
    """A webhook "ops", and two mailboxes of one server, of which tests look at "crm"."""
    setting = Setting(database)
    mailbox = Route(
        100, 15 * SECOND, (Schedule(("*",), RETRIES),), mailing=MAILING, reported_as="smtp"
    )  # fmt: skip
    setting.routes |= {"crm": mailbox, "anna": mailbox}
    setting.interest(
        Interest("ops", ("*",), None),
        *(
            Interest(name, ("sms.*",), None, is_batched=True, group_wait=WAIT, reported_as="smtp")
            for name in ("crm", "anna")
        ),
    )
    setting.another()
    return setting


def test_what_comes_within_the_wait_goes_together_and_in_order(mail: Setting) -> None:
    mail.add("a", "b")
    assert mail.run() == []
    mail.clock.advance(10)
    mail.add("a")
    assert mail.run(after=4.9) == []

    sent = mail.run(after=0.2)
    assert [one.partition("/")[0] for one in sent] == ["a", "b"]
    assert [one.partition("/")[0] for one in mail.run(after=60)] == ["a"]


def test_many_of_one_subject_are_one_mailing(mail: Setting) -> None:
    mail.add(*["a"] * 30)

    assert len(mail.run(after=15)) == 30


def test_there_is_a_least_time_from_one_mailing_to_the_next(mail: Setting) -> None:
    mail.add("a")
    mail.run(after=15)
    mail.add("b")

    assert mail.run(after=59) == []
    assert len(mail.run(after=1)) == 1


def test_webhooks_do_not_wait_for_any_of_it(mail: Setting) -> None:
    mail.add("a", "b")
    mail.run()

    assert mail.told("ops") == ["sms.received"] * 2


def test_beyond_the_most_per_hour_all_waits_and_comes_together(mail: Setting) -> None:
    for _ in range(4):
        assert mail.mail_pace.rests_until("crm", MAILING, mail.clock.at) is None
        mail.add("a")
        assert len(mail.run(after=75)) == 1
    rest = mail.mail_pace.rests_until("crm", MAILING, mail.clock.at)
    assert rest is not None
    for _ in range(10):
        mail.add("b")
        assert mail.run(after=75) == []

    left = (rest - mail.clock.at) / SECOND
    assert mail.run(after=left - 1) == []
    assert len(mail.run(after=1)) == 10


def test_what_failed_together_is_due_together_again(mail: Setting) -> None:
    mail.dispatcher._jitter = iter([0.1, 0.9, 0.5, 0.3, 0.7] * 10).__next__
    mail.receivers.answers["crm"] = Outcome.FAILED
    mail.add("a", "b", "c")
    assert len(mail.run(after=15)) == 3
    mail.receivers.answers.clear()

    assert mail.run(after=59) == []
    assert len(mail.run(after=1)) == 3


def test_one_address_that_refuses_is_its_own_matter(mail: Setting) -> None:
    mail.receivers.answers["anna"] = Outcome.REFUSED
    mail.add("a")
    mail.run(after=15)

    assert mail.statuses("crm") == ["delivered"]
    assert mail.statuses("anna") == ["dead"]
    assert mail.health("anna") is Health.HEALTHY


def test_others_hear_once_that_the_server_fails_and_once_that_it_is_back(mail: Setting) -> None:
    mail.receivers.answers = {"crm": Outcome.FORBIDDEN, "anna": Outcome.FORBIDDEN}
    mail.add("a", "b", "c", "d", "e")
    mail.run(after=15)
    assert mail.health("crm") is mail.health("anna") is Health.SUSPENDED
    about = [one for one in mail.receivers.sent if one.event_type.startswith("endpoint.")]
    assert [(one.endpoint, one.event_type) for one in about] == [
        ("ops", "endpoint.failing"),
        ("ops", "endpoint.suspended"),
    ]
    assert {one.lane for one in about} == {"/endpoint/smtp"}

    mail.receivers.answers.clear()
    for _ in range(8):
        mail.run(after=70)
    assert mail.health("crm") is mail.health("anna") is Health.HEALTHY
    assert mail.told("ops")[-2:] == ["endpoint.resumed", "endpoint.recovered"]
    assert mail.told("ops").count("endpoint.recovered") == 1


def test_the_wait_does_not_last_longer_than_it_says(mail: Setting) -> None:
    mail.add("a")
    mail.run()

    assert timedelta(0) < timedelta(seconds=mail.dispatcher._patience()) <= WAIT


@pytest.fixture
def about(database: Database) -> Setting:
    """A webhook "crm", and a mailbox "anna" that is told of its health."""
    setting = Setting(database)
    setting.routes["anna"] = Route(100, 15 * SECOND, (Schedule(("*",), RETRIES),), mailing=MAILING)
    setting.interest(
        Interest("crm", ("sms.*",), None),
        Interest("anna", ("endpoint.failing", "endpoint.recovered"), None, is_batched=True, group_wait=WAIT),
    )
    setting.another()
    setting.receivers.answers["crm"] = Outcome.FAILED
    setting.add(*"abcde")
    setting.run()
    assert setting.health() is Health.DEGRADED
    return setting


def test_an_alert_that_is_over_before_its_mail_is_not_told(about: Setting) -> None:
    about.receivers.answers.clear()
    about.run(after=10)
    assert about.health() is Health.HEALTHY
    about.run(after=3600)

    assert about.told("anna") == []


def test_an_alert_that_lasts_is_told_and_so_is_its_end(about: Setting) -> None:
    about.run(after=15)
    assert about.told("anna") == ["endpoint.failing"]
    about.receivers.answers.clear()
    about.run(after=10)
    about.run(after=60)

    assert about.told("anna") == ["endpoint.failing", "endpoint.recovered"]
