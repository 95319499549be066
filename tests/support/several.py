"""Several daemons on one PostgreSQL, as processes, with phone systems and receivers around them.

`Several.judge` looks at what those saw, and at what is stored.
"""

import json
import random
import re
import shutil
import signal
import socket
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from daemon.core import own_events, ownership
from daemon.core.ownership import Kind, Share
from daemon.host.clock import monotonic, utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.soak.world import Arrived, Receivers
from tests.support.postgresql import Server, own_server
from tests.support.process import Process

NAMES = ("north", "south", "west")
PHONE = "0773137700"
HEAD = """\
[daemon]
database = "{database}"
member = "{member}"
drain = "3s"
[http]
listen = "127.0.0.1:0"
token_file = "http-token"
"""
SYSTEM = """\
[[systems]]
name = "{name}"
token_file = "token-{name}"
base_url = "{{base_url}}"
connect_timeout = "2s"
read_timeout = "4s"
deadline = "5s"
commands = ["*"]
commands_rate = 100.0
campaign_units_per_day = 100000
[systems.sms]
every = "{every}"
limit = 100
[systems.sip]
every = "{every}"
for = "500ms"
keep_firing = "0s"
flapping = "0s"
"""
HOOKS = """\
[[webhooks]]
name = "crm"
url = "{crm_url}"
secret_file = "secret"
events = ["sms.*", "sip.*", "command.*", "daemon.*"]
retries = ["200ms", "300ms", "500ms", "1s", "1s", "1s", "2s", "2s", "5s", "5s", "5s", "5s", "5s"]
[webhooks.headers]
x-endpoint = "crm"
[[webhooks]]
name = "steady"
url = "{steady_url}"
secret_file = "secret"
events = ["sip.*", "command.*"]
retries = ["200ms", "300ms", "500ms", "1s", "1s", "1s", "2s", "2s", "5s", "5s", "5s", "5s", "5s"]
[webhooks.headers]
x-endpoint = "steady"
"""
FIRES, RESOLVES = "sip.account.unregistered", "sip.account.registered"
PATIENCE = 120.0
"""Seconds for a start and an end of several at once, on a machine that has other things to do."""
MARK = re.compile(r"#(\d+)#")
PAST_THE_STORE = (own_events.STORE_FAILED,)
CRASHES = ("poll.crashed", "command.crashed", "daemon.crashed", "supervisor.restarted", "raw")


