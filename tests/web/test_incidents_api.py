"""Incidents over HTTP: listed, narrowed, gone on with, and explained as the command line does."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from daemon.core.alerts.incidents import Incident
from daemon.core.delivery.outcome import Outcome
from daemon.core.model import Interval, Reason, Severity
from daemon.core.routing.plan import Interest
from daemon.core.watches import sip
from daemon.operations import explanations
from daemon.operations.acknowledgements import AsOf
from daemon.store import incidents
from tests.support import stores
from tests.support.fakes import START
from tests.support.http_app import Setting
from tests.support.plans import Plans
from tests.support.story import Story

MINUTE = timedelta(minutes=1)


def fired(name: str, minute: int, *, system: str = "main", subject: str = "sip/0773137770") -> Incident:
    at = START + minute * MINUTE
    return Incident(
        f"inc_{name}", system, f"{subject}/{name}", "sip", sip.KIND, subject, Severity.ERROR, {},
        at, Interval(None, at), at,
    )  # fmt: skip


@pytest.fixture
def known(setting: Setting) -> Setting:
    """Three of one phone in two spellings, of two systems; the first two have ended; two fired at once."""
    stored = [
        fired("a", 1),
        fired("b", 2, subject="sip/972773137770"),
        fired("c", 2, system="other"),
        fired("d", 3, subject="sip/088"),
    ]
    with setting.database.write() as db:
        for one in stored:
            incidents.save(db, one)
        for one in stored[:2]:
            incidents.save(db, replace(one, ended_at=START + 10 * MINUTE, end=Reason.RESOLVED))
    return setting


def names(setting: Setting, **params: str) -> list[str]:
    answer = setting.client.get("/api/v1/incidents", params=params)
    assert answer.status_code == 200, answer.text
    return [one["id"].removeprefix("inc_") for one in answer.json()["incidents"]]


def test_incidents_are_listed_newest_first_and_narrowed(known: Setting) -> None:
    assert names(known) == ["d", "c", "b", "a"]
    assert names(known, state="firing") == ["d", "c"]
    assert names(known, state="ended") == ["b", "a"]
    assert names(known, system="main") == ["d", "b", "a"]
    assert names(known, system="main", state="firing") == ["d"]
    for spelling in ("0773137770", "+972-77-313-77-70"):
        assert names(known, subject=f"sip/{spelling}") == ["c", "b", "a"]
        assert names(known, subject=f"sip/{spelling}", system="main") == ["b", "a"]
    assert names(known, subject="sip/000") == names(known, system="nosuch") == []


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
def test_pages_are_gone_on_with_without_a_gap_or_a_repeat(known: Setting, limit: int) -> None:
    read, before = [], None
    while True:
        params = {"limit": limit} | ({"before": before} if before else {})
        page = known.client.get("/api/v1/incidents", params=params).json()
        read += [one["id"] for one in page["incidents"]]
        before = page["next"]
        assert page["has_more"] is (before is not None)
        if before is None:
            break

    assert read == ["inc_d", "inc_c", "inc_b", "inc_a"]


def test_what_is_not_known_is_said(known: Setting) -> None:
    assert known.client.get("/api/v1/incidents/inc_x").status_code == 404
    assert known.client.get("/api/v1/incidents", params={"before": "inc_x"}).status_code == 404
    assert known.client.get("/api/v1/incidents", params={"state": "over"}).status_code == 422
    assert known.anybody.get("/api/v1/incidents/inc_a").status_code == 401


@pytest.mark.parametrize(
    "query",
    [
        incidents.Query(),
        incidents.Query(system="main"),
        incidents.Query(system="main", is_firing=True),
        incidents.Query(system="main", is_firing=False),
        incidents.Query(is_firing=True),
        incidents.Query(is_firing=False),
        incidents.Query(subject="sip/0773137770"),
        incidents.Query(subject="queue/5"),
        incidents.Query(subject="sip/0773137770", system="main", is_firing=False),
        incidents.Query(subject="sip/0773137770", before=(START + 3 * MINUTE, "inc_d")),
        incidents.Query(before=(START + 3 * MINUTE, "inc_d")),
        incidents.Query(system="main", before=(START + 3 * MINUTE, "inc_d")),
    ],
)
def test_no_list_reads_what_it_does_not_show(known: Setting, query: incidents.Query) -> None:
    with known.database.read() as db:
        with Plans(db) as plans:
            assert incidents.read(db, query) is not None
        steps = plans.all()
        scanned = plans.scanned("incidents", "alerts")

    of_system = "incidents_of_system" if query.system else "incidents_fired"
    index = "incidents_open" if query.is_firing else "incidents_of_subject" if query.subject else of_system
    assert scanned == []
    assert index in " ".join(steps)


def test_one_is_the_document_that_explain_gives(tmp_path: Path) -> None:
    story = Story(tmp_path / "one.db", interests=[Interest("crm", ("*",), None), Interest("ops", (), None)])
    story.phone("077", (10, 10_000))
    story.endpoint_says(Outcome.UNREACHABLE, 0, 72)
    story.run(until=200)
    setting = Setting(story.database, interests=story.interests)
    with story.database.read() as db:
        as_of = AsOf(setting.now(), interests=story.interests)
        explained = explanations.explain(db, "inc_1", as_of).document().incidents[0]

    document = setting.client.get("/api/v1/incidents/inc_1").json()

    assert document == explained.model_dump()
    assert (document["phase"], document["severity"], document["end"]) == ("firing", "error", None)
    assert [one["phase"] for one in document["transitions"]] == ["pending", "firing"]
    assert document["transitions"][1]["held_seconds"] == 60
    assert [(one["endpoint"], one["standing"], one["held_by"]) for one in document["standings"]] == [
        ("crm", "firing", None),
        ("ops", "untold", "unwanted"),
    ]
    (delivery,) = document["deliveries"]
    assert [one["outcome"] for one in delivery["attempts"]] == ["unreachable", "accepted"]
    assert delivery["ended_at"] is not None
    story.database.close()


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    one = Setting(stores.on_file(tmp_path / "web.db"))
    yield one
    one.database.close()
