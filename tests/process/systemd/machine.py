"""A machine for tests: a real systemd as the first process of its own namespaces, over a copy of this one.

Needs root, the program of systemd, overlayfs and a writable cgroup2. It has no network but its own loopback.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from daemon.host.clock import monotonic

BOOT = Path(__file__).with_name("boot.sh")
SYSTEMD = Path("/lib/systemd/systemd")
CLONE_NEWNET = 0x40000000
NAMESPACES = ("--mount", "--propagation=private", "--pid", "--net", "--uts", "--ipc", "--cgroup")
PATIENCE = 180
"""Seconds for anything that the machine does."""


class CannotBoot(Exception):
    """This machine cannot run another one; the message says why."""


class NotInstalled(CannotBoot):
    """Something is away that can be installed."""


class Machine:
    """A machine that runs, from `boot` to `power_off`."""

    def __init__(self) -> None:
        self._group = _groups() / f"yemotd-test-{os.getpid()}"
        self._folder = Path()
        self._outer: subprocess.Popen[bytes] | None = None
        self.pid = 0
        """Of its systemd, as this machine counts."""

    def boot(self) -> None:
        """Returns once services can be started; `CannotBoot` where it does not come to that."""
        for needed in ("unshare", "nsenter", "pivot_root", "setpriv"):
            if not shutil.which(needed):
                raise NotInstalled(f"{needed} is not installed: apt-get install util-linux")
        if not SYSTEMD.exists():
            raise NotInstalled("systemd is not installed: apt-get install systemd")
        try:
            self._group.mkdir()
        except OSError as error:
            raise CannotBoot(f"no group of processes can be made: {error}") from None
        self._folder = Path(tempfile.mkdtemp(prefix="yemotd-machine-"))
        log = self._folder.with_suffix(".log")
        # Should this process be killed, the machine is to go with it.
        enter = f'echo $$ >{self._group}/cgroup.procs; exec setpriv --pdeathsig KILL unshare "$@"'
        words = [*NAMESPACES, "--fork", "--kill-child", "/bin/sh", str(BOOT), str(self._folder)]
        with log.open("wb") as said:
            self._outer = subprocess.Popen(
                ["/bin/sh", "-c", enter, "unshare", *words],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        try:
            self._wait_for_systemd(log)
        except BaseException:
            self.power_off()
            raise
        finally:
            log.unlink()

    def power_off(self) -> None:
        """At once: all that it was goes with its first process."""
        if self._outer:
            self._outer.send_signal(signal.SIGKILL)
            self._outer.wait(PATIENCE)
        _wait_until(lambda: not self.pid or not Path(f"/proc/{self.pid}").exists())
        for group, _, _ in os.walk(self._group, topdown=False):
            os.rmdir(group)
        self._folder.rmdir()

    @property
    def root(self) -> Path:
        """Its files, to be read and written from here."""
        return Path(f"/proc/{self.pid}/root")

    def run(self, *words: str, code: int | None = 0) -> str:
        """Run a program in it as root; what it says. An assertion fails on another exit code than `code`."""
        ended = subprocess.run(
            ["nsenter", "--target", str(self.pid), "--all", *ENVIRONMENT, *words],  # noqa: S607
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            check=False,
        )
        said = ended.stdout.decode(errors="replace")
        assert code is None or ended.returncode == code, (words, ended.returncode, said)
        return said

    @contextmanager
    def network(self) -> Iterator[None]:
        """Within, what this thread opens, and the threads that it starts, is on the machine's loopback."""
        with open("/proc/thread-self/ns/net") as ours, open(f"/proc/{self.pid}/ns/net") as its:
            _enter(its.fileno())
            try:
                yield
            finally:
                _enter(ours.fileno())

    def _wait_for_systemd(self, log: Path) -> None:
        assert self._outer

        def is_up() -> bool:
            assert self._outer
            if self._outer.poll() is not None:
                raise CannotBoot(f"the machine ended while it started: {log.read_text().strip()}")
            children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children").read_text().split()
            self.pid = int(children[0]) if children else 0
            if not self.pid or _program(self.pid) != "systemd":
                return False
            return self.run("systemctl", "is-active", "multi-user.target", code=None) == "active\n"

        _wait_until(is_up)


ENVIRONMENT = (
    "env",
    "-i",
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG=C.UTF-8",
    "DEBIAN_FRONTEND=noninteractive",
)
"""Of whatever is run in it."""


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""  # it has ended


def _groups() -> Path:
    """Where this machine keeps its groups of processes."""
    if os.geteuid() != 0:
        raise CannotBoot("only root can boot a machine")
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(place)
    raise CannotBoot("there is no cgroup2 here")


def rest() -> None:
    """Leave the processor to the machine for a moment, before it is looked at again."""
    threading.Event().wait(0.05)


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _wait_until(is_true: Callable[[], bool]) -> None:
    deadline = monotonic() + PATIENCE
    while not is_true():
        assert monotonic() < deadline, "the machine takes too long"
        rest()
