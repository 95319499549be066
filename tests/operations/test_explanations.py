"""Why something was told, or was not: what stands behind each hold, as the store knows it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.core.durations import HOUR
from daemon.core.refusals import Refused, Why
from daemon.core.routing.ledger import Hold
from daemon.core.routing.plan import Interest
from daemon.core.routing.silences import Wish
from daemon.operations import explanations, silences
from daemon.operations.acknowledgements import AsOf
from daemon.operations.explanations import Because
from daemon.operations.explanations import Story as Told
from tests.support.story import Story


@pytest.fixture
def story(engine: str, tmp_path: Path) -> Iterator[Story]:
    one = Story(tmp_path / "one.db", interests=[Interest("crm", ("*",), None)])
    yield one
    one.database.close()


def told(story: Story, subject: str) -> Told:
    with story.database.read() as db:
        return next(
            one
            for one in explanations.explain(db, subject, AsOf(story.clock.at)).stories
            if one.incident.subject == subject
        )


def behind(story: Story, subject: str, hold: Hold) -> Because:
    found = told(story, subject)
    (decided,) = [one for one in found.decisions if one.held_by is hold and one.told is None]
    with story.database.read() as db:
        return explanations.because(db, found.incident, hold, decided.at)


def test_who_asked_not_to_hear_of_it_is_known(story: Story) -> None:
    wish = Wish("ops", "a new phone is on its way", subject="sip/077", lasts=HOUR)
    with story.database.write() as db:
        silences.mute(db, wish, "sil_1", story.clock.at)
    story.phone("077", (10, 10_000))
    story.run(until=200)

    silence = behind(story, "sip/077", Hold.SILENCED).silence
    assert silence is not None
    assert (silence.author, silence.comment) == ("ops", "a new phone is on its way")


def test_what_was_told_instead_of_one_of_many_is_known(story: Story) -> None:
    for name in ("01", "02", "03", "04"):
        story.phone(name, (10, 10_000))
    story.run(until=300)

    instead = behind(story, "sip/01", Hold.FOLDED).instead
    assert instead is not None
    assert instead.kind.fires == "sip.accounts.unregistered"


def test_where_nothing_stands_behind_a_hold_there_is_nothing(story: Story) -> None:
    story.phone("077", (10, 10_000))
    story.run(until=200)
    found = told(story, "sip/077")
    with story.database.read() as db:
        every = [explanations.because(db, found.incident, hold, story.clock.at) for hold in Hold]

    assert every == [Because()] * len(Hold)


@pytest.mark.parametrize("what", ["evt_0", "inc_0", "sip/000", ""])
def test_what_nobody_knows_is_refused(story: Story, what: str) -> None:
    with story.database.read() as db, pytest.raises(Refused) as refused:
        explanations.explain(db, what, AsOf(story.clock.at))

    assert refused.value.why is Why.MISSING
