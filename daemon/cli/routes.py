"""Which verbs a daemon elsewhere can be asked for, and where it has their documents: one row for each.

A verb with a row takes `--url`, `--token-file` and `--ca-file`.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Route:
    """Where a daemon has the document of a verb."""

    path: str
    """Below `/api/v1/`; `{name}` is a word of the verb."""
    items: str = ""
    """Of a list: the key under which it stands in the answer."""
    goes_on_by: str = ""
    """Of a list in pages: what is given as the answer's `next` to go on."""
    method: str = "GET"


ROUTES: Mapping[str, Route] = {
    "status": Route("status"),
    "now": Route("now"),
    "explain": Route("explain"),
    "events list": Route("events", "events", "after"),
    "events tail": Route("events", "events"),
    "events show": Route("events/{event}"),
    "sms list": Route("events", "events", "after"),
    "sms search": Route("events", "events", "after"),
    "sms show": Route("events/{event}"),
    "sms send": Route("commands", method="POST"),
    "recordings list": Route("events", "events", "after"),
    "recordings fetch": Route("recordings/{event}"),
    "recordings revoke": Route("recordings/{event}/links", method="DELETE"),
    "alerts list": Route("alerts", "alerts"),
    "alerts ack": Route("alerts/{incident}/ack", method="POST"),
    "missed list": Route("missed", "missed", "after"),
    "missed done": Route("missed/{callback}/done", method="POST"),
    "silence list": Route("silences", "silences"),
    "silence add": Route("silences", method="POST"),
    "silence expire": Route("silences/{silence}/expire", method="POST"),
    "deliveries list": Route("deliveries", "deliveries", "before"),
    "deliveries show": Route("deliveries/{delivery}"),
    "deliveries retry": Route("deliveries/{delivery}/retry", method="POST"),
    "endpoints list": Route("endpoints", "endpoints"),
    "endpoints test": Route("endpoints/{endpoint}/test", method="POST"),
    "endpoints replay": Route("endpoints/{endpoint}/replay", method="POST"),
    "endpoints enable": Route("endpoints/{endpoint}/enable", method="POST"),
    "endpoints disable": Route("endpoints/{endpoint}/disable", method="POST"),
    "command add": Route("commands", method="POST"),
    "command kick": Route("commands", method="POST"),
    "command list": Route("commands", "commands", "before"),
    "command show": Route("commands/{command}"),
    "command cancel": Route("commands/{command}/cancel", method="POST"),
    "digests list": Route("digests", "digests"),
    "digests preview": Route("digests/{digest}/preview"),
    "contacts list": Route("contacts", "contacts", "after"),
    "contacts add": Route("contacts", method="POST"),
    "contacts remove": Route("contacts/{number}", method="DELETE"),
}
"""The verbs that a daemon elsewhere can be asked for."""
