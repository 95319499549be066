"""Fields that an endpoint is not told: out of an event, wherever else in it they stand, too. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from daemon.core import phones
from daemon.core.model import Failure, Reason, Severity

REDACTED = "[redacted]"
SHORTEST_HIDDEN, SHORTEST_WITHIN = 3, 6
"""Characters of a redacted value from which on it is looked for elsewhere: as a whole word, and then also
within one. Shorter ones are in too much that has nothing to do with them."""
ALIASES: Mapping[str, str] = {
    "sms.text": "sms.raw_text",
    "account.user_name": "accounts.unregistered.user_name",
    "callback.phone": "digest.systems.callbacks.phone",
}
"""Fields that tell the same in another way."""
SUBJECTS: Mapping[str, str] = {
    "sms.from": "sms/",
    "account.user_name": "sip/",
    "queue.path": "queue/",
    "directory.path": "directory/",
    "endpoint.name": "endpoint/",
}
"""Fields that subjects are made of. An event without the field (a digest) may have such a subject, too."""
HELD = "quiet.incidents"
"""Where a digest lists incidents, each of which says what its own event says."""
OUR_WORDS = {one.value for words in (Severity, Reason, Failure) for one in words} | {"firing", "resolved"}
OUR_NAMES = re.compile(r"[a-z][a-z_]*")
"""Keys that we made, in contrast to those of the API's (phones, call ids)."""
DATES = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?)?|\d\d:\d\d:\d\d \d{4}-\d\d-\d\d"
)


def redacted(event: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """The event without what stands at these paths, nor elsewhere what stood there."""
    wished = tuple(paths)
    hidden: set[str] = set()
    data = event["data"]
    paths_of_one = (*wished, *(alias for field, alias in ALIASES.items() if _covers(wished, field)))
    for path in (*paths_of_one, *(f"{HELD}.{path}" for path in paths_of_one)):
        data = _without(data, path.split("."), hidden)
    subjects = tuple(kind for field, kind in SUBJECTS.items() if _covers(wished, field))
    kept = {name: event["data"][name] for name in ("id", "system", "sequence")}
    return {**event, "data": {**_Scrub(hidden, subjects).clean(data), **kept}}


def _covers(paths: Iterable[str], field: str) -> bool:
    return any(f"{field}.".startswith(f"{path}.") for path in paths)


def _without(value: Any, path: list[str], hidden: set[str]) -> Any:
    """A copy in which what stands at a path is redacted; what stood there joins `hidden`."""
    if not path:
        hidden.update(_texts(value))
        return REDACTED
    if isinstance(value, list):
        # The members of `accounts.unregistered` are names themselves: `….user_name` means them, too.
        return [_without(one, path if isinstance(one, Mapping | list) else [], hidden) for one in value]
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    return {**value, path[0]: _without(value[path[0]], path[1:], hidden)}


def _texts(value: Any) -> Iterable[str]:
    """Every text within a value."""
    if isinstance(value, Mapping):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []


class _Scrub:
    """Takes texts out of all that is left, and the names out of subjects of some kinds."""

    def __init__(self, hidden: Iterable[str], subjects: tuple[str, ...]) -> None:
        self._hidden = {text for one in hidden if len(text := one.strip()) >= SHORTEST_HIDDEN}
        self._subjects = subjects
        longest_first = sorted(self._hidden, key=lambda one: (-len(one), one))
        # Nothing is as good as what cannot match.
        spelled = filter(None, map(phones.pattern, longest_first))
        self._pattern = re.compile("|".join([*spelled, *map(_sought, longest_first)]) or r"(?!)")

    def clean(self, value: Any) -> Any:
        """A copy in which these texts occur nowhere."""
        if isinstance(value, Mapping):
            return self._clean_mapping(value)
        if isinstance(value, list):
            return [self.clean(one) for one in value]
        return self._clean_text(value) if isinstance(value, str) else value

    def _clean_mapping(self, value: Mapping[str, Any]) -> dict[str, Any]:
        cleaned: dict[str, Any] = {}
        for name, one in value.items():
            shown = name if OUR_NAMES.fullmatch(name) else self._clean_text(name)
            if shown in cleaned:
                shown = f"{shown} ({len(cleaned)})"
            is_subject = name == "subject" and isinstance(one, str)
            cleaned[shown] = self._clean_subject(one) if is_subject else self.clean(one)
        return cleaned

    def _clean_subject(self, subject: str) -> str:
        kind, slash, name = subject.partition("/")
        if not slash:
            return self._clean_text(subject)
        return kind + slash + (REDACTED if subject.startswith(self._subjects) else self._clean_text(name))

    def _clean_text(self, text: str) -> str:
        if text == REDACTED or text in OUR_WORDS:
            return text
        if DATES.fullmatch(text):
            # An SMS that says "2026" must not break the dates of its event.
            return REDACTED if text in self._hidden else text
        return self._pattern.sub(REDACTED, text)


def _sought(text: str) -> str:
    """A pattern for a text: anywhere, or as a whole word where it is short."""
    if len(text) >= SHORTEST_WITHIN:
        return re.escape(text)
    before = r"(?<!\w)" if re.match(r"\w", text) else ""
    after = r"(?!\w)" if re.search(r"\w$", text) else ""
    return before + re.escape(text) + after
