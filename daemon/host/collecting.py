"""The collector of garbage: what it looks at, and so for how long every thread stands still."""

import gc

USUAL = gc.get_threshold()
SELDOM = 200_000
"""Objects: more than any verb loads."""
YOUNG = 5_000
"""Objects, from which on a running daemon looks for garbage among the new ones. A batch of deliveries makes a
few thousand that live until it is written: to look at them again and again in between is a twelfth of it."""


def look_seldom() -> None:
    """For a process that begins: nearly all that it makes are programs, and they stay. To look through them
    again and again while they are loaded takes a tenth of the time of a verb."""
    gc.set_threshold(SELDOM, *USUAL[1:])


def spare_what_is_there() -> None:
    """Never look at again what a start leaves behind: programs, models, routes; none of it ever goes.

    A full collection looks at everything, and nothing else runs meanwhile: no poll, no delivery, no request.
    With what a start leaves behind that is a tenth of a second, now and then in the midst of a request; and
    not even once is it worth it, for of 160,000 objects 150 are garbage.
    """
    gc.freeze()
    gc.set_threshold(YOUNG, *USUAL[1:])
