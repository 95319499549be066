"""The event of a digest: what happened of a day or a week, in figures. Pure."""

from collections.abc import Mapping
from typing import Any

from daemon.core.durations import MINUTE
from daemon.core.model import EventRow, EventTypes, Json
from daemon.core.shapes import day, flag, listed, maybe, moment, number, one_of, record, text, whole

MADE = "digest.made"
UNSEEN_WORTH = 5 * MINUTE
"""Ours. Less than this unseen, of a day, is not worth a digest."""
_SECONDS = "Seconds of its span"
QUEUE = record(
    {
        "subject": text("`queue/5`."),
        "name": text("As it is configured."),
        "answered": maybe(whole("Calls that were answered; null: nobody knows.")),
        "missed": maybe(whole("Callers who left without being answered; null: nobody knows.")),
        "is_exact": flag(
            "Whether these were counted call by call, in all of the time; else they come from the platform's "
            "counters as well, and are about so many."
        ),
        "unknown": maybe(whole("Callers more, of whom it is not known how they left. Null: not counted.")),
        "unseen": maybe(whole("Callers more, at least, who gave up and were seen by nobody.")),
        "kicked": maybe(whole("Callers more, whom a command of ours put out.")),
        "withheld": maybe(whole("Of the missed: those who withheld their number.")),
        "longest_wait_seconds": maybe(number("That was seen.")),
        "most_waiting": maybe(number("Callers at once, that were seen.")),
        "most_agents": maybe(number("Agents available at once, at most.")),
        "fewest_agents": maybe(number("The same, at least.")),
        "most_paused": maybe(number("Agents paused at once, at most.")),
        "unseen_seconds": number(f"{_SECONDS} in which it was not seen."),
    }
)
UNITS = record(
    {
        "balance": maybe(number("As it was seen last.")),
        "used": maybe(number("In this time, as far as it was seen; what was loaded is not taken off.")),
        "per_day": maybe(number("At this pace, of the last seven days.")),
        "runs_out_on": maybe(day("When nothing is left at this pace; null: nobody can say.")),
    }
)
CALLBACK = record(
    {
        "phone": text("As the platform spelled it last."),
        "queue": text("That was called last, as it is configured."),
        "calls": whole("How often nobody answered."),
        "last_at": moment("When that was last."),
    }
)
SYSTEM = record(
    {
        "system": text(),
        "sms": whole("Messages that came in."),
        "recordings": whole("Files that were added."),
        "campaigns": whole("That ended."),
        "campaigns_unknown": whole("Whose end could not be learned."),
        "campaign_units": maybe(
            number("What all of these cost, as far as it is known; null: of none it is.")
        ),
        "campaigns_unpriced": whole("Of these, those of which no price is known."),
        "callbacks_due": whole("Missed callers who were put on the list of those to be called back."),
        "callbacks_done": whole("That were closed, however."),
        "callbacks_open": whole("Who are on that list still."),
        "callbacks": listed(CALLBACK, "The first of these: who has been on it longest comes first."),
        "unseen_seconds": number(f"{_SECONDS} in which the API of the platform was not seen."),
        "queues": listed(QUEUE),
        "units": maybe(UNITS),
    }
)
OUTAGE = record(
    {
        "system": text(),
        "subject": text("What was down: `sip/0773137770`, `queue/5`, `api`."),
        "kind": text("`sip`, `queue`, `api`, …"),
        "name": maybe(text()),
        "down_seconds": number(
            f"{_SECONDS} in which it was seen to be down; of a queue, beyond a threshold."
        ),
        "unseen_seconds": number(f"{_SECONDS} in which it was not seen."),
        "is_down": flag("Whether it still was at the end."),
    }
)
DIGEST = record(
    {
        "name": text("As it is configured."),
        "covers": one_of(("day", "week")),
        "language": maybe(one_of(("he", "en"), "Of its mail; null: as each mailbox has it.")),
        "from": moment("Where the one before ended."),
        "to": moment("When it was made."),
        "due_at": moment("When it should have been."),
        "span_seconds": number("Of the figures that say for how long something was so."),
        "busy": listed(
            record({"from": moment(), "sms": whole()}), "Messages that came in, by hours or by days."
        ),
        "alerts": whole("How often an alert fired."),
        "open_alerts": whole("How many fire still."),
        "systems": listed(SYSTEM),
        "outages": listed(OUTAGE, "The longest first."),
        "more_outages": whole("How many are left out."),
        "deliveries": listed(
            record({"endpoint": text(), "failed": whole("Deliveries that were given up.")}),
            "By endpoint; those of which none was are not listed.",
        ),
    }
)
EVENTS = EventTypes(
    (MADE,),
    opt_in=frozenset({MADE}),
    rows={
        MADE: EventRow(
            "What happened of a day or a week: to the endpoints that the digest names, whatever their "
            "`events`; others where they name it, which a bare `*` does not.",
            {"digest": DIGEST},
        )
    },
)


def subject(name: str) -> str:
    """The subject of its events."""
    return f"digest/{name}"


def is_empty(said: Mapping[str, Any]) -> bool:
    """Whether there is nothing to say: nothing happened, and all the time was seen."""
    counted = ("sms", "recordings", "campaigns", "campaigns_unknown")
    listed = ("callbacks_due", "callbacks_done", "callbacks_open")
    calls = ("answered", "missed", "unknown", "unseen", "kicked")
    of_systems = any(
        any(system[name] for name in (*counted, *listed))
        or system["unseen_seconds"] >= UNSEEN_WORTH.total_seconds()
        or any(queue[name] for queue in system["queues"] for name in calls)
        or (system["units"] or {}).get("used")
        for system in said["systems"]
    )
    return not (of_systems or said["alerts"] or said["open_alerts"] or said["outages"] or said["deliveries"])


def data(said: Mapping[str, Json]) -> dict[str, Json]:
    """The payload of its event."""
    return {"digest": said}
