"""A body of every event type, made by the daemon's own code from answers that a test makes up: what the diff,
the machine and the recorder write. `docs/events.md` shows them, mails are tried with them."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from daemon.core import own_events
from daemon.core.alerts import acknowledgement
from daemon.core.alerts.acknowledgement import Acknowledgement
from daemon.core.alerts.life import Phase, Seen
from daemon.core.commands import command as commands
from daemon.core.commands import following, sent_texts
from daemon.core.commands.command import Command, Done, Trouble
from daemon.core.commands.policy import Policy
from daemon.core.delivery.breaker import HEALTHY, Breaker, DisabledBy, Health, Turn
from daemon.core.differences import difference
from daemon.core.digests import digest
from daemon.core.durations import NOTHING
from daemon.core.event_types import EVENT_TYPES, OPT_IN
from daemon.core.files import File, Listed
from daemon.core.missed import done as done_fact
from daemon.core.model import Condition, Fact, Failure, Interval, Rule, Severity, Unknown, Verdict
from daemon.core.ownership import Member
from daemon.core.routing import escalation
from daemon.core.routing.escalation import Step
from daemon.core.routing.ledger import Hold
from daemon.core.routing.plan import DAEMON, Interest
from daemon.core.watches import (
    api,
    caller_ids,
    callers,
    directories,
    machine,
    pirsumphone,
    queues,
    registrations,
    report_files,
    report_state,
    reports,
    sip,
    sms,
    sms_units,
    units,
)
from daemon.core.watches.expectations import Expectation
from daemon.core.wishes import Kind, Standing, Wish
from daemon.operations import missed as operations
from daemon.pipeline import endpoint_alerts, missed, quiet_windows, wish_alerts
from daemon.pipeline.alerts import Judge
from daemon.pipeline.calls import Scene
from daemon.pipeline.events import Recorder
from daemon.store import incidents
from daemon.store import ledger as ledger_store
from daemon.store.ledger import Decided
from daemon.workers import self_check, shares
from daemon.workers.self_check import StoreFailure
from daemon.yemot import reports as platform
from tests.support import stores

ZONE = ZoneInfo("Asia/Jerusalem")
NOW = datetime(2026, 11, 23, 1, 2, 3, 456000, UTC)
LOOK = timedelta(seconds=30)
AT_ONCE = Rule(NOTHING, NOTHING, Severity.ERROR)
PHONE, OTHERS = "0773137770", ("0773137771", "0773137772", "0773137773")
SENDER = "0541234567"


DIGEST: Mapping[str, Any] = {
    "name": "office",
    "covers": "day",
    "language": None,
    "from": "2026-11-22T16:00:02.101Z",
    "to": "2026-11-23T16:00:01.877Z",
    "due_at": "2026-11-23T16:00:00.000Z",
    "span_seconds": 86400,
    "busy": [
        {"from": f"2026-11-{22 + (16 + hour) // 24}T{(16 + hour) % 24:02d}:00:00.000Z", "sms": many}
        for hour, many in enumerate(
            [9, 7, 4, 2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 3, 11, 19, 24, 17, 15, 22, 18, 14, 12, 8]
        )
    ],
    "alerts": 3,
    "open_alerts": 1,
    "systems": [
        {
            "system": "main",
            "sms": 187,
            "recordings": 6,
            "campaigns": 1,
            "campaigns_unknown": 0,
            "campaign_units": 51.2,
            "campaigns_unpriced": 0,
            "callbacks_due": 4,
            "callbacks_done": 3,
            "callbacks_open": 1,
            "callbacks": [
                {"phone": SENDER, "queue": "sales", "calls": 2, "last_at": "2026-11-23T14:12:40.000Z"}
            ],
            "unseen_seconds": 2520.0,
            "queues": [
                {
                    "subject": "queue/5",
                    "name": "sales",
                    "answered": 64,
                    "missed": 9,
                    "is_exact": True,
                    "unknown": 2,
                    "unseen": 1,
                    "kicked": 0,
                    "withheld": 1,
                    "longest_wait_seconds": 312.0,
                    "most_waiting": 7.0,
                    "most_agents": 5.0,
                    "fewest_agents": 0.0,
                    "most_paused": 2.0,
                    "unseen_seconds": 2520.0,
                }
            ],
            "units": {"balance": 412.5, "used": 31.5, "per_day": 29.2, "runs_out_on": "2026-12-07"},
        }
    ],
    "outages": [
        {
            "system": "main",
            "subject": f"sip/{PHONE}",
            "kind": "sip",
            "name": None,
            "down_seconds": 4380.0,
            "unseen_seconds": 2520.0,
            "is_down": True,
        },
        {
            "system": "main",
            "subject": "api",
            "kind": "api",
            "name": None,
            "down_seconds": 2460.0,
            "unseen_seconds": 60.0,
            "is_down": False,
        },
    ],
    "more_outages": 0,
    "deliveries": [{"endpoint": "crm", "failed": 2}],
}
"""What a day comes to; `tests/pipeline/test_digests.py` makes some by the daemon's own code."""


