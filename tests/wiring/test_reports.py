"""Reports, the whole way: the platform played over HTTP, the real poller and store, a clock moved by hand."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from daemon.config.reports import ReportWatch
from daemon.config.systems import SystemSettings
from daemon.core import allowance
from daemon.core.allowance import Allowance
from daemon.core.durations import DAY
from daemon.core.model import Failure, Secret
from daemon.core.routing.plan import Interest
from daemon.pipeline.events import Recorder
from daemon.simulator.faults import Fault
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from daemon.store.database import Database
from daemon.wiring.watches import watches
from daemon.workers.poller import Polled, Poller
from daemon.yemot import reports
from daemon.yemot.client import Access, Client
from daemon.yemot.transport import Timeouts, Transport
from tests.support import stores
from tests.support.fakes import FakeClock, Ids

ZONE = ZoneInfo("Asia/Jerusalem")
TOKEN = "0770000000:demo"
FIELDS = ("Phone", "P050")
FILE, LAST_WEEK = "1/ApprovalAll.ymgr", "1/ApprovalAll.2026-18.ymgr"
FIVE = 300.0
"""Seconds until a file may be read again."""


def line(number: int) -> bytes:
    return f"Phone#05{number:08}%Date#03/05/2026%Time#10:14:09%P050#{number}\n".encode()


@dataclass
class Office:
    """A system, and a daemon that watches one report of it."""

    system: SimulatedSystem
    simulator: Simulator
    clock: FakeClock
    database: Database
    is_gateway: bool = False
    wanted: tuple[str, ...] = ("report.*",)
    ids: Ids = field(default_factory=Ids)
    file: str = "ApprovalAll"

    def __post_init__(self) -> None:
        self.allowance = Allowance(self.clock.monotonic)
        self.clients: list[Client] = []
        self.start()

    def start(self) -> None:
        """With an empty memory, on the store as it is."""
        settings = SystemSettings.model_construct(
            name="main",
            reports=(ReportWatch(path="/1", file=self.file, fields=FIELDS, every=timedelta(minutes=1)),),
        )
        access = Access(Secret(TOKEN), self.simulator.base_url)
        if self.is_gateway:
            from daemon.simulator.gateway import api_key, switch_id  # noqa: PLC0415

            access = Access(
                Secret(api_key(TOKEN, self.system)),
                self.simulator.gateway_url,
                None,
                "bearer",
                switch_id(self.system),
            )
        transport = Transport(Timeouts(), monotonic=self.clock.monotonic)
        client = Client(access, transport, now=self.clock.now, allowance=self.allowance)
        self.clients.append(client)
        (self.watch,) = watches(settings, client, ZONE)
        recorder = Recorder([Interest("crm", self.wanted, None)], self.ids)
        self.poller = Poller(
            self.database, lambda: recorder, now=self.clock.now, monotonic=self.clock.monotonic
        )

    def restart(self) -> None:
        """The process is another one."""
        self.allowance = Allowance(self.clock.monotonic)
        self.start()

    def poll(self, after: float = FIVE) -> list[str]:
        """The numbers of the rows that are told, at a poll so many seconds later."""
        self.clock.advance(after)
        self.polled = self.poller.poll(self.watch)
        events = [one for one in self.polled.recorded.events if one.type == "report.row.added"]
        return [row["P050"] for one in events if (row := _row(one.body))]

    @property
    def reads(self) -> int:
        """How many files were read."""
        counts = self.system.request_counts
        return counts[reports.RENDER] + counts[reports.RAW]

    def problems(self) -> list[str]:
        with self.database.read() as db:
            bodies = db.exec_driver_sql("SELECT problems FROM watches").scalars().all()
        return [str(one) for one in bodies]


def _row(body: bytes) -> dict[str, str]:
    import json  # noqa: PLC0415

    found: dict[str, str] = json.loads(body)["data"]["row"]
    return found


@pytest.fixture
def office() -> Iterator[Office]:
    clock = FakeClock()
    system = SimulatedSystem(now=clock.now)
    with Simulator({TOKEN: system}, now=clock.now) as simulator, closing(stores.in_memory()) as database:
        made = Office(system, simulator, clock, database)
        yield made
        for client in made.clients:
            client.close()


def test_rows_are_told_once_across_all_that_may_become_of_a_file(office: Office) -> None:
    files = office.system.files
    files.put(FILE, line(1) + line(2))
    assert office.poll(0) == []
    files.append(FILE, line(3) + line(3))
    assert office.poll() == ["3", "3"]
    assert office.poll() == []
    files.move(FILE, LAST_WEEK)
    files.append(LAST_WEEK, line(4))
    files.put(FILE, line(5))
    assert office.poll() == ["4", "5"]
    office.restart()
    assert office.poll() == []
    files.append(LAST_WEEK, line(6))
    files.put(FILE, line(7))
    assert office.poll() == ["6", "7"]
    files.remove(FILE)
    assert office.poll() == []
    files.put(FILE, line(5) + line(7) + line(8))
    assert office.poll() == ["8"]


def test_a_file_is_read_only_when_it_has_changed_and_at_most_every_five_minutes(office: Office) -> None:
    office.system.files.put(FILE, line(1))
    office.poll(0)
    for _ in range(20):
        office.poll(60)
    assert office.reads == 1
    office.system.files.append(FILE, line(2))
    assert office.poll(60) == ["2"]
    for number in range(3, 13):
        office.system.files.append(FILE, line(number))
        office.poll(60)

    assert office.reads == 4
    assert office.system.request_counts["GetIVR2Dir"] == 32


def test_a_file_that_appears_is_read_at_once(office: Office) -> None:
    office.system.files.put(LAST_WEEK, line(1))
    office.poll(0)
    office.system.files.put("1/ApprovalAll.2026-19.ymgr", line(2))

    assert office.poll(1) == ["2"]
    assert office.poll(1) == []
    assert office.poll() == []
    assert office.reads == 3, "the older one is read once more, when it may be"


def test_nor_is_it_read_more_often_by_a_process_that_is_started_again_and_again(office: Office) -> None:
    office.system.files.put(FILE, line(1))
    office.poll(0)
    for number in range(2, 7):
        office.system.files.append(FILE, line(number))
        office.restart()
        office.poll(60)

    assert office.reads == 2
    assert office.poll() == []


def test_the_clock_may_be_set_without_anything_being_read_more_often(office: Office) -> None:
    office.system.files.put(FILE, line(1))
    office.poll(0)
    office.system.files.append(FILE, line(2))
    office.clock.jump(3 * 86400)

    assert office.poll(1) == []
    assert office.poll() == ["2"]


SLOW = {Fault.SLOW, Fault.HANG, Fault.DRIP_HEAD, Fault.DRIP_BODY, Fault.ENDLESS}
"""Faults that take the time of a deadline, which is the transport's matter."""


