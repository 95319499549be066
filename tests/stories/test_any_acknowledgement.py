"""Whoever acknowledges what, and whatever escalates, fails, is silenced, set, reloaded or killed meanwhile:
each endpoint hears `fire repeat* resolve`, in the end the truth, and of who has it only in between."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.core.delivery.outcome import Outcome
from daemon.core.own_events import ABOUT, ACKNOWLEDGED, ESCALATED
from daemon.core.refusals import Refused
from daemon.core.routing.escalation import Escalation, Step
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import Quiet
from daemon.core.routing.silences import Silence
from daemon.store import incidents, silences
from tests.stories.test_any_life import FAILURES, OUTCOMES, assert_well_formed, spans
from tests.support.engines import USED
from tests.support.examples import examples
from tests.support.fakes import START
from tests.support.story import SECOND, Story

END = 900
SETTLED = END + 3 * 3600
ENDPOINTS = ("crm", "ops", "boss", "owner")


@dataclass(frozen=True)
class Act:
    """Somebody says that they have whatever fires."""

    at: int
    by: str
    lasts: int | None
    takes_over: bool


@dataclass(frozen=True)
class Life:
    """What happens, in seconds."""

    phones: tuple[tuple[tuple[float, float], ...], ...]
    outages: tuple[Any, ...]
    refusals: tuple[Any, ...]
    acts: tuple[Act, ...]
    afters: tuple[int, ...]
    breaks: tuple[bool, ...]
    silences: tuple[tuple[float, float], ...]
    quiet: tuple[tuple[float, float], ...]
    kills: tuple[int, ...]
    jumps: tuple[tuple[int, int], ...]
    reload: int | None
    repeat: int | None


moments = st.integers(0, END)
lives = st.builds(
    Life,
    phones=st.lists(st.lists(spans, max_size=2).map(tuple), min_size=1, max_size=3).map(tuple),
    outages=st.lists(st.tuples(spans, FAILURES), max_size=1).map(tuple),
    refusals=st.lists(st.tuples(st.sampled_from(ENDPOINTS), spans, OUTCOMES), max_size=3).map(tuple),
    acts=st.lists(
        st.builds(
            Act,
            moments,
            st.sampled_from(["Dana", "Moshe"]),
            st.sampled_from([None, 60, 300]),
            st.booleans(),
        ),
        max_size=3,
    ).map(tuple),
    afters=st.lists(st.sampled_from([0, 60, 120, 300]), min_size=2, max_size=2).map(
        lambda found: tuple(sorted(found))
    ),
    breaks=st.tuples(st.booleans(), st.booleans()),
    silences=st.lists(spans, max_size=1).map(tuple),
    quiet=st.lists(spans, max_size=1).map(tuple),
    kills=st.lists(moments, max_size=3).map(tuple),
    jumps=st.lists(st.tuples(moments, st.sampled_from([-7200, -45, 45, 86_400])), max_size=1).map(tuple),
    reload=st.none() | moments,
    repeat=st.sampled_from([None, 120]),
)


def _interests(life: Life) -> list[Interest]:
    quiet = tuple(
        Quiet(lambda now, span=span: span[0] <= (now - START).total_seconds() < span[1], None)  # type: ignore[misc]
        for span in life.quiet
    )
    repeat = None if life.repeat is None else life.repeat * SECOND
    return [
        Interest("crm", ("*",), None, repeat=repeat, quiet=quiet),
        Interest("ops", ("sip.account.*", "api.*", "alert.*"), None),
        Interest("boss", (), None, repeat=repeat),
        Interest("owner", (), None, quiet=quiet),
    ]


def _escalations(life: Life) -> list[Escalation]:
    to = (("boss",), ("owner", "crm"))
    steps = tuple(
        Step("night", number + 1, life.afters[number] * SECOND, to[number], life.breaks[number])
        for number in range(2)
    )
    return [Escalation("night", ("sip.*",), steps)]


def lived(life: Life, path: Path) -> Story:
    """The story of a life, to its end."""
    story = Story(path, interests=_interests(life), escalations=_escalations(life))
    for number, drops in enumerate(life.phones):
        story.phone(f"07{number}", *drops)
    for (since, until), failure in life.outages:
        story.api_fails(since, until, failure)
    for endpoint, (since, until), outcome in life.refusals:
        story.endpoint_says(outcome, since, until, endpoint)
    with story.database.write() as db:
        for number, (since, until) in enumerate(life.silences):
            start, end = START + timedelta(seconds=since), START + timedelta(seconds=until)
            silences.add(db, Silence(f"sil_{number}", start, end, "sip.*", "*", "*", "-", "-", start))
    for moment, do in sorted(_happens(life), key=lambda one: one[0]):
        story.run(until=moment, step=5)
        do(story)
    story.run(until=END, step=5)
    while story.now() < SETTLED:
        story.run(until=story.now() + 100, step=10)
        story.clock.advance(500)
    return story


def _happens(life: Life) -> Iterator[tuple[int, Any]]:
    for act in life.acts:
        yield act.at, lambda story, act=act: _acknowledge(story, act)
    for moment in life.kills:
        yield moment, lambda story: story.kill()
    for moment, seconds in life.jumps:
        yield moment, lambda story, seconds=seconds: story.clock.jump(seconds)
    if life.reload is not None:
        narrower = [Interest("crm", ("sip.accounts.*",), None), *_interests(life)[1:]]
        yield life.reload, lambda story: story.reload(interests=narrower, escalations=[])


def _acknowledge(story: Story, act: Act) -> None:
    with story.database.read() as db:
        firing = incidents.firing(db)
    lasts = None if act.lasts is None else act.lasts * SECOND
    for one in firing:
        try:
            story.acknowledge(one.id, act.by, lasts=lasts, takes_over=act.takes_over)
        except Refused:
            assert not act.takes_over


def heard(story: Story, endpoint: str) -> dict[str, list[tuple[str, str]]]:
    """What an endpoint accepted of each incident, in order: a word, and the event's id."""
    found: dict[str, list[tuple[str, str]]] = {}
    for _, message, outcome in story.told:
        alert = json.loads(message.body)["data"].get("alert")
        if message.endpoint != endpoint or outcome is not Outcome.ACCEPTED or alert is None:
            continue
        if message.event_type in ABOUT:
            word = message.event_type
        elif alert["status"] == "resolved":
            word = "resolve"
        else:
            word = "repeat" if alert["reason"] == "repeat" else "fire"
        found.setdefault(alert["incident"], []).append((word, message.event))
    return found


