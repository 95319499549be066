"""How soon a change is told, at best and at worst. Pure.

A condition fires with the poll at which it has lasted for its `for` since the first poll that saw it. So it
takes `n = for / every`, rounded up, intervals after that first poll, which itself comes at most one interval
after the change: between `n` and `n + 1` intervals, and the time that the API takes to answer.
"""

from datetime import timedelta

from daemon.core import durations


def bounds(hold: timedelta, every: timedelta) -> tuple[timedelta, timedelta]:
    """The shortest and the longest time from a change to its event."""
    intervals = -(-hold // every)
    return intervals * every, (intervals + 1) * every


def show(what: str, hold: timedelta, every: timedelta) -> str:
    """One line for people: `unregistered: told within 60s to 90s`."""
    least, most = bounds(hold, every)
    if not least:
        return f"{what}: told within {durations.show(most)}"
    return f"{what}: told within {durations.show(least)} to {durations.show(most)}"
