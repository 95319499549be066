"""The daemon as an entrant: out of a store that was filled before, everything on."""

from dataclasses import dataclass
from pathlib import Path

from bench import product
from bench.figures import rate
from bench.plan import Plan
from bench.race import STALLED_SECONDS, WARM_UP_SHARE, Run
from bench.receiving import receiver

SLOW_MS = 50
SLOW_IN_FLIGHT = 200


@dataclass(frozen=True)
class Load:
    """One load of the daemon."""

    name: str
    title: str
    many: int
    lanes: int
    """Each keeps its order."""
    in_flight: int
    delay_ms: int = 0

    def size(self, plan: Plan) -> tuple[int, int]:
        """How many deliveries, in how many lanes."""
        many = plan.size(self.many)
        return many, min(self.lanes, many)

    def note(self, plan: Plan) -> str:
        many, lanes = self.size(plan)
        return f"{many:,} deliveries in {lanes:,} lanes, max_in_flight {self.in_flight}"

    def run(self, plan: Plan, directory: Path) -> Run:
        many, _ = self.size(plan)
        product.copy_store(self._filled(plan), directory)
        counting = receiver(
            plan.receiver, directory, core=plan.cores.receiver, most=2 * many, delay_ms=self.delay_ms
        )
        with counting as received:
            config = product.configure(directory, [product.Webhook(received.url, self.in_flight)])
            with product.daemon(config, core=plan.cores.sender):
                received.expect(many, within=plan.longest, stalled=STALLED_SECONDS)
            arrivals = received.arrivals()
        fault = product.fault_after_all_is_told(directory, many)
        if len(arrivals) != many:
            fault = f"{len(arrivals)} requests for {many} deliveries; {fault}"
        return Run(rate(arrivals, int(many * WARM_UP_SHARE)), fault)

    def _filled(self, plan: Plan) -> Path:
        """The store that each run begins with; filled once."""
        directory = plan.directory / f"{self.name}-store"
        if not directory.exists():
            directory.mkdir()
            many, lanes = self.size(plan)
            config = product.configure(directory, [product.Webhook(product.NOBODY)])
            product.fill(directory, product.loaded(config), many, lanes=lanes)
        return directory


LOADS = (
    Load("durable", "yemotd, durable, everything on", 50_000, 10_000, 64),
    Load("few-lanes", "yemotd, 16 lanes", 20_000, 16, 64),
    Load(
        "slow-receiver",
        f"yemotd, a receiver that takes {SLOW_MS} ms",
        20_000,
        10_000,
        SLOW_IN_FLIGHT,
        SLOW_MS,
    ),
)
