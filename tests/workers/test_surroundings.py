"""What else is true when a mail is made: asked of a real store, in the middle of a story."""

from dataclasses import replace
from pathlib import Path

import pytest

from daemon.core.contacts import Contacts
from daemon.core.delivery.outcome import Outcome
from daemon.core.model import Severity
from daemon.core.rendering.mail_writing import MOST_DOWN
from daemon.core.rendering.mails import NOTHING_KNOWN, Surroundings
from daemon.core.routing.plan import Interest
from daemon.core.watches import queues
from daemon.store import incidents
from daemon.workers.surroundings import Around
from tests.support import stores
from tests.support.engines import USED
from tests.support.story import Story

LONG = 9_999.0


def around(story: Story, endpoint: str, *about: str, interests: list[Interest] | None = None) -> Surroundings:
    return Around(story.database, lambda: interests or story.interests, story.clock.now)(endpoint, about)


def firing(story: Story) -> dict[str, str]:
    """Incidents by subject."""
    with story.database.read() as db:
        return {one.subject: one.id for one in incidents.firing(db)}


@pytest.fixture
def story(engine: str, tmp_path: Path) -> Story:
    ops = Interest("ops/anna@example.org", ("*",), None)
    return Story(tmp_path / "story.db", interests=[Interest("crm", ("*",), None), ops])


@USED
def test_all_that_lasts_is_listed_the_longest_first_and_who_heard_of_it(story: Story) -> None:
    story.phone("072", (30, LONG))
    story.phone("071", (10, LONG))
    story.endpoint_says(Outcome.UNREACHABLE, 0, LONG, endpoint="crm")
    story.run(until=200)
    known = firing(story)
    found = around(story, "ops/anna@example.org", known["sip/072"])
    story.database.close()

    assert [one.subject for one in found.down] == ["sip/071", "sip/072"]
    assert (found.many, found.counted) == (2, frozenset({known["sip/072"]}))
    assert found.told == {known["sip/072"]: ("ops/anna@example.org",)}, "the other has heard of nothing"
    assert found.at == story.clock.now()


@USED
def test_what_another_alert_tells_is_not_counted_twice_and_what_is_over_is_not_there(story: Story) -> None:
    for name in ("071", "072", "073", "074"):
        story.phone(name, (10, LONG))
    story.phone("075", (10, 100))
    story.run(until=400)
    known = firing(story)
    found = around(story, "crm", known["sip"])
    story.database.close()

    assert len(known) > 1
    assert [one.subject for one in found.down] == ["sip"]
    assert found.many == 1


@USED
def test_what_nobody_can_see_is_not_said_to_be_down(story: Story) -> None:
    story.phone("071", (10, LONG))
    story.phone("072")
    story.api_fails(200, LONG)
    story.run(until=600)
    known = firing(story)
    found = around(story, "crm", known["api"])
    story.database.close()

    assert "sip/071" in known
    assert [one.subject for one in found.down] == ["api"]


@USED
def test_a_mailbox_is_told_of_nothing_that_it_does_not_want_nor_may_know(story: Story) -> None:
    story.phone("071", (10, LONG))
    story.run(until=200)
    (one,) = firing(story).values()
    elsewhere = Interest("crm", ("*",), ("another",))
    others = Interest("crm", ("sms.*",), None)
    severe = Interest("crm", ("*",), None, min_severity=Severity.CRITICAL)
    found = [around(story, "crm", one, interests=[wish]) for wish in (elsewhere, others, severe)]
    story.database.close()

    assert [(each.many, each.down) for each in found] == [(0, ())] * 3


@USED
def test_the_store_is_asked_only_for_what_is_shown(story: Story) -> None:
    story.phone("071", (10, LONG))
    story.run(until=100)
    with story.database.write() as db:
        (one,) = incidents.firing(db)
        for number in range(30):
            more = replace(one, id=f"inc_x{number}", key=f"x{number}", kind=queues.KIND)
            incidents.save(db, more)
    found = around(story, "crm", one.id)
    story.database.close()

    assert found.many == 31
    assert len(found.down) == MOST_DOWN + 1


def test_a_mailing_about_no_alert_asks_for_nothing_nor_one_for_who_is_not_configured_any_more() -> None:
    shut = stores.Failing(RuntimeError("nobody may ask"))
    asked = Around(shut, lambda: [Interest("crm", ("*",), None)], lambda: pytest.fail("nor what time it is"))

    assert asked("crm", []) == NOTHING_KNOWN
    assert asked("gone", ["inc_1"]) == NOTHING_KNOWN


@pytest.mark.parametrize("error", stores.FAILING, ids=["locked", "busy"])
def test_where_the_store_cannot_be_asked_the_mail_goes_out_without_it(error: Exception) -> None:
    asked = Around(stores.Failing(error), lambda: [Interest("crm", ("*",), None)], lambda: None)  # type: ignore[arg-type, return-value]

    assert asked("crm", ["inc_1"]) == NOTHING_KNOWN


@USED
def test_links_and_names_are_handed_on(story: Story) -> None:
    story.phone("071", (10, LONG))
    story.run(until=200)
    (one,) = firing(story).values()
    book = Contacts.of([("071", "Dana")])
    asked = Around(
        story.database,
        lambda: story.interests,
        story.clock.now,
        contacts=lambda: book,
        acknowledge=lambda incident, endpoint, _at: f"/ack/{incident}/{endpoint}",
    )
    found = asked("crm", [one])
    story.database.close()

    assert found.acknowledge(one, story.clock.now()) == f"/ack/{one}/crm"
    assert found.contacts is book
