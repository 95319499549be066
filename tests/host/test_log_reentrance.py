"""Logging in the middle of logging, as finalizers do: nobody waits for ever, each line is told or counted.

Each play is a process of its own, which is killed where it stands still.
"""

import json
import subprocess
import sys

import pytest

from tests.support.process import inherited

pytestmark = pytest.mark.slow


BEGINNING = """
import asyncio, gc, io, json, logging, os, sys, threading, warnings
from daemon.host import log_limit, log_writer, logs

out = io.StringIO()
logs.PATIENCE_SECONDS = 30
logs.configure(logs.Redactor(), out)
logs.take_what_python_says()

def together(*plays):
    threads = [threading.Thread(target=play) for play in plays]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

def end(expected):
    logs.flush()
    said = [json.loads(line) for line in out.getvalue().splitlines()]
    print(json.dumps({"expected": expected, "said": said}))
    sys.stdout.flush()
    os._exit(0)
"""
NESTED = """
OURS = {one.__file__ for one in (logs, log_limit, log_writer)}
many = {"nested": 0}
lock = threading.Lock()

def at(frame, event, _argument):
    if frame.f_code.co_filename not in OURS:
        return None
    if event == "line" and many["nested"] < 20_000:
        with lock:
            many["nested"] += 1
            place = many["nested"] % 7
        # As a finalizer that the collector calls just here.
        logs.log.error("nested", place=place)
    return at

class Traced(io.StringIO):
    def write(self, text):
        if sys.gettrace() is None:  # the thread that writes
            sys.settrace(at)
            frame = sys._getframe()
            while frame is not None:
                frame.f_trace = at
                frame = frame.f_back
        return super().write(text)

out = Traced()
logs.configure(logs.Redactor(), out)

def play():
    sys.settrace(at)
    for number in range(60):
        logs.log.warning("ours", place=number % 30)
        logging.getLogger("library").warning("theirs %d", number)
        if number % 20 == 0:
            logs.flush()
    sys.settrace(None)

together(play, play, play)
end(3 * 120 + many["nested"])
"""
"""At each line of the code that logs, in each thread, the one that writes among them."""
COLLECTED = """
many = {"ends": 0}
lock = threading.RLock()  # what these finalizers hold is their own affair

class Ends:
    def __init__(self):
        self.me = self

    def __del__(self):
        with lock:
            many["ends"] += 1
        raise ValueError("not raised")

class Told:
    def __repr__(self):
        Ends()
        return "told"

def play():
    for number in range(150):
        Ends()
        logs.log.warning("ours", number=number % 40, value=Told())
        logging.getLogger("library").warning("theirs %s", Told())
        logs.log.info("others", number=number)

gc.set_threshold(1)
sys.setswitchinterval(1e-6)
together(play, play, play, play)
gc.set_threshold(0)
logs.flush()  # the thread that writes may be collecting
gc.collect()
end(4 * 450 + many["ends"])
"""
TASKS = """
warnings.simplefilter("always")

async def fails():
    raise ValueError("nobody asks")

class Warns:
    def __del__(self):
        warnings.warn("left open", ResourceWarning)

def play():
    loop = asyncio.new_event_loop()
    for number in range(100):
        task = loop.create_task(fails())
        loop.run_until_complete(asyncio.sleep(0))
        ring = [task, Warns()]
        ring.append(ring)
        del task, ring
        logs.log.warning("ours", number=number % 40)
    loop.close()

gc.set_threshold(1)
together(play, play, play)
gc.set_threshold(0)
logs.flush()
gc.collect()
end(3 * 300)
"""


def played(play: str) -> tuple[int, list[dict[str, object]]]:
    """How many lines were logged, and those that were told."""
    done = subprocess.run(
        [sys.executable, "-c", BEGINNING + play],
        env=inherited(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    return told["expected"], told["said"]


@pytest.mark.parametrize("play", [NESTED, COLLECTED, TASKS], ids=["anywhere", "collected", "tasks"])
def test_each_line_in_the_middle_of_another_is_told_or_counted(play: str) -> None:
    expected, said = played(play)

    assert sum(int(str(line.get("repeated", line.get("lines", 1)))) for line in said) == expected


OTHERS = """
held, begun, asked = threading.Lock(), threading.Event(), threading.Event()

class Waits:
    def __repr__(self):
        asked.set()
        with held:
            return "it"

def asks():
    logs.log.info("asks", value=Waits())

def holds():
    with held:
        begun.set()
        asked.wait()
        for number in range(50):
            logs.log.info("holds", number=number)
        logs.flush()

holder = threading.Thread(target=holds)
holder.start()
begun.wait()
together(asks)
holder.join()
end(51)
"""


def test_who_logs_while_it_holds_what_another_line_waits_for() -> None:
    expected, said = played(OTHERS)

    assert [line["event"] for line in said] == ["holds"] * 50 + ["asks"]
    assert expected == len(said)


AT_THE_END = """
import atexit, signal

class Ends:
    def __del__(self):
        logs.log.info("end.collected")

def late():
    logs.log.info("end.called")
    Ends()

atexit.register(late)
sys.stdout.flush()
logs.configure(logs.Redactor(), sys.stdout)
signal.signal(signal.SIGALRM, lambda *_: logs.log.info("signal.came"))
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
for number in range(3000):
    logs.log.info("ours", number=number)
signal.setitimer(signal.ITIMER_REAL, 0)
"""


def test_signals_and_an_end_that_log() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BEGINNING + AT_THE_END],
        env=inherited(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    said = [line["event"] for line in told if "repeated" not in line]

    assert (done.returncode, done.stderr) == (0, "")
    assert said.count("ours") == 3000
    assert said.count("signal.came") >= 1
    assert said[-2:] == ["end.called", "end.collected"]
