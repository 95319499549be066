"""From what TOML says to what the models take: unknown keys are found, secrets are fetched.

One walk along the models and the document, side by side. It reports and goes on, so that one reading
gives all faults.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Any, get_args, get_origin

from pydantic.fields import FieldInfo

from daemon.config.secrets import WAYS, SecretKind, Sources
from daemon.config.values import Settings
from daemon.config.wording import Fault, Location, fault, missing, of_table, unknown_key
from daemon.core.model import Secret
from daemon.core.wording import quoted

ANY = SecretKind(lambda _text: None, may_have_blanks=True)
"""Of a secret that may be anything."""
PLACEHOLDER = Secret("?")
"""Stands for a secret that has a fault already, so that it is not reported missing as well."""


@dataclass(frozen=True)
class Held:
    """A secret of a table: its key, and what it must be."""

    key: str
    kind: SecretKind
    is_required: bool
    is_list: bool


def secrets_of(model: type[Settings]) -> tuple[Held, ...]:
    """The secrets that a table may hold, out of its model."""
    return tuple(
        Held(_key(name, one), kind, one.is_required(), _is_list(one.annotation))
        for name, one in model.model_fields.items()
        if (kind := _kind(one.annotation, one.metadata)) is not None
    )


@dataclass
class Reading:
    """One walk, and what it found on its way."""

    sources: Sources
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    not_had: list[Fault] = field(default_factory=list)
    """Those of the faults that say no more than that a secret is not where it should be, or is none."""

    def table(self, model: type[Settings], table: Mapping[str, Any], at: Location = ()) -> dict[str, Any]:
        """The table as its model takes it: known keys only, secrets fetched."""
        inner = {_key(name, one): _model(one.annotation) for name, one in model.model_fields.items()}
        secrets = secrets_of(model)
        ways = [held.key + way for held in secrets for way in WAYS]
        for key in table.keys() - inner.keys() - set(ways):
            self.faults.append(unknown_key((*at, key), [*(inner.keys() - set(ways)), *ways]))
        cleaned = {
            key: self._value(inner[key], table[key], (*at, key))
            for key in inner
            if key in table and key not in ways
        }
        for held in secrets:
            cleaned |= self._secret(held, table, at)
        for name, kind in _mappings(model).items():
            if isinstance(table.get(name), Mapping):
                cleaned[name] = self._by_name(kind, table[name], (*at, name))
        return cleaned

    def _value(self, model: type[Settings] | None, value: Any, at: Location) -> Any:
        if model is not None and isinstance(value, dict):
            return self.table(model, value, at)
        if isinstance(value, list):
            return [self._value(model, entry, (*at, index)) for index, entry in enumerate(value)]
        return value

    def _secret(self, held: Held, table: Mapping[str, Any], at: Location) -> dict[str, Any]:
        ways = [way for way in WAYS if held.key + way in table]
        if len(ways) > 1:
            both = " and ".join(held.key + way for way in ways)
            self.faults.append(of_table(at, f"has {both}: give one of them"))
        elif ways and held.kind.is_open_here and not ways[0]:
            return {held.key: self._open(held.kind, table[held.key], (*at, held.key), table)}
        elif ways:
            given = table[held.key + ways[0]]
            fetched = tuple(self._fetched(held, ways[0], given, (*at, held.key + ways[0]), table))
            return {held.key: fetched if held.is_list else fetched[0]}
        elif held.is_required:
            here = "it, or " if held.kind.is_open_here else ""
            ways_out = f"give {here}{held.key}_file, {held.key}_credential or {held.key}_env"
            self.faults.append(missing((*at, held.key), ways_out))
        else:
            return {}
        return {held.key: (PLACEHOLDER,) if held.is_list else PLACEHOLDER}

    def _open(self, kind: SecretKind, given: Any, at: Location, table: Mapping[str, Any]) -> Any:
        """What stands here and is no secret: its model judges it, but for what only its table can say."""
        with suppress(ValueError):
            if isinstance(given, str):
                kind.check(given)
                try:
                    kind.check_beside(given, table)
                except ValueError as error:
                    self.faults.append(fault(at, str(error)))
                    return PLACEHOLDER
        return given

    def _fetched(
        self, held: Held, way: str, given: Any, at: Location, table: Mapping[str, Any]
    ) -> Iterator[Secret]:
        if not held.is_list or not isinstance(given, list):
            yield self._one(held.kind, way, given, at, table)
            return
        if not given:
            self.faults.append(fault(at, "must not be empty"))
        for index, entry in enumerate(given):
            yield self._one(held.kind, way, entry, (*at, index), table)

    def _by_name(self, kind: SecretKind, table: Mapping[str, Any], at: Location) -> dict[str, Any]:
        """Values under names of the administrator's own, each of which may say where it stands."""
        found: dict[str, Any] = {}
        for key, given in table.items():
            way = next((one for one in WAYS[1:] if key.endswith(one) and key != one), "")
            name = key.removesuffix(way)
            if name in found:
                self.faults.append(of_table(at, f"has {quoted(name)} in two ways: give one of them"))
            else:
                found[name] = self._one(kind, way, given, (*at, key), table) if way else given
        return found

    def _one(self, kind: SecretKind, way: str, given: Any, at: Location, table: Mapping[str, Any]) -> Secret:
        if not isinstance(given, str):
            self.faults.append(fault(at, "expected text in quotes"))
            return PLACEHOLDER
        try:
            value = kind.taken(self.sources.value(way, given), way)
            kind.check(value)
            kind.check_beside(value, table)
            exposure = self.sources.exposure(way, given)
        except (ValueError, OSError) as error:
            # Without a way, what is given is the secret itself.
            self.faults.append(fault(at, str(error), given if way else None))
            self.not_had.append(self.faults[-1])
            return PLACEHOLDER
        if value != value.strip():
            self.warnings.append(
                fault(at, "begins or ends with a blank, which counts", given if way else None)
            )
        if exposure:
            self.warnings.append(fault(at, exposure, given if way else None))
        return Secret(value)


def _key(name: str, one: FieldInfo) -> str:
    """The key of a field as TOML spells it."""
    return str(one.validation_alias or name)


def _model(annotation: Any) -> type[Settings] | None:
    """The model of the table, or of the tables, that a key holds; None where it holds plain values."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return annotation
    return next(filter(None, map(_model, get_args(annotation))), None)


def _mappings(model: type[Settings]) -> dict[str, SecretKind]:
    """The keys of a table that hold others, whose values may be secrets, and what these must be."""
    found = {}
    for name, one in model.model_fields.items():
        if get_origin(one.annotation) is dict:
            kind = _kind(get_args(one.annotation)[1])
            if kind is not None:
                found[_key(name, one)] = kind
    return found


def _kind(annotation: Any, beside: Iterable[object] = ()) -> SecretKind | None:
    """What the secrets must be that a key holds; None where it holds none. `beside`: what stands with it."""
    if get_origin(annotation) is dict:
        return None  # whatever is in there has a name of its own
    if annotation is Secret:
        return next((one for one in beside if isinstance(one, SecretKind)), ANY)
    if get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        return _kind(annotation, (*more, *beside))
    return next(filter(None, (_kind(one, beside) for one in get_args(annotation))), None)


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is tuple or any(map(_is_list, get_args(annotation)))
