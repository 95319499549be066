"""Mailboxes: what is due goes together, not too often, and brief alerts not at all."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.delivery.breaker import Health
from daemon.core.delivery.outcome import Outcome
from daemon.core.delivery.route import Mailing, Route
from daemon.core.routing.plan import Interest
from daemon.core.routing.schedule import Schedule
from daemon.pipeline.endpoint_alerts import sweep
from daemon.store.database import Database
from tests.support import stores
from tests.support.dispatching import HOUR, MINUTE, SECOND, Setting
from tests.support.engines import USED
from tests.support.examples import examples

WAIT, INTERVAL = 15 * SECOND, MINUTE
MAILING = Mailing(INTERVAL, most_per_hour=4)
ENDS = ("endpoint.failing", "endpoint.recovered")
RETRIES = (MINUTE, 5 * MINUTE, HOUR)


@pytest.fixture
def mail(database: Database) -> Setting:
    """A webhook "ops", and two mailboxes of one server, of which tests look at "crm"."""
    return office(database)


@pytest.fixture
def busy(database: Database) -> Setting:
    """The same, with a mailing every minute."""
    return office(database, replace(MAILING, most_per_hour=60))


def office(database: Database, mailing: Mailing = MAILING) -> Setting:
    setting = Setting(database)
    mailbox = Route(
        100, 15 * SECOND, (Schedule(("*",), RETRIES),), mailing=mailing, reported_as="smtp"
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


def about(mail: Setting) -> list[tuple[str, str]]:
    """What "ops" was told of endpoints: of which, and what."""
    told = [one for one in mail.receivers.sent if one.event_type.startswith("endpoint.")]
    assert {one.endpoint for one in told} <= {"ops"}
    return [(one.lane.removeprefix("/endpoint/"), one.event_type) for one in told]


def for_a_while(mail: Setting, minutes: int) -> None:
    """Something is mailed every minute."""
    for _ in range(minutes):
        mail.add("a")
        mail.run(after=60)


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.REFUSED])
def test_a_mailbox_that_is_refused_for_long_is_told_by_its_own_name_and_the_server_is_not(
    busy: Setting, outcome: Outcome
) -> None:
    """450 and 452 to RCPT, or 550: all other mails go."""
    busy.receivers.answers["anna"] = outcome
    busy.receivers.own = {"anna"}
    for_a_while(busy, 40)

    assert about(busy)[0] == ("anna", "endpoint.failing")
    assert {name for name, _ in about(busy)} == {"anna"}
    assert set(busy.statuses("crm")) == {"delivered"}
    assert busy.health("crm") is Health.HEALTHY
    busy.receivers.answers.clear()
    for_a_while(busy, 40)
    assert about(busy)[-1] == ("anna", "endpoint.recovered")
    assert [what for _, what in about(busy)].count("endpoint.failing") == 1


def test_a_reload_does_not_end_what_is_told_of_one_mailbox(busy: Setting) -> None:
    busy.receivers.answers["anna"] = Outcome.FAILED
    busy.receivers.own = {"anna"}
    for_a_while(busy, 40)
    told = about(busy)
    with busy.database.write() as db:
        sweep(db, busy.recorder, busy.clock.at)
    busy.dispatcher.wake()
    busy.run(after=60)

    assert told[0] == ("anna", "endpoint.failing")
    assert about(busy) == told


def test_a_mailbox_that_puts_strangers_off_for_some_minutes_is_no_news(busy: Setting) -> None:
    busy.receivers.answers["anna"] = Outcome.FAILED
    busy.receivers.own = {"anna"}
    busy.add(*"abcdefgh")
    for _ in range(12):
        busy.run(after=60)
    busy.receivers.answers.clear()
    for_a_while(busy, 65)

    assert about(busy) == []
    assert set(busy.statuses("anna")) == {"delivered"}


def test_a_server_that_is_back_is_told_though_one_mailbox_is_refused_from_then_on(busy: Setting) -> None:
    busy.receivers.answers = {"crm": Outcome.UNREACHABLE, "anna": Outcome.UNREACHABLE}
    busy.is_api_answering = True
    for_a_while(busy, 5)
    busy.receivers.answers = {"anna": Outcome.FAILED}
    busy.receivers.own = {"anna"}
    for_a_while(busy, 40)

    told = [one for one in about(busy) if one[1] in ("endpoint.failing", "endpoint.recovered")]
    assert told == [
        ("smtp", "endpoint.failing"),
        ("smtp", "endpoint.recovered"),
        ("anna", "endpoint.failing"),
    ]


def test_a_mailbox_that_is_refused_counts_nothing_of_what_its_server_did(busy: Setting) -> None:
    busy.receivers.answers["anna"] = Outcome.FAILED
    busy.receivers.own = {"anna"}
    for_a_while(busy, 13)
    busy.receivers.own.clear()
    busy.add("a")
    busy.run(after=60)

    assert about(busy) == []


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["crm", "anna"]),
        st.sampled_from(
            [Outcome.ACCEPTED, Outcome.FAILED, Outcome.REFUSED, Outcome.FORBIDDEN, Outcome.UNTRUSTED]
        ),
        st.booleans(),
        st.integers(1, 25),
    ),
    max_size=5,
)


@USED
@settings(max_examples=examples(60))
@given(steps=STEPS)
def test_the_server_is_told_to_fail_exactly_while_a_mailbox_fails_for_its_sake(
    steps: list[tuple[str, Outcome, bool, int]],
) -> None:
    database = stores.new()
    try:
        mail = office(database, replace(MAILING, most_per_hour=60))
        for name, outcome, is_own, minutes in steps:
            mail.receivers.answers[name] = outcome
            (mail.receivers.own.add if is_own else mail.receivers.own.discard)(name)
            for_a_while(mail, minutes)
            state = {one: mail.dispatcher.health()[one] for one in ("crm", "anna")}
            failing = {one for one in state if state[one].health is not Health.HEALTHY}
            alone = {one for one in failing if state[one].is_own}
            last = {
                name: what for name, what in about(mail) if what in ("endpoint.failing", "endpoint.recovered")
            }
            told = {name for name, what in last.items() if what == "endpoint.failing"}
            assert told == alone | ({"smtp"} if failing - alone else set())
    finally:
        database.close()


def test_the_wait_does_not_last_longer_than_it_says(mail: Setting) -> None:
    mail.add("a")
    mail.run()

    assert timedelta(0) < timedelta(seconds=mail.dispatcher._patience()) <= WAIT


@pytest.fixture
def witness(database: Database) -> Setting:
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


def test_an_alert_that_is_over_before_its_mail_is_not_told(witness: Setting) -> None:
    witness.receivers.answers.clear()
    witness.run(after=10)
    assert witness.health() is Health.HEALTHY
    witness.run(after=3600)

    assert witness.told("anna") == []


def test_an_alert_that_lasts_is_told_and_so_is_its_end(witness: Setting) -> None:
    witness.run(after=15)
    assert witness.told("anna") == ["endpoint.failing"]
    witness.receivers.answers.clear()
    witness.run(after=10)
    witness.run(after=60)

    assert witness.told("anna") == ["endpoint.failing", "endpoint.recovered"]
