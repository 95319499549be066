"""The daemon in a process of the benchmark's, which polls when it is told to, and says what that took.

    python -m bench.inside CONFIG

Each line on stdin polls the first watch of the first system; a profile calls the poll what the line says. The
answer is one line of JSON: `answered`, when the API's answer was read (nanoseconds, monotonic), and
`cpu`, the milliseconds of the polling thread beyond HTTP. It ends with its stdin.
"""

import json
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from bench import product, profiling
from daemon.app.lifecycle import App
from daemon.config.systems import SystemSettings
from daemon.core.model import Unknown
from daemon.host import clock, logs
from daemon.wiring.watches import watches
from daemon.yemot.client import Access, Client
from daemon.yemot.transport import Reply, Request, Timeouts, Transport


class TimedTransport(Transport):
    """Knows when it last came back, and how long it kept the processor."""

    answered = 0
    cpu = 0

    def send(self, request: Request, *, repeatable: bool) -> Reply | Unknown:
        began = time.thread_time_ns()
        try:
            return super().send(request, repeatable=repeatable)
        finally:
            self.answered = time.monotonic_ns()
            self.cpu += time.thread_time_ns() - began


def serve(config_path: Path, piece: Callable[[str], AbstractContextManager[None]]) -> None:
    """Poll for each line, until there are no more."""
    config = product.loaded(config_path)
    logs.configure(logs.Redactor())
    transport = TimedTransport(Timeouts(), monotonic=clock.monotonic)
    watch = watches(
        config.systems[0], _client(config.systems[0], transport), ZoneInfo(config.daemon.timezone)
    )[0]
    app = App(config)
    app.start()
    app.current.swap(
        replace(app.current(), watches=(watch,))
    )  # so that nothing is polled but what is asked for
    try:
        print("ready", app.port, flush=True)
        while name := sys.stdin.readline():
            transport.cpu = 0
            with piece(name.strip()):
                began = time.thread_time_ns()
                app.parts.poller.poll(watch)
                cpu = time.thread_time_ns() - began - transport.cpu
            print(json.dumps({"answered": transport.answered, "cpu": cpu / 1e6}), flush=True)
    finally:
        app.stop()


def _client(system: SystemSettings, transport: Transport) -> Client:
    return Client(Access(system.token, system.base_url), transport, now=clock.utcnow)


def _unnamed(_name: str) -> AbstractContextManager[None]:
    return nullcontext()


def main(config_path: Path) -> None:
    """Serve; with a profile where one is asked for."""
    if not profiling.is_wanted():
        serve(config_path, _unnamed)
        return
    with profiling.recorded() as recording:
        serve(config_path, recording.piece)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