@pytest.mark.parametrize("fault", sorted(set(Fault) - SLOW, key=str))
@pytest.mark.parametrize("method", ["GetIVR2Dir", reports.RENDER])
def test_whatever_is_answered_invents_and_loses_nothing(office: Office, method: str, fault: Fault) -> None:
    office.system.files.put(FILE, line(1) + line(2))
    office.system.files.put(LAST_WEEK, line(9))
    office.poll(0)
    office.system.files.append(FILE, line(3))
    office.simulator.faults.set(method, fault)
    found = office.poll() + office.poll()
    assert found in ([], ["3"])
    office.simulator.faults.clear()
    office.clock.advance(3600)
    assert found + office.poll() + office.poll() == ["3"]
    office.restart()
    office.system.files.append(FILE, line(4))
    assert office.poll() == ["4"]


def test_a_first_look_that_fails_is_none(office: Office) -> None:
    office.system.files.put(FILE, line(1))
    office.simulator.faults.set(reports.RENDER, Fault.SERVER_ERROR)
    assert office.poll(0) == []
    assert office.polled.unknown is not None
    office.simulator.faults.clear()
    office.system.files.append(FILE, line(2))

    assert office.poll() == []
    office.system.files.append(FILE, line(3))
    assert office.poll() == ["3"]


