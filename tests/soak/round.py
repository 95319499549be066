"""One round: life goes on around the daemon, which is injured at random; then it is judged."""

import random
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from daemon.host.clock import monotonic
from daemon.simulator.faults import Fault
from tests.soak import oracle
from tests.soak.victim import Victim
from tests.soak.world import CONFIGURATION, World

HOUR, DAY, YEAR = 3600.0, 86400.0, 365 * 86400.0
STEPS = [8.0, 45.0, HOUR, 2 * HOUR, 5 * DAY, YEAR, 20 * YEAR]
HALF_A_REQUEST = b"POST /api/v1/commands HTTP/1.1\r\nHost: localhost\r\nContent-Le"
HALVES = 600
CALM_WITHIN = 180.0
"""Seconds in which everything has to have come right, once nothing is injured any more."""
FAULTS = [Fault.RESET, Fault.HTML, Fault.TRUNCATED_JSON, Fault.SERVER_ERROR, Fault.SLOW, Fault.EMPTY_LIST]


@dataclass
class Round:
    """What happened in one round."""

    seed: int
    injuries: Counter[str] = field(default_factory=Counter)
    commands: list[tuple[str, str]] = field(default_factory=list)
    """The phone that a campaign dials, and the command's id."""
    peaks: Counter[str] = field(default_factory=Counter)


class Soak:
    """Plays a round. `seconds`: how long it is injured."""

    def __init__(self, directory: Path, seconds: float, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - the same round for the same seed
        self.seconds = seconds
        self.round = Round(seed)
        self.world = World(directory, self.chance)
        self.victim = Victim(directory, CONFIGURATION, **self.world.places)
        self._halves: list[socket.socket] = []
        self._is_over = threading.Event()
        self.injuries: dict[Callable[[], None], int] = {
            self.set_the_clock: 5,
            self.set_it_right: 3,
            self.stop_and_go_on: 4,
            self.send_half_requests: 2,
            self.look_away: 2,
            self.read_on: 2,
            self.kill: 1,
            self.end_and_start: 1,
            self.reload: 1,
            self.let_the_api_fail: 2,
        }

    def play(self) -> list[str]:
        """Returns what is wrong; nothing, if all is well."""
        lives = [threading.Thread(target=one) for one in (self._messages, self._phones, self._campaigns)]
        try:
            self.victim.begin()
            oracle.wait_for_baseline(self.victim)
            for one in lives:
                one.start()
            faults = self._injure()
            self._is_over.set()
            for one in lives:
                one.join()
            self._calm()
            faults += oracle.come_to_rest(self.world, self.victim, self.round, CALM_WITHIN)
            self._measure()
            code = self.victim.end(signal.SIGTERM)
            faults += [f"it ended with {code}"] if code else []
            return faults + oracle.judge(self.world, self.victim, self.round)
        finally:
            self._is_over.set()
            self.victim.read_on()
            with suppress(OSError):
                self.victim.signal(signal.SIGCONT)
            self.victim.stop()
            for half in self._halves:
                half.close()
            self.world.close()

    def _injure(self) -> list[str]:
        until = monotonic() + self.seconds
        ways, weights = zip(*self.injuries.items(), strict=True)
        while monotonic() < until:
            (way,) = self.chance.choices(ways, weights)
            self.round.injuries[way.__name__] += 1
            way()
            self._measure()
            self._is_over.wait(self.chance.uniform(0.2, 2.5))
            if self.victim.is_gone():
                return [f"it ended by itself after {dict(self.round.injuries)}: {self.victim.lines[-5:]}"]
        return []

    def _calm(self) -> None:
        self.world.simulator.faults.clear()
        self.world.receivers.is_calm = True
        self.victim.set_clock(0)
        self.victim.read_on()
        for one in self._halves:
            one.close()
        if self.victim.is_gone():
            self.victim.begin()

    def _measure(self) -> None:
        with suppress(OSError, StopIteration):
            peaks, victim = self.round.peaks, self.victim
            peaks["memory"] = max(peaks["memory"], victim.memory())
            peaks["descriptors"] = max(peaks["descriptors"], victim.descriptors())
            peaks["threads"] = max(peaks["threads"], victim.threads())

    # What happens all the time.

    def _messages(self) -> None:
        while not self._is_over.wait(0.2):
            self.world.message()

    def _phones(self) -> None:
        while not self._is_over.wait(3):
            self.world.turn_a_phone()

    def _campaigns(self) -> None:
        number = 0
        while not self._is_over.wait(1):
            phone = f"05{number:08d}"
            if (given := self._give(phone)) is not None:
                self.round.commands.append((phone, given))
            number += 1

    def _give(self, phone: str) -> str | None:
        """As a client that is not sure whether its request arrived: again, with its key."""
        request: dict[str, Any] = {
            "type": "campaign.bridge",
            "system": "main",
            "params": {"phones": phone, "ivr_path": "/1"},
        }
        until = monotonic() + 120
        while monotonic() < until:
            try:
                status, answer = self.victim.post("/api/v1/commands", request, idempotency_key=phone)
            except (OSError, ValueError, IndexError):
                threading.Event().wait(0.2)
                continue
            if status == 202:
                return str(answer["id"])
            if status not in (503, 500):
                raise AssertionError((status, answer))
        return None

    # Injuries.

    def set_the_clock(self) -> None:
        self.victim.set_clock(self.chance.choice((-1, 1)) * self.chance.choice(STEPS))

    def set_it_right(self) -> None:
        self.victim.set_clock(0)

    def stop_and_go_on(self) -> None:
        self.victim.signal(signal.SIGSTOP)
        threading.Event().wait(self.chance.choice([0.05, 0.5, 2.0, 4.0, 7.0]))
        self.victim.signal(signal.SIGCONT)

    def send_half_requests(self) -> None:
        for old in self._halves:
            old.close()
        self._halves = []
        for _ in range(HALVES):
            with suppress(OSError):
                one = socket.create_connection(("127.0.0.1", self.victim.port), timeout=1)
                one.sendall(HALF_A_REQUEST)
                self._halves.append(one)

    def look_away(self) -> None:
        self.victim.look_away()

    def read_on(self) -> None:
        self.victim.read_on()

    def kill(self) -> None:
        self.victim.end(signal.SIGKILL)
        self.victim.begin()

    def end_and_start(self) -> None:
        code = self.victim.end(signal.SIGTERM)
        assert code == 0, (code, self.victim.lines[-5:])
        self.victim.begin()

    def reload(self) -> None:
        self.victim.signal(signal.SIGHUP)

    def let_the_api_fail(self) -> None:
        fault = self.chance.choice(FAULTS)
        self.world.simulator.faults.set(
            "*", fault, times=self.chance.randint(1, 8), delay=timedelta(seconds=1)
        )