class Ids:
    """Ids of the right length, one after the other."""

    def __init__(self) -> None:
        self._given = 0

    def __call__(self, prefix: str) -> str:
        self._given += 1
        return f"{prefix}_{self._given:026d}"


@dataclass
class Book:
    """What is written, by one recorder on a store of its own, look after look."""

    at: datetime = NOW - LOOK
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By type: the first that was written."""

    def __post_init__(self) -> None:
        self.database = stores.in_memory()
        self.recorder = Recorder([Interest("crm", ("*", *OPT_IN), None)], Ids())

    def facts(self, *facts: Fact, system: str = "main") -> None:
        """Record facts at the next look."""
        self.at += LOOK
        with self.database.write() as db:
            self.recorder.record(db, system, facts, self.at)
        self._read()

    def alert(self, *looks: Sequence[Condition], watch: str = "sip", system: str = "main") -> None:
        """Judge what one look after the other shows."""
        for conditions in looks:
            last, self.at = self.at, self.at + LOOK
            with self.database.write() as db:
                judge = Judge(db, self.recorder, system, watch)
                judge.take(conditions, Seen(self.at, last, LOOK))
                self.recorder.record(db, system, judge.judged().facts, self.at)
            self._read()

    def run(self, write: Callable[..., object]) -> None:
        """Whatever writes events by itself: it is handed a connection, the recorder and the time."""
        self.at += LOOK
        with self.database.write() as db:
            write(db, self.recorder, self.at)
        self._read()

    def _read(self) -> None:
        with self.database.read() as db:
            rows = db.exec_driver_sql("SELECT body FROM events ORDER BY number").scalars()
            for body in map(json.loads, rows):
                self.bodies.setdefault(body["type"], body)


@cache
def examples() -> Mapping[str, dict[str, Any]]:
    """A body of every type, in the order of the catalogue. Not to be changed."""
    book = Book()
    with closing(book.database):
        for part in (
            _sms,
            _texts,
            _sip,
            _registrations,
            _queues,
            _directories,
            _reports,
            _pirsumphone,
            _units,
            _sms_units,
            _caller_ids,
            _expectations,
            _api,
            _machine,
            _commands,
            _campaigns,
            _endpoints,
            _wishes,
            _life,
            _members,
            _quiet,
            _escalation,
            _expectations,
            _digests,
        ):
            part(book)
    return {name: book.bodies[name] for name in EVENT_TYPES if name in book.bodies}


def example(event_type: str) -> dict[str, Any]:
    """One of them, to be changed at will."""
    copied: dict[str, Any] = json.loads(json.dumps(examples()[event_type]))
    return copied


def _row(text: str, second: int, sender: str = SENDER) -> sms.Row:
    return sms.Row(sender, PHONE, text, text, f"2026-11-23 03:01:{second:02d}")


def _sms(book: Book) -> None:
    when = Seen(NOW, NOW - LOOK, LOOK)

    def diff(before: sms.State | None, *rows: sms.Row, limit: int = 100) -> Any:
        return sms.diff(before, sms.Observation(rows, limit), when, ZONE, is_emitting=False)

    first = diff(None, _row("שלום", 1))
    book.facts(*diff(first.state, _row("קוד האימות שלך הוא 482913", 48), _row("שלום", 1)).facts)
    gap = diff(first.state, _row("third", 50), _row("second", 40), limit=2)
    book.facts(*gap.facts)


def _texts(book: Book) -> None:
    """One that an alert sent and that arrived, one that the platform refused, one of which nobody knows."""
    to, message = "0501234567", "main: phone off the network: 0773137770"
    sending = sent_texts.Text(
        "main", to, message, 1, 0.1, date(2026, 11, 23), NOW, sent_texts.State.SENDING, endpoint=f"boss/{to}"
    )
    sent = replace(sending, state=sent_texts.State.SENT)
    row = sent_texts.Logged(to, message, None, None, "DELIVRD")
    arrived = sent_texts.after(sent, row, book.at)
    refused = replace(sending, state=sent_texts.State.FAILED, reason="not valid")
    lost = replace(sending, state=sent_texts.State.UNKNOWN, reason="no answer in time")
    for before, after in ((sending, sent), (sent, arrived), (sending, refused), (sending, lost)):
        book.facts(*sent_texts.told(before, after))


def _seen(**registered: bool | None) -> sip.Observation:
    names = {f"0{name.removeprefix('_')}": value for name, value in registered.items()}
    return sip.Observation(names, created=dict.fromkeys(names, "2021-06-26 23:00:00"))


def _sip(book: Book) -> None:
    on, off = _seen(_773137770=True), _seen(_773137770=False)
    state = sip.diff(None, on, AT_ONCE, is_emitting=False).state
    down = sip.diff(state, off, AT_ONCE, is_emitting=False)
    up = sip.diff(down.state, on, AT_ONCE, is_emitting=False)
    book.alert(down.conditions, up.conditions)

    both = _seen(_773137770=True, _773137779=True)
    book.facts(*sip.diff(state, both, AT_ONCE, is_emitting=False).facts)
    known = sip.diff(None, both, AT_ONCE, is_emitting=False).state
    for _ in range(sip.GONE_AFTER):
        gone = sip.diff(known, on, AT_ONCE, is_emitting=False)
        known = gone.state
    book.facts(*gone.facts)

    names = (PHONE, *OTHERS)
    many = sip.State(dict.fromkeys(names, False))
    phases = {sip.subject(one): Phase.FIRING for one in names[:3]}
    folded = sip.Fold(3, 0.3)
    bad = sip.fold(many, phases, folded, Severity.ERROR)
    good = sip.fold(many, {sip.MANY_KEY: Phase.FIRING}, folded, Severity.ERROR)
    book.alert(bad, good)
    _flapping(book, on, off)


def _flapping(book: Book, on: sip.Observation, off: sip.Observation) -> None:
    slot = timedelta(seconds=30)
    state, looks = sip.diff(None, on, AT_ONCE, is_emitting=False, slot=slot).state, 0
    is_bad = is_good = False
    while not (is_bad and is_good):
        seen = on if is_bad or looks % 2 else off
        found = sip.diff(state, seen, AT_ONCE, is_emitting=False, slot=slot, observed=LOOK)
        state, looks = found.state, looks + 1
        flaps = [one for one in found.conditions if one.kind is sip.FLAPPING]
        book.alert(flaps, watch="sip/flapping")
        is_bad = is_bad or flaps[0].verdict is Verdict.BAD
        is_good = is_bad and flaps[0].verdict is Verdict.GOOD


def _registrations(book: Book) -> None:
    def context(host: str, agent: str) -> registrations.Context:
        uri = f"sip:{PHONE}@{host}:5060"
        return registrations.Context(uri, agent, host, 5060, "2026-11-23 04:00:00", "PJSIP/1")

    def diff(before: registrations.State | None, *contexts: registrations.Context) -> Any:
        seen = registrations.Observation(contexts)
        return registrations.diff(before, seen, account=1, now=NOW, zone=ZONE)

    home, office = context("192.0.2.10", "Yealink SIP-T46"), context("198.51.100.7", "Zoiper rv2.10")
    state = diff(None, home).state
    book.facts(*diff(state, office).facts)
    book.facts(*[one for one in diff(state, home, office).facts if one.type == registrations.DUPLICATE])


def _queue(calls: int, *, paused: bool = False) -> queues.Observation:
    callers = tuple(queues.Caller(f"c{n}", f"05412345{n:02d}", 90 - n, n + 1) for n in range(calls))
    agents = (
        queues.Agent("SIP/0773137770-3", paused, "1", 4),
        queues.Agent("SIP/0773137771-3", False, "2", 9),
    )
    return queues.Observation(calls, 3, 41, 120, 35, "rrmemory", callers, agents)


def _queues(book: Book) -> None:
    limit = queues.Threshold("calls_waiting", 5.0, None, 3.0, Rule(NOTHING, NOTHING, Severity.WARNING))
    queue = queues.Queue("/5", "sales", (limit,), LOOK)
    when = Seen(NOW, NOW - LOOK, LOOK)

    def diff(before: queues.State | None, seen: queues.Observation) -> Any:
        return queues.diff(before, seen, queue, when, ZONE, is_emitting=False)

    quiet = diff(None, _queue(2))
    busy = diff(quiet.state, _queue(8))
    calm = diff(busy.state, _queue(2))
    book.alert(busy.conditions, calm.conditions, watch="queue/5")
    book.facts(*busy.facts[:1])
    left = [one for one in calm.facts if one.type == callers.LEFT]
    book.facts(left[0])
    how = {name: value for name, value in left[1].payload.items() if name in ("queue", "caller")}
    for name, source in ((callers.ANSWERED, "counters"), (callers.KICKED, "command")):
        book.facts(Fact(name, left[1].subject, {**how, "source": source}))
    given_up = Fact(callers.ABANDONED, left[1].subject, {**how, "source": "counters"})
    with book.database.write() as db:
        scene = Scene(db, "main", Ids(), NOW, NOW - LOOK)
        gone, due = missed.follow(scene, [given_up])
        (one,) = operations.listed(db)[0]
        closed = operations.done(db, one.id, by="Dana", note="called back, all is well", now=NOW)
    book.facts(gone)
    book.facts(due)
    book.facts(done_fact(closed.callback))
    paused = diff(calm.state, _queue(2, paused=True))
    book.facts(*paused.facts)
    book.facts(*diff(paused.state, _queue(2)).facts)


def _directories(book: Book) -> None:
    def file(number: int) -> File:
        return File(
            f"{number:03d}.wav", f"u{number}", f"ivr2:/2/{number:03d}.wav", 48_200, "23/11/2026 03:01",
            "00:31", SENDER, "Phone", f"23/11/2026 03:{number - 16:02d}", True, "AUDIO", 31.0, PHONE, None,
            None,
        )  # fmt: skip

    def listed(many: int) -> Listed:
        files = tuple(file(number) for number in range(many, 15, -1))
        return Listed(files, is_whole=True, type="record", this_path="ivr2:/2", parent_path="ivr2:/")

    folder = directories.Folder("/2")
    state = directories.diff(None, listed(16), folder).state
    state = directories.diff(state, listed(17), folder).state
    book.facts(*directories.diff(state, listed(17), folder).facts)


def _reports(book: Book) -> None:
    report = reports.Report("/1", "ApprovalAll", ("Phone", "Date", "Time", "P050", "P051"))
    when = Seen(NOW, NOW - LOOK, LOOK)
    keyed = {"Phone": SENDER, "DID": PHONE, "Date": "23/11/2026", "Time": "03:01:48", "P050": "3"}

    def diff(before: report_state.State | None, *contents: Mapping[str, str]) -> Any:
        rows = ["%".join(f"{name}#{value}" for name, value in row.items()) for row in contents]
        lines = "".join(f"{row}\n" for row in rows)
        file = File("ApprovalAll.ymgr", "u1", None, len(lines), None, None, None, None, None)
        seen = report_files.Observation((file,), {file.name: platform.split(lines)})
        return report_files.diff(before, seen, report, when, ZONE, is_emitting=False)

    book.facts(*diff(diff(None).state, {**keyed, "P051": "4580458045804580"}).facts)


def _pirsumphone(book: Book) -> None:
    for was, now in ((False, True), (True, False)):
        before, seen = pirsumphone.State(was), pirsumphone.Observation(now)
        book.facts(*pirsumphone.diff(before, seen, is_emitting=False).facts)


def _units(book: Book) -> None:
    today, limit = date(2026, 11, 23), units.Limit(100, timedelta(days=30), AT_ONCE)
    few = units.Observation(42.5, date(2026, 12, 1))
    many = units.Observation(1042.5, date(2027, 12, 1))
    looks = [units.diff(None, one, limit, today).conditions for one in (few, many)]
    book.alert(*looks, watch="units")


def _sms_units(book: Book) -> None:
    limit = sms_units.Limit(100, AT_ONCE)
    few, many = sms_units.Observation(42.5, date(2027, 12, 1)), sms_units.Observation(1042.5)
    looks = [sms_units.diff(None, one, limit).conditions for one in (few, many)]
    book.alert(*looks, watch=sms_units.SUBJECT)


def _caller_ids(book: Book) -> None:
    today, limit = date(2026, 11, 23), caller_ids.Limit(timedelta(days=30), AT_ONCE)
    looks = []
    for last in (date(2026, 12, 1), date(2027, 12, 1)):
        seen = caller_ids.Observation((caller_ids.Approval(PHONE, last),))
        looks.append(caller_ids.diff(None, seen, limit, today).conditions)
    book.alert(*looks, watch="caller_ids")


def _api(book: Book) -> None:
    away = Unknown(Failure.TIMEOUT, "no answer within 10 s")
    rule = Rule(NOTHING, NOTHING, Severity.ERROR)
    blind = {api.key_of("sip"): Phase.FIRING, api.key_of("queue/5"): Phase.PENDING}
    bad = api.fold(blind, api.error_of(away), rule.severity)
    good = api.fold({api.API_KEY: Phase.FIRING}, None, rule.severity)
    book.alert([bad], [good], watch=api.OWNER)
    no = Unknown(Failure.TOKEN_REJECTED, "the token is wrong or has expired", 401)
    token = [
        [one for one in api.conditions("sip", unknown, rule) if one.kind is api.TOKEN]
        for unknown in (no, None)
    ]
    book.alert(*token, watch=api.OWNER)
    lacks = ("rows[].message: missing in 3 of 100",)
    facts, _ = api.schema_changed("sms", "GetSmsIncomingLog", api.NO_PROBLEMS, lacks, NOW)
    book.facts(*facts)


def _machine(book: Book) -> None:
    clocks = [[machine.clock([timedelta(seconds=off)] * 3)] for off in (312, 1)]
    book.alert(*clocks, watch="machine", system=DAEMON)
    disks = [
        machine.Disk("/var/lib/yemotd", free * machine.MIB, 20_480 * machine.MIB) for free in (120, 9000)
    ]
    book.alert(*([machine.disk(one, 500)] for one in disks), watch="machine", system=DAEMON)


def _commands(book: Book) -> None:
    kick = Command(
        "cmd_01", "main", "queue.kick", {"queue_path": "/5", "call_ids": ["c1"]}, "crm",
        NOW, NOW, NOW + timedelta(hours=1), NOW,
    )  # fmt: skip
    bridge = replace(
        kick, id="cmd_02", type="campaign.bridge", params={"phones": [SENDER], "ivr_path": "/1"}, estimate=0.2
    )
    policy = Policy(("*",), 50.0)
    sent = {one.id: commands.claimed(one, NOW, policy) for one in (kick, bridge)}

    def after(one: Command, outcome: Done | Unknown) -> Command:
        return commands.after(one, outcome, NOW + timedelta(seconds=1), policy, jitter=0.0)

    done = after(sent["cmd_01"], Done({"calls": {"c1": "OK"}}))
    refused = after(sent["cmd_01"], Unknown(Failure.REFUSED, "the queue does not exist", 404))
    unknown = after(sent["cmd_02"], Unknown(Failure.TIMEOUT, "no answer within 10 s"))
    late = commands.expired(kick, NOW + timedelta(hours=2))
    assert commands.turned_down(kick, Trouble.NOT_ALLOWED, "", NOW).error is not None
    told = [commands.told(one) for one in (done, refused, unknown, late)]
    book.facts(*[one for one in told if one])


def _campaigns(book: Book) -> None:
    """One that is over, as the last of its looks shows it."""
    began = following.Followed(
        "cmd_01M84SM5B3KQ4RB1X9DD6Q6YJ2",
        "main",
        "YA-1-0773137770-Yemot-1795395723456000",
        40,
        24.0,
        date(2026, 11, 23),
        NOW - timedelta(minutes=20),
    )
    at_work = following.Progress("RUNNING", 40, 12, 3, 0, 20, 5, 0, 25, 20, 18.5)
    over = following.Progress("FINISHED", 40, 0, 0, 0, 31, 9, 0, 40, 31, 27.25)
    for seen in (at_work, over):
        began = following.after(began, seen, LOOK, book.at)
    book.facts(following.told(began, spent=33.25, per_day=50.0))


def _endpoints(book: Book) -> None:
    since = NOW - timedelta(minutes=1)
    failing = Breaker(Health.DEGRADED, NOW, since, error="HTTP 503")
    suspended = replace(failing, health=Health.SUSPENDED)
    resumed = replace(failing, health=Health.DEGRADED)
    disabled = replace(failing, health=Health.DISABLED, disabled_by=DisabledBy.OPERATOR)

    def turn(before: Breaker, after: Breaker) -> None:
        def write(db: Any, recorder: Recorder, now: datetime) -> None:
            endpoint_alerts.Reporter(lambda: recorder).tell(db, [Turn("ops", before, after)], now)

        book.run(write)

    for before, after in (
        (HEALTHY, failing),
        (failing, suspended),
        (suspended, resumed),
        (resumed, HEALTHY),
        (HEALTHY, disabled),
        (disabled, HEALTHY),
    ):
        turn(before, after)


def _wishes(book: Book) -> None:
    wish = Wish(Kind.ENDPOINT, "ops", "quiet")
    for error, has_worked in (("ValueError at sun.py:61", False), (None, True)):
        standing = Standing("0123456789ab", error, has_worked)

        def write(db: Any, recorder: Recorder, now: datetime, standing: Standing = standing) -> None:
            wish_alerts.settle(db, recorder, {wish: standing}, now)

        book.run(write)


def _life(book: Book) -> None:
    about = {"daemon": {"version": "1.2.3"}}
    old = {"endpoints": {"ops": 1}, "watches": {"main/sms": 1, "main/sip": 1}}
    new = {"endpoints": {"crm": 1}, "watches": {"main/sms": 2}}
    reloaded = {"needs_restart": [], **difference(old, new).json(), "withdrawn": {"ops": 2}}
    failure = StoreFailure(NOW, "disk I/O error")
    book.facts(
        Fact(own_events.STARTED, "daemon", about),
        Fact(own_events.STOPPED, "daemon", about),
        Fact(own_events.CONFIG_RELOADED, "daemon", {"daemon": reloaded}),
        self_check._fact(own_events.STORE_FAILED, failure),
        self_check._fact(own_events.STORE_RECOVERED, failure),
        Fact(own_events.CLOCK_STEPPED, "daemon/clock", {"clock": {"by_seconds": 7200, "is_forward": False}}),
        Fact(
            own_events.PART_RESTARTED,
            "daemon",
            {"part": {"name": "dispatcher", "error": "KeyError at dispatcher.py:1", "restarts": 1}},
        ),
        Fact(own_events.PING, "test", {"test": {"endpoint": "crm"}}),
        system=DAEMON,
    )


def _members(book: Book) -> None:
    north = Member("north", "i1", 1, 2, NOW, "1.2.3", "f1", NOW, "")
    differs = "its configuration is another one"
    book.facts(
        shares._fact(own_events.MEMBER_JOINED, north, None),
        shares._fact(own_events.MEMBER_LOST, north, shares.LEASE_RAN_OUT),
        shares._fact(own_events.MEMBER_DIFFERS, north, differs),
        system=DAEMON,
    )


def _expectations(book: Book) -> None:
    expected = Expectation("sms.received", "sms.received", timedelta(hours=2), Severity.WARNING, frozenset())
    before = NOW - timedelta(hours=2)
    book.alert([expected.condition(Verdict.BAD, before)], [expected.condition(Verdict.GOOD, NOW)])


def _digests(book: Book) -> None:
    book.facts(Fact(digest.MADE, digest.subject("office"), digest.data(DIGEST)), system=DAEMON)


def _quiet(book: Book) -> None:
    """What fires is held back from `crm`, and then its window is over."""
    since = book.at
    account = {"account": _seen(_773137770=False).account(PHONE)}
    down = Condition("sip/quiet", sip.KIND, f"sip/{PHONE}", Verdict.BAD, AT_ONCE, account)
    book.alert([down])

    def write(db: Any, recorder: Recorder, now: datetime) -> None:
        (incident,) = db.exec_driver_sql(
            "SELECT id FROM incidents WHERE ended_at IS NULL AND key = 'sip/quiet'"
        ).scalars()
        ledger_store.append(db, Decided(incident, "crm", now, None, Hold.QUIET))
        ledger_store.begin_quiet(db, "crm", since)
        quiet_windows.end(db, recorder, {"crm": since}, now)

    book.run(write)


def _escalation(book: Book) -> None:
    """What fires is escalated, and then somebody has it."""
    account = {"account": _seen(_773137770=False).account(PHONE)}
    book.alert([Condition("sip/escalated", sip.KIND, f"sip/{PHONE}", Verdict.BAD, AT_ONCE, account)])
    with book.database.read() as db:
        (incident,) = (one for one in incidents.firing(db) if one.key == "sip/escalated")
    until = book.at + timedelta(hours=2)
    by_dana = Acknowledgement(incident.id, "Dana", "on my way", book.at, until, is_until_given=False)
    step = Step("night", 1, timedelta(minutes=10), ("boss",))
    book.facts(
        escalation.fact(incident, step, ["boss"]), acknowledgement.fact(incident, by_dana), system="main"
    )


def interval(body: Mapping[str, Any]) -> Interval:
    """The honest interval of an alert's body."""
    first, last = body["data"]["alert"]["changed_between"]
    return Interval(datetime.fromisoformat(first) if first else None, datetime.fromisoformat(last))
