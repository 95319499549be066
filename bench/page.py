"""The page and its lists over a store in which much has happened: how soon they answer, how large the first
load is, and how soon what was committed is on the screen of a real browser.

The store is generated once a day, and kept under `build/bench`.
"""

import http.client
import json
import re
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Page, sync_playwright

from bench import product
from bench.figures import Figure, percentile
from bench.plan import Plan
from bench.processes import PATIENCE, TOP, pinned
from bench.product import Daemon, Simulated, Webhook
from daemon.host import clock
from daemon.store import database as databases
from daemon.store.schema import REVISION
from tests.support import browsing, full_store
from tests.support.full_store import Size

EVENTS = 1_000_000
SYSTEMS, SUBJECTS = 50, 20
FRESH_SECONDS = 86_400
REQUESTS = 100
"""Of each page and list."""
UPDATES = 60
SETTLED_SECONDS = 120.0
KEPT = TOP / "build" / "bench"
SYSTEM = """\
[systems.sms]
every = "1h"
[systems.sip]
every = "1h"
[[systems.queues]]
path = "/5"
every = "1h"
[[systems.queues]]
path = "/6"
every = "1h"
[[systems.queues]]
path = "/7"
every = "1h"
[[systems.directories]]
path = "/2"
every = "1h"
[systems.pirsumphone]
every = "1h"
[systems.units]
every = "1h"
below = 1
"""
"""With twelve accounts, twenty subjects."""
ACCOUNTS = 12
PHONE = "0770000000=2"
LIVE = """\
[systems.sip]
every = "200ms"
for = "0s"
keep_firing = "0s"
"""
PAUSE_SECONDS = 0.5
"""Between two changes; so each is told by itself."""
LISTS = (
    "events?limit=50",
    "events?type=sms.*&limit=50",
    "alerts",
    "incidents",
    "incidents?state=firing",
    "deliveries",
    "deliveries?status=dead",
    "deliveries?endpoint=crm",
    "commands",
    "silences",
    "endpoints",
)
FRONT = "/"
CHANGED = """
() => {
  const said = () => document.querySelector(".banner").textContent;
  const before = said();
  window.shown = new Promise((done) => {
    const look = () => said() !== before && done(performance.timeOrigin + performance.now());
    const all = { subtree: true, childList: true, characterData: true };
    new MutationObserver(look).observe(document.body, all);
  });
}
"""
"""Keeps when the banner first said something else, in milliseconds since 1970."""
_PAUSE = threading.Event()


def page(plan: Plan) -> list[Figure]:
    """Everything."""
    many = plan.size(EVENTS)
    size = Size(many, [f"office-{number}" for number in range(SYSTEMS)], SUBJECTS)
    with (
        tempfile.TemporaryDirectory(dir=plan.directory) as name,
        product.simulator(Path(name), core=plan.cores.receiver) as simulated,
    ):
        directory = Path(name)
        config = _configured(directory, simulated, size)
        shutil.copyfile(_filled(size), directory / product.DATABASE)
        with product.daemon(config, core=plan.cores.sender) as daemon:
            _settle(daemon)
            visitor = Visitor(daemon)
            visitor.sign_in()
            note = f"{many:,} events, {SYSTEMS * SUBJECTS:,} subjects, {REQUESTS} requests"
            figures = [
                *_pages(visitor, note),
                *_lists(daemon, size, note),
                _first_load(visitor),
                _update(visitor, directory, simulated, plan, note),
            ]
    return figures


