"""What events say of a queue. Pure."""

from collections.abc import Mapping

from daemon.core.model import Schema
from daemon.core.shapes import maybe, number, one_of, record, text, whole

ABANDONED, ANSWERED, LONGEST = "abandoned_per_hour", "answered_per_hour", "longest_wait_today"
COUNTERS, LOG = "counters", "log"
SOURCES = (COUNTERS, LOG)
_OR_MORE = "Where more are known by the platform's log, so many."
METRICS: Mapping[str, Schema] = {
    "calls_waiting": maybe(whole("Callers who wait.")),
    "longest_wait_seconds": maybe(whole("Of those who wait now.")),
    "agents_available": maybe(whole("Neither paused nor out of reach; on a call or not.")),
    "agents_paused": maybe(whole()),
    "calls_per_agent": maybe(number("`calls_waiting` for each available agent, or for one where none is.")),
    "hold_seconds": maybe(whole("The average wait, as the platform counts it.")),
    "abandoned": maybe(whole("The platform's counter, which only grows.")),
    ABANDONED: maybe(number("What `abandoned` grew by in an hour; null until an hour is known. " + _OR_MORE)),
    ANSWERED: maybe(number("What the counter of answered calls grew by in an hour. " + _OR_MORE)),
    LONGEST: maybe(whole("The longest wait that was seen today, or is in the platform's log, in seconds.")),
}
"""Null: that could not be read, or is not known yet."""
QUEUE = record(
    {
        "path": text("Of its extension, as it is configured: `/5`."),
        "name": text("As it is configured."),
        **METRICS,
    },
    "The queue as that answer showed it; of a figure that could not be read, null.",
)
THRESHOLD = record(
    {
        "metric": one_of(tuple(METRICS)),
        "clear": number("Back at this or better, it clears."),
        "value": maybe(number("Of the metric; null: it could not be read when this was last judged.")),
    },
    "Exactly one of `above` and `below` is there.",
    optional={
        "above": number("Crossed when above."),
        "below": number("Crossed when below."),
        "source": one_of(
            SOURCES,
            "By which of the two `value` goes, which is the larger: what the platform's counters and the "
            "polls saw, or what its log tells of each caller. Where the log of the queue is read, of "
            "`abandoned_per_hour`, `answered_per_hour` and `longest_wait_today`.",
        ),
    },
)
AGENT = record(
    {
        "name": text("As the platform calls the agent: `SIP/0773137770-3`, a phone, or a name."),
        "status": maybe(text('The platform\'s state of the device, by its number: "1" free, "2" busy.')),
    }
)