class Pipe:
    """A TCP proxy on loopback, which can be cut, and which can fall silent."""

    def __init__(self, port: int) -> None:
        """`port`: where it leads."""
        self._to = port
        self._lines: list[socket.socket] = []
        self._flows = threading.Event()
        self._flows.set()
        self._is_open = True
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def stall(self) -> None:
        """Nothing comes through any more, in either direction; nobody is told."""
        self._flows.clear()

    def cut(self) -> None:
        """All connections end, and new ones end at once."""
        self._is_open = False
        self._cut()

    def mend(self) -> None:
        self._is_open = True
        self._flows.set()

    def close(self) -> None:
        self._server.close()
        self.cut()
        self._flows.set()

    def _cut(self) -> None:
        lines, self._lines = self._lines, []
        for one in lines:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._server.accept()
            except OSError:
                return
            if not self._is_open:
                here.close()
                continue
            try:
                there = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                here.close()
                continue
            self._lines += [here, there]
            threading.Thread(target=self._serve, args=(here, there), daemon=True).start()

    def _serve(self, here: socket.socket, there: socket.socket) -> None:
        with here, there:
            back = threading.Thread(target=self._carry, args=(there, here), daemon=True)
            back.start()
            self._carry(here, there)
            back.join()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                self._flows.wait()
                other.sendall(data)
        for each in (one, other):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class Several:
    """Everything of one test; `several` makes it, and ends it."""

    def __init__(self, folder: Path, server: Server, *, systems: int, every: str, seed: int) -> None:
        self.folder = folder
        self.server = server
        self.chance = random.Random(seed)  # noqa: S311 - the same in every run
        self.systems: dict[str, SimulatedSystem] = {}
        self._tokens: dict[str, str] = {}
        for number in range(systems):
            name, one = f"s{number}", SimulatedSystem(f"0770{number:06d}", now=utcnow)
            one.set_units(1_000_000)
            one.queue("/5").add_agent("SIP-1")
            one.add_sip_account(PHONE)
            one.set_registered(PHONE, registered=True)
            self.systems[name], self._tokens[name] = one, f"0770{number:06d}:pw"
        self.simulator = Simulator(
            {self._tokens[name]: one for name, one in self.systems.items()}, now=utcnow
        )
        self.simulator.start()
        self.crm = Receivers(random.Random(seed))  # noqa: S311 - as above
        self.steady = Receivers(random.Random(seed))  # noqa: S311 - as above
        self.pipes: dict[str, Pipe] = {}
        self.members: dict[str, Process] = {}
        self.configuration = HEAD + "".join(SYSTEM.format(name=one, every=every) for one in self.systems)
        self.configuration += HOOKS
        self.sent: dict[int, tuple[str, str]] = {}
        """The system and the text of each SMS, by its number."""
        self.down: set[str] = set()
        """Systems whose phone is off the network."""
        self.commands: list[tuple[str, str]] = []
        """The phone that a campaign dials, and the command's id."""
        self._stopped: set[str] = set()

    # The daemons

    def add(self, name: str, *, is_proxied: bool = False) -> Process:
        """One more daemon, which is not started yet."""
        directory = self.folder / name
        directory.mkdir()
        url = self.server.url()
        if is_proxied:
            pipe = self.pipes[name] = Pipe(self.server.port)
            url = url.replace(f":{self.server.port}/", f":{pipe.port}/")
        places = {"base_url": self.simulator.base_url, "crm_url": self.crm.url, "steady_url": self.steady.url}
        one = Process(directory, self.configuration, database=url, member=name, **places)
        for system, token in self._tokens.items():
            one._write(f"token-{system}", token)
        key = self.folder / "yemotd.key"
        if not key.exists():
            key.touch(mode=0o600)
            key.write_bytes(random.Random(1).randbytes(32).hex().encode())  # noqa: S311 - it guards nothing
        shutil.copy(key, directory / "yemotd.key")
        self.members[name] = one
        return one

    def start(self, *names: str) -> None:
        """At the same time; ready when this returns."""
        failures: list[BaseException] = []

        def begin(name: str) -> None:
            try:
                many = self.members[name].count("daemon.ready")
                self.members[name].launch()
                self.members[name].wait_for("daemon.ready", count=many + 1, timeout=PATIENCE)
            except BaseException as error:
                failures.append(error)

        starts = [threading.Thread(target=begin, args=(one,)) for one in names]
        for one in starts:
            one.start()
        for one in starts:
            one.join()
        assert not failures, failures

    def begin(self, *names: str, **settings: bool) -> None:
        """Add these, start them at the same time, and wait until all systems were seen once."""
        for name in names:
            self.add(name, **settings)
        self.start(*names)
        self.wait_for_baseline()
        self.wait_until_shared(*names)

    def wait_until_shared(self, *names: str) -> None:
        """Each system is whose it is to be with these, and no others, for members; the rest is somebody's."""
        to_be = {one: ownership.owner(Share(Kind.SYSTEM, one), names) for one in self.systems}

        def rest() -> list[tuple[Any, ...]]:
            return self.rows("SELECT kind, name, member FROM holdings WHERE kind <> %s", Kind.SYSTEM)

        wait_until(
            lambda: self.holders() == to_be and all(member in names for _, _, member in rest()),
            within=60,
            what=lambda: (self.holders(), rest()),
        )

    def rewrite(self, name: str, configuration: str) -> None:
        """Another file for one of them, and SIGHUP."""
        self.members[name].configure(configuration)
        self.members[name].signal(signal.SIGHUP)

    def freeze(self, name: str) -> None:
        """SIGSTOP."""
        self._stopped.add(name)
        self.members[name].signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """SIGCONT."""
        self._stopped.discard(name)
        self.members[name].signal(signal.SIGCONT)

    def is_stopped(self, name: str) -> bool:
        """By SIGSTOP."""
        return name in self._stopped

    def another_chance(self) -> random.Random:
        """For another thread."""
        return random.Random(self.chance.random())  # noqa: S311 - the same in every run

    def is_running(self, name: str) -> bool:
        running = self.members[name]._running
        return running is not None and running.poll() is None

    # What happens around them

    def message(self, system: str | None = None) -> int:
        """One more SMS; its number."""
        name = system or self.chance.choice(list(self.systems))
        number = len(self.sent)
        text = f"#{number}# {'שלום ' * (number % 7)}"
        self.sent[number] = name, text
        self.systems[name].receive_sms("0541234567", text)
        return number

    def turn(self, system: str | None = None) -> None:
        """A phone drops off, or comes back."""
        name = system or self.chance.choice(list(self.systems))
        is_down = name in self.down
        self.systems[name].set_registered(PHONE, registered=is_down)
        (self.down.discard if is_down else self.down.add)(name)

    def campaign(self, by: str, system: str | None = None) -> str | None:
        """Give a campaign to one of the daemons; the command's id. None: it did not answer, and the command
        may be there all the same."""
        name = system or self.chance.choice(list(self.systems))
        phone = f"05{len(self.commands):08d}"
        document = {
            "type": "campaign.bridge", "system": name, "params": {"phones": phone, "ivr_path": "/1"},
        }  # fmt: skip
        try:
            status, answer = self.members[by].post("/api/v1/commands", document, idempotency_key=phone)
        except OSError:
            self.commands.append((phone, ""))
            return None
        assert status in (202, 503), answer
        command = str(answer["id"]) if status == 202 else ""
        self.commands.append((phone, command))
        return command or None

    # What is so

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Of the database."""
        with self.server.connect() as db:
            return db.execute(statement.encode(), values).fetchall()

    def holders(self, kind: str = "system") -> dict[str, str | None]:
        """Who has what."""
        return dict(self.rows("SELECT name, member FROM holdings WHERE kind = %s", kind))

    def of(self, member: str, kind: str = "system") -> set[str]:
        return {name for name, holder in self.holders(kind).items() if holder == member}

    def told(self, event_type: str) -> list[str | None]:
        """The members that events of this type tell of, in their order."""
        found = self.rows("SELECT body FROM events WHERE type = %s ORDER BY number", event_type)
        return [json.loads(bytes(body))["data"]["member"]["name"] for (body,) in found]

    def arrived(self) -> list[Arrived]:
        """All that receivers got; in order for each of them."""
        return self.crm.arrived() + self.steady.arrived()

    def of_type(self, event_type: str, endpoint: str = "crm") -> list[Arrived]:
        """What an endpoint was sent of a type, with all repeats."""
        return [one for one in self.arrived() if one.endpoint == endpoint and one.told["type"] == event_type]

    def wait_for_baseline(self) -> None:
        """Every system was seen, so what comes from now on is new; and each is somebody's."""
        wait_until(
            lambda: all(self.holders().get(one) for one in self.systems) and not self._unseen(),
            within=60,
            what=lambda: (self.holders(), self._unseen()),
        )

    def _unseen(self) -> list[str]:
        """Systems of which something was never seen."""
        name = next(one for one in self.members if self.is_running(one) and one not in self._stopped)
        _, status = self.members[name].get("/api/v1/status")
        return [
            str(one["name"])
            for one in status["systems"]
            for watch in one["watches"]
            if not watch["observed_at"]
        ]

    def asked_since(self, system: str, moment: datetime) -> datetime | None:
        """When a system was asked first after a moment."""
        return next((one.at for one in self.systems[system].requests if one.at > moment), None)

    # The judge

    def come_to_rest(self, within: float = 90) -> list[str]:
        """Wait until everything has arrived that has to. Returns what did not."""
        for one in (self.crm, self.steady):
            one.is_calm = True
        until, left = monotonic() + within, ["nothing was looked at"]
        while left and monotonic() < until:
            left = self.missing()
            threading.Event().wait(0.5 if left else 0)
        return left

    def missing(self) -> list[str]:
        """What has to arrive yet, in sentences."""
        arrived = self.arrived()
        got = {
            _number(one.told["data"]["sms"]["text"])
            for one in arrived
            if one.is_accepted and one.told["type"] == "sms.received"
        }
        found = [f"SMS {number} did not arrive" for number in self.sent.keys() - got]
        for endpoint in ("crm", "steady"):
            down = _down(arrived, endpoint)
            if down != self.down:
                found.append(f"{endpoint} believes that {sorted(down)} are down, not {sorted(self.down)}")
        left = self.rows("SELECT id, status FROM commands WHERE status IN ('queued', 'running')")
        found += [f"the command {one} is {status}" for one, status in left]
        waiting = self.rows(
            "SELECT endpoint, status, count(*) FROM deliveries"
            " WHERE status NOT IN ('delivered', 'superseded') GROUP BY 1, 2"
        )
        return found + [f"deliveries are left: {row}" for row in waiting]

    def judge(self) -> list[str]:
        """What is wrong, in sentences; once all has come to rest."""
        arrived = self.arrived()
        return [
            *self._of_messages(arrived),
            *_of_bodies(arrived),
            *_of_alerts(arrived, self._superseded()),
            *self._of_campaigns(),
            *self._of_the_store(arrived),
            *self._of_processes(),
        ]

    def _of_messages(self, arrived: Sequence[Arrived]) -> list[str]:
        ids: dict[int, set[str]] = defaultdict(set)
        found = []
        for one in arrived:
            if one.told["type"] == "sms.received":
                data = one.told["data"]
                number = _number(data["sms"]["text"])
                ids[number].add(one.event)
                if self.sent.get(number) != (data["system"], data["sms"]["text"]):
                    found.append(f"an SMS arrived that was never sent: {data}")
        doubled = [
            f"SMS {number} has the ids {sorted(those)}" for number, those in ids.items() if len(those) > 1
        ]
        return found + doubled

    def _of_campaigns(self) -> list[str]:
        dialled = Counter(
            phone for system in self.systems.values() for one in system.campaigns for phone in one.phones
        )
        ends: dict[str, str] = dict(self.rows("SELECT id, status FROM commands"))
        found = [f"{phone} was dialled {many} times" for phone, many in dialled.items() if many > 1]
        for phone, command in self.commands:
            status = ends.get(command)
            may_be = {"succeeded": (1,), "unknown": (0, 1), "expired": (0,), "failed": (0,)}
            if command and dialled[phone] not in may_be.get(status or "", ()):
                found.append(f"{command} is {status}, and {phone} was dialled {dialled[phone]} times")
        return found

    def _of_the_store(self, arrived: Sequence[Arrived]) -> list[str]:
        gaps = self.rows(
            "SELECT system, count(*), min(sequence), max(sequence) FROM events GROUP BY system"
            " HAVING count(*) <> max(sequence) - min(sequence) + 1 OR count(*) <> count(DISTINCT sequence)"
        )
        stored = {event: bytes(body) for event, body in self.rows("SELECT id, body FROM events")}
        found = [
            f"{one.event} arrived, and is not stored so: {one.told}"
            for one in arrived
            if stored.get(one.event) != one.body and one.told["type"] not in PAST_THE_STORE
        ]
        open_twice = self.rows(
            "SELECT system, subject, count(*) FROM incidents WHERE ended_at IS NULL"
            " GROUP BY system, subject, fires HAVING count(*) > 1"
        )
        return [
            *found,
            *(f"gaps in the sequence of {row}" for row in gaps),
            *(f"incidents open beside each other: {row}" for row in open_twice),
        ]

    def _superseded(self) -> set[tuple[str, str]]:
        """The endpoints and the incidents of which something was out of date before it could be sent."""
        found = (
            "SELECT endpoint, incident FROM deliveries WHERE status = 'superseded' AND incident IS NOT NULL"
        )
        return {(endpoint, incident) for endpoint, incident in self.rows(found)}

    def _of_processes(self) -> list[str]:
        found = []
        for name, one in self.members.items():
            with one._said:
                bad = [line for line in one.lines if _is_bad(line)]
            found += [f"{name} says {line}" for line in bad[:3]]
        return found

    def close(self) -> None:
        for name in list(self._stopped):
            with suppress(OSError):
                self.thaw(name)
        for one in self.pipes.values():
            one.mend()
        for process in self.members.values():
            with suppress(OSError):
                process.signal(signal.SIGKILL) if process._running else None
            if process._running:
                process.wait()
        for pipe in self.pipes.values():
            pipe.close()
        self.simulator.stop()
        self.crm.close()
        self.steady.close()


