"""Wishes that cannot be worked out, set aside: one line of a configuration is nobody's trouble but its own.

A wish is what somebody asks for in the configuration: a quiet window of an endpoint, its filters, its rate;
or that something is watched. Whoever goes by one tries it through a guard. One that raises is set aside:
something else is taken in its stead, the others go on, and it is remembered, so that it can be told. Pure but
for its own memory.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from typing import Any, TypeVar

FoundT = TypeVar("FoundT")

CALM_LOOKS = 120
"""So many looks without a raise, and one that works: it is taken up again. Ten minutes, at one in five
seconds: what raises at some moments only is not told each time."""
FINGERPRINT = 12
"""Hexadecimal digits of what is remembered of a text: there are as many texts as watches."""


class Kind(Enum):
    """Whose wish it is."""

    ENDPOINT = "endpoint"
    WATCH = "watch"


@dataclass(frozen=True)
class Wish:
    """One line of the configuration, or several that go together."""

    kind: Kind
    name: str
    """The endpoint (of mailboxes, the one of their table), or `system/watch`."""
    setting: str
    """By its key: `quiet`, `rate`, …"""


@dataclass
class _Standing:
    """What trying a wish came to."""

    written: str
    """Of what the configuration says, its fingerprint; another text is another wish."""
    error: str | None = None
    has_worked: bool = False
    calm: int = 0
    """Looks since it raised last."""


@dataclass(frozen=True)
class Standing:
    """How a wish stands at one look."""

    written: str
    """The fingerprint of its text."""
    error: str | None
    """Why it is set aside; None: it is not."""
    has_worked: bool
    """Since it was configured, or taken up again. Neither: nobody has tried it yet."""


Raised = Callable[[Wish, Exception], None]
"""Hears of a wish when it is set aside, in the thread that tried it."""


class Wishes:
    """The wishes of one configuration, and which of them are set aside. Safe to use from any thread."""

    def __init__(self, on_raised: Raised = lambda _wish, _error: None) -> None:
        self._on_raised = on_raised
        self._standing: dict[Wish, _Standing] = {}
        self._set_aside: dict[Wish, _Standing] = {}
        """Of these, the few that raised: of thousands of watches, nobody has to look at the others."""

    def guard(self, kind: Kind, name: str) -> "Guard":
        """What tries the wishes of an endpoint, or a watch."""
        return Guard(kind, name, self)

    def add(self, wish: Wish, written: str) -> None:
        """A wish that the configuration has."""
        self._standing.setdefault(wish, _Standing(fingerprint(written)))

    def known(self, wish: Wish) -> _Standing | None:
        """What trying it came to, from then on the same object; None: not configured, and it never raised."""
        return self._standing.get(wish)

    def raised(self, wish: Wish, error: Exception) -> None:
        """It was tried, and raised."""
        known = self._standing.setdefault(wish, _Standing(fingerprint("")))
        is_news = known.error is None
        known.error, known.has_worked, known.calm = where(error), False, 0
        self._set_aside[wish] = known
        if is_news:
            self._on_raised(wish, error)

    def look(self) -> dict[Wish, Standing]:
        """How each stands; for one that looks again and again, every few seconds."""
        self.glance()
        return {wish: _as_of_now(known) for wish, known in list(self._standing.items())}

    def glance(self) -> dict[Wish, Standing]:
        """The same, and the same look, of those alone that are set aside."""
        for wish, known in self._set_aside.copy().items():
            known.calm += 1
            if known.has_worked and known.calm > CALM_LOOKS:
                self._set_aside.pop(wish, None)  # before: one that raises just now stands there again
                known.error = None
        set_aside = self._set_aside.copy().items()
        return {wish: _as_of_now(known) for wish, known in set_aside if known.error is not None}


def _as_of_now(known: _Standing) -> Standing:
    return Standing(known.written, known.error, known.has_worked)


@dataclass(frozen=True)
class Guard:
    """What tries the wishes of one endpoint, or one watch."""

    kind: Kind
    name: str
    wishes: Wishes = field(repr=False)
    _known: dict[str, _Standing] = field(default_factory=dict, repr=False, compare=False)
    """By setting: to look them up costs more than what is tried for each message."""

    def tried(self, setting: str, work: Callable[[], FoundT], instead: FoundT) -> FoundT:
        """What a wish comes to; `instead` where it raises, which is remembered."""
        try:
            found = work()
        except Exception as error:
            self.raised(setting, error)
            return instead
        self.worked(setting)
        return found

    def over(
        self, setting: str, work: Callable[[FoundT], bool], *, instead: bool
    ) -> Callable[[FoundT], bool]:
        """A question with its guard around it."""
        return lambda asked: self.tried(setting, lambda: work(asked), instead)

    def add(self, setting: str, written: Any) -> None:
        """A wish that the configuration has, as its text says."""
        self.wishes.add(Wish(self.kind, self.name, setting), repr(written))

    def worked(self, setting: str) -> None:
        """It could be worked out."""
        known = self._known.get(setting)
        if known is None:
            if (known := self.wishes.known(Wish(self.kind, self.name, setting))) is None:
                return
            self._known[setting] = known
        known.has_worked = True

    def raised(self, setting: str, error: Exception) -> None:
        """It raised."""
        self.wishes.raised(Wish(self.kind, self.name, setting), error)


UNGUARDED = Guard(Kind.ENDPOINT, "", Wishes())
"""Of what no configuration stands behind: the same, and nobody hears of it."""


def where(error: Exception) -> str:
    """Which error it is and where it arose, and not what it says: that may hold a secret, or a message. What
    says of itself that it holds neither is told."""
    if getattr(error, "is_tellable", False):
        return str(error)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    file = trace.tb_frame.f_code.co_filename.replace("\\", "/").rpartition("/")[2]
    return f"{type(error).__name__} at {file}:{trace.tb_lineno}"


def fingerprint(written: str) -> str:
    """By which it is known whether a text is another one."""
    return sha256(written.encode(errors="replace")).hexdigest()[:FINGERPRINT]
