"""What a template finds of an event, once that is in the shape in which its endpoint is told it."""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from daemon.core.contacts import Contacts
from daemon.core.templates.values import clean
from daemon.senders.templating.template import Given


def finds(
    event: Mapping[str, Any],
    contacts: Contacts,
    values: Mapping[str, str],
    *,
    language: str,
    zone: tzinfo,
    is_thin: bool,
) -> Given:
    """Each of a template's names; what it does not ask for is not worked out. `event`: redacted and thin as
    the endpoint wishes, so that whatever a template says is no more than any other body would."""
    told = clean(event)

    def text() -> str:
        # All words that there are: few templates ask for none.
        from daemon.core.rendering.phrases import notice, sentence  # noqa: PLC0415

        said = notice(told, language, contacts) if is_thin else sentence(told, language, contacts, zone)
        return str(clean(said))

    def title() -> str:
        from daemon.core.rendering.phrases import type_name  # noqa: PLC0415 - as above

        return type_name(told["type"], language)

    return {
        "event": lambda: told,
        "type": lambda: told["type"],
        "timestamp": lambda: told["timestamp"],
        "data": lambda: told["data"],
        "text": text,
        "title": title,
        "values": lambda: dict(values),
    }
