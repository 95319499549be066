"""What every event of an alert says of that alert, `data.alert`, as a JSON Schema. Pure."""

from daemon.core.alerts.incidents import OUTSIDE_HOURS
from daemon.core.model import Reason, Severity
from daemon.core.routing.ledger import Hold
from daemon.core.shapes import always, listed, maybe, moment, one_of, record, text, whole

ALERT = record(
    {
        "incident": text("`inc_…`: the same from the first event of an alert to its last."),
        "status": one_of(["firing", "resolved"]),
        "severity": one_of([one.value for one in Severity]),
        "reason": one_of([one.value for one in Reason], "Why it is told."),
        "started_at": moment("The first look that showed it."),
        "changed_between": listed(
            maybe(moment()),
            "When it changed: the last look without, and the first with the change. The first is null where "
            "there was no look before.",
        ),
    },
    optional={
        "ended_at": moment("Once it is over."),
        "end": always(
            Reason.REMOVED.value, "It is over because nobody looks at it any more, and it is told late."
        ),
        "cause": always(OUTSIDE_HOURS, "It is over because the hours are in which it counts (`active`)."),
        "escalation": record(
            {"name": text("Of the escalation."), "step": whole("Which of its steps: 1, 2, …")},
            "It is told because nobody had acknowledged it.",
        ),
        "repeat": whole("Of a reminder, which one it is: 1, 2, …"),
        "held_by": one_of([one.value for one in Hold], "What had held back what is told late."),
        "superseded": whole("How many messages it stands for that were not delivered, and never will be."),
    },
)
"""Of a new kind of `more` in `core/alerts/incidents.fact` there is a field here."""