@dataclass
class Visitor:
    """Who looks at the page, on one connection, as browsers do."""

    daemon: Daemon
    cookie: str = ""

    def sign_in(self) -> None:
        """By the door."""
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.http_port, timeout=60)
        with closing(connection):
            host = f"127.0.0.1:{self.daemon.http_port}"
            headers = {
                "content-type": "application/x-www-form-urlencoded", "origin": f"http://{host}",
                "accept": "text/html", "host": host,
            }  # fmt: skip
            connection.request("POST", "/sign-in", urlencode({"token": product.FILES["http-token"]}), headers)
            answer = connection.getresponse()
            answer.read()
            given = [one.partition(";")[0] for one in answer.headers.get_all("set-cookie", [])]
            self.cookie = next((one for one in given if not one.endswith(("=", '=""'))), "")
            if answer.status != http.HTTPStatus.SEE_OTHER or not self.cookie:
                raise RuntimeError(f"signing in: {answer.status} {given}")

    def get(self, path: str) -> bytes:
        """A page, or a file of it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.http_port, timeout=60)
        with closing(connection):
            connection.request("GET", path, headers={"cookie": self.cookie, "accept": "text/html"})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != http.HTTPStatus.OK:
                raise RuntimeError(f"GET {path}: {answer.status}")
            return body


def _pages(visitor: Visitor, note: str) -> list[Figure]:
    """The front page has a goal of its own; the other pages that it leads to are there to be seen."""
    links = re.findall(rb'<a [^>]*?href="(/[^"]*)"', visitor.get(FRONT))
    others = sorted({one.decode().replace("&amp;", "&").partition("#")[0] for one in links} - {FRONT})
    named = [one for one in others if one.count("/") == 1]
    system = next((one for one in others if re.fullmatch(r"/systems/[^/]+", one)), None)
    figures = []
    for path in [FRONT, *named, *([system] if system else [])]:
        took, cost = _timed(visitor.daemon, partial(visitor.get, path))
        shown = "/systems/…" if path == system else path
        figures.append(Figure(f"page {shown}", f"page {shown}, p95", "ms", (took,), note=f"{cost}; {note}"))
    return figures


def _lists(daemon: Daemon, size: Size, note: str) -> list[Figure]:
    """Of the API; one that there is not is not run."""
    figures = []
    history = f"history?{urlencode({'system': size.systems[0], 'subject': 'api'})}"
    for path in (*LISTS, history):
        title = f"GET {path}, p95"
        try:
            took, cost = _timed(daemon, partial(daemon.ask, f"/api/v1/{path}"))
        except RuntimeError as error:
            figures.append(Figure(f"page-list {path}", title, "ms", not_run=str(error)))
        else:
            figures.append(Figure(f"page-list {path}", title, "ms", (took,), note=f"{cost}; {note}"))
    return figures


def _timed(daemon: Daemon, ask: Callable[[], bytes]) -> tuple[float, str]:
    """Milliseconds, at the 95th percentile; and what it cost the daemon, on a machine however busy."""
    took = []
    ask()
    before = daemon.cpu_seconds()
    for _ in range(REQUESTS):
        began = time.perf_counter()
        ask()
        took.append((time.perf_counter() - began) * 1000)
    cost = (daemon.cpu_seconds() - before) / REQUESTS * 1000
    return percentile(took, 0.95), f"{cost:.1f} ms of CPU"


def _first_load(visitor: Visitor) -> Figure:
    """What a browser fetches for the front page that has nothing of it yet; nothing is compressed."""
    html = visitor.get(FRONT)
    files = {one.decode() for one in re.findall(rb'(?:src|href)="((?:/static/|/manifest)[^"]+)"', html)}
    sizes = {FRONT: len(html), **{one: len(visitor.get(one)) for one in sorted(files)}}
    told = ", ".join(f"{name.rpartition('/')[2] or 'html'} {size / 1000:.1f}" for name, size in sizes.items())
    return Figure("page-first-load", "first load of the front page", "KB",
                  (sum(sizes.values()) / 1000,), note=f"{SYSTEMS} systems; {told}")  # fmt: skip


def _update(visitor: Visitor, directory: Path, simulated: Simulated, plan: Plan, note: str) -> Figure:
    """From the commit of a change to the text on the screen, one change at a time, in Chromium."""
    title = "commit → on the screen, p95"
    program = browsing.path()
    if program is None:
        return Figure("page-update", title, "ms", not_run="chromium is not installed")
    took: list[float] = []
    with pinned(plan.cores.receiver), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*browsing.FLAGS])
        context = browser.new_context(viewport={"width": 1400, "height": 900})
        name, _, value = visitor.cookie.partition("=")
        url = f"http://127.0.0.1:{visitor.daemon.http_port}"
        context.add_cookies([{"name": name, "value": value, "url": url}])
        looked_at = context.new_page()
        looked_at.goto(f"{url}{FRONT}")
        commits = _Commits(directory / product.DATABASE)
        for number in range(max(plan.size(UPDATES), 10)):
            took.append(_one_update(looked_at, commits, simulated, registered=bool(number % 2)))
        browser.close()
    return Figure("page-update", title, "ms", (percentile(took, 0.95),), note=f"{len(took)} changes; {note}")


def _one_update(looked_at: Page, commits: "_Commits", simulated: Simulated, *, registered: bool) -> float:
    """Milliseconds from the commit of an event to what the page shows of it."""
    looked_at.evaluate(CHANGED)
    commits.begin()
    simulated.do("sip", user_name=PHONE, registered=registered)
    committed = commits.wait()
    shown: float = looked_at.evaluate("window.shown")
    _PAUSE.wait(PAUSE_SECONDS)
    return shown - committed * 1000


class _Commits:
    """When another process has committed an event: at the latest moment at which it was not there, so that
    what is measured from then on is rather too long."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._before, self._at = 0, 0.0
        self._thread = threading.Thread()

    def begin(self) -> None:
        """Look from now on."""
        self._before = self._newest()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def wait(self) -> float:
        """Seconds since 1970."""
        self._thread.join()
        return self._at

    def _look(self) -> None:
        until = clock.monotonic() + PATIENCE
        while clock.monotonic() < until:
            self._at = clock.utcnow().timestamp()
            if self._newest() > self._before:
                return
            _PAUSE.wait(0.001)

    def _newest(self) -> int:
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as db:
            ((number,),) = db.execute("SELECT max(number) FROM events")
            return int(number or 0)


