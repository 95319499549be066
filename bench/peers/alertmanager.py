"""Prometheus' Alertmanager, a webhook for each alert: it keeps its queue in memory only, and signs nothing.

Not Python: it is started and fed from here, by the benchmark's own process.
"""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import services
from bench.figures import rate
from bench.plan import Plan
from bench.processes import free_port, running
from bench.race import STALLED_SECONDS, WARM_UP_SHARE, Run
from bench.receiving import receiver

BATCH = 100
"""Alerts of one request. They are due at once (`group_wait: 0s`), which is where it is fastest: with a wait
before, thousands of its groups send at the same moment, and get in each other's way."""
CONFIGURATION = """\
route:
  receiver: bench
  group_by: ['...']
  group_wait: 0s
receivers:
- name: bench
  webhook_configs:
  - url: {url}
"""


@dataclass(frozen=True)
class Alertmanager:
    """The one peer that is not written in Python."""

    name: str = "alertmanager"
    title: str = "Alertmanager, not durable"

    def note(self, plan: Plan) -> str:
        return f"{self._size(plan):,} alerts, a group each, posted while it sends; memory only, no signature"

    def run(self, plan: Plan, directory: Path) -> Run:
        many = self._size(plan)
        counting = receiver(plan.receiver, directory, core=plan.cores.receiver, most=2 * many)
        with counting as received, _started(received.url, directory, plan.cores.sender) as address:
            for start in range(0, many, BATCH):
                _post(address, range(start, min(start + BATCH, many)))
            received.expect(many, within=plan.longest, stalled=STALLED_SECONDS)
            arrivals = received.arrivals()
        fault = "" if len(arrivals) == many else f"{len(arrivals)} of {many} arrived"
        return Run(rate(arrivals, int(many * WARM_UP_SHARE)), fault)

    def _size(self, plan: Plan) -> int:
        return plan.size(20_000)


@contextmanager
def _started(url: str, directory: Path, core: int) -> Iterator[str]:
    program, port = services.alertmanager(), free_port()
    configuration, log = directory / "alertmanager.yml", directory / "alertmanager.log"
    configuration.write_text(CONFIGURATION.format(url=url))
    words = [
        program,
        f"--config.file={configuration}",
        f"--storage.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=error",
    ]
    with running(words, log, core=core):
        services.wait_for(port, log)
        yield f"http://127.0.0.1:{port}/api/v2/alerts"


def _post(address: str, numbers: range) -> None:
    alerts = [
        {"labels": {"alertname": "sms", "number": f"{number:09}"}, "annotations": {"text": "x" * 60}}
        for number in numbers
    ]
    request = urllib.request.Request(
        address, json.dumps(alerts).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()
