"""The inputs of a form, drawn from the model that its answers are checked by, and read back for that model.

What a field is called, and what helps to fill it in, is in `words/`; that it is there, what may stand in it
and whether it is needed comes from the model's JSON schema alone. So a new type of command is a form.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import Enum
from typing import Any

from pydantic import BaseModel

from daemon.schemas.fields import DAY
from daemon.web.forms import Fields

PARAMS = "params."
"""What stands before the name of a parameter, as in the paths of faults."""
SIDE = ".side"
"""After the name of a time: which of the two hours it is that summer time repeats."""
SEPARATORS = re.compile(r"[\n,]+")
"""Between the items of a list, as people write one."""


class Kind(Enum):
    """How a field is filled in."""

    TEXT = "text"
    NUMBER = "number"
    LIST = "list"
    """One item on a line."""
    DATE = "date"
    """A local time that stays local: the API takes it so."""
    MOMENT = "moment"
    """A local time of the daemon's zone, which becomes one on the time line."""
    CHOICE = "choice"
    YES = "yes"


@dataclass(frozen=True)
class Input:
    """One field."""

    name: str
    """As the paths of faults have it: `params.queue_path`."""
    kind: Kind
    is_required: bool
    example: str = ""
    default: str = ""
    least: float | None = None
    most: float | None = None
    longest: int | None = None
    """Characters, or items of a list."""
    choices: tuple[str, ...] = ()
    is_text_too: bool = False
    """Of a list: what stands on one line may be a text of its own, such as the name of a list."""

    @property
    def word(self) -> str:
        """Its own name, without where it stands."""
        return self.name.removeprefix(PARAMS)


class Odd(Enum):
    """Why a local time cannot be put on the time line."""

    UNREADABLE = "unreadable"
    MISSING = "missing"
    """Summer time skips that hour."""
    TWICE = "twice"
    """Summer time repeats that hour."""


def inputs(model: type[BaseModel], *, before: str = "", without: Iterable[str] = ()) -> list[Input]:
    """The fields of a model, those that are needed first; `before`: what stands before their names."""
    schema = model.model_json_schema(by_alias=True)
    left_out = {*without}
    found = [
        _input(before + name, one, schema, is_required=name in schema.get("required", ()))
        for name, one in schema.get("properties", {}).items()
        if name not in left_out
    ]
    return sorted(found, key=lambda one: not one.is_required)


def document(fields: Fields, wanted: Sequence[Input], zone: tzinfo) -> tuple[dict[str, Any], dict[str, Odd]]:
    """What was filled in, as JSON for the model; and the times that are none.

    What was left blank is left out, so the model says what is missing.
    """
    found: dict[str, Any] = {}
    odd: dict[str, Odd] = {}
    for one in wanted:
        typed = fields.text(one.name)
        if not typed:
            continue
        value = _read(one, typed, fields.text(one.name + SIDE), zone)
        if isinstance(value, Odd):
            odd[one.name] = value
        else:
            found[one.word] = value
    return found, odd


def local_moment(text: str, side: str, zone: tzinfo) -> datetime | Odd:
    """The moment of a local time, such as `2026-11-23T18:00`; one with an offset is taken as it is.

    `side`: "0" or "1", the first or the second of two hours of the same name; "": nobody has said.
    """
    try:
        local = datetime.fromisoformat(text)
        if local.tzinfo is not None:
            return local.astimezone(UTC)
        first, second = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
        there_and_back = first.astimezone(UTC).astimezone(zone)
    except (ValueError, OverflowError):
        return Odd.UNREADABLE
    if there_and_back.replace(tzinfo=None) != local:
        return Odd.MISSING
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    return {"0": first.astimezone(UTC), "1": second.astimezone(UTC)}.get(side, Odd.TWICE)


def sides(text: str, zone: tzinfo) -> list[str]:
    """The offsets of the two hours of a local time that there is twice: `+03:00`, `+02:00`."""
    local = datetime.fromisoformat(text)
    return [local.replace(tzinfo=zone, fold=fold).isoformat()[-6:] for fold in (0, 1)]


def _read(one: Input, typed: str, side: str, zone: tzinfo) -> Any:
    if one.kind is Kind.MOMENT:
        moment = local_moment(typed, side, zone)
        return moment if isinstance(moment, Odd) else moment.isoformat()
    if one.kind is Kind.YES:
        return True
    if one.kind is Kind.LIST:
        return typed if one.is_text_too and _is_one_text(typed) else _items(typed)
    return typed


def _is_one_text(typed: str) -> bool:
    """Whether it is no list of lines: one line, or JSON."""
    return typed.startswith("[") or not SEPARATORS.search(typed)


def _items(typed: str) -> list[str]:
    return [item.strip() for item in SEPARATORS.split(typed) if item.strip()]


def _input(name: str, said: Mapping[str, Any], schema: Mapping[str, Any], *, is_required: bool) -> Input:
    forms = [one for one in _forms(said, schema) if one.get("type") != "null"]
    whole = {key: value for one in reversed(forms) for key, value in one.items()}
    kind, default = _kind(forms), said.get("default")
    bound = "maxItems" if kind is Kind.LIST else "maxLength"
    return Input(
        name,
        kind,
        is_required,
        example=_example(said),
        default="" if default in (None, [], False) else str(default),
        least=whole.get("minimum", whole.get("ge")),
        most=whole.get("maximum", whole.get("le")),
        longest=max((one[bound] for one in forms if bound in one), default=None),
        choices=tuple(whole.get("enum", ())),
        is_text_too=kind is Kind.LIST and any(one.get("type") == "string" for one in forms),
    )


def _kind(forms: Sequence[Mapping[str, Any]]) -> Kind:
    """The widest of the forms that a value may have."""
    types = {one.get("type") for one in forms}
    ways = (
        (Kind.CHOICE, any("enum" in one for one in forms)),
        (Kind.LIST, "array" in types),
        (Kind.YES, types == {"boolean"}),
        (Kind.NUMBER, types <= {"integer", "number"}),
        (Kind.MOMENT, any(one.get("format") == "date-time" for one in forms)),
        (Kind.DATE, any(one.get("pattern", "").startswith(f"^{DAY}") for one in forms)),
    )
    return next((kind for kind, is_so in ways if is_so), Kind.TEXT)


def _forms(said: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The forms that a value may have, each by itself."""
    for key in ("anyOf", "oneOf", "allOf"):
        for one in said.get(key, ()):
            yield from _forms(one, schema)
    if "$ref" in said:
        yield from _forms(schema["$defs"][said["$ref"].rpartition("/")[2]], schema)
    if "type" in said or "const" in said:
        yield said


def _example(said: Mapping[str, Any]) -> str:
    example = next(iter(said.get("examples", ())), "")
    return "\n".join(map(str, example)) if isinstance(example, list) else str(example)