def _configured(directory: Path, simulated: Simulated, size: Size) -> Path:
    """Systems that are asked once an hour, and one that is asked all the time."""
    for number in range(3, ACCOUNTS + 1):
        simulated.do("sip", action="add", user_name=f"0770000000={number}", registered=True)
    for path in ("/6", "/7"):
        simulated.do("queue", action="add", path=path)
    systems = [product.system(one, simulated.base_url, SYSTEM) for one in size.systems]
    live = product.system("live", simulated.base_url, LIVE)
    hook = Webhook(product.NOBODY, name=full_store.ENDPOINT, events="sms.*")
    return product.configure(directory, [hook], systems=[*systems, live], listen="127.0.0.1:0")


def _filled(size: Size) -> Path:
    """The store of this size, of today."""
    path = KEPT / f"{REVISION}-{size.events}-{len(size.systems)}-{size.subjects}.db"
    if path.exists() and clock.utcnow().timestamp() - path.stat().st_mtime < FRESH_SECONDS:
        return path
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KEPT) as name:
        made = Path(name) / path.name
        database = databases.open_for_daemon(f"sqlite:///{made}")
        try:
            now = clock.utcnow()
            full_store.fill(database, size, now)
            full_store.history(database, size, now)
        finally:
            database.close()
        made.replace(path)
    return path


def _settle(daemon: Daemon) -> None:
    """Until everything was looked at once."""
    until = clock.monotonic() + SETTLED_SECONDS
    while "daemon.ready" not in daemon.log.read_text():  # which is written a moment after it is said
        _PAUSE.wait(0.05)
    while True:
        systems = json.loads(daemon.ask("/api/v1/status"))["systems"]
        if all(watch["observed_at"] for one in systems for watch in one["watches"]):
            return
        if clock.monotonic() > until:
            raise RuntimeError(f"not everything was polled within {SETTLED_SECONDS:.0f} s")
        _PAUSE.wait(1)
