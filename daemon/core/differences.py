"""What one configuration has that another has not, by the names of its parts. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from daemon.core.model import Json

KINDS = ("endpoints", "watches", "systems", "settings")
"""Of parts; `settings` are the tables that there is one of."""
READERS = "readers"
"""Beside these: what verbs need that read the store while the file is half edited."""
Parts = Mapping[str, Mapping[str, object]]
"""By kind and name: whatever is equal where nothing was changed."""
NAMED_IN_A_LINE = 20


@dataclass(frozen=True)
class Difference:
    """What is new, what is gone, and what is not as it was: names by kind."""

    added: Mapping[str, tuple[str, ...]]
    removed: Mapping[str, tuple[str, ...]]
    changed: Mapping[str, tuple[str, ...]]

    def __bool__(self) -> bool:
        return any(any(names) for _, by_kind in self._parts() for names in by_kind.values())

    def json(self) -> dict[str, Json]:
        """As events and documents show it: `{"added": {"endpoints": ["crm"], …}, "removed": …, …}`."""
        return {how: {kind: list(names) for kind, names in by_kind.items()} for how, by_kind in self._parts()}

    def lines(self) -> Iterator[str]:
        """For people: `removed watches: main/sip, main/sms`, each where there is something to say."""
        for how, by_kind in self._parts():
            for kind, names in by_kind.items():
                if names:
                    more = f" and {len(names) - NAMED_IN_A_LINE} more" if len(names) > NAMED_IN_A_LINE else ""
                    yield f"{how} {kind}: {', '.join(names[:NAMED_IN_A_LINE])}{more}"

    def _parts(self) -> tuple[tuple[str, Mapping[str, tuple[str, ...]]], ...]:
        return ("added", self.added), ("removed", self.removed), ("changed", self.changed)


def difference(before: Parts, after: Parts) -> Difference:
    """What lies between two configurations."""

    def each(kind: str, *, is_in: Parts, but_not: Parts) -> tuple[str, ...]:
        return tuple(sorted(is_in.get(kind, {}).keys() - but_not.get(kind, {}).keys()))

    def changed(kind: str) -> tuple[str, ...]:
        old, new = before.get(kind, {}), after.get(kind, {})
        return tuple(sorted(name for name in old.keys() & new.keys() if old[name] != new[name]))

    return Difference(
        {kind: each(kind, is_in=after, but_not=before) for kind in KINDS},
        {kind: each(kind, is_in=before, but_not=after) for kind in KINDS},
        {kind: changed(kind) for kind in KINDS},
    )
