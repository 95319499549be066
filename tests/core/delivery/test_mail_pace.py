"""So many mailings an hour, with a pause from one to the next."""

from datetime import timedelta

from daemon.core.delivery.mail_pace import MailPace
from daemon.core.delivery.route import Mailing, Route
from tests.support.fakes import START

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
THREE = Mailing(MINUTE, most_per_hour=3)


def test_the_first_may_go_at_once_and_the_next_after_the_interval() -> None:
    mail_pace = MailPace()
    assert mail_pace.free_at("anna", THREE, START) == START

    mail_pace.add("anna", START)
    assert mail_pace.free_at("anna", THREE, START) == START + MINUTE
    assert mail_pace.rests_until("anna", THREE, START) is None


def test_after_as_many_as_there_may_be_it_rests_until_the_first_of_them_is_an_hour_old() -> None:
    mail_pace = MailPace()
    for minute in (0, 10, 20):
        mail_pace.add("anna", START + minute * MINUTE)

    assert mail_pace.rests_until("anna", THREE, START + 20 * MINUTE) == START + HOUR
    assert mail_pace.free_at("anna", THREE, START + 20 * MINUTE) == START + HOUR
    assert mail_pace.rests_until("anna", THREE, START + HOUR) is None


def test_it_is_counted_by_the_limit_that_is_in_force_when_it_is_asked() -> None:
    mail_pace = MailPace()
    for minute in (0, 10, 20):
        mail_pace.add("anna", START + minute * MINUTE)
    now = START + 20 * MINUTE

    assert mail_pace.rests_until("anna", Mailing(MINUTE, most_per_hour=4), now) is None
    assert mail_pace.rests_until("anna", Mailing(MINUTE, most_per_hour=2), now) == START + 10 * MINUTE + HOUR


def test_each_mailbox_has_its_own_count() -> None:
    mail_pace = MailPace()
    for _ in range(3):
        mail_pace.add("anna", START)

    assert mail_pace.free_at("ben", THREE, START) == START


def test_those_that_rest_are_told_with_their_end() -> None:
    mail_pace = MailPace()
    for minute in (0, 10, 20):
        mail_pace.add("anna", START + minute * MINUTE)
    mail_pace.add("ben", START)
    mailed = Route(1, MINUTE, (), mailing=THREE)
    routes = {"anna": mailed, "ben": mailed, "crm": Route(1, MINUTE, ())}

    assert mail_pace.resting(routes, START + 20 * MINUTE) == {"anna": START + HOUR}
    assert mail_pace.resting(routes, START + HOUR) == {}
