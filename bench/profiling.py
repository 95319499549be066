"""Where the time of a figure goes: each thread of the daemon's process under cProfile, and what that says.

`python -m bench --profile NAME` sets `VARIABLE`; processes that the benchmark starts look at it, the product
does not. Times are wall times of a thread: its waiting is a part of its own, and left out of what it did, but
for a lock in a `with`, which is no call: where work is far more than CPU, a thread waited for another. The
profiler makes calls of Python some three times as dear, so what is told are shares; the figure without
it stands beside them. It needs Python 3.11: later ones let only one thread be profiled.
"""

import cProfile
import json
import marshal
import os
import pstats
import re
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

VARIABLE = "BENCH_PROFILE"
"""The folder that profiles are written to."""
TOP = 25
"""Functions that are shown of each thread."""
LEAST_SHARE = 0.05
"""Of all the work, that a thread must have done to be shown."""
LEAST_PART = 0.005
"""Of the work of a thread, that a part must be to be shown."""
PROCESS = "yemotd"
"""Before the verb: the first thread of a process of ours."""
Function = tuple[str, int, str]
"""As pstats names it: file, line, name; file "~" is a function in C."""

WAITING = "waiting"
PARTS: Mapping[str, re.Pattern[str]] = {
    "imports": re.compile(r"importlib|'<module>'|marshal\.loads|__build_class__"),
    WAITING: re.compile(
        r"'acquire' of '_thread|_thread\.lock|'(poll|control)' of 'select|select\.select"
        r"|'select' of 'pycurl|'(accept|_accept|recv|recv_into|recvfrom)' of '_socket|time\.sleep"
        r"|'get' of '_queue|'(wait|sigtimedwait)'|signal\.sig|'readline' of '_io\.Text|lock_acquire"
    ),
    "commit and sync": re.compile(r"'commit' of 'sqlite3"),
    "store: statements": re.compile(r"of 'sqlite3"),
    "store: SQLAlchemy": re.compile(r"/sqlalchemy/|cyextension"),
    "libcurl": re.compile(r"pycurl"),
    "signing": re.compile(
        r"_hashlib|hmac|binascii|base64|'(update|digest|copy)' of '_sha|/core/webhooks/|cryptography"
    ),
    "JSON": re.compile(r"/json/|_json|bounded_json|msgspec|to_json|/rendering/body"),
    "HTTP of the poll": re.compile(
        r"/requests/|/urllib3/|/http/client|/daemon/yemot/(transport|deadline)|/email/"
    ),
    "HTTP side": re.compile(r"/uvicorn/|/starlette/|/fastapi/|/h11/|/asyncio/|/anyio/|/jinja2/|pydantic"),
}
"""By name: what of it is known by its file or its name. The first one that is found counts."""
MACHINERY = re.compile(r"importlib|runpy|builtins\.(exec|next|__import__|__build_class__)")
"""Around nearly everything, which says nothing."""
OURS = re.compile(r"/daemon/(\w+)")


def is_wanted() -> bool:
    """Whether this process is to be profiled."""
    return bool(os.environ.get(VARIABLE))


def module(name: str) -> list[str]:
    """How Python is told to run a module of ours: profiled where that is asked for."""
    return ["-m", "bench.profiled", name] if is_wanted() else ["-m", name]


