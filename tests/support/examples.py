"""How many examples Hypothesis tries: a few every day, all of them before a change is taken.

The everyday profile tries the same few each time, and that of a landing (`.ci/run`) the same many: a change
is stopped by what it breaks, never by a find of chance in what it does not touch. To find is the full
profile's work, at random, and it keeps what it found. None has a deadline, nor minds how slowly examples are
made: speed fails no test.
"""

from collections.abc import Iterable
from typing import TypeVar

from hypothesis import HealthCheck, settings

CaseT = TypeVar("CaseT")

EVERYDAY, LANDING, FULL = "everyday", "landing", "full"
HUNDRED = 100
"""Examples that the two others try of a test which says nothing itself."""
FEW = 10
"""What the everyday profile tries of them."""


def register() -> None:
    """Make them known, and the everyday one the one that counts; `--hypothesis-profile full` changes that."""
    everywhere = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile(EVERYDAY, everywhere, max_examples=FEW, derandomize=True, database=None)
    settings.register_profile(LANDING, everywhere, max_examples=HUNDRED, derandomize=True, database=None)
    settings.register_profile(FULL, everywhere, max_examples=HUNDRED, derandomize=False)
    settings.load_profile(EVERYDAY)


def examples(full: int) -> int:
    """Of so many examples under the full profile, those of the profile that is loaded; at least one."""
    return max(1, full * settings.get_profile(settings.get_current_profile_name()).max_examples // HUNDRED)


def is_full() -> bool:
    """Whether all examples are tried."""
    return settings.get_current_profile_name() != EVERYDAY


def sample(cases: Iterable[CaseT]) -> list[CaseT]:
    """Of cases that are all walked under the full profile, an even share of those of the profile that is
    loaded; their order has to be the same each time."""
    return list(cases)[:: max(1, HUNDRED // examples(HUNDRED))]
