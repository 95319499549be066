"""`{"type", "timestamp", "data"}`, as Standard Webhooks suggests."""

from collections.abc import Mapping
from typing import Any

from daemon.core.contacts import Contacts
from daemon.core.rendering.wire.jsons import written
from daemon.core.rendering.wire.seat import Reader, Rendered, Wire


def _write(event: Mapping[str, Any], _reader: Reader, _contacts: Contacts) -> Rendered:
    return Rendered(written(event))


STANDARD = Wire(_write)
