"""CloudEvents 1.0, binary: attributes as headers, data as the body."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from daemon.core.contacts import Contacts
from daemon.core.rendering.formats import JSON_TYPE, Reader, Rendered, Wire, written
from daemon.core.rendering.wire.cloudevents import attributes

PLAIN = "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
"""What stands for itself in a header, with letters and digits: printable ASCII without quotes and percent
signs. All else is percent-encoded as UTF-8."""


def _write(event: Mapping[str, Any], _reader: Reader, _contacts: Contacts) -> Rendered:
    headers = tuple((f"ce-{name}", quote(value, safe=PLAIN)) for name, value in attributes(event).items())
    return Rendered(written(event["data"]), JSON_TYPE, headers)


WIRE = Wire(_write)
