"""Incidents as a feed: Atom, RFC 4287. Pure.

An entry says what an incident is about, and since when and until when it was so: no value that may have
changed since, no text that somebody sent. Its id is the incident's for ever; when the incident ends, the
entry is updated.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5
from xml.etree.ElementTree import Element, SubElement, tostring

from daemon.core import durations
from daemon.core.alerts.incidents import Incident
from daemon.core.model import Reason
from daemon.core.rendering.mail_words import TOPICS
from daemon.core.rendering.phrases import Told, notice
from daemon.core.timestamps import iso

NAMESPACE = "http://www.w3.org/2005/Atom"
OURS = UUID("8f6f0f9e-6f0a-5d3b-9d57-1f5c7a0c4e61")
"""Of the names that our ids are made of."""
WORDS = {
    "en": {
        "title": "Incidents of {}",
        "lasts": "Since {0} (UTC). It lasts.",
        "resolved": "From {0} to {1} (UTC): {2}.",
        "removed": "From {0} on; not watched any more since {1} (UTC).",
        "outside_hours": "From {0} on; outside its hours since {1} (UTC).",
    },
    "he": {
        "title": "תקלות: {}",
        "lasts": "החל ב-{0} (UTC), ונמשך.",
        "resolved": "מ-{0} עד {1} (UTC): {2}.",
        "removed": "החל ב-{0}; כבר לא במעקב מאז {1} (UTC).",
        "outside_hours": "החל ב-{0}; מחוץ לשעות הפעילות מאז {1} (UTC).",
    },
}
# What XML has no way to spell: RFC 4287 is XML 1.0.
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Feed:
    """What a feed says of itself."""

    systems: Sequence[str]
    language: str
    base: str | None
    """What links begin with; None: there are none."""
    since: datetime
    """Its own time, where nothing ever happened."""


def feed(incidents: Sequence[Incident], about: Feed) -> bytes:
    """The document; the newest first."""
    words = WORDS[about.language]
    ordered = sorted(incidents, key=lambda one: (one.fired_at, one.id), reverse=True)
    root = Element("feed", {"xmlns": NAMESPACE, "xml:lang": about.language})
    name = ", ".join(about.systems)
    _text(root, "id", _id(f"feed {about.base or name}"))
    _text(root, "title", words["title"].format(name))
    _text(root, "updated", iso(max((_updated(one) for one in ordered), default=about.since)))
    _text(SubElement(root, "author"), "name", "yemotd")
    if about.base:
        SubElement(root, "link", {"rel": "self", "href": f"{about.base}/feed.atom?language={about.language}"})
        SubElement(root, "link", {"rel": "alternate", "href": f"{about.base}/"})
    for one in ordered:
        _entry(root, one, about)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _entry(root: Element, incident: Incident, about: Feed) -> None:
    entry = SubElement(root, "entry")
    _text(entry, "id", _id(incident.id))
    _text(entry, "title", f"{incident.system}: {_topic(incident, about.language)}")
    _text(entry, "updated", iso(_updated(incident)))
    _text(entry, "published", iso(incident.fired_at))
    for term in (incident.kind.fires, incident.severity.value, "firing" if incident.is_firing else "ended"):
        SubElement(entry, "category", {"term": _fit(term)})
    if about.base:
        SubElement(entry, "link", {"rel": "alternate", "href": f"{about.base}/incidents/{incident.id}"})
    content = _text(entry, "content", _said(incident, WORDS[about.language]))
    content.set("type", "text")


def _topic(incident: Incident, language: str) -> str:
    """What it is about: as of the subject of a mail, which stays true."""
    data = {**incident.payload, "subject": incident.subject}
    topics = TOPICS.get(incident.kind.fires)
    if topics is None:
        return notice({"type": incident.kind.fires, "data": {"subject": incident.subject}}, language)
    return topics[1 if language == "he" else 0](Told(data, language))


def _said(incident: Incident, words: dict[str, str]) -> str:
    since, until = incident.started_at, incident.ended_at
    if until is None:
        return words["lasts"].format(_time(since))
    if incident.end is Reason.REMOVED:
        return words["removed"].format(_time(since), _time(until))
    if incident.cause is not None and incident.cause in words:
        return words[incident.cause].format(_time(since), _time(until))
    return words["resolved"].format(
        _time(since), _time(until), durations.show(timedelta(seconds=round((until - since).total_seconds())))
    )


def _updated(incident: Incident) -> datetime:
    return incident.ended_at or incident.fired_at


def _time(at: datetime) -> str:
    return iso(at)[:19].replace("T", " ")


def _id(name: str) -> str:
    return f"urn:uuid:{uuid5(OURS, _fit(name))}"


def _text(parent: Element, name: str, text: str) -> Element:
    element = SubElement(parent, name)
    element.text = _fit(text)
    return element


def _fit(text: str) -> str:
    return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", text)
