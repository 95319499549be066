"""What one webhook costs between `Sender.start` and its `Attempted`, signed and with all its phases.

Nothing is stored. What an attempt says of its endpoint's health is in it, as the dispatcher works it out.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import product
from bench.figures import Figure, Goal, rate
from bench.plan import Plan
from bench.processes import environment, pinned
from bench.race import STALLED_SECONDS, WARM_UP_SHARE
from bench.receiving import Receiver, receiver
from daemon.core.delivery.outcome import Attempted, Message
from daemon.core.durations import NOTHING
from daemon.core.wishes import Wishes
from daemon.host import clock, collecting
from daemon.wiring.endpoints import enter
from daemon.wiring.senders import Outgoing
from daemon.workers.dispatcher import MOST_RESULTS
from daemon.workers.endpoint_health import EndpointHealth
from daemon.workers.sender import Sender

MANY = 100_000
IN_FLIGHT = 64
ENDPOINT = "receiver"
BODY = b'{"type":"sms.received","text":"'.ljust(598, b"x") + b'"}'
LONE = 500
"""Messages of the measurement of one at a time."""


def sending(plan: Plan) -> list[Figure]:
    """The sender beside the bare client that it is made of, in turns."""
    many = plan.size(MANY)
    ours, bare, cpu, first = [], [], [], []
    collecting.spare_what_is_there()  # as the daemon does once it is started
    for _ in range(plan.runs):
        with tempfile.TemporaryDirectory(dir=plan.directory) as name:
            bare.append(_bare(plan, Path(name), many))
        with tempfile.TemporaryDirectory(dir=plan.directory) as name:
            measured = _Measured(plan, Path(name), many)
        ours.append(measured.rate)
        cpu.append(measured.cpu)
        first.append(measured.first)
    note = f"{many:,} messages, {IN_FLIGHT} in flight, signed, with every phase; nothing is stored"
    ratios = tuple(one / other for one, other in zip(ours, bare, strict=True))
    return [
        Figure("sending", "the sender alone", "/s", tuple(ours), None, note),
        Figure("sending-cpu", "CPU of its thread for each", "µs", tuple(cpu), Goal(20, is_floor=False), note),
        Figure("sending-bare", "pycurl multi, as a loop", "/s", tuple(bare), None, note),
        Figure("sending/bare", "the sender ÷ the loop", "×", ratios, None, "round by round"),
        Figure(
            "sending-first",
            "from `start` of one message to its first byte at the receiver",
            "ms",
            tuple(first),
            None,
            f"median of {LONE}, nothing else under way, the connection kept",
        ),
    ]


class _Measured:
    """One run of the sender on its core."""

    def __init__(self, plan: Plan, directory: Path, many: int) -> None:
        with receiver(plan.receiver, directory, core=plan.cores.receiver, most=many + LONE) as received:
            hook, wishes = product.Webhook(received.url, IN_FLIGHT), Wishes()
            config = product.loaded(product.configure(directory, [hook]))
            enter(config, wishes)
            outgoing = Outgoing(config, wishes)
            try:
                with pinned(plan.cores.sender):
                    began = time.thread_time_ns()
                    _send(outgoing.senders, many)
                    self.cpu = (time.thread_time_ns() - began) / many / 1e3
                    """Microseconds for each message, of this thread."""
                    started = [_send_one(outgoing.senders, number) for number in range(LONE)]
            finally:
                outgoing.senders.close()
            arrivals = received.arrivals()
        self.rate = rate(arrivals[:many], int(many * WARM_UP_SHARE))
        took = sorted(at - start for at, start in zip(arrivals[many:], started, strict=True))
        self.first = took[len(took) // 2] / 1e6


def _send(sender: Sender, many: int) -> None:
    """Send so many, as many at once as may be; the health of the endpoint hears of each."""
    health = EndpointHealth(jitter=lambda: 0.0)
    sent = ended = 0
    batch: list[Attempted] = []
    while ended < many:
        for number in range(sent, min(many, ended + IN_FLIGHT)):
            sender.start(_message(number))
            sent += 1
        told = _told(sender)
        now = clock.utcnow()
        health.take(told, now)
        batch += told
        ended += len(told)
        if len(batch) >= MOST_RESULTS or ended == many:
            health.adopt(health.moved(batch, NOTHING, now), batch)
            batch = []


def _send_one(sender: Sender, number: int) -> int:
    """Send one, and wait for its end; when it was started, in nanoseconds."""
    started_at = time.monotonic_ns()
    sender.start(_message(number))
    _told(sender)
    return started_at


def _told(sender: Sender) -> list[Attempted]:
    """What ended; waits until something did."""
    until = clock.monotonic() + STALLED_SECONDS
    while not (told := sender.finished(1)):
        if clock.monotonic() > until:
            raise TimeoutError("the receiver does not answer")
    return told


def _message(number: int) -> Message:
    event = f"evt_01ARZ3NDEKTSV4RRFF{number:06}"
    return Message(number, "lease_1", ENDPOINT, f"main/sms/{number}", event, "sms.received", BODY, 1)


def _bare(plan: Plan, directory: Path, many: int) -> float:
    """`bench/peers/raw_pycurl.py`, in our own environment: the same libcurl."""
    with receiver(plan.receiver, directory, core=plan.cores.receiver, most=many) as received:
        with pinned(plan.cores.sender):
            subprocess.run(
                [sys.executable, "-m", "bench.peers", "raw_pycurl", "work"],
                env=environment(BENCH_URL=received.url, BENCH_MANY=str(many)),
                timeout=plan.longest,
                check=True,
            )
        return _rate(received, many)


def _rate(received: Receiver, many: int) -> float:
    return rate(received.arrivals(), int(many * WARM_UP_SHARE))
