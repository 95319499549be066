"""SIGKILL while what watches see is written down: what was written is there, whole, and counted."""

import random
import signal
import subprocess
import sys
import textwrap
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon.core.rehearsal.looks import Answer
from daemon.store import database as databases
from daemon.store import observations
from daemon.workers.past import Past, Seen
from tests.support.fakes import START

pytestmark = pytest.mark.slow

KILLS = 5
WRITES = textwrap.dedent(
    """
    import sys
    from datetime import timedelta
    from daemon.store import database as databases
    from daemon.workers.observation_keeper import ObservationKeeper
    from daemon.core.watches import sip
    from tests.support.fakes import START
    from tests.workers.test_observation_keeper import SIP

    database = databases.open_for_daemon(sys.argv[1])
    keeper = ObservationKeeper(database, is_on=lambda: True)
    for number in range(int(sys.argv[2]), int(sys.argv[2]) + 5000):
        seen = sip.Observation({f"{number}": True})
        keeper.looked(SIP, seen, clock=number * 10, now=START + timedelta(seconds=10 * number))
        if number % 3 == 0:
            keeper.flush()
            print(number, flush=True)
    """
)


def test_what_was_written_outlives_a_kill(tmp_path: Path) -> None:
    url, chance, said = f"sqlite:///{tmp_path}/kept.db", random.Random(20), -1  # noqa: S311
    for _ in range(KILLS):
        command = [sys.executable, "-c", WRITES, url, str(said + 1000)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _line in range(chance.randrange(1, 200)):
                said = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            said = max([said, *map(int, process.stdout.read().split())])
        _assert_whole(url, said)


def _assert_whole(url: str, said: int) -> None:
    database = databases.connect(url)
    try:
        seen = Seen(("main", "sip"), START)
        found = [one for one, _ in Past(database).looks(seen.watch, START, START + timedelta(days=99), seen)]
        with database.read() as db:
            batches = observations.following(db, seen.watch, START, 10_000)
            assert observations.total(db) == sum(one.size for one in batches)
    finally:
        database.close()
    assert seen.broken == []
    numbers = []
    for one in found:
        assert isinstance(one.outcome, Answer)
        kept: Any = one.outcome.seen
        (name,) = kept["registered"]
        numbers.append(int(name))
        assert one.until == START + timedelta(seconds=10 * numbers[-1])
    assert numbers == sorted(set(numbers))
    assert said in numbers
    starts = [number for number in numbers if number - 1 not in numbers]
    assert [one.gap is None for one in found] == [number in starts for number in numbers]
