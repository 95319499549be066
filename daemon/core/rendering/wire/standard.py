"""`{"type", "timestamp", "data"}`, as Standard Webhooks suggests."""

from collections.abc import Mapping
from typing import Any

from daemon.core.contacts import Contacts
from daemon.core.rendering.formats import Reader, Rendered, Wire, written


def _write(event: Mapping[str, Any], _reader: Reader, _contacts: Contacts) -> Rendered:
    return Rendered(written(event))


WIRE = Wire(_write)