def test_a_file_that_cannot_be_read_is_not_taken_for_read(office: Office) -> None:
    office.system.files.put(FILE, line(1))
    office.poll(0)
    office.system.files.append(FILE, line(2))
    office.simulator.faults.set(reports.RENDER, Fault.TRUNCATED_JSON)
    office.poll()
    for _ in range(3):
        office.poll(10)
        assert office.polled.unknown is not None
        assert office.polled.unknown.failure is Failure.MALFORMED
    assert office.reads == 2, "and it is tried again a minute later"
    office.simulator.faults.clear()

    assert office.poll(60) == ["2"]


def test_a_file_that_cannot_be_read_holds_up_no_other(office: Office) -> None:
    office.system.files.put(LAST_WEEK, line(1))
    office.system.files.put(FILE, line(2))
    office.poll(0)
    office.system.files.put(LAST_WEEK, b"P050#" + b"x" * (reports.MOST_OF_A_ROW + 1) + b"\n")
    office.system.files.append(FILE, line(3))

    assert office.poll() == ["3"]
    assert office.poll(60) == []
    assert office.polled.unknown is not None
    office.system.files.append(FILE, line(4))
    assert office.poll() == ["4"]
    office.system.files.put(LAST_WEEK, line(1) + line(5))
    assert office.poll() == ["5"]


def test_a_file_that_waits_for_its_five_minutes_holds_up_no_new_one(office: Office) -> None:
    office.system.files.put(LAST_WEEK, line(1))
    office.poll(0)
    office.system.files.append(LAST_WEEK, line(2))
    office.system.files.put("1/ApprovalAll.2026-19.ymgr", line(3))

    assert office.poll(1) == ["3"]
    assert office.poll() == ["2"]


def test_a_first_look_waits_for_what_may_be_read(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowance, "MOST_A_DAY", 10)
    office.system.files.put(FILE, line(1))
    office.poll(0)
    assert office.polled.unknown is not None
    monkeypatch.setattr(allowance, "MOST_A_DAY", 10_000)
    assert office.poll() == []
    office.system.files.append(FILE, line(2))

    assert office.poll() == ["2"]


def test_where_there_is_no_rendering_the_file_is_read_as_it_lies_there(office: Office) -> None:
    office.is_gateway = True
    office.start()
    office.system.files.put(FILE, line(1) + b"no row at all\n")
    office.poll(0)
    office.system.files.append(FILE, line(2))

    assert office.poll() == ["2"]
    assert any("1 of 3 do not split" in one for one in office.problems())
    assert office.system.request_counts[reports.RENDER] == 0
    assert office.system.request_counts[reports.RAW] == 2


def test_another_form_of_the_same_file_is_no_news(office: Office) -> None:
    office.system.files.put(FILE, line(1) + line(2))
    office.poll(0)
    office.is_gateway = True
    office.restart()
    office.system.files.append(FILE, line(3))

    assert office.poll() == ["3"]


def test_a_line_that_is_half_written_is_told_when_it_is_whole(office: Office) -> None:
    office.is_gateway = True
    office.start()
    office.system.files.put(FILE, line(1))
    office.poll(0)
    office.system.files.append(FILE, line(22)[:-2])
    assert office.poll() == []
    office.system.files.append(FILE, line(22)[-2:])

    assert office.poll() == ["22"]


