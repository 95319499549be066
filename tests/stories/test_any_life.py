"""Whatever happens to phones, API, endpoints and the process: what an endpoint accepts is well-formed, and
in the end it is the truth."""

import json
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.core.delivery.outcome import Outcome
from daemon.core.model import Failure, Severity
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import Quiet
from daemon.core.routing.silences import Silence
from daemon.store import silences
from tests.support.engines import USED
from tests.support.examples import examples
from tests.support.fakes import START
from tests.support.story import SECOND, Story

END = 900
"""Until then anything may happen; then all is well."""
SETTLED = END + 3 * 3600
"""By then the last delivery that was given up has been told again."""


def _span(tens: tuple[int, int]) -> tuple[float, float]:
    since, length = tens
    return since * 10.0, min((since + length) * 10.0, float(END))


spans = st.tuples(st.integers(0, END // 10), st.integers(1, END // 10)).map(_span)
FAILURES = st.sampled_from([Failure.TIMEOUT, Failure.FILTERED, Failure.TOKEN_REJECTED, Failure.REFUSED])
OUTCOMES = st.sampled_from([Outcome.UNREACHABLE, Outcome.TIMEOUT, Outcome.REFUSED])


@dataclass(frozen=True)
class Life:
    """What happens, in seconds."""

    phones: tuple[tuple[tuple[float, float], ...], ...]
    outages: tuple[tuple[tuple[float, float], Failure], ...]
    refusals: tuple[tuple[tuple[float, float], Outcome], ...]
    kills: tuple[int, ...]
    silences: tuple[tuple[float, float], ...]
    quiet: tuple[tuple[float, float], ...]
    breaks: Severity | None
    after: int
    repeat: int | None
    flaps: bool


lives = st.builds(
    Life,
    phones=st.lists(st.lists(spans, max_size=3).map(tuple), min_size=1, max_size=4).map(tuple),
    outages=st.lists(st.tuples(spans, FAILURES), max_size=2).map(tuple),
    refusals=st.lists(st.tuples(spans, OUTCOMES), max_size=2).map(tuple),
    kills=st.lists(st.integers(0, END), max_size=3).map(lambda times: tuple(sorted(times))),
    silences=st.lists(spans, max_size=2).map(tuple),
    quiet=st.lists(spans, max_size=1).map(tuple),
    breaks=st.sampled_from([None, Severity.ERROR]),
    after=st.sampled_from([0, 0, 120]),
    repeat=st.sampled_from([None, 120]),
    flaps=st.booleans(),
)


def _quiet(span: tuple[float, float], breaks: Severity | None) -> Quiet:
    return Quiet(lambda now: span[0] <= (now - START).total_seconds() < span[1], breaks)


def lived(life: Life, path: Path) -> Story:
    """The story of a life, to its end."""
    quiet = tuple(_quiet(span, life.breaks) for span in life.quiet)
    wishes = Interest(
        "crm",
        ("*",),
        None,
        after=life.after * SECOND,
        repeat=None if life.repeat is None else life.repeat * SECOND,
        quiet=quiet,
    )
    story = Story(
        path,
        interests=[wishes, Interest("ops", ("sip.account.*", "api.*"), None)],
        slot=30 * SECOND if life.flaps else None,
    )
    for number, drops in enumerate(life.phones):
        story.phone(f"07{number}", *drops)
    for (since, until), failure in life.outages:
        story.api_fails(since, until, failure)
    for (since, until), outcome in life.refusals:
        story.endpoint_says(outcome, since, until)
    with story.database.write() as db:
        for number, (since, until) in enumerate(life.silences):
            start, end = START + timedelta(seconds=since), START + timedelta(seconds=until)
            silences.add(db, Silence(f"sil_{number}", start, end, "sip.*", "*", "*", "-", "-", start))
    for moment in life.kills:
        story.run(until=moment, step=5)
        story.kill()
    story.run(until=END, step=5)
    while story.now() < SETTLED:
        story.run(until=story.now() + 100, step=10)
        story.clock.advance(500)
    return story


def streams(story: Story, endpoint: str) -> dict[str, list[str]]:
    """What an endpoint accepted, by incident, in order."""
    found: dict[str, list[str]] = {}
    for _, message, outcome in story.told:
        if message.endpoint == endpoint and outcome is Outcome.ACCEPTED:
            alert = json.loads(message.body)["data"].get("alert")
            if alert:
                word = "resolve" if alert["status"] == "resolved" else "fire"
                is_repeat = alert["reason"] == "repeat"
                found.setdefault(alert["incident"], []).append("repeat" if is_repeat else word)
    return found


def assert_well_formed(told: Sequence[str]) -> None:
    """`fire repeat* resolve`; what did not arrive in time may be missing at the front, and a fire whose
    delivery was given up is told again."""
    assert told[-1] == "resolve", told
    assert told.count("resolve") == 1, told
    assert all(word in ("fire", "repeat") for word in told[:-1]), told
    if told[:-1]:
        assert told[0] in ("fire", "repeat"), told


@USED
@pytest.mark.slow
@settings(max_examples=examples(25), suppress_health_check=list(HealthCheck))
@given(life=lives)
def test_any_life_is_told_well_formed_and_ends_in_truth(life: Life) -> None:
    with tempfile.TemporaryDirectory() as directory:
        story = lived(life, Path(directory) / "life.db")
        with closing(story.database):
            for endpoint in ("crm", "ops"):
                for told in streams(story, endpoint).values():
                    assert_well_formed(told)
            with story.database.read() as db:
                firing = db.exec_driver_sql("SELECT count(*) FROM incidents WHERE ended_at IS NULL").scalar()
                owed = db.exec_driver_sql("SELECT count(*) FROM ledger WHERE NOT is_over").scalar()
                waiting = db.exec_driver_sql(
                    "SELECT count(*) FROM deliveries WHERE status IN ('waiting', 'pending', 'leased')"
                ).scalar()
            assert (firing, owed, waiting) == (0, 0, 0)
