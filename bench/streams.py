"""Many who follow what happens: their memory, how soon they are told, and what it costs a delivery."""

import resource
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench import polls, product
from bench.figures import Figure, percentile
from bench.plan import Plan
from bench.polls import Inside
from bench.processes import PATIENCE
from bench.product import Simulated
from bench.receiving import Receiver, receiver

READERS = 200
SAMPLES = 300
PAUSE_SECONDS = 0.1
"""Between samples: so much that each is one event, told by itself."""
_PAUSE = threading.Event()


class Readers:
    """Streams that are open, and when each was told something last."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._found = selectors.DefaultSelector()
        self._sockets: list[socket.socket] = []
        self._told = threading.Condition()
        self._at: dict[socket.socket, int] = {}
        self._is_over = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def open(self, many: int) -> None:
        """Open so many more, and wait until each knows that it is connected."""
        token = product.FILES["http-token"]
        head = f"GET /api/v1/events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}"
        for _ in range(many):
            one = socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE)
            one.sendall(f"{head}\r\n\r\n".encode())
            first = b""
            while b": here\n" not in first:
                first += one.recv(4096)
            one.setblocking(False)
            self._sockets.append(one)
            self._found.register(one, selectors.EVENT_READ)

    def forget(self) -> None:
        """What comes from now on is new."""
        with self._told:
            self._at.clear()

    def arrivals(self) -> list[int]:
        """When each was told, in nanoseconds of the monotonic clock, once all were."""
        with self._told:
            if not self._told.wait_for(lambda: len(self._at) == len(self._sockets), PATIENCE):
                raise RuntimeError(f"{len(self._at)} of {len(self._sockets)} readers were told")
            return sorted(self._at.values())

    def close(self) -> None:
        """End them all."""
        self._is_over = True
        self._thread.join()
        for one in self._sockets:
            one.close()
        self._found.close()

    def _read(self) -> None:
        while not self._is_over:
            for key, _ in self._found.select(0.1) if self._sockets else ():
                one = key.fileobj
                assert isinstance(one, socket.socket)
                if b"data: " in one.recv(1 << 16):
                    with self._told:
                        self._at.setdefault(one, time.monotonic_ns())
                        self._told.notify_all()


def streams(plan: Plan) -> list[Figure]:
    """What 200 of them cost, and what they get for it."""
    many = max(plan.size(SAMPLES), 50)
    _allow_files()
    with (
        polls.stage(plan, backlog=0) as (directory, simulated),
        receiver(plan.receiver, directory, core=plan.cores.receiver, most=4 * many) as received,
    ):
        config = polls.configure(directory, simulated, received.url, limit=100)
        with polls.inside(config, core=plan.cores.sender) as daemon:
            daemon.poll()  # the baseline
            alone, _ = _told(simulated, daemon, received, many, range(1, many + 1), None)
            with _opened(daemon.port) as readers:
                before = daemon.rss_mib()
                readers.open(READERS)
                numbers = range(many + 1, 2 * many + 1)
                delivered, shown = _told(simulated, daemon, received, many, numbers, readers)
                used = daemon.rss_mib() - before
    note = f"{READERS} streams, {many} messages, one at a time"
    slowest = [one[-1] for one in shown]
    return [
        Figure("streams-rss", f"memory of {READERS} streams", "MiB", (used,), note=note),
        Figure("streams-first", "answer read → first reader, p50", "ms",
               (percentile([one[0] for one in shown], 0.5),), note=note),
        Figure("streams-last-p50", "answer read → last reader, p50", "ms",
               (percentile(slowest, 0.5),), note=note),
        Figure("streams-last-p95", "answer read → last reader, p95", "ms",
               (percentile(slowest, 0.95),), note=note),
        Figure("streams-delivery-alone", "answer read → receiver, no stream, p50", "ms",
               (percentile(alone, 0.5),), note=note),
        Figure("streams-delivery", "answer read → receiver beside them, p50", "ms",
               (percentile(delivered, 0.5),), note=note),
        Figure("streams-delay", "what they delay a delivery, p50", "ms",
               (percentile(delivered, 0.5) - percentile(alone, 0.5),), note=note),
    ]  # fmt: skip


def _told(
    simulated: Simulated,
    daemon: Inside,
    received: Receiver,
    many: int,
    numbers: range,
    readers: Readers | None,
) -> tuple[list[float], list[list[float]]]:
    """Milliseconds from each answer to the receiver, and to each of the readers, the first one first."""
    answered, shown = [], []
    for number in numbers:
        if readers:
            readers.forget()
        simulated.do("sms", sender="0501234567", text=f"message {number}")
        answered.append(daemon.poll().answered)
        received.expect(number, within=PATIENCE, stalled=PATIENCE)
        if readers:
            shown.append([(came - answered[-1]) / 1e6 for came in readers.arrivals()])
        _PAUSE.wait(PAUSE_SECONDS)
    arrivals = received.arrivals()[-many:]
    return [(came - read) / 1e6 for came, read in zip(arrivals, answered, strict=True)], shown


@contextmanager
def _opened(port: int) -> Iterator[Readers]:
    with ExitStack() as cleanups:
        readers = Readers(port)
        cleanups.callback(readers.close)
        yield readers


def _allow_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
