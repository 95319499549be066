"""`[[windows]]`: windows of time that have a name, and who goes by them.

An endpoint's `quiet` takes their names in the place of tables, and `active` says in which of them the alerts
of a watch or a threshold count. A name is looked up as it is read, so that whoever goes by it has the window
itself, and a reload that changes it changes all of those.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationError, ValidationInfo

from daemon.config.quiet import QuietSettings
from daemon.config.values import Name, once, some
from daemon.core.wording import nearest

CONTEXT = "windows"
"""The key of the windows in what models are read with."""


class WindowSettings(QuietSettings):
    """`[[windows]]`: a window that others go by."""

    name: Name


STAND_IN = WindowSettings.model_construct(name="?", shabbat=True)
"""In the place of one that has a fault of its own, which is told once, where the window stands."""


def named(document: Mapping[str, Any]) -> dict[str, WindowSettings]:
    """The windows of a document by name, for those who go by them."""
    tables = document.get("windows")
    named: dict[str, WindowSettings] = {}
    for table in tables if isinstance(tables, list) else ():
        name = table.get("name") if isinstance(table, dict) else None
        if isinstance(name, str):
            named.setdefault(name, _window(table))
    return named


def _window(table: Mapping[str, Any]) -> WindowSettings:
    try:
        return WindowSettings.model_validate(table)
    except ValidationError:
        return STAND_IN


def _looked_up(value: Any, info: ValidationInfo) -> Any:
    """A name becomes its window."""
    if not isinstance(value, str):
        return value
    known: Mapping[str, WindowSettings] = (info.context or {}).get(CONTEXT, {})
    if value not in known:
        raise ValueError(f"no [[windows]] has this name{nearest(value, known)}")
    return known[value]


def _by_name(value: Any, info: ValidationInfo) -> Any:
    """Only a name will do; or the window itself, as other code gives it."""
    if not isinstance(value, str | WindowSettings):
        raise ValueError("expected the name of a [[windows]]")
    return _looked_up(value, info)


def _as_list(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _of_one_kind(value: Any) -> Any:
    """Names, or tables, and not some of each."""
    entries = value if isinstance(value, Iterable) and not isinstance(value, Mapping) else ()
    kinds = {isinstance(one, str) for one in entries}
    if len(kinds) > 1:
        raise ValueError(
            "names and tables do not go together: write all as tables, or give the tables names as "
            "[[windows]]"
        )
    return value


QuietWindows = Annotated[
    tuple[Annotated[QuietSettings, BeforeValidator(_looked_up)], ...],
    BeforeValidator(_of_one_kind),
    BeforeValidator(_as_list),
]
"""Tables, or names of `[[windows]]`."""
Active = Annotated[
    tuple[Annotated[WindowSettings, BeforeValidator(_by_name)], ...],
    BeforeValidator(_as_list),
    AfterValidator(some),
    AfterValidator(once),
]
"""The name of a window, or several; by default `()`, which is always."""
