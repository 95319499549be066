"""`[[systems.expectations]]`: what a system has to show now and then."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, get_args

from pydantic import Field, ValidationInfo, field_validator

from daemon.config.values import Settings, Text, Wait, Word
from daemon.config.watches import WatchSettings
from daemon.config.windows import Active
from daemon.config.wording import Fault, Location, fault, of_table
from daemon.core.durations import MINUTE
from daemon.core.model import Severity
from daemon.core.wording import nearest, quoted

SHORTEST = MINUTE
"""Ours: what is expected more often is a matter of seconds between two polls."""


class ExpectationSettings(Settings):
    """`[[systems.expectations]]`: an event type that has to come within a time."""

    type: Word
    """Of what a watch of this system gives."""
    within: Wait
    """Of time in which it would have been seen."""
    name: Text = Field(default=None, validate_default=True)
    """By default its type."""
    subject: Word | None = None
    """A glob on what the events are about; None: all count."""
    severity: Severity = Severity.WARNING
    active: Active = ()
    """When it counts; (): always."""

    @field_validator("name", mode="before")
    @classmethod
    def _is_called_by_its_type(cls, name: Any, info: ValidationInfo) -> Any:
        return info.data.get("type", "?") if name is None else name

    @field_validator("within")
    @classmethod
    def _is_no_poll(cls, within: timedelta) -> timedelta:
        if within < SHORTEST:
            raise ValueError("at least 1m: what comes more often is seen by its absence in an answer")
        return within


def faults(
    at: Location, system: Mapping[str, Any], tables: Mapping[str, type[WatchSettings]]
) -> Iterator[Fault]:
    """What expectations say of the watches of their system, and of each other; of the document, whose shape
    the models judge. `tables`: the watches that there are, by their keys."""
    rows = system.get("expectations")
    given = {key: _types(of) for key, of in tables.items()}
    # A table without keys is one: it says nothing but that.
    watched = [name for key, names in given.items() if system.get(key) not in (None, []) for name in names]
    names = set[str]()
    for index, row in enumerate(rows if isinstance(rows, list) else []):
        if not isinstance(row, dict):
            continue
        kind, where = row.get("type"), (*at, "expectations", index)
        if isinstance(kind, str) and kind not in watched:
            yield fault((*where, "type"), _not_given(kind, given, watched), kind)
        name = row.get("name", kind)
        if isinstance(name, str) and name in names:
            yield of_table(where, f"another expectation is called {quoted(name)}; give this one a name")
        names.add(str(name))


def _not_given(kind: str, given: Mapping[str, list[str]], watched: list[str]) -> str:
    by = next((key for key, names in given.items() if kind in names), None)
    if by is not None:
        return f"no watch of this system gives it; [systems.{by}] does"
    known = watched or [name for names in given.values() for name in names]
    return f"no watch of this system gives such an event{nearest(kind, known)}"


def _types(of: type[WatchSettings]) -> list[str]:
    return [name for part in of.gives for name in part.names]


def tables(model: type[Settings]) -> dict[str, type[WatchSettings]]:
    """The watches that a system may have, by the keys of their tables."""
    found = {}
    for key, field in model.model_fields.items():
        for one in (field.annotation, *get_args(field.annotation)):
            if isinstance(one, type) and issubclass(one, WatchSettings):
                found[key] = one
    return found
