"""The names of those that an event tells of: found when it is recorded, and told to who asked for them. Pure.

They stand beside the body, which is the same for all; an endpoint with `names` finds them in its copy, as
`data.names`, and messengers in their sentence. A later change of a name changes no message.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from daemon.core.contacts import Contacts, shown

FIELDS = frozenset(
    {"subject", "user_name", "from", "to", "phone", "path", "queue_path", "caller_id", "unregistered"}
)
"""What holds what may have a name, wherever it stands."""
AGENT = "agent"
"""What holds it as its `name`, or is it."""
MOST_NAMES = 100
"""Ours. Of one event: some list a thousand phones."""


def found(data: Mapping[str, Any], contacts: Contacts) -> dict[str, str]:
    """The names of what stands in the `data` of an event, by how it is written there."""
    names: dict[str, str] = {}
    if not contacts:
        return names
    for text in _texts(data, ""):
        if text not in names and (name := contacts.name_of(text)) is not None:
            names[text] = name
            if len(names) >= MOST_NAMES:
                break
    return names


def stored(data: Mapping[str, Any], contacts: Contacts) -> str | None:
    """The same for the store, as JSON; None: there are none."""
    names = found(data, contacts)
    return json.dumps(names, ensure_ascii=False, separators=(",", ":")) if names else None


def read(names: str | None) -> dict[str, str]:
    """What `stored` gave; of what somebody else wrote there, what can be read: a message goes out without
    names rather than not at all."""
    try:
        known = json.loads(names) if names else {}
    except ValueError:
        return {}
    if not isinstance(known, dict):
        return {}
    return {text: shown(name) for text, name in known.items() if isinstance(name, str)}


def told(data: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    """Those of whom this copy of the `data` still tells: what is redacted in it, or left out, has no name in
    it either."""
    there = set(_texts(data, ""))
    return {text: name for text, name in names.items() if text in there}


def _texts(value: Any, key: str, of: str = "") -> Iterator[str]:
    """The texts of these fields; a list's entries are of its field. `of`: the key around it."""
    if isinstance(value, Mapping):
        for inner, one in value.items():
            yield from _texts(one, inner, key)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one, key, of)
    elif isinstance(value, str) and (key in FIELDS or key == AGENT or (of == AGENT and key == "name")):
        yield value
