"""The judge of a soak: it knows what really happened, and looks at what arrived and at what is stored."""

import email
import email.policy
import re
import sqlite3
import threading
from collections import Counter, defaultdict
from contextlib import closing
from typing import TYPE_CHECKING, Any

from daemon.host.clock import monotonic
from tests.soak.victim import Victim
from tests.soak.world import Arrived, World

if TYPE_CHECKING:
    from tests.soak.round import Round

MARK = re.compile(r"#(\d+)#")
MOST_MEMORY, MOST_DESCRIPTORS, MOST_THREADS = 400, 1200, 400
FIRES, RESOLVES = "sip.account.unregistered", "sip.account.registered"
CRASHES = ("poll.crashed", "command.crashed", "raw")


def wait_for_baseline(victim: Victim) -> None:
    """Every watch was seen once: what comes from now on is new."""
    until = monotonic() + 30
    while monotonic() < until:
        _, status = victim.get("/api/v1/status")
        if all(watch["observed_at"] for one in status["systems"] for watch in one["watches"]):
            return
    raise AssertionError(status)


def come_to_rest(world: World, victim: Victim, played: "Round", within: float) -> list[str]:
    """Wait until everything that has to arrive has arrived. Returns what did not."""
    until = monotonic() + within
    left: list[str] = ["nothing was looked at"]
    while left and monotonic() < until:
        left = _missing(world) + _unended(victim, played)
        threading.Event().wait(0.5 if left else 0)
    return left


def judge(world: World, victim: Victim, played: "Round") -> list[str]:
    """What is wrong, in sentences."""
    arrived = world.receivers.arrived()
    return [
        *_of_messages(world, arrived),
        *_of_bodies(arrived),
        *_of_alerts(world, arrived),
        *_of_campaigns(world, victim, played),
        *_of_the_store(victim),
        *_of_the_process(victim, played),
    ]


def _missing(world: World) -> list[str]:
    arrived = world.receivers.arrived()
    accepted = {_mark(one.told["data"]["sms"]["text"]) for one in _of_type(arrived, "sms.received")}
    found = [f"SMS {number} did not arrive" for number in world.sent.keys() - accepted]
    mailed = _mailed(world)
    found += [f"SMS {number} was not mailed" for number in world.sent.keys() - mailed]
    for endpoint in ("crm", "steady"):
        told = _told_down(arrived, endpoint)
        if told != world.down:
            found.append(f"{endpoint} believes that {sorted(told)} are down; it is {sorted(world.down)}")
    return found


def _unended(victim: Victim, played: "Round") -> list[str]:
    left = []
    for status in ("queued", "running"):
        _, answer = victim.get(f"/api/v1/commands?status={status}")
        left += [f"the command {one['id']} is {status}" for one in answer["commands"]]
    return left


def _of_type(arrived: list[Arrived], kind: str, endpoint: str = "crm") -> list[Arrived]:
    return [
        one for one in arrived if one.is_accepted and one.endpoint == endpoint and one.told["type"] == kind
    ]


def _mark(text: str) -> int:
    found = MARK.match(text)
    return int(found[1]) if found else -1


def _mailed(world: World) -> set[int]:
    marks: set[int] = set()
    for one in list(world.mail.mails):
        content = one.content if isinstance(one.content, bytes) else (one.content or "").encode()
        mail = email.message_from_bytes(content, policy=email.policy.default)
        body = mail.get_body(("plain",))
        marks |= {int(mark) for mark in MARK.findall(body.get_content() if body else "")}
    return marks


def _told_down(arrived: list[Arrived], endpoint: str) -> set[str]:
    """The phones of which an endpoint believes that they are down, by the last it took of each."""
    down: dict[str, tuple[int, bool]] = {}
    for one in arrived:
        told = one.told
        if one.is_accepted and one.endpoint == endpoint and told["type"] in (FIRES, RESOLVES):
            data = told["data"]
            phone, sequence = data["account"]["user_name"], data["sequence"]
            if sequence >= down.get(phone, (0, False))[0]:
                down[phone] = sequence, told["type"] == FIRES
    return {phone for phone, (_, is_down) in down.items() if is_down}