def test_a_day_allows_so_many_bytes_and_a_restart_gives_none_back(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowance, "MOST_A_DAY", 400)
    office.system.files.put(FILE, line(1))
    office.poll(0)
    office.system.files.append(FILE, line(2))
    assert office.poll() == ["2"]
    spent = office.allowance.spent("report/1/ApprovalAll")
    office.system.files.append(FILE, line(3))
    assert office.poll() == []
    assert stands(office) == ("unknown", '{"reason":"spent"}')
    office.restart()
    assert office.poll() == []
    assert sum(many for _, many in office.allowance.spent("report/1/ApprovalAll")) == sum(
        many for _, many in spent
    )
    assert stands(office) == ("unknown", '{"reason":"spent"}')

    assert office.poll((DAY + allowance.PART).total_seconds()) == ["3"]
    assert stands(office) == ("up", "{}")


def stands(office: Office) -> tuple[str, str]:
    with office.database.read() as db:
        (row,) = db.exec_driver_sql(
            "SELECT state, why FROM subjects WHERE subject = 'report/1/ApprovalAll'"
        ).all()
    return str(row[0]), str(row[1]).replace(" ", "")


def test_a_file_that_is_too_large_is_not_asked_for_and_said(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.system.files.put(FILE, line(1))
    office.poll(0)
    monkeypatch.setattr(reports, "MOST_BYTES", 100)
    office.system.files.append(FILE, line(2) * 10)

    assert office.poll() == []
    assert office.reads == 1
    assert stands(office) == ("unknown", '{"reason":"too_large"}')
    assert any("larger than what is taken" in one for one in office.problems())


def test_other_files_of_the_folder_are_neither_read_nor_news(office: Office) -> None:
    office.system.files.put(FILE, line(1))
    for name in (
        "1/ApprovalAll.old.ymgr",
        "1/LogCreditCard.ymgr",
        "1/LogCreditCardApprovalAll.ymgr",
        "1/000.wav",
    ):
        office.system.files.put(name, line(7))
    office.poll(0)
    office.system.files.append("1/ApprovalAll.old.ymgr", line(8))

    assert office.poll() == []
    assert office.polled.is_unchanged
    asked = [one.params.get("wath", "") for one in office.system.requests if one.method == reports.RENDER]
    assert asked == ["ivr2:/1/ApprovalAll.ymgr"]


def test_records_of_payments_are_not_read_whoever_asks(office: Office) -> None:
    office.system.files.put("1/LogCreditCard.ymgr", line(7))
    found = reports.read(office.clients[0], "/1/LogCreditCard.ymgr")

    assert getattr(found, "failure", None) is Failure.REFUSED
    assert office.reads == 0


def test_where_nobody_names_them_rows_are_known_and_not_written(office: Office) -> None:
    office.wanted = ("*",)
    office.start()
    office.system.files.put(FILE, line(1))
    office.poll(0)
    office.system.files.append(FILE, line(2))

    assert office.poll() == []
    with office.database.read() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM events").scalar_one() == 0


def test_nothing_that_was_keyed_in_is_stored_but_what_is_listed(office: Office) -> None:
    secret = b"Phone#0500000001%P050#1%P051#4242424242%P052#4580458045804580\n"
    office.system.files.put(FILE, line(1))
    office.poll(0)
    office.system.files.append(FILE, secret)
    assert office.poll() == ["1"]

    with office.database.read() as db:
        whole = "".join(db.connection.dbapi_connection.iterdump())  # type: ignore[union-attr]
    assert "4242424242" not in whole
    assert "4580458045804580" not in whole


def test_a_poll_that_is_tried_writes_nothing_and_shows_no_row(office: Office) -> None:
    office.system.files.put(FILE, line(1))
    polled: Polled = office.poller.rehearse(office.watch)

    assert polled.saw == {"files": ["ApprovalAll.ymgr"], "rows": {"ApprovalAll.ymgr": 1}, "not_read": {}}
    assert office.watch.description.told_every == timedelta(minutes=5)
