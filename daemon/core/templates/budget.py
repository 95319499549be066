"""What one rendering may cost, counted rather than timed: the same template and the same event come to the
same end on every machine, however busy it is. Pure.

Whatever a template does pays for what it takes and for what it makes before that is made, so that nothing is
ever made that is larger than what is left. A value is weighed whole, with all that is in it: lists within
lists within lists, each twice, are as heavy as they would be when written out.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from daemon.core.templates.faults import TemplateFault, TooMuch

MOST_TURNS = 10_000
"""Turns of loops in one rendering, all loops together."""
MOST_OUTPUT = 256 * 1024
"""Bytes of a body in UTF-8."""
MOST_SIGNS = 4 * 1024 * 1024
"""Ours. Signs that are read or made, all operations together: about a second of CPU where all of it is spent
in the dearest way, and sixteen times the largest body."""
STEP = 16
"""Ours. Signs that one step counts as, whatever it does: a value looked at, a part of an expression."""
LARGEST = 2**63 - 1
"""Of whole numbers, either way."""


class Budget:
    """What is left of it, for one rendering."""

    def __init__(self, turns: int = MOST_TURNS, signs: int = MOST_SIGNS) -> None:
        self._turns = turns
        self._signs = signs

    def turn(self, steps: int) -> None:
        """One more turn of a loop with so many parts in it."""
        self._turns -= 1
        if self._turns < 0:
            raise TooMuch(f"its loops turn more than {MOST_TURNS:,} times")
        self.pay(steps * STEP)

    def pay(self, signs: int) -> None:
        """For so many signs that are about to be read or made."""
        self._signs -= signs
        if self._signs < 0:
            raise TooMuch("it takes more work than one message may")

    def weigh(self, value: Any) -> int:
        """Pay for a value with all that is in it. Returns what was paid."""
        if is_scalar(value):
            paid = STEP + (len(value) if isinstance(value, str) else 0)
            self.pay(paid)
            return paid
        before = self._signs
        for one in _all_in(value):
            self.pay(STEP + (len(one) if isinstance(one, str) else 0))
        return before - self._signs


def _all_in(value: Any) -> Iterator[Any]:
    """A value, and all that is in it, one by one: never more of it at once than a list holds."""
    waiting: list[Iterator[Any]] = [iter((value,))]
    while waiting:
        for one in waiting[-1]:
            yield one
            if isinstance(one, Mapping):
                waiting.append(_items(one))
                break
            if isinstance(one, list):
                waiting.append(iter(one))
                break
            if not is_scalar(one):
                raise TemplateFault(f"{kind_of(one)} is no value that a template can use")
        else:
            waiting.pop()


def _items(mapping: Mapping[Any, Any]) -> Iterator[Any]:
    for key, one in mapping.items():
        yield key
        yield one


def is_scalar(value: Any) -> bool:
    """Whether a value is one that JSON has, without others in it."""
    return value is None or isinstance(value, str | int | float)


def kind_of(value: Any) -> str:
    """What a value is, for people."""
    if value is None:
        return "nothing (null)"
    known = ((bool, "true or false"), (int | float, "a number"), (str, "text"), (list, "a list"))
    if isinstance(value, Mapping):
        return "an object"
    return next((word for kind, word in known if isinstance(value, kind)), "this")
