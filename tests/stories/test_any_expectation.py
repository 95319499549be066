"""Whatever messages, API, hours, the clock on the wall and the process do: that something is missing is never
told early, is told in the end, and is taken back when it comes."""

import tempfile
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.core.alerts.hours import Hours
from daemon.core.model import Failure
from daemon.core.routing.plan import Interest
from tests.stories.test_any_life import assert_well_formed, streams
from tests.stories.test_expectations import FOR, MISSING, SEEN
from tests.stories.test_hours import between
from tests.support.engines import USED
from tests.support.examples import examples
from tests.support.story import Story

END = 1800
WITHIN = 300
SLACK = 10
"""Of a poll."""
times = st.integers(0, END // 5).map(lambda fives: fives * 5.0)
Span = tuple[float, float]
spans = st.tuples(times, st.integers(1, 60)).map(lambda one: (one[0], one[0] + one[1] * 10))


@dataclass(frozen=True)
class Life:
    """What happens, in seconds."""

    messages: tuple[float, ...]
    outages: tuple[Span, ...]
    kills: tuple[float, ...]
    stops: tuple[tuple[float, float], ...]
    jumps: tuple[tuple[float, float], ...]
    closed: tuple[Span, ...]
    """By the clock that nobody sets; so with jumps there are none."""


lives = st.builds(
    Life,
    messages=st.lists(times, max_size=5).map(tuple),
    outages=st.lists(spans, max_size=3).map(tuple),
    kills=st.lists(times, max_size=2).map(tuple),
    stops=st.lists(st.tuples(times, st.integers(1, 2000).map(float)), max_size=2).map(tuple),
    jumps=st.lists(st.tuples(times, st.integers(-90_000, 90_000).map(float)), max_size=2).map(tuple),
    closed=st.lists(spans, max_size=2).map(tuple),
)


def lived(life: Life, path: Path) -> Story:
    """The story of a life, to its end, and long after it."""
    hours = None
    if life.closed and not life.jumps:
        shut = between(*life.closed)
        hours = Hours(("office",), lambda at: not shut(at))
    story = Story(
        path,
        interests=[Interest("crm", ("activity.*",), None)],
        expected=(replace(FOR, hours=hours),),
    )
    for since, until in life.outages:
        story.api_fails(since, until, Failure.TIMEOUT)
    for at in sorted(life.messages):
        story.sms_arrives(at, f"at {at}")
    happens = [
        *((at, story.kill) for at in life.kills),
        *((at, lambda by=by: story.clock.advance(by)) for at, by in life.stops),
        *((at, lambda by=by: story.clock.jump(by)) for at, by in life.jumps),
    ]
    for at, what in sorted(happens, key=lambda one: one[0]):
        story.run(until=at, step=5)
        what()
    story.run(until=END, step=5)
    return story


def seen_for(story: Story, life: Life, since: float, until: float) -> float:
    """At most so much of a time was seen: by when the API was asked, and answered."""
    counts = [
        at
        for at in dict.fromkeys(story.asked)
        if not any(a <= at < b for a, b in life.outages)
        and not (not life.jumps and any(a <= at < b for a, b in life.closed))
    ]
    asked = list(dict.fromkeys(story.asked))
    total = 0.0
    for one, next_ in pairwise(asked):
        if one in counts and next_ in counts and since <= one and next_ <= until:
            total += min(next_ - one, 20)
    return total


@USED
@pytest.mark.slow
@settings(max_examples=examples(40), suppress_health_check=list(HealthCheck))
@given(life=lives)
def test_nothing_is_missing_before_its_time(life: Life) -> None:
    with tempfile.TemporaryDirectory() as directory:
        story = lived(life, Path(directory) / "expected.db")
        with closing(story.database):
            for words in streams(story, "crm").values():
                assert_well_formed([*words, "resolve"] if words[-1] != "resolve" else words)
            _judge(story, life)


def _judge(story: Story, life: Life) -> None:
    told = story.accepted()
    since = 0.0
    for at, what in told:
        came = [one for one in life.messages if one <= at]
        # When a message is seen: at the first answer after it.
        last = max((_seen_at(story, life, one) for one in came), default=0.0)
        if what == MISSING:
            assert seen_for(story, life, max(since, last if last <= at else 0.0), at) >= WITHIN
        since = at if what == SEEN else since
    with story.database.read() as db:
        is_firing = bool(db.exec_driver_sql("SELECT 1 FROM incidents WHERE ended_at IS NULL").all())
    assert is_firing is (bool(told) and told[-1][1] == MISSING)
    lost = (len(life.kills) + len(life.stops) + len(life.jumps)) * (60 + 4 * SLACK)
    last = max((_seen_at(story, life, one) for one in life.messages), default=0.0)
    quiet_since = max(last, since)
    if seen_for(story, life, quiet_since, story.now() - 20) >= WITHIN + lost + 2 * SLACK:
        assert is_firing, (told, last)


def _seen_at(story: Story, life: Life, at: float) -> float:
    answered = [one for one in story.asked if not any(a <= one < b for a, b in life.outages)]
    return next((one for one in sorted(answered) if one >= at), float("inf"))
