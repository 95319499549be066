"""What a rehearsal would tell that stands alone: of what is seen again, and of what only then was. Pure."""

from collections import Counter

from daemon.core import missed
from daemon.core.watches import callers

Told = Counter[tuple[str, str]]
"""How many events, by endpoint and type."""
OF_CALLERS = frozenset({*callers.EVENTS.names, *missed.EVENTS.names})
"""What becomes of callers is told by the polls of a queue, which are gone through again, and by the log of
the platform, a list or a command, of which nothing is kept; of a call that both tell of, once."""


def together(seen_again: Told, of_then: Told) -> Told:
    """Both, where each event is in one of them; of callers the larger of the two."""
    every = seen_again + of_then
    for one in every:
        if one[1] in OF_CALLERS:
            every[one] = max(seen_again[one], of_then[one])
    return every
