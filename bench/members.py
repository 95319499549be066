"""Several daemons on one PostgreSQL, with durable settings: what a delivery and a poll cost with one, two and
three, how much goes through them, and how long nobody polls after one was killed.

All of them, the server, the receiver and the API share the cores of this machine: so it is seen what sharing
costs, and not what more machines would bring.
"""

import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from bench import product, shared, systems
from bench.contenders import PEERS
from bench.figures import BY, MEMBERS, Figure, percentile, rate
from bench.plan import Plan
from bench.product import Daemon, Webhook
from bench.race import STALLED_SECONDS, WARM_UP_SHARE
from bench.receiving import Receiver, receiver
from bench.shared import NAMES, Group, Postgresql, Spent
from bench.telephony import Telephony, telephony
from daemon.host import clock
from daemon.store.column_types import millis

GROUPS = (1, 2, 3)
ENDPOINTS = [f"endpoint-{number}" for number in range(12)]
"""Each is one member's; so there are enough for three."""
EVENTS = 1_000
"""Of one run; each is a delivery for every endpoint."""
IN_FLIGHT = 16
RUNS = 3
SYSTEMS = 150
EVERY = timedelta(seconds=1)
LASTS = timedelta(seconds=3)
"""Of a run of polls."""
KILLS = 3
MANY = 10_000
LATER = timedelta(hours=10)
"""When what is filled would be due, if it were not made due before."""
SMS = """\
[systems.sms]
every = "{every:g}s"
limit = {limit}
"""
FILLED, POLLED = "main", [f"s{number}" for number in range(SYSTEMS)]


