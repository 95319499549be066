"""The peers, each on the sender's core, against the same receiver; what is theirs alone is in `peers/`."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import services
from bench.figures import rate
from bench.plan import Plan
from bench.processes import TOP, end, environment, launch, running, tail
from bench.race import STALLED_SECONDS, WARM_UP_SHARE, Run
from bench.receiving import receiver

PYTHON = TOP / "bench" / ".venv" / "bin" / "python"
FILL_SECONDS = 120.0
Service = Callable[[Path], AbstractContextManager[str]]


@contextmanager
def _no_service(_directory: Path) -> Iterator[str]:
    yield ""


@dataclass(frozen=True)
class Peer:
    """A queue, or a client without one, that delivers the same bodies."""

    name: str
    title: str
    module: str
    """In `bench.peers`."""
    many: int
    """Deliveries of one run."""
    work: tuple[str, ...]
    """Its worker, as a module and its words; () is the peer's own `work`."""
    setup: str
    """What is not plain, and is told with the figure."""
    service: Service = _no_service
    has_queue: bool = True
    """Else it just sends."""

    def note(self, plan: Plan) -> str:
        return f"{self._size(plan):,} deliveries; {self.setup}"

    def run(self, plan: Plan, directory: Path) -> Run:
        if not PYTHON.exists():
            raise services.MissingError("no bench/.venv; `make bench` makes it")
        many, log = self._size(plan), directory / "worker.log"
        counting = receiver(plan.receiver, directory, core=plan.cores.receiver, most=2 * many)
        with self.service(directory) as service, counting as received:
            env = environment(
                BENCH_URL=received.url,
                BENCH_MANY=str(many),
                BENCH_DIRECTORY=str(directory),
                BENCH_SERVICE=service,
            )
            if self.has_queue:
                self._fill(env, log)
            with running(self._worker, log, core=plan.cores.sender, env=env):
                received.expect(many, within=plan.longest, stalled=STALLED_SECONDS)
            arrivals = received.arrivals()
        fault = "" if len(arrivals) == many else f"{len(arrivals)} of {many} arrived: {tail(log, 2)}"
        return Run(rate(arrivals, int(many * WARM_UP_SHARE)), fault)

    @property
    def _worker(self) -> list[str]:
        return [str(PYTHON), "-m", *(self.work or ("bench.peers", self.module, "work"))]

    def _size(self, plan: Plan) -> int:
        return plan.size(self.many)

    def _fill(self, env: dict[str, str], log: Path) -> None:
        """Put everything into the peer's queue, before anybody works on it."""
        process = launch([str(PYTHON), "-m", "bench.peers", self.module, "fill"], log, env=env)
        try:
            code = process.wait(FILL_SECONDS)
        finally:
            end(process)
        if code:
            raise RuntimeError(f"its queue could not be filled: {tail(log)}")


PEERS = (
    Peer(
        "huey",
        "huey on SQLite",
        "huey_sqlite",
        8_000,
        ("huey.bin.huey_consumer", "bench.peers.huey_sqlite.queue", "-q"),
        "defaults: one thread; WAL, FULL; a row is gone before its task runs",
    ),
    Peer(
        "celery-redis",
        "celery on Redis",
        "celery_redis",
        6_000,
        ("celery", "-A", "bench.peers.celery_redis", "worker"),
        "defaults (a process for each core), acknowledged late; Redis with its defaults, on both cores",
        services.redis,
    ),
    Peer(
        "celery-sqlite",
        "celery, SQLite broker",
        "celery_sqlite",
        3_000,
        ("celery", "-A", "bench.peers.celery_sqlite", "worker"),
        "SQLAlchemy transport, defaults, acknowledged late",
    ),
    Peer(
        "procrastinate",
        "procrastinate on PostgreSQL",
        "procrastinate_postgres",
        3_000,
        ("procrastinate", "--app=bench.peers.procrastinate_postgres.app", "worker"),
        "defaults: one job at a time; PostgreSQL with its defaults (fsync), on both cores",
        services.postgres,
    ),
    Peer(
        "naive-orm",
        "SQLAlchemy ORM, a commit each",
        "naive_orm",
        8_000,
        (),
        "SQLite (WAL, FULL), requests.Session",
    ),
    Peer(
        "raw-requests",
        "requests.Session, not durable",
        "raw_requests",
        8_000,
        (),
        "a loop, nothing is written; a line to compare with",
        has_queue=False,
    ),
    Peer(
        "raw-pycurl",
        "pycurl multi, not durable",
        "raw_pycurl",
        100_000,
        (),
        "64 in flight, nothing is written; a line to compare with",
        has_queue=False,
    ),
)
