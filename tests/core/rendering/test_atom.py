"""The feed of incidents: by RFC 4287, whatever the text in it; read by a reader that is none of ours."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID
from xml.etree import ElementTree

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.alerts.incidents import Incident
from daemon.core.event_types import EVENT_TYPES
from daemon.core.model import AlertKind, Interval, Json, Reason, Severity
from daemon.core.rendering.atom import NAMESPACE, Feed, feed
from daemon.core.timestamps import from_iso

START = datetime(2026, 11, 23, 16, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
ATOM = f"{{{NAMESPACE}}}"
TEXT = st.text(st.characters(codec=None), max_size=30) | st.sampled_from(
    ["\x00\x1b[2J", "\ud800", "\ufffe\uffff", "]]>", "<b>&amp;</b>", "\u202eevil", "שלום", "a\nb", "x" * 5000]
)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
PAYLOADS = st.dictionaries(
    st.sampled_from(["queue", "account", "threshold", "error", "units", "message"]),
    TEXT
    | st.none()
    | st.dictionaries(
        st.sampled_from(["name", "path", "user_name", "metric", "above", "value", "message"]), TEXT
    ),
)


@st.composite
def incidents(draw: st.DrawFn) -> Incident:
    started = draw(MOMENTS)
    fired = started + timedelta(seconds=draw(st.integers(0, 10_000)))
    ended = fired + timedelta(seconds=draw(st.integers(0, 10_000_000))) if draw(st.booleans()) else None
    return Incident(
        id=draw(st.uuids().map(lambda one: f"inc_{one.hex}")),
        system=draw(TEXT),
        key="queue/5",
        watch="queue/5",
        kind=AlertKind(draw(st.sampled_from(sorted(EVENT_TYPES))), "queue.threshold.cleared"),
        subject=draw(TEXT),
        severity=draw(st.sampled_from(Severity)),
        payload=draw(PAYLOADS),
        started_at=started,
        changed=Interval(None, started),
        fired_at=fired,
        ended_at=ended,
        end=None if ended is None else draw(st.sampled_from([Reason.RESOLVED, Reason.REMOVED])),
    )


FEEDS = st.builds(
    Feed,
    systems=st.lists(TEXT, max_size=3),
    language=st.sampled_from(["en", "he"]),
    base=st.sampled_from([None, "https://phones.example.org/yemotd"]),
    since=st.just(LONG_AGO),
)


@given(st.lists(incidents(), max_size=5), FEEDS)
def test_whatever_there_is_the_document_is_as_the_rfc_wants_it(found: list[Incident], about: Feed) -> None:
    """RFC 4287, 4.1: what a feed and an entry have to have, and how often."""
    root = ElementTree.fromstring(feed(found, about))  # noqa: S314 - our own

    assert root.tag == f"{ATOM}feed"
    for element in (root, *root.findall(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            (one,) = element.findall(f"{ATOM}{name}")
            assert one.text or name == "title"
        UUID(element.findtext(f"{ATOM}id", "").removeprefix("urn:uuid:"))
        assert from_iso(element.findtext(f"{ATOM}updated", "")) is not None
        links = element.findall(f"{ATOM}link")
        assert all(urlsplit(one.attrib["href"]).scheme == "https" for one in links)
        assert len({one.attrib["rel"] for one in links}) == len(links)
        assert bool(links) == (about.base is not None)
    assert root.findtext(f"{ATOM}author/{ATOM}name") == "yemotd"
    entries = root.findall(f"{ATOM}entry")
    assert all(one.find(f"{ATOM}content") is not None for one in entries)  # else a link has to be there
    assert len({one.findtext(f"{ATOM}id") for one in entries}) == len({one.id for one in found})


@given(st.lists(incidents(), min_size=1, max_size=5), FEEDS)
def test_a_foreign_reader_finds_all_of_it_the_newest_first(found: list[Incident], about: Feed) -> None:
    read = feedparser.parse(feed(found, about))

    assert not read.bozo, read.bozo_exception
    assert (read.version, read.feed.language) == ("atom10", about.language)
    assert len(read.entries) == len(found)
    assert [one.published for one in read.entries] == sorted(
        (one.published for one in read.entries), reverse=True
    )
    assert read.feed.updated == max(one.updated for one in read.entries)


@given(incidents(), st.data())
def test_an_id_never_changes_and_is_of_one_incident_alone(one: Incident, data: st.DataObject) -> None:
    other, about, later = data.draw(incidents()), data.draw(FEEDS), data.draw(FEEDS)
    ids = [feedparser.parse(feed([one], each)).entries[0].id for each in (about, later)]

    assert ids[0] == ids[1]
    assert feedparser.parse(feed([other], about)).entries[0].id != ids[0]


def test_the_ids_of_entries_are_those_of_the_first_release() -> None:
    """Readers would show everything again."""
    about = Feed(["main"], "en", None, LONG_AGO)
    one = incident("inc_01M84SM5")

    assert feedparser.parse(feed([one], about)).entries[0].id == "urn:uuid:" + FIRST


FIRST = "f6b94c85-7d6c-5a1b-89eb-8e7b66b4c580"


def incident(name: str = "inc_1", **ended: Any) -> Incident:
    payload: dict[str, Json] = {
        "queue": {"path": "/5", "name": "sales"},
        "threshold": {"metric": "calls_waiting", "above": 5},
    }
    return Incident(
        id=name,
        system="main",
        key="k",
        watch="queue/5",
        kind=AlertKind("queue.threshold.crossed", "queue.threshold.cleared"),
        subject="queue/5",
        severity=Severity.WARNING,
        payload=payload,
        started_at=START,
        changed=Interval(None, START),
        fired_at=START + timedelta(seconds=30),
        **ended,
    )


@pytest.mark.parametrize(
    ("ended", "english", "hebrew"),
    [
        ({}, "Since 2026-11-23 16:00:00 (UTC). It lasts.", "החל ב-2026-11-23 16:00:00 (UTC), ונמשך."),
        (
            {"ended_at": START + timedelta(seconds=7325.4), "end": Reason.RESOLVED},
            "From 2026-11-23 16:00:00 to 2026-11-23 18:02:05 (UTC): 2h2m5s.",
            "מ-2026-11-23 16:00:00 עד 2026-11-23 18:02:05 (UTC): 2h2m5s.",
        ),
        (
            {"ended_at": START + timedelta(hours=1), "end": Reason.REMOVED},
            "From 2026-11-23 16:00:00 on; not watched any more since 2026-11-23 17:00:00 (UTC).",
            "החל ב-2026-11-23 16:00:00; כבר לא במעקב מאז 2026-11-23 17:00:00 (UTC).",
        ),
        (
            {"ended_at": START + timedelta(hours=1), "end": Reason.RESOLVED, "cause": "outside_hours"},
            "From 2026-11-23 16:00:00 on; outside its hours since 2026-11-23 17:00:00 (UTC).",
            "החל ב-2026-11-23 16:00:00; מחוץ לשעות הפעילות מאז 2026-11-23 17:00:00 (UTC).",
        ),
    ],
)
def test_an_entry_says_from_when_to_when_and_no_more_than_is_known(
    ended: dict[str, Any], english: str, hebrew: str
) -> None:
    said = {}
    for language in ("en", "he"):
        (entry,) = feedparser.parse(
            feed([incident(**ended)], Feed(["main"], language, None, LONG_AGO))
        ).entries
        said[language] = entry.content[0].value
        assert re.search("sales", entry.title)

    assert said == {"en": english, "he": hebrew}


def test_an_empty_feed_has_a_time_of_its_own() -> None:
    read = feedparser.parse(feed([], Feed(["main", "branch"], "en", None, LONG_AGO)))

    assert (read.feed.title, read.feed.updated) == ("Incidents of main, branch", "2026-01-01T00:00:00.000Z")