@contextmanager
def several(folder: Path, *, systems: int = 12, every: str = "500ms", seed: int = 18) -> Iterator[Several]:
    """A PostgreSQL of its own, and all that is around daemons, of which none is there yet."""
    with own_server(folder) as server:
        one = Several(folder, server, systems=systems, every=every, seed=seed)
        try:
            yield one
        finally:
            one.close()


def wait_until(
    is_so: Callable[[], object], *, within: float = PATIENCE, what: Callable[[], object] = lambda: ""
) -> float:
    """Seconds until something is so; a database that is away is no answer."""
    began = monotonic()
    while monotonic() < began + within:
        with suppress(psycopg.Error, OSError):
            if is_so():
                return monotonic() - began
        threading.Event().wait(0.1)
    raise AssertionError(what())


def _is_bad(line: dict[str, Any]) -> bool:
    """Whether a line of the log tells of an error of ours; that a start found no database is none."""
    if line.get("event") == "stop.failed" and "OperationalError" in line.get("exception", ""):
        return False  # the database was away as it ended
    is_raw = line.get("event") == "raw"
    is_away = is_raw and line["text"].startswith(("postgresql+psycopg://", "the database:"))
    return not is_away and (line.get("event") in CRASHES or "exception" in line)


def _number(text: str) -> int:
    found = MARK.match(text)
    return int(found[1]) if found else -1


