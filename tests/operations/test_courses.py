"""The last day of many subjects at once: without a gap, and the same as it is told of one."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon.core.history.book import NOTHING_OPEN
from daemon.core.watches.subjects import SubjectState
from daemon.operations.history import Course, Span, Sums, courses, history
from daemon.store.column_types import millis
from tests.support import stores
from tests.support.http_app import Setting
from tests.support.watched import DOWN, NOW, UNKNOWN, UP, Watched, sip

PIECES: list[tuple[float, SubjectState, Mapping[str, Any]]] = [
    (50_000, UP, {}),
    (1_234, DOWN, {}),
    (3_000, UP, {}),
    (700, UNKNOWN, {}),
    (9_000, UP, {}),
    (30, DOWN, {}),
]


@pytest.fixture
def watched(engine: str, tmp_path: Path) -> Iterator[Watched]:
    setting = Setting(stores.at(tmp_path / "courses.db"))
    one = Watched(setting)
    one.see(sip("071"), sip("072"), sip("073"))
    one.past("sip/071", PIECES)
    one.past("sip/072", [(90_000, UP, {})])
    yield one
    setting.database.close()


def look(watched: Watched, *names: str, sums: Sums | None = None) -> dict[str, Course]:
    with watched.database.read() as db:
        found = courses(db, {"main": list(names)}, lambda _system: NOTHING_OPEN, NOW, sums)
    return {subject: one for (_, subject), one in found.items()}


def test_a_day_has_no_gap_and_ends_now(watched: Watched) -> None:
    for one in look(watched, "sip/071", "sip/072", "sip/073").values():
        ends = [each.start + each.length for each in one.day]
        assert ends[:-1] == [each.start for each in one.day[1:]]
        assert ends[-1] == millis(NOW)
        assert 24 <= sum(each.length for each in one.day) / 3_600_000 < 25


def test_it_comes_to_what_is_told_of_one_subject(watched: Watched) -> None:
    day = look(watched, "sip/071", "sip/072")["sip/071"].day
    with watched.database.read() as db:
        span = Span(NOW - timedelta(hours=24), NOW, 60)
        told = history(db, "main", "sip/071", span, NOW).buckets

    assert sum(one.down for one in day) == round(1000 * sum(one.down for one in told)) == 1_264_000
    assert sum(one.up for one in day) == round(1000 * sum(one.up for one in told))


def test_what_changed_is_told_by_minutes(watched: Watched) -> None:
    down = [one for one in look(watched, "sip/071")["sip/071"].day if one.down]

    assert max(one.length for one in down if one.down < one.length) == 60_000


def test_what_never_changed_is_one_stretch(watched: Watched) -> None:
    found = look(watched, "sip/072", "sip/073")

    assert [one.state for one in found["sip/072"].day] == [(True, False)]
    assert [one.state for one in found["sip/073"].day] == [(False, False)]


def test_looking_again_gives_the_same_and_asks_for_less(watched: Watched) -> None:
    sums = Sums()
    first = look(watched, "sip/071", sums=sums)

    assert look(watched, "sip/072", "sip/071", sums=sums)["sip/071"] == first["sip/071"]
    assert look(watched, "sip/071", sums=sums) == first
    (_, known) = sums.days["main"]
    assert len(known) == 2


def test_what_is_not_stored_has_no_course(watched: Watched) -> None:
    assert look(watched, "sip/none") == {}
