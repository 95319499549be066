"""The events of those who wait in a queue: they come, and they go in one of several ways. Pure."""

from collections.abc import Mapping

from daemon.core.model import EventRow, EventTypes, Json
from daemon.core.shapes import always, listed, maybe, moment, one_of, record, text, whole
from daemon.core.watches.outcomes import Outcome, Why
from daemon.core.watches.queue_shapes import METRICS, QUEUE

JOINED, LEFT = "queue.caller.joined", "queue.caller.left"
ANSWERED, ABANDONED = "queue.caller.answered", "queue.caller.abandoned"
KICKED = "queue.caller.kicked"
TYPES = {
    Outcome.ANSWERED: ANSWERED,
    Outcome.ABANDONED: ABANDONED,
    Outcome.KICKED: KICKED,
    Outcome.UNKNOWN: LEFT,
}
"""What tells of each outcome."""
GONE = frozenset(TYPES.values())
"""The events of callers who wait no more."""
COUNTERS, COMMAND, LOG = "counters", "command", "log"
SOURCES = (COUNTERS, COMMAND, LOG)
NAMES = (JOINED, *TYPES.values())
UNREAD: Mapping[str, Json] = dict.fromkeys(METRICS)
"""The figures of a queue that nobody looked at just then."""

CALLER = record({"call_id": text("The platform's, for `queue.kick`."), "phone": text()})
_GONE = record(
    {
        "call_id": maybe(text("The platform's; null: nobody saw the call, the log alone has it.")),
        "phone": text(),
        "waited_seconds": maybe(
            listed(whole(), "Least and most: between these two the wait lies. Null: not known.")
        ),
    }
)
_SOURCE = one_of(
    SOURCES,
    "What says so: two answers of the platform, compared; a command of ours; or the platform's own log.",
)
_LOGGED = {
    "logged": record(
        {
            "at": moment("The time of its row."),
            "status": text("As the platform wrote it: `CONTINUE`, `TIMEOUT`, …"),
            "total_seconds": maybe(whole("From the beginning of the wait to the end of the call.")),
            "answered_by": maybe(text("The number that answered.")),
        },
        "What the platform's log says, where `source` is `log`.",
    )
}
EVENTS = EventTypes(
    NAMES,
    opt_in=frozenset(NAMES),
    rows={
        JOINED: EventRow(
            "Somebody waits who did not at the look before.", {"queue": QUEUE, "caller": CALLER}
        ),
        LEFT: EventRow(
            "Somebody waits no more, and how that came about is not certain. Where it turns out later, one "
            "of the other types tells it of the same call, once.",
            {
                "queue": QUEUE,
                "caller": _GONE,
                "outcome": always(Outcome.UNKNOWN.value),
                "reason": one_of(
                    [one.value for one in Why],
                    "`unreadable`: a part of an answer was; `unwatched`: not all of the time was watched; "
                    "`reset`: the counters began anew; `ambiguous`: they can be explained in more than one "
                    "way; `command`: a kick of the call was under way.",
                ),
            },
        ),
        ANSWERED: EventRow(
            "An agent answered somebody who waited.",
            {"queue": QUEUE, "caller": _GONE, "source": _SOURCE},
            _LOGGED,
        ),
        ABANDONED: EventRow(
            "Somebody left without having been answered: hung up, waited too long, or went elsewhere, but "
            "not by a command of ours.",
            {"queue": QUEUE, "caller": _GONE, "source": _SOURCE},
            _LOGGED,
        ),
        KICKED: EventRow(
            "A command of ours put somebody out of the queue.",
            {"queue": QUEUE, "caller": _GONE, "source": _SOURCE},
        ),
    },
)