def _down(arrived: Sequence[Arrived], endpoint: str) -> set[str]:
    """The systems of whose phone an endpoint believes that it is down, by the last that it took of each."""
    last: dict[str, tuple[int, bool]] = {}
    for one in arrived:
        told = one.told
        if one.is_accepted and one.endpoint == endpoint and told["type"] in (FIRES, RESOLVES):
            system, sequence = told["data"]["system"], told["data"]["sequence"]
            if sequence >= last.get(system, (0, False))[0]:
                last[system] = sequence, told["type"] == FIRES
    return {system for system, (_, is_down) in last.items() if is_down}


def _of_bodies(arrived: Sequence[Arrived]) -> list[str]:
    """One id is one body; all are signed; first arrivals of a subject are in order."""
    found = [f"{one.event} is not genuine" for one in arrived if not one.is_genuine]
    bodies: dict[str, set[bytes]] = defaultdict(set)
    first: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    seen: set[tuple[str, str]] = set()
    for one in arrived:
        bodies[one.event].add(one.body)
        data = one.told["data"]
        if (one.endpoint, one.event) not in seen and data["system"] is not None:
            seen.add((one.endpoint, one.event))
            first[one.endpoint, data["system"], data["subject"]].append(data["sequence"])
    found += [f"{event} has {len(those)} bodies" for event, those in bodies.items() if len(those) > 1]
    found += [f"{lane}: out of order: {told}" for lane, told in first.items() if told != sorted(told)]
    return found


def _of_alerts(arrived: Sequence[Arrived], superseded: set[tuple[str, str]]) -> list[str]:
    """Of each phone an endpoint is told (fire repeat* resolve)*, each of one incident. At the front may be
    missing what was `superseded` before it was sent."""
    told: dict[tuple[str, str], dict[str, tuple[str, str]]] = defaultdict(dict)
    for one in arrived:
        if one.told["type"] in (FIRES, RESOLVES):
            alert, system = one.told["data"]["alert"], one.told["data"]["system"]
            word = "+" if alert["reason"] == "repeat" else alert["status"][0]
            told[one.endpoint, system].setdefault(one.event, (alert["incident"], word))
    found = []
    for (endpoint, system), events in told.items():
        of: dict[str, str] = {}
        for incident, word in events.values():
            of[incident] = of.get(incident, "") + word
        for incident, words in of.items():
            may_begin = "f?" if (endpoint, incident) in superseded else "f"
            if not re.fullmatch(rf"{may_begin}\+*r?", words):
                found.append(f"{endpoint}: {incident} of {system} was told as {words}")
        if "".join(word for _, word in events.values()) != "".join(of.values()):
            found.append(f"{endpoint}: incidents of {system} were told in between each other: {events}")
    return found
