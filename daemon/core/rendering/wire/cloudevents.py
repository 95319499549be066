"""CloudEvents 1.0, structured: attributes and data in the body."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from daemon.core.contacts import Contacts
from daemon.core.rendering.formats import JSON_TYPE, Reader, Rendered, Wire, written

CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"
SEQUENCE_DIGITS = 20
"""Of the extension `sequence`, which is compared as text: every number of 64 bits fits."""


def attributes(event: Mapping[str, Any]) -> dict[str, str]:
    """The context attributes of CloudEvents 1.0, and the extensions `sequence` and `partitionkey`."""
    data = event["data"]
    system = data.get("system")
    return {
        "specversion": "1.0",
        "id": data["id"],
        "source": f"urn:yemotd:{quote(system, safe='')}" if system else "urn:yemotd",
        "type": event["type"],
        "time": event["timestamp"],
        "subject": data["subject"],
        "sequence": str(data["sequence"]).zfill(SEQUENCE_DIGITS),
        "partitionkey": data["subject"],
    }


def _write(event: Mapping[str, Any], _reader: Reader, _contacts: Contacts) -> Rendered:
    document = {**attributes(event), "datacontenttype": JSON_TYPE, "data": event["data"]}
    return Rendered(written(document), CONTENT_TYPE)


WIRE = Wire(_write)
