"""The event types of what the daemon tells of itself: its life and store, its endpoints, a test. Pure."""

from collections.abc import Mapping

from daemon.core.differences import KINDS
from daemon.core.model import AlertKind, EventRow, EventTypes, Schema, Severity
from daemon.core.shapes import (
    always,
    anything,
    by_name,
    flag,
    listed,
    maybe,
    moment,
    number,
    one_of,
    pair,
    record,
    text,
    whole,
)
from daemon.core.wishes import Kind

HEALTH = ("healthy", "degraded", "suspended", "disabled")
TURNED_OFF_BY = ("operator", "gone", "health")
"""The words of `delivery/breaker.py`, which stands above who routes events; a test compares."""
ENDPOINT = record(
    {
        "name": text("As it is configured; of mailboxes that fail together, `smtp`."),
        "health": one_of(HEALTH),
        "error": maybe(text("What the last attempt that failed came to, in English; null: none has.")),
        "by": maybe(one_of(TURNED_OFF_BY, "Who or what disabled it; null: nobody.")),
    }
)
WISH = record(
    {
        "of": one_of([one.value for one in Kind]),
        "name": text("The endpoint, or `system/watch`."),
        "setting": text("By its key: `quiet`, `rate`, …"),
        "error": maybe(text("What went wrong, for whoever mends it; null: nothing is known of it.")),
        "instead": text("What is done in its stead, in English."),
        "written": text("A fingerprint of what the configuration says."),
    },
    optional={"member": text("Of several daemons, the one that met it.")},
)
FAILING = AlertKind("endpoint.failing", "endpoint.recovered")
SUSPENDED, RESUMED = "endpoint.suspended", "endpoint.resumed"
DISABLED, ENABLED = "endpoint.disabled", "endpoint.enabled"
MISCONFIGURED = AlertKind("endpoint.misconfigured", "endpoint.configured")
OF_ENDPOINT: Mapping[str, Schema] = {"endpoint": ENDPOINT}
ENDPOINTS = EventTypes(
    (SUSPENDED, RESUMED, DISABLED, ENABLED),
    alerts=(FAILING, MISCONFIGURED),
    rows={
        **pair(
            FAILING,
            "An endpoint takes no messages: several new ones in a row failed, or all did for a minute, or it "
            "refuses us. Goes to the others; messages for it wait.",
            "It takes messages again; or it is not tried any more: an operator disabled it, or it is not "
            'configured (`alert.reason` is then "removed").',
            OF_ENDPOINT,
        ),
        SUSPENDED: EventRow(
            "It has been failing for ten minutes, and is tried seldom from now on.", OF_ENDPOINT
        ),
        RESUMED: EventRow("One that was suspended took a message; more are tried.", OF_ENDPOINT),
        DISABLED: EventRow(
            "It is sent nothing any more: an operator disabled it, it answered 410, or it was suspended "
            "for a week.",
            OF_ENDPOINT,
        ),
        ENABLED: EventRow("An operator enabled it.", OF_ENDPOINT),
        **pair(
            MISCONFIGURED,
            "A setting of an endpoint or a watch cannot be worked out, and something else is done instead.",
            "It works again; or it was written anew, or taken out (`alert.reason` or `alert.end` is then "
            '"removed").',
            {
                "endpoint": maybe(record({"name": text()}, "Null: it is a setting of a watch.")),
                "wish": WISH,
            },
        ),
    },
)

ACKNOWLEDGED, ESCALATED = "alert.acknowledged", "alert.escalated"
_ABOUT_IT = record(
    {
        "incident": text("`inc_…`: of the alert that it is about."),
        "type": text("The event type by which that fires."),
        "status": always("firing"),
        "severity": one_of([one.value for one in Severity]),
        "started_at": moment("The first look that showed it."),
    },
    "The alert that it is about; what else its own events say (`account`, `queue`, …) is there as well.",
)
_STEP = record(
    {
        "name": text("Of the escalation."),
        "step": whole("Which of its steps: 1, 2, …"),
        "to": listed(text("An endpoint that is told now.")),
        "after_seconds": number("For how long nobody had acknowledged it."),
    }
)
SAID = (
    "account",
    "accounts",
    "caller_id",
    "clock",
    "disk",
    "endpoint",
    "error",
    "expectation",
    "flapping",
    "last_seen_at",
    "queue",
    "sms_units",
    "threshold",
    "units",
    "watches",
    "wish",
)
"""What the events of alerts say, each of its own kind; these say the same of the one that they are about."""
_CARRIED = {name: anything("As the alert's own events say it.") for name in SAID}
OF_ALERTS = EventTypes(
    (ACKNOWLEDGED, ESCALATED),
    opt_in=frozenset({ACKNOWLEDGED, ESCALATED}),
    rows={
        ACKNOWLEDGED: EventRow(
            "Somebody has said that they have an alert: once, to everybody who was told of it.",
            {
                "alert": _ABOUT_IT,
                "by": text("Who has it."),
                "note": maybe(text("What the others should know; null: nothing was said.")),
                "until": maybe(moment("How long it counts; null: until the alert is over.")),
            },
            _CARRIED,
        ),
        ESCALATED: EventRow(
            "Nobody has acknowledged an alert in time, and others are told of it now: to everybody who was "
            "told before.",
            {"alert": _ABOUT_IT, "escalation": _STEP},
            _CARRIED,
        ),
    },
)
"""Whoever was told of the alert is told these, whatever its `events`; others where they name them, which a
bare `*` does not."""
ABOUT = frozenset(OF_ALERTS.facts)
"""Facts about an incident that is told by the ledger."""

