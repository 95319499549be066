"""`yemotd explain`: why something was told, or was not: observation, timers, suppression, attempts."""

import json
import os
from collections.abc import Iterator
from typing import Annotated

import typer

from daemon.cli.opening import load, open_store
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import Fatal, clock_time, print_json, say
from daemon.core import durations
from daemon.core.model import Event
from daemon.core.refusals import Refused
from daemon.operations import explanations
from daemon.operations.explanations import Story
from daemon.store.history import DeliveryView
from daemon.store.ledger import Decided
from daemon.store.views import AlertView
from daemon.wiring.endpoints import interests


def explain(
    what: Annotated[
        str, typer.Argument(help="An event (evt_…), an incident (inc_…), or a subject: sip/0773137770.")
    ],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show, in order, what was seen, what it came to, who was told, and who was not and why."""
    loaded = load(config).config
    endpoints = [one.endpoint for one in interests(loaded)]
    store = open_store(loaded)
    try:
        with store.read() as db:
            found = explanations.explain(db, what)
    except Refused as refused:
        more = "see `yemotd alerts list`, and for what is no alert `yemotd events list --subject`"
        raise Fatal(f"{refused}; {more}", os.EX_DATAERR) from None
    finally:
        store.close()
    if as_json:
        print_json(found.document.model_dump())
        return
    lines = [*_event(found.event, found.deliveries, endpoints)] if found.event else []
    lines += [line for alert in found.pending for line in _pending(alert)]
    lines += [line for story in found.stories for line in _incident(story)]
    say(*lines)


def _event(event: Event, deliveries: list[DeliveryView], endpoints: list[str]) -> Iterator[str]:
    yield f"event     {event.id}  {event.type}  {event.subject}  {event.system or 'daemon'}"
    yield f"observed  {clock_time(event.timestamp)}"
    for delivery in deliveries:
        yield f"{delivery.endpoint}: {_delivery(delivery)}"
        yield from _attempts(delivery)
    others = [name for name in endpoints if name not in {one.endpoint for one in deliveries}]
    if others:
        is_alert = "alert" in json.loads(event.body)["data"]
        why = "see below" if is_alert else "their events and systems do not cover it, or did not then"
        yield f"not sent to {', '.join(others)}: {why}"


def _pending(alert: AlertView) -> Iterator[str]:
    if alert.incident is not None:
        return
    timer = f"{durations.show(alert.held)} of it observed"
    blind = ", not seen at present: the timer stands still" if alert.is_blind else ""
    yield f"alert     {alert.type} {alert.subject} on {alert.system}"
    yield f"  {alert.phase} since {clock_time(alert.started_at)}, {timer}{blind}; not told to anybody yet"


def _incident(story: Story) -> Iterator[str]:
    incident = story.incident
    end = f"{incident.end.value} {clock_time(incident.ended_at)}" if incident.end else incident.phase.value
    blind = ", not seen at present" if incident.is_blind else ""
    yield f"incident  {incident.id}  {incident.kind.fires}  {incident.subject} on {incident.system}"
    yield f"  [{incident.severity.value}] {end}{blind}"
    after = incident.changed.after
    yield (
        f"observed  last changed between {clock_time(after) if after else 'the beginning'} "
        f"and {clock_time(incident.changed.before)}"
    )
    for one in story.transitions:
        seen = "could not be seen from here on" if one.is_blind else one.phase.value
        held = f", after {durations.show(one.held)} observed" if one.held else ""
        yield f"  {clock_time(one.at)}  {seen}{held}"
    by_event = {(one.event, one.endpoint): one for one in story.deliveries}
    for endpoint in dict.fromkeys(one.endpoint for one in story.decisions):
        yield f"endpoint  {endpoint}"
        for decided in story.decisions:
            if decided.endpoint == endpoint:
                yield from _decision(decided, by_event)


def _decision(decided: Decided, deliveries: dict[tuple[str, str], DeliveryView]) -> Iterator[str]:
    at = clock_time(decided.at)
    if decided.told is None:
        yield f"  {at}  " + (f"held: {decided.held_by.value}" if decided.held_by else "nothing left to tell")
        return
    late = f", was held: {decided.held_by.value}" if decided.held_by else ""
    delivery = deliveries.get((decided.event or "", decided.endpoint))
    became = _delivery(delivery) if delivery else "its delivery is not stored any more"
    yield f"  {at}  told: {decided.told.value}{late}  {decided.event}  {became}"
    if delivery:
        yield from _attempts(delivery)


def _delivery(delivery: DeliveryView) -> str:
    at = f" {clock_time(delivery.ended_at)}" if delivery.ended_at else f", due {clock_time(delivery.due_at)}"
    return f"{delivery.status.value}{at}"


def _attempts(delivery: DeliveryView) -> Iterator[str]:
    for one in delivery.attempts:
        why = one.error or (f"HTTP {one.http_status}" if one.http_status else "")
        ms = int(one.took.total_seconds() * 1000)
        yield f"    attempt {one.number}  {clock_time(one.started_at)}  {one.outcome.value} {why} ({ms} ms)"