def _of_messages(world: World, arrived: list[Arrived]) -> list[str]:
    ids: dict[int, set[str]] = defaultdict(set)
    found = []
    for one in arrived:
        if one.told["type"] == "sms.received":
            text = one.told["data"]["sms"]["text"]
            ids[_mark(text)].add(one.event)
            if world.sent.get(_mark(text)) != text:
                found.append(f"an SMS arrived that was never sent: {text[:80]!r}")
    found += [f"SMS {number} has the ids {sorted(those)}" for number, those in ids.items() if len(those) > 1]
    return found


def _of_bodies(arrived: list[Arrived]) -> list[str]:
    """One id is one body; all are signed; first arrivals of a subject are in order."""
    found = [f"{one.event} is not genuine" for one in arrived if not one.is_genuine]
    bodies: dict[str, set[bytes]] = defaultdict(set)
    for one in arrived:
        bodies[one.event].add(one.body)
    found += [f"{event} has {len(those)} bodies" for event, those in bodies.items() if len(those) > 1]
    first: dict[tuple[str, str], list[int]] = defaultdict(list)
    seen: set[tuple[str, str]] = set()
    for one in arrived:
        data = one.told["data"]
        if (one.endpoint, one.event) not in seen and data["system"] is not None:
            seen.add((one.endpoint, one.event))
            first[one.endpoint, data["subject"]].append(data["sequence"])
    found += [f"{lane}: out of order: {told}" for lane, told in first.items() if told != sorted(told)]
    return found


def _of_alerts(world: World, arrived: list[Arrived]) -> list[str]:
    """Each incident fires, repeats, and resolves, for each endpoint, in this order."""
    told: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for one in arrived:
        if one.is_accepted and one.told["type"] in (FIRES, RESOLVES):
            told[one.endpoint, one.told["data"]["alert"]["incident"]].setdefault(
                one.event, one.told["data"]["alert"]["status"]
            )
    found = []
    for (endpoint, incident), events in told.items():
        told_in_order = "".join(status[0] for status in events.values())
        if not re.fullmatch("f*r?", told_in_order):
            found.append(f"{endpoint} was told of {incident}: {told_in_order}")
    return found


def _of_campaigns(world: World, victim: Victim, played: "Round") -> list[str]:
    dialled = Counter(phone for one in world.system.campaigns for phone in one.phones)
    ends: dict[str, str] = dict(_rows(victim, "SELECT id, status FROM commands"))
    found = [f"{phone} was dialled {many} times" for phone, many in dialled.items() if many > 1]
    for phone, command in played.commands:
        status = ends.get(command)
        may_be = {"succeeded": (1,), "unknown": (0, 1), "expired": (0,), "failed": (0,)}.get(status or "", ())
        if dialled[phone] not in may_be:
            found.append(f"{command} is {status}, and {phone} was dialled {dialled[phone]} times")
    return found


def _of_the_store(victim: Victim) -> list[str]:
    found = [str(row) for row in _rows(victim, "PRAGMA integrity_check") if row != ("ok",)]
    gaps = _rows(
        victim,
        "SELECT system, count(*), min(sequence), max(sequence) FROM events GROUP BY system"
        " HAVING count(*) <> max(sequence) - min(sequence) + 1",
    )
    return found + [f"gaps in the sequence of {row}" for row in gaps]


def _of_the_process(victim: Victim, played: "Round") -> list[str]:
    limits = {"memory": MOST_MEMORY, "descriptors": MOST_DESCRIPTORS, "threads": MOST_THREADS}
    found = [
        f"{what}: {played.peaks[what]}, more than {most}"
        for what, most in limits.items()
        if played.peaks[what] > most
    ]
    return found + [f"in the log: {line}" for line in victim.said(*CRASHES)[:5]]


def _rows(victim: Victim, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(victim.directory / "yemotd.db")) as db:
        return db.execute(sql).fetchall()