STORE_FAILED, STORE_RECOVERED = "daemon.store_failed", "daemon.store_recovered"
STORE = "daemon/store"
"""Their subject. The first is told from memory, since it cannot be written down: it has no number."""
STARTED, STOPPED, CONFIG_RELOADED = "daemon.started", "daemon.stopped", "daemon.config_reloaded"
CLOCK_STEPPED = "daemon.clock_stepped"
PART_RESTARTED = "daemon.part_restarted"
WHICH = record(
    {"version": text()}, optional={"member": text("Of several daemons on one database, which one.")}
)
CHANGES = record({kind: listed(text()) for kind in KINDS}, "By name.")
STORE_FAILURE = record({"failing_since": moment(), "error": text("What the database says, in English.")})
LIFE = EventTypes(
    (STARTED, STOPPED, CONFIG_RELOADED, STORE_FAILED, STORE_RECOVERED, CLOCK_STEPPED, PART_RESTARTED),
    rows={
        STARTED: EventRow("A daemon has started.", {"daemon": WHICH}),
        STOPPED: EventRow(
            "A daemon ends, as it was told to; one that is killed says nothing.", {"daemon": WHICH}
        ),
        CONFIG_RELOADED: EventRow(
            "Another configuration is in force.",
            {
                "daemon": record(
                    {
                        "needs_restart": listed(
                            text(), "Settings that changed and count after a restart only."
                        ),
                        "added": CHANGES,
                        "removed": CHANGES,
                        "changed": CHANGES,
                        "withdrawn": maybe(
                            by_name(
                                whole(),
                                "How many deliveries were withdrawn, by endpoint: what is no longer for it.",
                            )
                        ),
                    }
                )
            },
        ),
        STORE_FAILED: EventRow(
            "The database cannot be written. Told from memory, so `sequence` is 0, no list has it, and it "
            "may come more than once.",
            {"store": STORE_FAILURE},
        ),
        STORE_RECOVERED: EventRow("The database can be written again.", {"store": STORE_FAILURE}),
        CLOCK_STEPPED: EventRow(
            "The machine's clock was set, by 30 s or more.",
            {"clock": record({"by_seconds": whole("By how much, either way."), "is_forward": flag()})},
        ),
        PART_RESTARTED: EventRow(
            "A part of the daemon had ended by an error, and was started again.",
            {
                "part": record(
                    {
                        "name": text(),
                        "error": text("For whoever mends it."),
                        "restarts": whole("How often that happened of late."),
                    }
                )
            },
        ),
    },
)

MEMBER_JOINED, MEMBER_LOST = "daemon.member_joined", "daemon.member_lost"
MEMBER_DIFFERS = "daemon.member_differs"
MEMBER = record({"name": text(), "version": text(), "why": maybe(text("In English; null: it joined."))})
MEMBERS = EventTypes(
    (MEMBER_JOINED, MEMBER_LOST, MEMBER_DIFFERS),
    rows={
        MEMBER_JOINED: EventRow("A daemon has joined those that share the database.", {"member": MEMBER}),
        MEMBER_LOST: EventRow(
            "One of them has fallen silent; the others go on in its place.", {"member": MEMBER}
        ),
        MEMBER_DIFFERS: EventRow(
            "One of them takes nothing on, for it differs from the others: in its configuration, its version "
            "or its clock.",
            {"member": MEMBER},
        ),
    },
)
"""Of the daemons that share one database. All have one subject, so none makes another's out of date."""

PING = "test.ping"
TEST = EventTypes(
    (PING,),
    rows={
        PING: EventRow(
            "Somebody tries an endpoint (`yemotd endpoints test`, the page, HTTP); for that endpoint alone.",
            {"test": record({"endpoint": text()})},
        )
    },
)