def members(plan: Plan) -> list[Figure]:
    """Deliveries and polls by one, two and three; and one of three is killed."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(dir=plan.directory) as name:
        directory = Path(name)
        directory.chmod(0o755)
        with shared.postgresql(directory) as server:
            for many in GROUPS:
                figures += _delivering(plan, server, directory / f"deliver-{many}", many)
            for many in GROUPS:
                figures += _polling(plan, server, directory / f"poll-{many}", many)
        return [*figures, *_beside(plan, directory, figures)]


def ten_thousand(plan: Plan) -> list[Figure]:
    """Ten thousand systems, by one."""
    return _ten_thousand(plan, 1, timedelta(seconds=60))


def ten_thousand_by_three(plan: Plan) -> list[Figure]:
    """The same by three."""
    return _ten_thousand(plan, 3, timedelta(seconds=60))


def ten_thousand_every_five_minutes(plan: Plan) -> list[Figure]:
    """By both, as it is mostly: it takes a quarter of an hour."""
    return [one for many in (1, 3) for one in _ten_thousand(plan, many, timedelta(minutes=5))]


def _ten_thousand(plan: Plan, many: int, every: timedelta) -> list[Figure]:
    with tempfile.TemporaryDirectory(dir=plan.directory) as name:
        directory = Path(name)
        directory.chmod(0o755)
        answers = systems.recorded(plan, directory)
        api = receiver(plan.receiver, directory, core=plan.cores.receiver, most=0, answers=answers)
        with api as asked, shared.postgresql(directory) as server:
            base_url = f"http://127.0.0.1:{asked.port}/ym/api/"
            return _many_systems(plan, server, directory / f"many-{many}", base_url, many, every)


def named(title: str, many: int) -> str:
    """The name of a figure of so many daemons."""
    return f"{MEMBERS}{title}{BY}{many}"


def _delivering(plan: Plan, server: Postgresql, directory: Path, many: int) -> list[Figure]:
    events, database = plan.size(EVENTS), f"deliver_{many}"
    with _receiver(plan, directory, RUNS * events * len(ENDPOINTS)) as received:
        hooks = [Webhook(received.url, IN_FLIGHT, name=one) for one in ENDPOINTS]
        tables = _tables([product.system(FILLED, product.NOBODY, product.NOTHING_TO_POLL)], hooks)
        _fill(server, database, directory, tables, RUNS * events)
        found = shared.group(server, database, directory, tables, systems=[FILLED], endpoints=ENDPOINTS)
        with found as group:
            _start(group, many)
            runs = [_delivered(group, received, number, events) for number in range(RUNS)]
        faults = _faults_of(server, database, RUNS * events * len(ENDPOINTS), received)
    each = events * len(ENDPOINTS)
    note = f"{each:,} of {len(ENDPOINTS)} endpoints at a time"
    rates = tuple(found for found, _ in runs)
    return [
        Figure(named("deliveries", many), "deliveries", "/s", rates, None, note, faults),
        *_costs("a delivery", many, [spent for _, spent in runs], [each] * RUNS, note, faults),
    ]


def _delivered(group: Group, received: Receiver, number: int, events: int) -> tuple[float, Spent]:
    """How many a second of the next run, and what they cost."""
    each = events * len(ENDPOINTS)
    with group.server.connect(group.database) as db:
        db.execute(
            "UPDATE deliveries SET due_at = due_at - %s WHERE event > %s AND event <= %s",
            (LATER // timedelta(milliseconds=1), number * events, (number + 1) * events),
        )
        db.execute("VACUUM ANALYZE deliveries")
        db.execute("CHECKPOINT")
        watch = group.watch()
        db.execute("SELECT pg_notify('yemotd', 'bench deliveries')")
        received.expect((number + 1) * each, within=120, stalled=STALLED_SECONDS)
        shared.wait_until("all written", lambda: _open(group, (number + 1) * events) == 0)
    spent = watch.end()
    arrivals = received.arrivals()[number * each :]
    return rate(arrivals, int(each * WARM_UP_SHARE)), spent


def _open(group: Group, events: int) -> int:
    with group.server.connect(group.database) as db:
        found = db.execute(
            "SELECT count(*) FROM deliveries WHERE ended_at IS NULL AND event <= %s", (events,)
        ).fetchone()
        return found[0] if found else 0


def _faults_of(server: Postgresql, database: str, many: int, received: Receiver) -> tuple[str, ...]:
    """What is not as it must be after all was delivered."""
    with server.connect(database) as db:
        delivered = db.execute(
            "SELECT count(*) FROM deliveries WHERE status = 'delivered' AND first_started_at IS NOT NULL"
        ).fetchone()
    arrived, faults = received.count().requests, []
    if delivered != (many,):
        faults.append(f"{delivered} of {many} were delivered at the first attempt")
    if arrived != many:
        faults.append(f"{arrived} requests for {many} deliveries")
    return tuple(faults)


def _polling(plan: Plan, server: Postgresql, directory: Path, many: int) -> list[Figure]:
    """Polls that change nothing, polls that do; and of three, one is killed."""
    polled = POLLED[: plan.size(SYSTEMS)]
    database, hook = f"poll_{many}", ENDPOINTS[0]
    server.create(database)
    with _receiver(plan, directory, 0) as received, telephony() as api:
        watched = SMS.format(every=EVERY.total_seconds(), limit=20)
        tables = _tables(
            [product.system(one, api.base_url(one), watched) for one in polled],
            [Webhook(received.url, IN_FLIGHT, name=hook)],
        )
        found = shared.group(server, database, directory, tables, systems=polled, endpoints=[hook])
        with found as group:
            _start(group, many)
            shared.wait_until("each was polled twice", lambda: _least(api, polled) >= 2)
            figures: list[Figure] = []
            for title, api.is_changing in (("a poll that changes nothing", False), ("a changed poll", True)):
                shared.pause(2 * EVERY)
                runs = [_polls(group, api) for _ in range(RUNS)]
                note = f"{len(polled)} systems, every second" + ", a message each" * api.is_changing
                spent, polls = [one for one, _ in runs], [one for _, one in runs]
                figures += _costs(title, many, spent, polls, note, ())
            if many == max(GROUPS):
                figures += _killed(group, api, polled)
            return figures


def _polls(group: Group, api: Telephony) -> tuple[Spent, int]:
    """What is spent in a while, and how many polls there were."""
    watch, before = group.watch(), len(api.asked)
    shared.pause(LASTS)
    return watch.end(), len(api.asked) - before


def _killed(group: Group, api: Telephony, polled: Sequence[str]) -> list[Figure]:
    """Each is killed once, and comes back."""
    runs = [_kill(group, api, member) for member in NAMES[:KILLS]]
    note = f"one of three is killed, with its third of {len(polled)} systems, each every second"
    first, last = (tuple(one[at] for one in runs) for at in (0, 1))
    return [
        Figure(named("killed, first", 3), "SIGKILL → the first poll by another", "s", first, None, note),
        Figure(
            named("killed, last", 3), "SIGKILL → each of its systems is polled again", "s", last, None, note
        ),
    ]


def _kill(group: Group, api: Telephony, member: str) -> tuple[float, float]:
    """Seconds until the first of its systems is polled again, and until the last is."""
    lost = {name for (kind, name), of in group.holdings().items() if kind == "system" and of == member}
    at, seen = clock.monotonic(), len(api.asked)
    os.kill(group.running[member].pid, signal.SIGKILL)
    shared.wait_until("all are polled again", lambda: lost <= _asked(api, seen, at).keys())
    again = [when - at for name, when in _asked(api, seen, at).items() if name in lost]
    group.ended(member)
    group.start(member)
    group.settle()
    return min(again), max(again)


def _asked(api: Telephony, seen: int, at: float) -> dict[str, float]:
    """When each was asked first, by those that live; what was under way does not count."""
    asked: dict[str, float] = {}
    for one in api.asked[seen:]:
        if one.at > at + EVERY.total_seconds():
            asked.setdefault(one.system, one.at)
    return asked


def _least(api: Telephony, polled: Sequence[str]) -> int:
    counts = dict.fromkeys(polled, 0)
    for one in list(api.asked):
        counts[one.system] += 1
    return min(counts.values())


def _many_systems(
    plan: Plan, server: Postgresql, directory: Path, base_url: str, many: int, every: timedelta
) -> list[Figure]:
    polled = [f"s{number}" for number in range(plan.size(MANY))]
    database = f"many_{many}"
    server.create(database)
    directory.mkdir()
    watched = SMS.format(every=every.total_seconds(), limit=systems.MESSAGES)
    tables = _tables([product.system(one, base_url, watched) for one in polled], [Webhook(product.NOBODY)])
    found = shared.group(server, database, directory, tables, systems=polled, endpoints=["receiver"])
    with found as group:
        _start(group, many)
        shared.wait_until("polled", lambda: _baselines(server, database) == len(polled), within=600)
        shared.pause(timedelta(seconds=5))  # what was written first is over
        before = [one.cpu_seconds() for one in group.daemons]
        watch = group.watch()
        shared.pause(every)
        spent = watch.end()
        used = [now.cpu_seconds() - then for now, then in zip(group.daemons, before, strict=True)]
        late = [ms for one in group.daemons for ms in _late(one, every)]
        size = tuple(one.rss_mib() for one in group.daemons)
    note = f"{len(polled):,} systems, one watch each, every {every.total_seconds():g} s"
    faults = () if len(late) >= 0.8 * len(polled) else (f"{len(late)} of {len(polled)} were seen",)
    title_of = f"10,000 systems every {every.total_seconds():g} s"

    def figure(name: str, unit: str, value: float, more: str = "") -> Figure:
        title = f"{title_of}: {name}"
        return Figure(named(title, many), title, unit, (value,), None, note + more, faults)

    return [
        figure("lateness p99", "ms", percentile(late, 0.99) if late else 0.0, "; the poll included"),
        figure("of a core, the busiest daemon", "%", 100 * max(used) / spent.seconds),
        figure("of a core, all daemons", "%", 100 * spent.daemons / spent.seconds),
        figure("of a core, PostgreSQL", "%", 100 * spent.server / spent.seconds),
        figure("memory, the largest daemon", "MiB RSS", max(size)),
    ]


def _late(one: Daemon, every: timedelta) -> list[float]:
    """How late each poll of one daemon was."""
    asked = clock.utcnow()
    return [
        late
        for watch in systems.watches_of(one)
        if (late := systems.late_ms(watch, asked, every)) is not None
    ]


def _baselines(server: Postgresql, database: str) -> int:
    with server.connect(database) as db:
        found = db.execute("SELECT count(*) FROM watches WHERE observed_at IS NOT NULL").fetchone()
        return found[0] if found else 0


def _costs(
    title: str, many: int, spent: Sequence[Spent], units: Sequence[int], note: str, faults: tuple[str, ...]
) -> Iterator[Figure]:
    """What each of so many cost."""

    def figure(name: str, unit: str, values: Sequence[float]) -> Figure:
        return Figure(
            named(f"{title}: {name}", many), f"{title}: {name}", unit, tuple(values), None, note, faults
        )

    pairs = list(zip(spent, units, strict=True))
    yield figure("CPU of the daemons", "µs", [1e6 * one.daemons / many for one, many in pairs])
    yield figure("CPU of PostgreSQL", "µs", [1e6 * one.server / many for one, many in pairs])
    yield figure("the lock held", "µs", [1e6 * one.held * one.seconds / many for one, many in pairs])
    yield figure("waited for the lock", "µs", [1e6 * one.waiting * one.seconds / many for one, many in pairs])


def _beside(plan: Plan, directory: Path, figures: Sequence[Figure]) -> list[Figure]:
    """procrastinate, in the same minutes."""
    peer = next(one for one in PEERS if one.name == "procrastinate")
    runs = []
    for number in range(RUNS - 1):  # it takes longer than all of ours
        folder = directory / f"procrastinate-{number}"
        folder.mkdir()
        folder.chmod(0o755)
        try:
            runs.append(peer.run(plan, folder))
        except Exception as error:  # `MissingError`, mostly
            return [Figure(named("procrastinate", 1), peer.title, "/s", not_run=str(error) or repr(error))]
    faults = tuple(one.fault for one in runs if one.fault)
    rates = tuple(one.rate for one in runs)
    return [Figure(named("procrastinate", 1), peer.title, "/s", rates, None, peer.note(plan), faults)]


def _start(group: Group, many: int) -> None:
    for name in NAMES[:many]:
        group.start(name)
    group.settle()


def _tables(watched: Sequence[str], hooks: Sequence[Webhook]) -> str:
    return "".join(watched) + "".join(
        product.WEBHOOK.format(name=one.name, url=one.url, events=one.events, in_flight=one.in_flight)
        for one in hooks
    )


def _fill(server: Postgresql, database: str, directory: Path, tables: str, events: int) -> None:
    """Events that nobody has delivered; they are due at another time."""
    url = server.create(database)
    config = product.written(directory, shared.HEAD.format(url=url, member="nobody") + tables)
    product.fill_database(url, product.loaded(config), events, lanes=events)
    with server.connect(database) as db:
        later = millis(clock.utcnow() + LATER) - millis(clock.utcnow())
        db.execute("UPDATE deliveries SET due_at = due_at + %s", (later,))
        db.execute("VACUUM ANALYZE")


@contextmanager
def _receiver(plan: Plan, directory: Path, most: int) -> Iterator[Receiver]:
    directory.mkdir()
    with receiver(plan.receiver, directory, core=plan.cores.receiver, most=most) as received:
        yield received
