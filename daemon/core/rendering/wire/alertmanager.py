"""One alert, as Prometheus' Alertmanager takes it: `POST /api/v2/alerts` of its OpenAPI description.

Alertmanager knows an alert by its labels, so both sides of ours have the same, of which the incident is one:
an end that comes late ends its own alert, and no later one. It takes one for over at its `endsAt`, and where
there is none, some minutes after it was told (its `resolve_timeout`). So:

    fires      `endsAt` lies years ahead: it is over when we say so, and not because nobody spoke
    is over    `endsAt` is when that was seen
    a fact     has none: it fires for as long as Alertmanager lets it, and is over by itself

What a rule may go by is in the labels, what people read in the annotations.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from daemon.core.contacts import Contacts
from daemon.core.durations import DAY
from daemon.core.event_types import KINDS
from daemon.core.rendering.formats import Reader, Rendered, Wire, written
from daemon.core.timestamps import from_iso, iso

FOR_GOOD = 3650 * DAY
"""Ours. After so long even what nobody ended is over."""
LAST = datetime.max.replace(tzinfo=UTC) - DAY
FIRED_BY: Mapping[str, str] = {kind.resolves: kind.fires for kind in KINDS.values()}
"""The type that fires, by the one that ends it."""


def _write(event: Mapping[str, Any], reader: Reader, contacts: Contacts) -> Rendered:
    data = event["data"]
    alert = data.get("alert")
    lasting = alert if isinstance(alert, Mapping) and _is_of_pair(event["type"]) else None
    began_at = _time((lasting or {}).get("started_at")) or _time(event["timestamp"])
    told: dict[str, Any] = {
        "labels": _labels(event, lasting),
        "annotations": {"summary": _summary(event, reader, contacts), "event": str(data.get("id") or "")},
    }
    if began_at is not None:
        told["startsAt"] = iso(began_at)
        if lasting is not None:
            told["endsAt"] = iso(_ends_at(event, lasting, began_at))
    return Rendered(written([told]))


def _labels(event: Mapping[str, Any], lasting: Mapping[str, Any] | None) -> dict[str, str]:
    """Those of one alert are the same for as long as it lasts. An empty one is none to Alertmanager."""
    data, kind = event["data"], event["type"]
    of_one = {"incident": lasting.get("incident"), "severity": lasting.get("severity")} if lasting else {}
    labels = {
        "alertname": FIRED_BY.get(kind, kind) if lasting else kind,
        "system": data.get("system"),
        "subject": data.get("subject"),
        **(of_one if lasting else {"event": data.get("id"), "severity": "info"}),
    }
    return {name: str(value) for name, value in labels.items() if value}


def _ends_at(event: Mapping[str, Any], lasting: Mapping[str, Any], began_at: datetime) -> datetime:
    """Never before it began, which Alertmanager refuses: a clock may have been set back meanwhile."""
    if lasting.get("status") != "resolved":
        return min(began_at, LAST - FOR_GOOD) + FOR_GOOD
    return max(_time(event["timestamp"]) or began_at, began_at)


def _is_of_pair(kind: str) -> bool:
    return kind in KINDS or kind in FIRED_BY


def _summary(event: Mapping[str, Any], reader: Reader, contacts: Contacts) -> str:
    # All words that there are: whoever only lists what was sent need not load them.
    from daemon.core.rendering.phrases import notice, sentence  # noqa: PLC0415

    if reader.is_thin:
        return notice(event, reader.language, contacts)
    return sentence(event, reader.language, contacts, reader.zone)


def _time(text: object) -> datetime | None:
    return from_iso(text) if isinstance(text, str) else None


WIRE = Wire(_write, is_signed=False, is_for_people=True)
