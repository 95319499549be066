"""Many systems: what they need of a core and of memory, and how late their polls are.

The API is `receiver.c` with answers that the simulator gave, so that it costs nothing. Lateness is seen from
outside, in the daemon's own status: when a watch was last polled, less when that was due. So it includes
the poll itself.
"""

import json
import tempfile
import threading
import time
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from bench import product
from bench.figures import Figure, Goal, percentile
from bench.plan import Plan
from bench.product import Daemon, Webhook
from bench.receiving import receiver
from daemon.host import clock

EVERY = timedelta(seconds=60)
MESSAGES = 100
WATCHES = """\
[systems.sms]
every = "60s"
[systems.sip]
every = "60s"
[[systems.queues]]
path = "/5"
every = "60s"
"""
ASKED = (
    f"GetSmsIncomingLog?limit={MESSAGES}",
    "GetSipAccountsRegisteredStatus",
    "GetQueueRealTime?queuePath=/5",
)
"""What those watches ask for."""
_PAUSE = threading.Event()


class Seen(NamedTuple):
    """What was seen of a daemon with many systems, in one interval."""

    rss_mib: float
    core_share: float
    late_ms: list[float]
    polled: int
    """Watches that were polled at all."""


def thousand(plan: Plan) -> list[Figure]:
    """Memory with a thousand systems."""
    many = plan.size(1_000)
    seen = _observe(plan, many)
    goal = Goal(200, is_floor=False, unit="MiB")
    title, note = f"memory, {many:,} systems", "3 watches each, every 60 s, each polled twice"
    return [Figure("systems-rss", title, "MiB RSS", (seen.rss_mib,), goal, note, _faults(seen, many))]


def five_thousand(plan: Plan) -> list[Figure]:
    """How much of a core five thousand systems need, and how late they are polled."""
    many = plan.size(5_000)
    seen = _observe(plan, many)
    late = percentile(seen.late_ms, 0.99) if seen.late_ms else 0
    faults = _faults(seen, many)
    share, most_late = Goal(70, is_floor=False, unit="%"), Goal(100, is_floor=False, unit="ms")
    note = "3 watches each, every 60 s"
    last = f"of {len(seen.late_ms):,} polls; the poll itself included"
    return [
        Figure(
            "systems-cpu", f"{many:,} systems, of a core", "%", (100 * seen.core_share,), share, note, faults
        ),
        Figure(
            "systems-5000-rss", f"memory, {many:,} systems", "MiB RSS", (seen.rss_mib,), None, note, faults
        ),
        Figure("systems-late", f"{many:,} systems, lateness p99", "ms", (late,), most_late, last, faults),
    ]


def _faults(seen: Seen, many: int) -> tuple[str, ...]:
    return () if seen.polled == 3 * many else (f"{seen.polled} of {3 * many} watches were polled",)


def _observe(plan: Plan, many: int) -> Seen:
    with tempfile.TemporaryDirectory(dir=plan.directory) as name:
        directory = Path(name)
        answers = recorded(plan, directory)
        api = receiver(plan.receiver, directory, core=plan.cores.receiver, most=0, answers=answers)
        hook = receiver(plan.receiver, directory, core=plan.cores.receiver, most=0)
        with api as asked, hook as told:
            base_url = f"http://127.0.0.1:{asked.port}/ym/api/"
            systems = [product.system(f"s{number}", base_url, WATCHES) for number in range(many)]
            config = product.configure(
                directory, [Webhook(told.url, events="*")], systems=systems, listen="127.0.0.1:0"
            )
            with product.daemon(config, core=plan.cores.sender) as daemon:
                return _watched(daemon)


def _watched(daemon: Daemon) -> Seen:
    """What is seen in the second interval: the first one is the baseline of every watch."""
    interval = EVERY.total_seconds()
    _PAUSE.wait(1.5 * interval)
    used, began = daemon.cpu_seconds(), time.perf_counter()
    _PAUSE.wait(interval)
    share = (daemon.cpu_seconds() - used) / (time.perf_counter() - began)
    rss, asked = daemon.rss_mib(), clock.utcnow()
    polled = watches_of(daemon)
    late = [one for watch in polled if (one := late_ms(watch, asked)) is not None]
    return Seen(rss, share, late, len(polled))


def watches_of(daemon: Daemon) -> list[dict[str, Any]]:
    """What its status says of those that it polls, and has polled."""
    status = json.loads(daemon.ask("/api/v1/status"))
    watches = [watch for one in status["systems"] for watch in one["watches"]]
    return [watch for watch in watches if watch["polled_at"] and watch["next_run_at"]]


def late_ms(watch: dict[str, Any], asked: datetime, every: timedelta = EVERY) -> float | None:
    """How late it was polled last; of a poll that is still under way, how late it is by now.

    None: that was due after the daemon was `asked` for all this. To say it of thousands takes it a second, in
    which it polls on: so a watch may have been polled after what is said to be its next time, too.
    """
    following, polled_at = (datetime.fromisoformat(watch[key]) for key in ("next_run_at", "polled_at"))
    due = following if polled_at >= following else following - every
    if due >= asked:
        return None
    return ((polled_at if polled_at >= due else asked) - due) / timedelta(milliseconds=1)


def recorded(plan: Plan, directory: Path) -> dict[str, Path]:
    """The simulator's answers, as files."""
    answers = {}
    with product.simulator(directory, core=plan.cores.receiver) as simulated:
        start = clock.utcnow() - timedelta(days=1)
        for number in range(MESSAGES):
            at = (start + timedelta(minutes=number)).isoformat()
            simulated.do("sms", sender=f"05{number:08}", text=f"message {number}", received_at=at)
        for asked in ASKED:
            request = urllib.request.Request(
                simulated.base_url + asked, headers={"authorization": product.FILES["token"]}
            )
            method = asked.partition("?")[0]
            answers[method] = directory / f"{method}.json"
            with urllib.request.urlopen(request, timeout=10) as answer:
                answers[method].write_bytes(answer.read())
    return answers
