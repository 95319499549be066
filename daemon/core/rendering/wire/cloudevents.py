"""CloudEvents 1.0: structured, attributes and data in the body; or binary, attributes as headers and data as
the body."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from daemon.core.contacts import Contacts
from daemon.core.rendering.wire.jsons import written
from daemon.core.rendering.wire.seat import JSON_TYPE, Reader, Rendered, Wire

CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"
SEQUENCE_DIGITS = 20
"""Of the extension `sequence`, which is compared as text: every number of 64 bits fits."""


def _structured(event: Mapping[str, Any], _reader: Reader, _contacts: Contacts) -> Rendered:
    document = {**_attributes(event), "datacontenttype": JSON_TYPE, "data": event["data"]}
    return Rendered(written(document), CONTENT_TYPE)


def _binary(event: Mapping[str, Any], _reader: Reader, _contacts: Contacts) -> Rendered:
    # Printable ASCII stands for itself; quotes, percent signs and all else are percent-encoded as UTF-8.
    plain = "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
    headers = tuple((f"ce-{name}", quote(value, safe=plain)) for name, value in _attributes(event).items())
    return Rendered(written(event["data"]), JSON_TYPE, headers)


def _attributes(event: Mapping[str, Any]) -> dict[str, str]:
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


STRUCTURED = Wire(_structured)
BINARY = Wire(_binary)