def assert_in_between(told: list[tuple[str, str]]) -> None:
    """Who has it, and whom it went to, is told once each, to who knows of it, and not after the end."""
    facts = [one for one in told if one[0] in ABOUT]
    assert len(set(facts)) == len(facts), told
    for place, (word, _) in enumerate(told):
        if word in ABOUT:
            before = [each for each, _ in told[:place]]
            assert {"fire", "repeat"} & set(before), told
            assert "resolve" not in before, told


def assert_nothing_escalates_that_somebody_has(story: Story) -> None:
    had: set[str] = set()
    for body in story.bodies():
        data: dict[str, Any] = body["data"]  # type: ignore[assignment]
        if body["type"] == ACKNOWLEDGED:
            incident = data["alert"]["incident"]
            had = had | {incident} if data["until"] is None else had - {incident}
        if body["type"] == ESCALATED:
            assert data["alert"]["incident"] not in had


@USED
@pytest.mark.slow
@settings(max_examples=examples(25), suppress_health_check=list(HealthCheck))
@given(life=lives)
def test_any_acknowledgement_keeps_what_is_told_well_formed_and_true(life: Life) -> None:
    with tempfile.TemporaryDirectory() as directory:
        story = lived(life, Path(directory) / "life.db")
        with closing(story.database):
            for endpoint in ENDPOINTS:
                for told in heard(story, endpoint).values():
                    words = [word for word, _ in told if word not in ABOUT]
                    if words:
                        assert_well_formed(words)
                    if endpoint != "ops":  # which asks for such events by itself
                        assert_in_between(told)
            assert_nothing_escalates_that_somebody_has(story)
            with story.database.read() as db:
                firing = db.exec_driver_sql("SELECT count(*) FROM incidents WHERE ended_at IS NULL").scalar()
                owed = db.exec_driver_sql("SELECT count(*) FROM ledger WHERE NOT is_over").scalar()
                waiting = db.exec_driver_sql(
                    "SELECT count(*) FROM deliveries WHERE status IN ('waiting', 'pending', 'leased')"
                ).scalar()
            assert (firing, owed, waiting) == (0, 0, 0)
