"""What changed from one value of JSON to the next, where nearly all stayed as it was. Pure.

{"a": …}      of an object: these members, each by a patch of its own; {}: nothing
{"0": …}      of an array as long as before: these places
5, "a", null   put in its place; an object, or an array, stands as ["=", …]
["="]         removed
"""

from collections.abc import Mapping, Sequence
from typing import Any

from daemon.core.model import Json

Patch = Json
SAME: Mapping[str, Json] = {}
REMOVED = ["="]


def patch(before: Any, after: Any) -> Patch:
    """What leads from one value to the other."""
    if type(before) is type(after) and before == after:
        return {}
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        found = {key: patch(before[key], one) if key in before else ["=", one] for key, one in after.items()}
        gone = {key: REMOVED for key in before if key not in after}
        return {**{key: one for key, one in found.items() if one != {}}, **gone}
    if _is_as_long(before, after):
        pairs = enumerate(zip(before, after, strict=True))
        return {str(at): one for at, (old, new) in pairs if (one := patch(old, new)) != {}}
    return ["=", after] if isinstance(after, dict | list) else after


def applied(before: Any, change: Any) -> Any:
    """The value after a patch. Raises LookupError, TypeError or ValueError for one of something else."""
    if isinstance(change, list):
        return change[1]
    if not isinstance(change, dict):
        return change
    if not change:
        return before
    if isinstance(before, Mapping):
        kept = {
            **before,
            **{key: applied(before.get(key), one) for key, one in change.items() if one != REMOVED},
        }
        return {key: one for key, one in kept.items() if change.get(key) != REMOVED}
    places = list(before)
    for at, one in change.items():
        places[int(at)] = applied(places[int(at)], one)
    return places


def _is_as_long(before: Any, after: Any) -> bool:
    both = isinstance(before, Sequence) and isinstance(after, Sequence)
    return (
        both and not isinstance(before, str) and not isinstance(after, str) and len(before) == len(after) > 0
    )
