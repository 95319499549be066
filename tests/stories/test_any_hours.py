"""Whatever phones, API, endpoints, the clock on the wall, reloads and the process do while hours begin and
end: what an endpoint accepts is well-formed, and in the end it is the truth."""

import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.core.alerts.hours import Attention, Hours
from daemon.core.delivery.outcome import Outcome
from daemon.core.model import ALL, Failure
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import Quiet
from tests.stories.test_any_life import assert_well_formed, streams
from tests.stories.test_hours import between
from tests.support.engines import USED
from tests.support.examples import examples
from tests.support.story import SECOND, Story

END = 600
SETTLED = END + 3 * 3600
NAMES = ("0771", "0772", "0773")
Span = tuple[float, float]


def _span(tens: tuple[int, int]) -> Span:
    since, length = tens
    return since * 10.0 + 3, min((since + length) * 10.0 + 3, float(END))


spans = st.tuples(st.integers(0, END // 10), st.integers(1, END // 20)).map(_span)
times = st.integers(0, END // 5).map(lambda fives: fives * 5.0)
attentions = st.builds(
    lambda hours, ignored: Attention(
        {} if hours is None else {ALL: Hours(("office",), between(*hours))},
        frozenset(f"sip/{name}" for name in ignored),
    ),
    st.none() | st.lists(spans, max_size=3),
    st.sets(st.sampled_from(NAMES), max_size=1),
)


@dataclass(frozen=True)
class Life:
    """What happens, in seconds."""

    phones: tuple[tuple[Span, ...], ...]
    outages: tuple[Span, ...]
    refusals: tuple[Span, ...]
    attention: Attention
    reloads: tuple[tuple[float, Attention], ...]
    jumps: tuple[tuple[float, float], ...]
    kills: tuple[float, ...]
    quiet: tuple[Span, ...]
    repeat: int | None
    stays_down: bool
    """The first phone, to the end."""
    ends_open: bool
    """Whether the hours last in the end."""


lives = st.builds(
    Life,
    phones=st.lists(st.lists(spans, max_size=3).map(tuple), min_size=1, max_size=len(NAMES)).map(tuple),
    outages=st.lists(spans, max_size=2).map(tuple),
    refusals=st.lists(spans, max_size=1).map(tuple),
    attention=attentions,
    reloads=st.lists(st.tuples(times, attentions), max_size=2).map(tuple),
    jumps=st.lists(st.tuples(times, st.integers(-400, 400).map(float)), max_size=2).map(tuple),
    kills=st.lists(times, max_size=2).map(tuple),
    quiet=st.lists(spans, max_size=1).map(tuple),
    repeat=st.sampled_from([None, 60]),
    stays_down=st.booleans(),
    ends_open=st.booleans(),
)


def lived(life: Life, path: Path) -> Story:
    """The story of a life, to its end."""
    quiet = tuple(Quiet(between(one)) for one in life.quiet)
    repeat = None if life.repeat is None else life.repeat * SECOND
    interests = [
        Interest("crm", ("*",), None, repeat=repeat, quiet=quiet),
        Interest("ops", ("sip.*",), None),
    ]
    story = Story(path, interests=interests, attention=life.attention)
    for name, drops in zip(NAMES, life.phones, strict=False):
        story.phone(name, *drops)
    if life.stays_down:
        story.down[NAMES[0]].append((END - 100, SETTLED * 2))
    for since, until in life.outages:
        story.api_fails(since, until, Failure.TIMEOUT)
    for since, until in life.refusals:
        story.endpoint_says(Outcome.UNREACHABLE, since, until)
    happens = [
        *((at, lambda to=to: story.attend(to)) for at, to in life.reloads),
        *((at, lambda by=by: story.clock.jump(by)) for at, by in life.jumps),
        *((at, story.kill) for at in life.kills),
    ]
    for at, what in sorted(happens, key=lambda one: one[0]):
        story.run(until=at, step=5)
        what()
    story.run(until=END, step=5)
    spans = ((-1e9, 1e9),) if life.ends_open else ()
    story.attend(Attention({ALL: Hours(("office",), between(*spans))}))
    while story.now() < SETTLED:
        story.run(until=story.now() + 100, step=10)
        story.clock.advance(500)
    return story


@USED
@pytest.mark.slow
@settings(max_examples=examples(25), suppress_health_check=list(HealthCheck))
@given(life=lives)
def test_any_hours_are_told_well_formed_and_end_in_truth(life: Life) -> None:
    with tempfile.TemporaryDirectory() as directory:
        story = lived(life, Path(directory) / "hours.db")
        with closing(story.database):
            with story.database.read() as db:
                rows = db.exec_driver_sql("SELECT id, subject FROM incidents WHERE ended_at IS NULL").all()
            firing = {str(one[0]) for one in rows}
            is_down = life.stays_down and life.ends_open
            assert [one[1] for one in rows] == (["sip/0771"] if is_down else [])
            for endpoint in ("crm", "ops"):
                told = streams(story, endpoint)
                for incident, words in told.items():
                    assert_well_formed(words if incident not in firing else [*words, "resolve"])
                assert not firing or all(told[one][0] == "fire" for one in firing)
