"""Faults and refusals in the visitor's language: what was said in English is found again among the words of
`words/faults.py`, with the values that stand in it. What is not found stays as it was said."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from markupsafe import Markup

from daemon.core.visible import visible_line
from daemon.web.page.inputs import PARAMS, Odd
from daemon.web.page.words import ALL, Words
from daemon.web.page.words.faults import WORDS

PLACE = re.compile(r"{(\w+)}")
NESTED = "error"
"""The value of a sentence that is a fault itself."""
ODD: Mapping[Odd, str] = {
    Odd.UNREADABLE: "fault.unreadable",
    Odd.MISSING: "fault.skipped",
    Odd.TWICE: "fault.repeated",
}


def said(t: Words, reason: str) -> Markup | None:
    """The sentence in the visitor's words; None: there is none for it."""
    for key, pattern in _patterns():
        found = pattern.fullmatch(reason)
        if found:
            return t(key, **{name: _value(t, name, value) for name, value in found.groupdict().items()})
    return None


def worded(t: Words, reason: str) -> Markup:
    """The same; as it was said, where there is no sentence for it."""
    found = said(t, reason)
    if found is not None:
        return found
    return Markup('<span lang="en" dir="ltr">{}</span>').format(visible_line(reason))


def by_field(t: Words, faults: Iterable[tuple[str, str]], known: Sequence[str]) -> dict[str, list[Markup]]:
    """Faults by the field of the form at which they are shown; what belongs to none is under ""."""
    found: dict[str, list[Markup]] = {}
    for path, reason in faults:
        field, item = _place(path, known)
        words = worded(t, reason)
        if item is not None:
            words = t("fault.item", n=item + 1, fault=words)
        elif not field and path:
            words = Markup("<code>{}</code> {}").format(visible_line(path), words)
        found.setdefault(field, []).append(words)
    return found


def _place(path: str, known: Sequence[str]) -> tuple[str, int | None]:
    """The field that a path leads into, and which item of it, counted from 0."""
    candidates = (path, PARAMS + path)
    for name in known:
        for one in candidates:
            if one == name:
                return name, None
            if one.startswith(name + "."):
                item = one.removeprefix(name + ".").partition(".")[0]
                return name, int(item) if item.isdecimal() else None
    return "", None


def _value(t: Words, name: str, value: str) -> object:
    return worded(t, value) if name == NESTED else value


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """What each sentence looks like, those that say most by themselves first."""
    rows = sorted(WORDS, key=lambda key: -len(PLACE.sub("", ALL[key][0])))
    return [(key, re.compile(_pattern(ALL[key][0]), re.DOTALL)) for key in rows]


def _pattern(sentence: str) -> str:
    pieces = PLACE.split(sentence)
    return "".join(f"(?P<{one}>.+)" if odd % 2 else re.escape(one) for odd, one in enumerate(pieces))
