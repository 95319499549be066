"""Daemons on one PostgreSQL that are killed, stopped, cut off and started again at random, under traffic;
then all is calm, and what everybody was told is judged.

    python -m tests.soak.storm --seconds 60 --systems 1000 --every 5s --seed 7
"""

import argparse
import json
import signal
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from daemon.host.clock import monotonic
from tests.support import parts
from tests.support.several import NAMES, PATIENCE, Several, several, wait_until

CALM_WITHIN = 180.0
MOST_SAID = 40
"""Sentences that are printed of what is wrong."""


class Storm:
    """One round. `play` returns what is wrong, in sentences."""

    def __init__(self, them: Several, seconds: float) -> None:
        self.them = them
        self.seconds = seconds
        self.injuries: Counter[str] = Counter()
        self._chance = them.chance
        self._is_over, self._is_calm = threading.Event(), threading.Event()
        self._ways: dict[Callable[[str], None], int] = {
            self.kill: 4,
            self.end: 2,
            self.freeze_for_a_moment: 2,
            self.freeze_past_its_lease: 2,
            self.cut: 2,
            self.stall: 1,
            self.restart_the_database: 1,
            self.reload: 2,
        }
        self._for = "500ms"
        self._afterwards: list[threading.Timer] = []

    def play(self) -> list[str]:
        them = self.them
        them.begin(*NAMES, is_proxied=True)
        lives = [
            threading.Thread(target=one)
            for one in (self._messages, self._phones, self._campaigns, self._service_manager)
        ]
        for one in lives:
            one.start()
        try:
            self._injure()
            self._end()
            self._calm()
        finally:
            self._end()
            self._is_calm.set()
            for one in lives:
                one.join()
        found = them.come_to_rest(CALM_WITHIN)
        for name in NAMES:
            code = them.members[name].stop(PATIENCE)
            found += [f"{name} ended with {code}"] if code else []
        return found + them.judge()

    def _end(self) -> None:
        """No more injuries."""
        self._is_over.set()
        for timer in self._afterwards:
            timer.join()

    def kill(self, name: str) -> None:
        self.them.members[name].signal(signal.SIGKILL)

    def end(self, name: str) -> None:
        self.them.members[name].signal(signal.SIGTERM)

    def freeze_for_a_moment(self, name: str) -> None:
        self._freeze(name, self._chance.uniform(0.2, 5))

    def freeze_past_its_lease(self, name: str) -> None:
        self._freeze(name, self._chance.uniform(8, 16))

    def cut(self, name: str) -> None:
        self.them.pipes[name].cut()
        self._later(self._chance.uniform(0.2, 8), self.them.pipes[name].mend)

    def stall(self, name: str) -> None:
        self.them.pipes[name].stall()
        self._later(self._chance.uniform(0.2, 8), self.them.pipes[name].mend)

    def restart_the_database(self, _name: str) -> None:
        self.them.server.stop()
        self._is_over.wait(self._chance.uniform(0, 3))
        self.them.server.start()

    def reload(self, _name: str) -> None:
        """Another file for all of them; who is stopped reads it later, who is gone when it starts."""
        self._for = "600ms" if self._for == "500ms" else "500ms"
        for name in NAMES:
            self.them.members[name].configure(
                self.them.configuration.replace('for = "500ms"', f'for = "{self._for}"')
            )
        for name in NAMES:
            if self.them.is_running(name):
                self.them.members[name].signal(signal.SIGHUP)

    def _freeze(self, name: str, seconds: float) -> None:
        self.them.freeze(name)
        self._later(seconds, lambda: self._thaw(name))

    def _thaw(self, name: str) -> None:
        with suppress(OSError):
            self.them.thaw(name)

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        timer = threading.Timer(seconds, call)
        timer.start()
        self._afterwards.append(timer)

    def _injure(self) -> None:
        until = monotonic() + self.seconds
        ways, weights = zip(*self._ways.items(), strict=True)
        while monotonic() < until:
            (way,) = self._chance.choices(ways, weights)
            name = self._chance.choice(NAMES)
            if self.them.is_running(name) and not self.them.is_stopped(name):
                self.injuries[way.__name__] += 1
                way(name)
            self._is_over.wait(self._chance.uniform(0.5, 4))

    def _calm(self) -> None:
        for one in self.them.pipes.values():
            one.mend()
        for name in NAMES:
            if self.them.is_stopped(name):
                self._thaw(name)
        wait_until(
            lambda: all(self.them.of(name) for name in NAMES) and all(self.them.holders().values()),
            within=CALM_WITHIN,
            what=self._standing,
        )

    def _standing(self) -> object:
        """How many systems each has, and what is said of each."""
        them = self.them
        said = them.rows("SELECT name, counter, fingerprint, differs FROM members")
        last = {name: one.lines[-3:] for name, one in them.members.items()}
        return Counter(them.holders().values()), said, last

    # Life goes on

    def _messages(self) -> None:
        while not self._is_over.wait(0.1):
            for _ in range(min(len(self.them.systems) // 100 + 1, 3)):
                self.them.message()

    def _phones(self) -> None:
        while not self._is_over.wait(0.3):
            self.them.turn()

    def _campaigns(self) -> None:
        chance = self.them.another_chance()
        while not self._is_over.wait(chance.uniform(0.1, 1)):
            name = chance.choice(NAMES)
            if self.them.is_running(name) and not self.them.is_stopped(name):
                self.them.campaign(name)

    def _service_manager(self) -> None:
        """Starts again whoever has ended, also who was told to before the calm, and took its time."""
        while not self._is_calm.wait(0.5):
            for name in NAMES:
                if not self.them.is_running(name):
                    self.them.members[name].launch()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--systems", type=int, default=200)
    parser.add_argument("--every", default="2s")
    parser.add_argument("--seed", type=int, default=18)
    parser.add_argument("--logs", type=Path, help="a folder for what the daemons said")
    asked = parser.parse_args()
    parts.look_everywhere()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        place.chmod(0o755)
        with several(place, systems=asked.systems, every=asked.every, seed=asked.seed) as them:
            storm = Storm(them, asked.seconds)
            found = storm.play()
            print(f"{dict(storm.injuries)}; {len(them.sent)} SMS, {len(them.commands)} commands")
            arrived = them.arrived()
            print(f"{len(arrived)} requests arrived, of {len({one.event for one in arrived})} events")
            print(f"{Counter(them.told('daemon.member_lost'))} were told as lost")
            if asked.logs is not None:
                asked.logs.mkdir(parents=True, exist_ok=True)
                for name, one in them.members.items():
                    lines = "\n".join(map(json.dumps, one.lines))
                    (asked.logs / f"{name}.log").write_text(lines)
    print("\n".join(found[:MOST_SAID]) or "all is well")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
