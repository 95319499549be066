"""A profile: which part a function belongs to, and what threads of a process did."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import profiling
from bench.profiling import VARIABLE, WAITING, Function, Profile, parted
from tests.support.paths import ROOT

LEN: Function = ("~", 0, "<built-in method builtins.len>")
CLAIM: Function = ("/x/daemon/store/outbox.py", 10, "claim")
CORE: Function = ("/x/site-packages/sqlalchemy/engine/base.py", 1, "execute")


@pytest.mark.parametrize(
    ("function", "part"),
    [
        (("~", 0, "<method 'socket_action' of 'pycurl.CurlMulti' objects>"), "libcurl"),
        (("~", 0, "<method 'select' of 'pycurl.CurlMulti' objects>"), WAITING),
        (("~", 0, "<method 'commit' of 'sqlite3.Connection' objects>"), "commit and sync"),
        (("~", 0, "<method 'executemany' of 'sqlite3.Cursor' objects>"), "store: statements"),
        (CORE, "store: SQLAlchemy"),
        (("~", 0, "<built-in method _hashlib.hmac_digest>"), "signing"),
        (("/x/daemon/core/webhooks/signing.py", 3, "headers"), "signing"),
        (CLAIM, "yemotd: store"),
        (("/x/daemon/workers/dispatcher.py", 3, "run_once"), "yemotd: workers"),
        (("/x/daemon/workers/dispatcher.py", 1, "<module>"), "imports"),
        (("~", 0, "<method 'acquire' of '_thread.lock' objects>"), WAITING),
        (("~", 0, "<method 'poll' of 'select.epoll' objects>"), WAITING),
        (("/usr/lib/python3.11/contextlib.py", 3, "inner"), "rest"),
        (LEN, None),
    ],
)
def test_a_function_belongs_to_a_part(function: Function, part: str | None) -> None:
    assert profiling.part_of(function) == part


def test_what_is_in_c_counts_for_who_called_it() -> None:
    stats = {
        CLAIM: (1, 1, 0.5, 1.0, {}),
        CORE: (1, 1, 0.25, 1.0, {}),
        LEN: (3, 3, 0.4, 0.4, {CLAIM: (1, 1, 0.1, 0.1), CORE: (1, 1, 0.2, 0.2)}),
    }

    assert parted(stats) == pytest.approx({"yemotd: store": 0.6, "store: SQLAlchemy": 0.45, "rest": 0.1})


def test_the_parts_are_the_whole() -> None:
    stats = {CLAIM: (1, 1, 0.5, 1.0, {}), LEN: (3, 3, 0.4, 0.4, {CLAIM: (1, 1, 0.4, 0.4)})}

    assert Profile("dispatcher", stats, 0).busy == pytest.approx(0.9)


def test_it_is_told_for_each_where_that_was_counted() -> None:
    one = Profile("dispatcher", {CLAIM: (1, 1, 0.5, 1.0, {})}, 1_000, "deliveries", cpu=0.4)

    assert "400.0 µs for each of 1,000 deliveries; 0.500 s of work" in profiling.tables(one)
    assert "store/outbox.py:10 claim  (1 calls)" in profiling.tables(one)


PROGRAM = """\
import os, threading, time
def busy(): return sum(range(1000))
def work():
    for _ in range(50): busy()
def busy_for_long():
    while time.thread_time() < 0.05: pass
one = threading.Thread(target=lambda: (work(), busy_for_long()), name="dispatcher")
one.start()
one.join()
work()
os._exit(3)
"""


@pytest.mark.slow
def test_every_thread_of_a_process_is_profiled_though_it_ends_at_once(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    ended = subprocess.run(
        [sys.executable, "-m", "bench.profiled", "program", "run"],
        cwd=tmp_path,
        env={**os.environ, VARIABLE: str(tmp_path), "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
        check=False,
    )
    found = {one.name: one for one in profiling.read(tmp_path)}

    assert ended.returncode == 3
    assert found.keys() == {"dispatcher", "yemotd run"}
    for one in found.values():
        assert one.cpu > 0
        (calls,) = [row[1] for (_, _, name), row in one.stats.items() if name == "busy"]
        assert calls == 50


def test_a_process_is_profiled_only_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert profiling.module("daemon") == ["-m", "daemon"]

    monkeypatch.setenv(VARIABLE, "/profiles")
    assert profiling.module("daemon") == ["-m", "bench.profiled", "daemon"]
