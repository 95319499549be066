"""The judge of a life: it knows what really happened, and says in sentences what was told otherwise.

A check is a function of a `Record` that yields what is wrong. `CHECKS` has all of them; `test_oracle.py`
shows of each that it complains where it has to.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from tests.torture.record import Record, Span, Written

HOLD = 60.0
"""Seconds for which a phone has to be off before that is told, and on before it is told to be over."""
EVERY = 10.0
"""Between two polls."""
SLACK = 3 * EVERY
"""For a poll to come, and what it finds to be written and sent."""
FIRES, RESOLVES = "sip.account.unregistered", "sip.account.registered"
STEADY = ("sip.account.added", "sip.account.removed")
"""What nothing in a life is a reason for: the phones are the same all the time."""
PATIENCE = 900.0
"""For what was refused to be tried again, by an endpoint that was seen to fail."""
Check = Callable[[Record], Iterator[str]]


def each_message_is_one_event(life: Record) -> Iterator[str]:
    """An SMS is told once, as often as it came; two that are equal to the letter are two."""
    told = Counter(one.told["data"]["sms"]["text"] for one in life.written if one.type == "sms.received")
    for text, many in (Counter(life.sent) - told).items():
        yield f"{many} SMS {text!r} came and were not written"
    for text, many in (told - Counter(life.sent)).items():
        yield f"{many} SMS {text!r} were written and never came"


def nothing_is_invented(life: Record) -> Iterator[str]:
    """What arrives is an event of the store; and of what stays the same nothing is told."""
    for one in {one.event for one in life.arrived} - life.events.keys():
        yield f"{one} arrived, and is no event"
    for written in life.written:
        if written.type in STEADY:
            yield f"{written.type} was told of {written.told['data']['subject']}"


def one_id_is_one_body(life: Record) -> Iterator[str]:
    """Every attempt has the bytes that were written."""
    for one in life.arrived:
        if one.event in life.events and life.events[one.event].body != one.body:
            yield f"{one.event} arrived with another body"


def every_fact_arrives(life: Record) -> Iterator[str]:
    """What is no alert is taken by crm, which asks for all of it, and had hours for that."""
    taken = {one.id for one in life.accepted("crm")}
    taken |= {
        one.event for one in life.arrived if any(since <= one.at < until for since, until in life.turned_down)
    }
    for one in life.written:
        if one.alert is None and one.id not in taken:
            yield f"{one.type} {one.id} did not arrive"


def facts_arrive_in_time(life: Record) -> Iterator[str]:
    """They do so before long once crm takes something again, be the process killed or the clock set."""
    taken: dict[str, float] = {}
    for arrived in life.arrived:
        if arrived.is_accepted and arrived.endpoint == "crm":
            taken.setdefault(arrived.event, arrived.at)
    for one in life.written:
        at = taken.get(one.id, one.at)
        could = max([one.at, *(until for since, until in life.refusals if since <= at and until > one.at)])
        if one.alert is None and at > could + PATIENCE:
            yield f"{one.type} {one.id} came {at - could:g} s late"


def sequences_have_no_gap(life: Record) -> Iterator[str]:
    """Of each system: 1, 2, 3, …"""
    of: dict[str, list[int]] = defaultdict(list)
    for one in life.written:
        of[one.system].append(one.sequence)
    for system, found in of.items():
        if found != list(range(1, len(found) + 1)):
            yield f"the sequence of {system!r} has a gap"


def lanes_are_in_order(life: Record) -> Iterator[str]:
    """What is about one subject is taken in the order in which it happened."""
    for endpoint in _endpoints(life):
        lanes: dict[tuple[str, str], list[int]] = defaultdict(list)
        for one in life.accepted(endpoint):
            lanes[one.system, str(one.told["data"]["subject"])].append(one.sequence)
        for lane, found in lanes.items():
            if any(before > after for before, after in pairwise(found)):
                yield f"{endpoint} took {lane[1]} in another order: {found}"


def alerts_are_well_formed(life: Record) -> Iterator[str]:
    """For each endpoint and incident: it fires, is repeated, and is over, in this order."""
    for endpoint in _endpoints(life):
        for incident, told in _incidents(life.accepted(endpoint)).items():
            statuses = "".join(one.alert["status"][0] for one in told if one.alert)
            if not re.fullmatch("f*r?", statuses):
                yield f"{endpoint} was told of {incident}: {statuses}"


def nobody_believes_something_false(life: Record) -> Iterator[str]:
    """At the end all is well, and whoever heard of an incident knows that it is over."""
    for endpoint in _endpoints(life):
        for incident, told in _incidents(life.accepted(endpoint)).items():
            if told[-1].alert and told[-1].alert["status"] != "resolved":
                yield f"{endpoint} believes in {incident}, which is over"


def no_alarm_is_false(life: Record) -> Iterator[str]:
    """A phone that is told to be off was seen to be for long enough, and never to be on meanwhile; one that
    is told to be back is on."""
    for one in life.written:
        if one.type == FIRES and one.alert and one.alert["reason"] == "first":
            phone = one.told["data"]["account"]["user_name"]
            if not any(_was_seen(life, span, one.at) for span in _as_seen(life, phone)):
                yield f"{phone} was told to be off at {one.at:g}"
        if one.type == RESOLVES:
            phone = one.told["data"]["account"]["user_name"]
            if any(since <= one.at - SLACK and until > one.at for since, until in life.drops[phone]):
                yield f"{phone} was told to be back at {one.at:g}, and was off"


def no_drop_is_passed_over(life: Record) -> Iterator[str]:
    """A phone that is off for long enough, while somebody could see it, is told to be."""
    for phone, drops in life.drops.items():
        for since, until in _joined(drops):
            due = since + HOLD + SLACK
            is_seen = not any(_meet(span, (since - EVERY, due)) for span in life.outages)
            if until > due and is_seen and not any(since - SLACK <= at <= due for at in life.unsettled):
                last = [one for one in life.written if one.at <= due and _phone(one) == phone]
                if not last or last[-1].type != FIRES:
                    yield f"{phone} was off from {since:g} to {until:g}, and nobody was told by {due:g}"


def nothing_is_sent_again_for_no_reason(life: Record) -> Iterator[str]:
    """What was taken is sent again only where a process died before it knew."""
    taken = Counter((one.endpoint, one.event) for one in life.arrived if one.is_accepted)
    for (endpoint, event), many in taken.items():
        if many > 1 + life.kills:
            yield f"{endpoint} took {event} {many} times"
    again = sum(many - 1 for many in taken.values())
    if again > life.kills * MOST_UNDER_WAY:
        yield f"{again} messages were sent again, after {life.kills} kills"


def all_comes_to_an_end(life: Record) -> Iterator[str]:
    """Nothing is open when all has been well for hours."""
    for what, many in life.left.items():
        if many:
            yield f"{many} {what} are open"


MOST_UNDER_WAY = 8
"""Attempts whose outcome one process can take with it: four of each endpoint."""
CHECKS: tuple[Check, ...] = (
    each_message_is_one_event,
    nothing_is_invented,
    one_id_is_one_body,
    every_fact_arrives,
    facts_arrive_in_time,
    sequences_have_no_gap,
    lanes_are_in_order,
    alerts_are_well_formed,
    nobody_believes_something_false,
    no_alarm_is_false,
    no_drop_is_passed_over,
    nothing_is_sent_again_for_no_reason,
    all_comes_to_an_end,
)


def judged(life: Record) -> dict[str, list[str]]:
    """What is wrong, by the check that found it; nothing, where all is well."""
    found = {check.__name__: list(check(life)) for check in CHECKS}
    return {name: wrong for name, wrong in found.items() if wrong}


def _endpoints(life: Record) -> list[str]:
    return sorted({one.endpoint for one in life.arrived})


def _incidents(accepted: list[Written]) -> dict[str, list[Written]]:
    of: dict[str, list[Written]] = defaultdict(list)
    for one in accepted:
        if one.alert:
            of[one.alert["incident"]].append(one)
    return of


def _phone(one: Written) -> str | None:
    """Whom an alert about a phone is about."""
    return str(one.told["data"]["account"]["user_name"]) if one.type in (FIRES, RESOLVES) else None


def _meet(one: Span, other: Span) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _as_seen(life: Record, phone: str) -> list[Span]:
    """When a phone was off, as far as anybody could see: between two drops nobody may have seen it on."""
    found: list[Span] = []
    for since, until in _joined(life.drops[phone]):
        before = found[-1][1] if found else 0.0
        if found and any(start <= before + EVERY and since - EVERY <= end for start, end in life.outages):
            found[-1] = found[-1][0], until
        else:
            found.append((since, until))
    return found


def _was_seen(life: Record, span: Span, at: float) -> bool:
    """Whether a phone that was off for this time was seen to be for long enough by then, and was still."""
    since, until = span
    unseen = sum(max(min(end, at) - max(start, since), 0) for start, end in _joined(life.outages))
    return until > at - SLACK and at - since - unseen >= HOLD


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Spans that touch are one."""
    found: list[Span] = []
    for since, until in sorted(spans):
        if found and since <= found[-1][1]:
            found[-1] = found[-1][0], max(until, found[-1][1])
        else:
            found.append((since, until))
    return found
