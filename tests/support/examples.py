"""How many examples Hypothesis tries: a few every day, many before a change is taken, all of them by hand.

The everyday profile tries the same few each time, and that of a landing (`.ci/run`) the same many: a change
is stopped by what it breaks, never by a find of chance in what it does not touch. To find is the full
profile's work, at random, and it keeps what it found. None has a deadline, nor minds how slowly examples are
made: speed fails no test.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

from hypothesis import HealthCheck, settings

CaseT = TypeVar("CaseT")

EVERYDAY, LANDING, FULL = "everyday", "landing", "full"
HUNDRED = 100
"""Examples that the full profile tries of a test which says nothing itself."""
MANY = 40
"""What that of a landing tries of them: who waits for it waits an hour for all."""
FEW = 10
"""What the everyday profile tries of them."""
ONE_OF = 5
"""Where a test is run once more on another engine, the profile of a landing tries one of so many examples:
the same is decided there, and each takes several times as long."""


class _Now:
    """Of the test that runs."""

    one_of: ClassVar[int] = 1


def register() -> None:
    """Make them known, and the everyday one the one that counts; `--hypothesis-profile full` changes that."""
    everywhere = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile(EVERYDAY, everywhere, max_examples=FEW, derandomize=True, database=None)
    settings.register_profile(LANDING, everywhere, max_examples=MANY, derandomize=True, database=None)
    settings.register_profile(FULL, everywhere, max_examples=HUNDRED, derandomize=False)
    settings.load_profile(EVERYDAY)


def examples(full: int) -> int:
    """Of so many examples under the full profile, those of the profile that is loaded; at least one."""
    tried = settings.get_profile(settings.get_current_profile_name()).max_examples
    return max(1, full * tried // (HUNDRED * _Now.one_of))


@contextmanager
def once_more(test: Callable[..., Any]) -> Iterator[None]:
    """While a test is run on another engine than the first: `ONE_OF`."""
    if settings.get_current_profile_name() != LANDING:
        yield
        return
    with _settings(test, ONE_OF):
        _Now.one_of = ONE_OF
        try:
            yield
        finally:
            _Now.one_of = 1


@contextmanager
def _settings(test: Callable[..., Any], one_of: int) -> Iterator[None]:
    """Those that its decorators gave it, for a time; a test without examples has none. (Hypothesis has no way
    to say them for one case of a parametrised test.)"""
    name = "_hypothesis_internal_use_settings"
    given: settings | None = getattr(test, name, None)
    if given is not None:
        setattr(test, name, settings(given, max_examples=max(1, given.max_examples // one_of)))
    try:
        yield
    finally:
        if given is not None:
            setattr(test, name, given)


def is_full() -> bool:
    """Whether it is not the everyday few."""
    return settings.get_current_profile_name() != EVERYDAY


def sample(cases: Iterable[CaseT]) -> list[CaseT]:
    """Of cases that are all walked before a landing, every day an even share; their order has to be the same
    each time."""
    return list(cases)[:: 1 if is_full() else HUNDRED // FEW]