class Recording:
    """The profiles of this process, a thread each."""

    def __init__(self, directory: Path, main: str) -> None:
        self._directory, self._main = directory, main
        self._threads: list[tuple[threading.Thread, cProfile.Profile]] = []
        self._pieces: dict[str, cProfile.Profile] = {}
        self._many: Counter[str] = Counter()
        self._cpu: Counter[str] = Counter()
        """Nanoseconds."""
        self._ended: dict[threading.Thread, float] = {}
        """Seconds of CPU of the threads that have ended."""
        self._local = threading.local()

    def begin(self) -> None:
        """This thread, and all that begin from now on."""
        if sys.version_info >= (3, 12):
            raise RuntimeError("--profile needs Python 3.11")
        threading.setprofile(self._first)
        self._profile_this()

    def _first(self, _frame: FrameType, _event: str, _arg: object) -> None:
        """The first call of a new thread."""
        sys.setprofile(None)
        self._profile_this()

    def _profile_this(self) -> None:
        profile, thread = cProfile.Profile(), threading.current_thread()
        self._threads.append((thread, profile))
        self._local.end = _AtEnd(lambda cpu: self._ended.update({thread: cpu}))
        profile.enable()

    @contextmanager
    def piece(self, name: str) -> Iterator[None]:
        """What the main thread does within, as a profile of its own; counted."""
        _, around = self._threads[0]
        profile = self._pieces.setdefault(name, cProfile.Profile())
        around.disable()
        began = time.thread_time_ns()
        profile.enable()
        try:
            yield
        finally:
            profile.disable()
            self._cpu[name] += time.thread_time_ns() - began
            around.enable()
            self._many[name] += 1

    def write(self) -> None:
        """A file of pstats for each, and what they are."""
        threading.setprofile(None)
        sys.setprofile(None)
        named = [(self._name(one), profile, 0, self._cpu_seconds(one)) for one, profile in self._threads]
        named += [
            (name, profile, self._many[name], self._cpu[name] / 1e9) for name, profile in self._pieces.items()
        ]
        index = []
        for number, (name, profile, many, cpu) in enumerate(named):
            path = self._directory / f"{os.getpid()}-{number}.prof"
            profile.snapshot_stats()  # pstats would end the profile of the thread that asks
            if profile.stats:
                path.write_bytes(marshal.dumps(profile.stats))
                index.append({"name": name, "many": many, "cpu": cpu, "file": path.name})
        (self._directory / f"{os.getpid()}.json").write_text(json.dumps(index))

    def _cpu_seconds(self, thread: threading.Thread) -> float:
        if thread in self._ended:
            return self._ended[thread]
        try:
            said = Path(f"/proc/self/task/{thread.native_id}/stat").read_text()
        except OSError:
            return self._ended.get(thread, 0.0)  # it ended at this moment
        fields = said.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _name(self, thread: threading.Thread) -> str:
        """Of threads of a pool, one name."""
        if thread is threading.main_thread():
            return self._main
        return re.sub(r"[-_ (]*\d+.*$", "", thread.name)


class _AtEnd:
    """Lies in what a thread has for itself, and goes with it: the last that is known of its CPU."""

    def __init__(self, say: Callable[[float], None]) -> None:
        self._say = say

    def __del__(self) -> None:
        self._say(time.thread_time())


@contextmanager
def recorded(main: str = PROCESS) -> Iterator[Recording]:
    """All that this process does within; written to the folder that `VARIABLE` names."""
    recording = Recording(Path(os.environ[VARIABLE]), main)
    recording.begin()
    try:
        yield recording
    finally:
        recording.write()


@dataclass
class Profile:
    """What threads of one name did, in all processes."""

    name: str
    stats: Mapping[Function, Any]
    """As pstats has it: calls, own and cumulative seconds, callers."""
    many: int
    """How often, where that was counted; else 0."""
    of: str = "times"
    """What was counted."""
    threads: int = 1
    cpu: float = 0.0
    """Seconds of the processor, the profiler's included."""
    parts: dict[str, float] = field(init=False)
    """Seconds of each part, the largest first."""

    def __post_init__(self) -> None:
        self.parts = parted(self.stats)

    @property
    def busy(self) -> float:
        """Seconds without waiting."""
        return sum(seconds for part, seconds in self.parts.items() if part != WAITING)


