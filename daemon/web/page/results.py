"""What came of a command, item by item, as the page shows it. Of a type that it knows nothing of, too."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from daemon.core.numbers import shown as digits
from daemon.core.visible import visible_line
from daemon.web.page.words import Words
from daemon.web.page.writing import text

LONGEST = 64
"""Characters of a value that stands on a line; a longer one is a text of its own."""
FOLDED, BEGINNING = 600, 140
"""Characters from which on a text is folded, and those that are shown of it then."""
CALLS = "calls"
"""The items of a kick; their `status` is a word of ours."""
OF_CAMPAIGN = ("calls_count", "rejected")
TITLES = {
    "calls_count": "commands.dialled",
    "rejected": "commands.rejected",
    CALLS: "commands.field.call_ids",
}
LEFT_OUT = frozenset({"is_partial"})
"""Said in words beside it."""


@dataclass(frozen=True)
class Facts:
    """Names and values."""

    title: Markup
    rows: list[tuple[Markup, Markup]]


@dataclass(frozen=True)
class Table:
    """One row for each item."""

    title: Markup
    headers: list[Markup]
    rows: list[list[Markup]]


def blocks(t: Words, result: Any) -> list[Facts | Table]:
    """A result as facts and tables, in its own order."""
    if result is None:
        return []
    if not isinstance(result, Mapping):
        return [Facts(t("commands.result"), [(t("commands.name.results"), value(t, result))])]
    return list(_blocks(t, t("commands.result"), result))


def label(t: Words, key: str) -> Markup:
    """What a part of a result is called; its own name where it has none of ours."""
    for found in (TITLES.get(key, ""), f"commands.name.{key}"):
        if found in t:
            return t(found)
    return Markup("<code>{}</code>").format(visible_line(key))


def value(t: Words, one: Any) -> Markup:
    """A value by itself."""
    if one is None:
        return t("commands.unreadable")
    if isinstance(one, bool):
        return t("frame.yes") if one else t("frame.no")
    if isinstance(one, int | float):
        return Markup("<bdi>{}</bdi>").format(digits(one))
    if isinstance(one, str):
        return Markup("<bdi>{}</bdi>").format(one) if _is_short(one) else _long(one)
    spelled = json.dumps(one, ensure_ascii=False)
    return Markup('<code dir="ltr">{}</code>').format(visible_line(spelled))


def _long(one: str) -> Markup:
    """A text; of a very long one its beginning, and the whole where it is asked for."""
    if len(one) <= FOLDED:
        return text(one)
    folded = Markup("<details><summary><bdi>{}…</bdi></summary>{}</details>")
    return folded.format(visible_line(one[:BEGINNING]), text(one))


def _is_short(one: str) -> bool:
    return len(one) <= LONGEST and one == visible_line(one)


def _blocks(t: Words, title: Markup, result: Mapping[str, Any]) -> Iterator[Facts | Table]:
    rows: list[tuple[Markup, Markup]] = []
    inner: list[Facts | Table] = []
    for key, one in result.items():
        if key in LEFT_OUT:
            continue
        if _is_table(one):
            inner.append(_table(t, key, one))
        elif isinstance(one, Mapping):
            inner.extend(_blocks(t, label(t, key), one))
        else:
            rows.append((label(t, key), _scalar(t, key, one)))
    if rows:
        yield Facts(title, rows)
    yield from inner


def _scalar(t: Words, key: str, one: Any) -> Markup:
    if key == "rejected":
        return t("commands.some_rejected" if one is None else "commands.all_dialled")
    if key in OF_CAMPAIGN and one is None:
        return t("commands.not_told")
    if isinstance(one, Sequence) and not isinstance(one, str):
        return Markup(", ").join(value(t, each) for each in one) if one else t("frame.nothing")
    return value(t, one)


def _is_table(one: Any) -> bool:
    return isinstance(one, list) and bool(one) and all(isinstance(each, Mapping) for each in one)


def _table(t: Words, key: str, items: Sequence[Mapping[str, Any]]) -> Table:
    columns = list(dict.fromkeys(name for item in items for name in item))
    return Table(
        label(t, key),
        [label(t, name) for name in columns],
        [[_cell(t, key, name, item) for name in columns] for item in items],
    )


def _cell(t: Words, key: str, name: str, item: Mapping[str, Any]) -> Markup:
    if name not in item:
        return Markup("")
    said = f"commands.call.{item[name]}"
    if key == CALLS and name == "status" and said in t:
        return t(said)
    if key == CALLS and name == "message" and item[name] is None:
        return t("commands.not_told")
    return value(t, item[name])
