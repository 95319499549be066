"""The receivers of `docs/receivers/`, as they are printed there: written down, started, spoken to."""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

from tests.support.fakes import Received
from tests.support.parts import program
from tests.support.paths import ROOT
from tests.support.process import free_port

PAGES = ROOT / "docs" / "receivers"
STARTS = 60
"""Seconds; Go compiles its library first."""


def printed(page: str, kind: str) -> list[str]:
    """The blocks of a page in `docs/receivers/`."""
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Way:
    """How one of them is put into a folder, and started there at a port."""

    page: str
    needs: tuple[str, ...]
    prepare: Callable[[Path, int], None]
    start: Callable[[int], Sequence[str]]
    says: str
    """Once it listens."""
    path: str = "/"


def _file(page: str, kind: str, name: str) -> Callable[[Path, int], None]:
    def prepare(folder: Path, _port: int) -> None:
        (source,) = printed(page, kind)
        (folder / name).write_text(source, encoding="utf-8")

    return prepare


def _node_red(folder: Path, port: int) -> None:
    """Itself by its lock file, and the flow, with nothing around it that would ask anybody."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "tests" / "receivers" / "node_red" / name, folder)
    install = [program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(install, cwd=folder, capture_output=True, timeout=300, check=True)
    (flow,) = printed("node-red", "json")
    (folder / "flows.json").write_text(flow, encoding="utf-8")
    (folder / "settings.js").write_text(
        f'module.exports = {{ uiHost: "127.0.0.1", uiPort: {port}, flowFile: "flows.json",'
        " telemetry: { enabled: false }, credentialSecret: false, editorTheme: { tours: false } };\n",
        encoding="utf-8",
    )


WAYS = {
    "Python": Way(
        "python",
        ("python3",),
        _file("python", "python", "receive.py"),
        lambda _port: [program("python3"), "receive.py"],
        "listening on",
    ),
    "Node": Way(
        "node",
        ("node",),
        _file("node", "js", "receive.mjs"),
        lambda _port: [program("node"), "receive.mjs"],
        "listening on",
    ),
    "PHP": Way(
        "php",
        ("php",),
        _file("php", "php", "receive.php"),
        lambda port: [program("php"), "-S", f"127.0.0.1:{port}", "receive.php"],
        "started",
    ),
    "Go": Way(
        "go",
        ("go",),
        _file("go", "go", "receive.go"),
        lambda _port: [program("go"), "run", "receive.go"],
        "listening on",
    ),
    "Node-RED": Way(
        "node-red",
        ("node", "npm"),
        _node_red,
        lambda _port: [program("node"), "node_modules/node-red/red.js", "-u", ".", "-s", "settings.js"],
        "Started flows",
        "/yemotd",
    ),
}


@dataclass
class Running:
    """A receiver that listens."""

    folder: Path
    port: int
    path: str
    said: list[str] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.path}"

    def post(self, request: Received) -> int:
        """The status that it answers a request with."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = {name: value for name, value in request.headers.items() if name != "content-length"}
            connection.request("POST", self.path, request.body, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def inbox(self) -> dict[str, bytes]:
        """What it has kept."""
        return {one.name: one.read_bytes() for one in (self.folder / "inbox").iterdir()}

    @contextmanager
    def without_inbox(self) -> Iterator[None]:
        """Meanwhile nothing can be kept."""
        inbox = self.folder / "inbox"
        if inbox.exists():
            inbox.rmdir()
        inbox.write_text("not a folder")
        yield
        inbox.unlink()
        inbox.mkdir()

    def hear(self, text: str) -> None:
        """Wait until it has said so."""
        with self._news:
            has_said = self._news.wait_for(lambda: any(text in line for line in self.said), STARTS)
            assert has_said, (text, self.said)

    def take(self, line: str) -> None:
        with self._news:
            self.said.append(line)
            self._news.notify_all()


@contextmanager
def running(way: Way, folder: Path, secret: str) -> Iterator[Running]:
    """A receiver as its page prints it, in a folder with that secret."""
    (folder / "crm-secret").write_text(f"{secret}\n", encoding="ascii")
    port = free_port()
    way.prepare(folder, port)
    environment = {"PORT": str(port), "PHP_CLI_SERVER_WORKERS": "4", "GOFLAGS": "-mod=mod", "GOPROXY": "off"}
    process = subprocess.Popen(
        way.start(port),
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    one = Running(folder, port, way.path)
    reader = threading.Thread(target=_read, args=(process, one))
    reader.start()
    try:
        one.hear(way.says)
        yield one
    finally:
        os.killpg(process.pid, 15)  # `go run` and PHP have children, who listen
        process.wait(30)
        reader.join(30)


def _read(process: "subprocess.Popen[str]", one: Running) -> None:
    assert process.stdout
    with process.stdout:
        for line in process.stdout:
            one.take(line)