def read(directory: Path) -> list[Profile]:
    """Those that were written there, the busiest first."""
    files: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in sorted(directory.glob("*.json")):
        for one in json.loads(path.read_text()):
            files[one["name"]].append(one)
    found = []
    for name, of in files.items():
        stats: Any = pstats.Stats(*(str(directory / one["file"]) for one in of))
        many, cpu = sum(one["many"] for one in of), sum(one["cpu"] for one in of)
        found.append(Profile(name, stats.stats, many, threads=len(of), cpu=cpu))
    return sorted(found, key=lambda one: one.cpu, reverse=True)


def worth_showing(profiles: list[Profile]) -> list[Profile]:
    """Those that did a part of the work, or whose work was counted."""
    all_of_it = sum(one.cpu for one in profiles)
    return [one for one in profiles if one.cpu >= LEAST_SHARE * all_of_it or one.many]


def counted(profiles: list[Profile], deliveries: int) -> list[Profile]:
    """With what their work was for, where that is known: deliveries, starts of a process."""
    for one in profiles:
        if one.name == "dispatcher":
            one.many, one.of = deliveries, "deliveries"
        elif one.name.startswith(PROCESS):
            one.many, one.of = one.threads, "processes"
    return profiles


def parted(stats: Mapping[Function, Any]) -> dict[str, float]:
    """Own seconds of each part. What is in C and everybody's (`len`, `dict.get`) counts for who called it."""
    found: dict[str, float] = defaultdict(float)
    for function, (_, _, own, _, callers) in stats.items():
        part = part_of(function)
        if part is not None:
            found[part] += own
            continue
        rest = own
        for caller, (_, _, of_it, _) in callers.items():
            found[part_of(caller) or "rest"] += of_it
            rest -= of_it
        found["rest"] += max(rest, 0.0)
    return dict(sorted(found.items(), key=lambda pair: pair[1], reverse=True))


def part_of(function: Function) -> str | None:
    """The part that a function belongs to; None: it is in C, and everybody's."""
    file, _, name = function
    text = f"{file}:{name!r}" if file != "~" else name
    for part, pattern in PARTS.items():
        if pattern.search(text):
            return part
    if (ours := OURS.search(file)) is not None:
        return f"yemotd: {ours[1]}"
    return None if file == "~" else "rest"


def named(function: Function) -> str:
    """As people read it."""
    file, line, name = function
    if file == "~":
        return name
    short = re.sub(r"^.*/(?=daemon/|site-packages/|python3\.\d+/)(site-packages/|python3\.\d+/)?", "", file)
    return f"{short}:{line} {name}"


def tables(profile: Profile) -> str:
    """What it did, as text: by part, by own time, by cumulative time; each, where that was counted."""
    many = profile.many

    def line(name: str, seconds: float, calls: str = "") -> str:
        each = f"{seconds / many * 1e6:10.1f} µs" if many else f"{seconds * 1000:10.1f} ms"
        share = seconds / profile.busy if profile.busy else 0.0
        return f"{share:6.1%} {each}  {name}{calls and f'  ({calls})'}"

    lines = [
        f"== {profile.name}: {profile.cpu:.2f} s of CPU"
        + (f", {profile.cpu / many * 1e6:,.1f} µs for each of {many:,} {profile.of}" if many else "")
        + f"; {profile.busy:.3f} s of work"
        + f"; {profile.parts.get(WAITING, 0):.3f} s of waiting",
        "",
        *(
            line(part, seconds)
            for part, seconds in profile.parts.items()
            if part != WAITING and seconds >= LEAST_PART * profile.busy
        ),
    ]
    working = {one: row for one, row in profile.stats.items() if part_of(one) != WAITING}
    calling = {one: row for one, row in working.items() if not MACHINERY.search(f"{one[0]} {one[2]}")}
    for title, column, shown in (
        ("own time", 2, working),
        ("cumulative time, what it calls and waits for included", 3, calling),
    ):
        top = sorted(shown.items(), key=lambda pair: pair[1][column], reverse=True)[:TOP]
        lines += ["", title]
        lines += [line(named(one), row[column], f"{row[1]:,} calls") for one, row in top]
    return "\n".join([*lines, ""])
