"""`yemotd explain`: why something was told, or was not: observation, timers, suppression, attempts."""

import os
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from daemon.cli import campaign_lines, completing, quiet_words
from daemon.cli.names import beside, contacts
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import Fatal, clock_time, people_zone, print_json, say
from daemon.cli.place import Place
from daemon.cli.sources import asked
from daemon.core import durations
from daemon.core.alerts.incidents import OUTSIDE_HOURS
from daemon.core.refusals import Refused, Why
from daemon.core.timestamps import from_iso
from daemon.operations import explanations
from daemon.operations.acknowledgements import AsOf
from daemon.schemas.explanations import (
    ExplainedAlert,
    ExplainedDecision,
    ExplainedDelivery,
    ExplainedIncident,
    Explanation,
)


def explain(
    what: Annotated[
        str,
        typer.Argument(
            help="An event (evt_…), an incident (inc_…), a command (cmd_…), or a subject: sip/0773137770.",
            autocompletion=completing.EXPLAINED,
        ),
    ],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show, in order, what was seen, what it came to, who was told, and who was not and why."""

    def here(place: Place) -> Explanation:
        try:
            with place.store.read() as db:
                as_of = AsOf(place.look(db), place.known.escalations, place.known.interests)
                found = explanations.explain(db, what, as_of, contacts())
        except Refused as refused:
            if refused.why is not Why.MISSING:
                raise Fatal(str(refused), os.EX_DATAERR) from None
            more = "see `yemotd alerts list`, and for what is no alert `yemotd events list --subject`"
            raise Fatal(f"{refused}; {more}", os.EX_DATAERR) from None
        return found.document(place.known.endpoints)

    with asked("explain", config) as daemon:
        found = daemon.one(Explanation, here, query={"what": what})
        if as_json:
            print_json(found.model_dump())
            return
        lines = [*_command(found)] if found.command else []
        lines += [*_event(found)] if found.event else []
        lines += [line for alert in found.alerts for line in _pending(alert)]
        lines += [line for incident in found.incidents for line in _incident(incident, daemon.now())]
        say(*lines)


def _command(found: Explanation) -> Iterator[str]:
    command = found.command
    assert command is not None  # noqa: S101 - else nobody asks
    yield f"command   {command.id}  {command.type} on {command.system}"
    ended = f" {clock_time(from_iso(command.ended_at))}" if command.ended_at else ""
    error = f": {command.error.message}" if command.error else ""
    yield f"  {command.status}{ended}{error}"
    if command.check:
        yield f"  {command.check}"
    if found.campaign is not None:
        yield from campaign_lines.lines(found.campaign.model_dump())


def _event(found: Explanation) -> Iterator[str]:
    event: Any = found.event
    data = event["data"]
    subject = beside(data["subject"])
    yield f"event     {data['id']}  {event['type']}  {subject}  {data['system'] or 'daemon'}"
    yield f"observed  {clock_time(from_iso(event['timestamp']))}"
    for delivery in found.deliveries:
        yield f"{delivery.endpoint}: {_delivery(delivery)}"
        yield from _attempts(delivery)
    if found.not_sent_to:
        why = "see below" if "alert" in data else "their events and systems do not cover it, or did not then"
        yield f"not sent to {', '.join(found.not_sent_to)}: {why}"


def _pending(alert: ExplainedAlert) -> Iterator[str]:
    if alert.incident is not None:
        return
    timer = f"{_duration(alert.held_seconds)} of it observed"
    blind = ", not seen at present: the timer stands still" if alert.is_blind else ""
    yield f"alert     {alert.type} {beside(alert.subject)} on {alert.system}"
    since = clock_time(from_iso(alert.started_at))
    yield f"  {alert.phase} since {since}, {timer}{blind}; not told to anybody yet"


def _incident(incident: ExplainedIncident, now: datetime) -> Iterator[str]:
    end = f"{incident.end} {clock_time(from_iso(incident.ended_at))}" if incident.end else incident.phase
    end += ": the hours in which it counts were over" if incident.cause == OUTSIDE_HOURS else ""
    blind = ", not seen at present" if incident.is_blind else ""
    yield f"incident  {incident.id}  {incident.type}  {beside(incident.subject)} on {incident.system}"
    yield f"  [{incident.severity}] {end}{blind}"
    after, before = [*map(from_iso, incident.changed_between), None, None][:2]
    yield (
        f"observed  last changed between {clock_time(after) if after else 'the beginning'} "
        f"and {clock_time(before)}"
    )
    for one in incident.transitions:
        seen = "could not be seen from here on" if one.is_blind else one.phase
        held = f", after {_duration(one.held_seconds)} observed" if one.held_seconds else ""
        yield f"  {clock_time(from_iso(one.at))}  {seen}{held}"
    yield from _in_hand(incident)
    by_event = {(one.event, one.endpoint): one for one in incident.deliveries}
    held_back = {one.endpoint: one.held for one in incident.standings if one.held is not None}
    for endpoint in dict.fromkeys(one.endpoint for one in incident.decisions):
        yield f"endpoint  {endpoint}"
        for decided in incident.decisions:
            if decided.endpoint == endpoint:
                yield from _decision(decided, by_event)
        if endpoint in held_back:
            yield f"  now  {quiet_words.held(held_back[endpoint], now, people_zone())}"


def _in_hand(incident: ExplainedIncident) -> Iterator[str]:
    """Who took it on, and which steps of its escalation were taken, or are to come."""
    for one in incident.acknowledgements:
        until = f" until {clock_time(from_iso(one.until))}" if one.until else ""
        note = f" ({one.note})" if one.note else ""
        yield f"in hand   {clock_time(from_iso(one.at))}  {one.by} has it{until}{note}"
    if incident.acknowledgements and incident.acknowledged is None and incident.ended_at is None:
        yield "in hand   nobody has it any more"
    for step in incident.escalation:
        to = ", ".join(step.to)
        if step.taken_at:
            became = f"{clock_time(from_iso(step.taken_at))}  nobody had it: told {to}"
        elif step.due_at:
            became = f"{clock_time(from_iso(step.due_at))}  if nobody has it by then, {to} is told"
        else:
            became = f"later, if nobody has it, {to} is told; at present its time does not count"
        yield f"escalates {became}  ({step.name}, step {step.step})"


def _decision(
    decided: ExplainedDecision, deliveries: Mapping[tuple[str, str], ExplainedDelivery]
) -> Iterator[str]:
    at = clock_time(from_iso(decided.at))
    if decided.told is None:
        yield f"  {at}  " + (f"held: {decided.held_by}" if decided.held_by else "nothing left to tell")
        return
    late = f", was held: {decided.held_by}" if decided.held_by else ""
    delivery = deliveries.get((decided.event or "", decided.endpoint))
    became = _delivery(delivery) if delivery else "its delivery is not stored any more"
    yield f"  {at}  told: {decided.told}{late}  {decided.event}  {became}"
    if delivery:
        yield from _attempts(delivery)


def _delivery(delivery: ExplainedDelivery) -> str:
    ended_at = from_iso(delivery.ended_at)
    at = f" {clock_time(ended_at)}" if ended_at else f", due {clock_time(from_iso(delivery.due_at))}"
    by = f", by the template {delivery.template}" if delivery.template else ""
    return f"{delivery.status}{at}{by}"


def _attempts(delivery: ExplainedDelivery) -> Iterator[str]:
    for one in delivery.attempts:
        why = one.error or (f"HTTP {one.http_status}" if one.http_status else "")
        ms = one.microseconds.total // 1000
        at = clock_time(from_iso(one.started_at))
        yield f"    attempt {one.number}  {at}  {one.outcome} {why} ({ms} ms)"


def _duration(seconds: float) -> str:
    return durations.show(timedelta(seconds=max(seconds, 0.0)))
