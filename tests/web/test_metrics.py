"""`/metrics`: what it says of a story that was played, to whom, and what asking costs."""

import asyncio
import json
import re
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from time import process_time
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from daemon.core.commands.command import Command
from daemon.core.commands.command import Status as CommandStatus
from daemon.core.commands.policy import Policy
from daemon.core.counts import Counts, Durations
from daemon.core.delivery.outcome import Outcome
from daemon.core.delivery.route import Route
from daemon.core.model import Failure, Json, Secret
from daemon.core.ownership import HOUSE, Kind, Share
from daemon.core.routing.plan import Interest
from daemon.core.watches import queues
from daemon.core.watches.api import Problems
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState
from daemon.store import inbox, ownership, subjects, watches
from daemon.store.database import Database
from daemon.web.asgi import create_app
from daemon.web.auth import Token
from daemon.web.dependencies import Live, Scheduled
from daemon.web.exposition import text
from daemon.web.routes.commands import Desk as CommandDesk
from daemon.web.routes.metrics import CONTENT_TYPE, FAMILIES, Shared
from daemon.web.scrape import Scrape
from daemon.web.waiting import Endings
from daemon.workers.counters import BOUNDS
from tests.store.test_backlog import ARRIVED, GIVEN_UP, IN_MANY_LANES, crowd
from tests.support.fakes import START
from tests.support.http_app import KEY, nobody
from tests.support.members import Members, endpoints, systems
from tests.support.parts import program
from tests.support.paths import ROOT
from tests.support.story import Story

SECOND = timedelta(seconds=1)
HERE, ELSEWHERE = ("127.0.0.1", 40000), ("192.0.2.7", 40000)
READER = "token-of-a-reader"
PAGE = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
(SCRAPING,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
RULES, RULES_OF_PHONES = (
    (ROOT / "packaging" / "monitoring" / name).read_text(encoding="utf-8")
    for name in ("yemotd.rules.yml", "yemotd-phones.rules.yml")
)
NAMES = re.findall(r"\b(?:yemotd|process)_[a-z_]+", PAGE)
WHOLE = re.MULTILINE | re.DOTALL

Labels = frozenset[tuple[str, str]]


def parsed(text: str) -> dict[str, dict[Labels, float]]:
    """Every sample, by name and labels; one that comes twice fails."""
    found: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples = found.setdefault(sample.name, {})
            labels = frozenset(sample.labels.items())
            assert labels not in samples, sample
            samples[labels] = sample.value
    return found


@dataclass
class Desk:
    """The app beside a story; `watches` and `endpoints` are what the configuration in force has."""

    story: Story
    watches: list[str] = field(default_factory=lambda: ["sip", "sms"])
    endpoints: list[str] = field(default_factory=lambda: ["crm", "ops/anna@example.org"])
    policies: dict[str, Policy] = field(default_factory=dict)
    member: str | None = None
    silent: dict[str, timedelta] = field(default_factory=dict)
    tokens: list[Token] = field(
        default_factory=lambda: [
            Token("reader", Secret(READER), frozenset({"read"})),
            Token("robot", Secret("token-of-a-robot"), frozenset()),
        ]
    )

    def client(self, client: tuple[str, int] = HERE, host: str = "127.0.0.1:8470") -> TestClient:
        """Somebody who asks, behind what uvicorn puts before an app."""
        live = Live(
            started_at=lambda: START,
            is_alive=lambda: (True, "ok"),
            is_ready=lambda: (True, "ok"),
            schedule=lambda: [Scheduled("main", one, 10 * SECOND, None) for one in self.watches],
            last_seen=self.story.poller.unflushed,
            now=self.story.clock.now,
            interests=lambda: [Interest(one, ("*",), None) for one in self.endpoints],
            public_keys=dict,
            ping=nobody,
            wake=lambda: None,
            new_id=self.story.ids,
            desk=CommandDesk(
                policies=lambda: self.policies, wake=lambda: None, new_id=self.story.ids, endings=Endings()
            ),
            counts=self.story.counters.counts,
            routes=lambda: {one: route(one) for one in self.endpoints},
            member=lambda: self.member,
            silent=lambda: self.silent,
        )
        app = create_app(
            database=self.story.database, tokens=lambda: self.tokens, live=live, version="1.2.3", key=KEY
        )
        proxied: Any = ProxyHeadersMiddleware(app, trusted_hosts="127.0.0.1")  # type: ignore[arg-type] # an app is one
        return TestClient(proxied, base_url=f"http://{host}", client=client, raise_server_exceptions=False)

    def text(self) -> str:
        answer = self.client().get("/metrics")
        assert (answer.status_code, answer.headers["content-type"]) == (200, CONTENT_TYPE)
        return answer.text

    def samples(self, name: str) -> dict[tuple[str, ...], float]:
        """The values of a metric, by the values of its labels in the order of their names."""
        found = parsed(self.text()).get(name, {})
        return {tuple(value for _, value in sorted(labels)): one for labels, one in found.items()}


@pytest.fixture
def desk(story: Story) -> Desk:
    return Desk(story)


def trouble(story: Story) -> None:
    """A phone drops off, SMS come, the endpoint stops answering, the API too."""
    story.phone("0773137770", (100, 9000))
    story.sms_arrives(115, "your code is 4711")
    story.endpoint_says(Outcome.UNREACHABLE, 110, 9000)
    story.api_fails(300, 9000, Failure.TIMEOUT)
    story.run(until=400)


def test_polls_are_counted_by_what_they_came_to(desk: Desk) -> None:
    desk.story.phone("0773137770", (15, 9000))
    desk.story.api_fails(35, 55)
    desk.story.run(until=80)

    assert desk.samples("yemotd_polls_total") == {
        ("answered", "main", "sip"): 5,  # from 20 s on the alert is pending: nothing is passed over
        ("unchanged", "main", "sip"): 1,
        ("timeout", "main", "sip"): 2,
        ("answered", "main", "sms"): 4,  # that it is empty has to be said three times
        ("unchanged", "main", "sms"): 2,
        ("timeout", "main", "sms"): 2,
    }
    assert desk.samples("yemotd_poll_duration_seconds_count") == {("main",): 16}


def test_a_poll_that_asked_nothing_has_no_duration(desk: Desk) -> None:
    desk.story.api_fails(0, 5, Failure.TOKEN_REJECTED)
    desk.story.run(until=20)

    assert desk.samples("yemotd_polls_total") == {
        ("answered", "main", "sip"): 0,
        ("token_rejected", "main", "sip"): 1,
        ("paused", "main", "sip"): 1,
        ("answered", "main", "sms"): 0,
        ("paused", "main", "sms"): 2,
    }
    assert desk.samples("yemotd_poll_duration_seconds_count") == {("main",): 1}


def test_the_age_of_what_is_known_counts_answers_that_were_not_stored(desk: Desk) -> None:
    desk.story.run(until=45)

    assert desk.story.poller.unflushed()
    assert desk.samples("yemotd_watch_observed_age_seconds") == {("main", "sip"): 5, ("main", "sms"): 5}
    assert desk.samples("yemotd_watch_interval_seconds") == {("main", "sip"): 10, ("main", "sms"): 10}
    assert desk.samples("yemotd_watch_failing") == {("", "main", "sip"): 0, ("", "main", "sms"): 0}


def test_a_watch_that_fails_grows_old_and_says_how_it_fails(desk: Desk) -> None:
    desk.story.api_fails(25, 9000)
    desk.watches.append("units")  # which was not asked yet
    desk.story.run(until=25)
    desk.story.poller.flush()
    desk.story.run(until=60)

    assert desk.samples("yemotd_watch_observed_age_seconds") == {
        ("main", "sip"): 40,
        ("main", "sms"): 40,
        ("main", "units"): 60,
    }
    assert desk.samples("yemotd_watch_failing") == {
        ("timeout", "main", "sip"): 1,
        ("timeout", "main", "sms"): 1,
    }


def test_events_are_counted_over_all_starts_and_polls_since_this_one(desk: Desk) -> None:
    desk.story.phone("0773137770", (15, 9000))
    desk.story.run(until=100)
    before = desk.samples("yemotd_events_total")
    desk.story.kill()

    assert before == {("",): 0, ("main",): 1}
    assert desk.samples("yemotd_events_total") == before
    assert desk.samples("yemotd_polls_total") == {("answered", "main", one): 0 for one in ("sip", "sms")}


def test_alerts_are_counted_by_kind(desk: Desk) -> None:
    for number in range(2):
        desk.story.phone(f"077313777{number}", (10, 9000))
    for number in range(7, 10):
        desk.story.phone(f"077313777{number}", (70, 9000))
    desk.story.run(until=100)
    with desk.story.database.write() as db:
        db.exec_driver_sql("UPDATE alerts SET fires = '' WHERE subject = 'sip/0773137777'")  # told to nobody
        db.exec_driver_sql("UPDATE alerts SET phase = 'ok' WHERE subject = 'sip/0773137778'")

    assert desk.samples("yemotd_alerts") == {
        ("firing", "error", "main", "sip.account.unregistered"): 2,
        ("pending", "error", "main", "sip.account.unregistered"): 1,
    }


def test_what_waits_is_counted_and_its_age_told(desk: Desk) -> None:
    desk.endpoints.append("idle")
    trouble(desk.story)
    with desk.story.database.write() as db:
        db.exec_driver_sql(
            "UPDATE deliveries SET status = 'dead', ended_at = 1 WHERE id = (SELECT max(id) FROM deliveries)"
        )

    waits = desk.samples("yemotd_deliveries_open")
    assert waits.keys() == {("crm",), ("ops/anna@example.org",), ("idle",)}
    assert waits[("crm",)] == 2
    assert desk.samples("yemotd_deliveries_dead")[("crm",)] == 1
    ages = desk.samples("yemotd_deliveries_oldest_open_age_seconds")
    assert (ages[("crm",)], ages[("idle",)]) == (280, 0)


def test_attempts_are_counted_by_how_they_ended_and_health_is_one_of_four(desk: Desk) -> None:
    desk.story.phone("0773137770", (15, 30))
    desk.story.endpoint_says(Outcome.GONE, 100, 9000)
    desk.story.sms_arrives(35, "one")
    desk.story.sms_arrives(105, "two")
    desk.story.run(until=150)

    assert desk.samples("yemotd_attempts_total") == {
        ("crm", "accepted"): 1,
        ("crm", "gone"): 1,
        ("ops/anna@example.org", "accepted"): 0,
    }
    assert desk.samples("yemotd_attempt_duration_seconds_count") == {("crm",): 2}
    health = desk.samples("yemotd_endpoint_health")
    assert [key for key, value in health.items() if value] == [
        ("crm", "disabled"),
        ("ops/anna@example.org", "healthy"),
    ]
    assert len(health) == 8


def test_a_histogram_goes_up_to_the_count(desk: Desk) -> None:
    desk.story.run(until=20)

    buckets = desk.samples("yemotd_poll_duration_seconds_bucket")
    assert list(buckets) == [
        (bound, "main")
        for bound in (
            *("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5"),
            *("1.0", "2.5", "5.0", "10.0", "20.0", "60.0", "+Inf"),
        )
    ]
    assert set(buckets.values()) == {4}


def test_what_leaves_the_configuration_leaves_the_metrics(desk: Desk) -> None:
    trouble(desk.story)
    assert 'watch="sip"' in desk.text()
    desk.watches, desk.endpoints = ["sms"], ["idle"]
    without_a_watch = desk.text()
    desk.watches = []
    without_a_system = desk.text()

    assert ('watch="sip"' in without_a_watch, 'watch="sms"' in without_a_watch) == (False, True)
    assert "crm" not in without_a_watch
    assert 'system="main"' not in without_a_system


def test_it_says_which_program_it_is_and_how_the_process_does(desk: Desk) -> None:
    found = parsed(desk.text())

    assert found["yemotd_build_info"] == {frozenset({("version", "1.2.3")}): 1}
    assert found["yemotd_start_time_seconds"] == {frozenset(): START.timestamp()}
    assert found["process_resident_memory_bytes"][frozenset()] > 1_000_000


def test_nothing_that_is_private_or_without_bound_is_told(desk: Desk) -> None:
    trouble(desk.story)
    desk.client().get("/nowhere/0501234567")
    text = desk.text()

    for private in ("0541234567", "0501234567", "4711", "evt_", "inc_", READER, "nowhere"):
        assert private not in text


@pytest.mark.parametrize(
    ("client", "host", "headers", "is_open"),
    [
        (HERE, "127.0.0.1:8470", {}, True),
        (("127.8.9.1", 1), "localhost:1234", {}, True),
        (("::1", 1), "[::1]:8470", {}, True),
        (("::ffff:127.0.0.1", 1), "LOCALHOST", {}, True),
        (ELSEWHERE, "127.0.0.1:8470", {}, False),
        (ELSEWHERE, "127.0.0.1:8470", {"x-forwarded-for": "127.0.0.1"}, False),
        (("", 0), "127.0.0.1:8470", {}, False),
        (HERE, "yemotd.example.org", {}, False),
        (HERE, "127.0.0.1.example.org", {}, False),
        (HERE, "192.0.2.1:8470", {}, False),
        (HERE, "127.0.0.1:8470", {"host": "[::1"}, False),
        (HERE, "127.0.0.1:8470", {"x-forwarded-for": "192.0.2.7"}, False),
        (HERE, "127.0.0.1:8470", {"x-forwarded-for": "127.0.0.1"}, False),
        (HERE, "127.0.0.1:8470", {"x-forwarded-for": ""}, False),
        (HERE, "127.0.0.1:8470", {"x-forwarded-proto": "https"}, False),
        (HERE, "127.0.0.1:8470", {"forwarded": "for=127.0.0.1"}, False),
        (HERE, "127.0.0.1:8470", {"x-real-ip": "127.0.0.1"}, False),
        (HERE, "127.0.0.1:8470", {"via": "1.1 proxy"}, False),
    ],
)
def test_a_program_on_this_machine_needs_no_token_and_every_other_does(
    desk: Desk, client: tuple[str, int], host: str, headers: Mapping[str, str], *, is_open: bool
) -> None:
    asking = desk.client(client, "127.0.0.1:8470")
    named = {"host": host, **headers}
    refused = asking.get("/metrics", headers=named)
    robot = asking.get("/metrics", headers={**named, "authorization": "Bearer token-of-a-robot"})
    reader = asking.get("/metrics", headers={**named, "authorization": f"Bearer {READER}"})

    assert [one.status_code for one in (refused, robot, reader)] == (
        [200] * 3 if is_open else [401, 403, 200]
    )
    if not is_open:
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["www-authenticate"] == "Bearer"
        assert "yemotd_" not in refused.text


def test_without_tokens_it_is_open_here_and_closed_elsewhere(desk: Desk) -> None:
    desk.tokens = []

    assert desk.client(HERE).get("/metrics").status_code == 200
    assert desk.client(ELSEWHERE).get("/metrics").json()["title"] == "No token is configured"


def test_a_database_that_is_gone_fails_the_scrape(desk: Desk) -> None:
    with desk.story.database.write() as db:
        db.exec_driver_sql("ALTER TABLE sequences RENAME TO elsewhere")

    answer = desk.client().get("/metrics")

    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert "sequences" not in answer.text


def test_the_api_describes_it_as_text(desk: Desk) -> None:
    described = desk.client().get("/openapi.json").json()["paths"]["/metrics"]["get"]["responses"]

    assert list(described["200"]["content"]) == ["text/plain"]
    assert {"401", "403", "503"} <= set(described)


def cost(desk: Desk) -> tuple[int, int]:
    """What a scrape does in the store: how many statements, and how many steps of SQLite's machine."""
    statements, steps = 0, 0

    def note(*_: object) -> None:
        nonlocal statements
        statements += 1

    def count() -> None:
        nonlocal steps
        steps += 1

    engine = desk.story.database.engine
    hooks: dict[str, Callable[..., None]] = {
        "before_cursor_execute": note,
        "checkout": lambda driver, *_: driver.set_progress_handler(count, 1),
        "checkin": lambda driver, *_: driver.set_progress_handler(None, 0),
    }
    for name, hook in hooks.items():
        sa.event.listen(engine, name, hook)
    desk.text()
    for name, hook in hooks.items():
        sa.event.remove(engine, name, hook)
    return statements, steps


def test_what_is_past_costs_a_scrape_nothing(desk: Desk) -> None:
    statements, steps = cost(desk)
    crowd(desk.story.database, {"crm": ARRIVED, "ops": ARRIVED}, 5_000)

    assert statements > 3
    asked, taken = cost(desk)
    assert asked == statements
    assert taken <= steps + 50


def test_what_waits_costs_a_scrape_a_few_steps_each(desk: Desk) -> None:
    desk.endpoints = ["many-lanes", "dead"]
    statements, _ = cost(desk)
    crowd(desk.story.database, {"many-lanes": IN_MANY_LANES, "dead": GIVEN_UP}, 5_000)

    asked, steps = cost(desk)
    assert asked == statements
    assert steps < 15 * 10_000
    assert desk.samples("yemotd_deliveries_open") == {("many-lanes",): 5_000, ("dead",): 0}
    assert desk.samples("yemotd_deliveries_dead") == {("many-lanes",): 0, ("dead",): 5_000}


def test_a_scrape_waits_for_no_writer(desk: Desk) -> None:
    texts: list[str] = []
    with desk.story.database.write():
        scrape = threading.Thread(target=lambda: texts.append(desk.text()))
        scrape.start()
        scrape.join(20)
        assert texts
    scrape.join()


def test_commands_are_counted_while_they_wait_and_when_they_end(desk: Desk) -> None:
    waits = Command("cmd_1", "main", "queue.kick", {}, "crm", START, START, START, START)
    with desk.story.database.write() as db:
        inbox.add(db, waits, "")
        inbox.add(db, replace(waits, id="cmd_2", system="gone"), "")
    desk.story.counters.commanded([replace(waits, status=CommandStatus.UNKNOWN)] * 2)
    desk.story.counters.commanded([replace(waits, system="gone", status=CommandStatus.FAILED)])

    assert desk.samples("yemotd_commands") == {("queued", "main"): 1, ("running", "main"): 0}
    assert desk.samples("yemotd_commands_ended_total") == {("unknown", "main", "queue.kick"): 2}


def test_copies_of_recordings_are_counted_of_systems_that_are_configured(desk: Desk) -> None:
    for system, size in (("main", 700), ("main", 11), ("main", None), ("gone", 5)):
        desk.story.counters.copied(system, size)

    assert desk.samples("yemotd_recordings_copied_total") == {("main",): 2}
    assert desk.samples("yemotd_recordings_copied_bytes_total") == {("main",): 711}
    assert desk.samples("yemotd_recordings_failed_total") == {("main",): 1}


def route(endpoint: str) -> Route:
    """Mailboxes share a server, as in the configuration."""
    return Route(1, SECOND, (), reported_as="smtp" if "/" in endpoint else None)


class TestMembers:
    """What several daemons on one database tell of each other."""

    @pytest.fixture
    def members(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Members:
        members = Members(desk.story.database, monkeypatch)
        members.join("north", "south", "east", "west", "cut", version="1.2.2")
        members.differ("south", "another file")
        members.differ("east", "another file")
        members.are_connected("north", "south", "east", "west")
        desk.member, desk.silent = "north", {"east": 5 * SECOND}
        return members

    def test_each_member_is_counted_once_whatever_else_it_is(self, desk: Desk, members: Members) -> None:
        assert desk.samples("yemotd_members") == {("connected",): 2, ("silent",): 2, ("differs",): 1}
        assert desk.samples("yemotd_member_info") == {("north", "1.2.3"): 1}

    def test_what_this_one_has_and_what_nobody_has(self, desk: Desk, members: Members) -> None:
        desk.endpoints += ["ops/dana@example.org", "idle"]
        members.hold("north", [*systems("main", "left"), *endpoints("smtp")])
        members.hold("west", endpoints("crm"))
        members.hold("ghost", [Share(Kind.DUTY, HOUSE)])

        assert desk.samples("yemotd_holdings") == {("system",): 2, ("endpoint",): 1, ("duty",): 0}
        assert desk.samples("yemotd_unowned") == {("system",): 0, ("endpoint",): 1, ("duty",): 1}

    def test_one_that_is_alone_says_nothing_of_it(self, desk: Desk) -> None:
        assert "\nyemotd_members{" not in desk.text()
        for name in ("yemotd_members", "yemotd_member_info", "yemotd_holdings", "yemotd_unowned"):
            assert desk.samples(name) == {}


def test_the_page_has_every_metric_with_its_type_and_labels(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble(desk.story)
    see_phones(desk.story.database, desk.story.clock.now())
    desk.watches += PHONES
    Members(desk.story.database, monkeypatch).join("north")
    desk.member = "north"
    ended = Command("cmd_1", "main", "queue.kick", {}, "crm", START, START, START, START)
    desk.story.counters.commanded([ended])
    desk.story.counters.copied("main", 1)
    desk.policies["main"] = Policy(sms_units_per_day=20)
    families = [*text_string_to_metric_families(desk.text())]
    told = {
        (
            name,
            family.type,
            frozenset(label for sample in family.samples for label in sample.labels) - {"le"},
        )
        for family in families
        if (name := family.name + "_total" * (family.type == "counter")).startswith("yemotd_")
    }

    rows = re.findall(r"^\| `(\w+)(?:\{(.*?)\})?` \| (\w+) \|", PAGE, re.MULTILINE)
    assert {(name, kind, frozenset(re.findall(r"\w+", labels))) for name, labels, kind in rows} == told
    samples = {sample.name for family in families for sample in family.samples}
    assert set(NAMES) <= samples | {name for name, _, _ in told}


def test_the_page_has_every_failure_and_every_outcome() -> None:
    (listed,) = re.findall(r"^A poll fails as one of (.*?)\. An attempt ends as one of (.*?);", PAGE, WHOLE)

    assert [re.findall(r"`(\w+)`", one) for one in listed] == [
        [one.value for one in kinds] for kinds in (Failure, Outcome)
    ]


def promtool(*words: str, given: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [program("promtool"), *words], input=given, capture_output=True, text=True, check=False
    )


@pytest.mark.needs("promtool")
def test_prometheus_finds_nothing_to_complain_of(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    trouble(desk.story)
    see_phones(desk.story.database, desk.story.clock.now())
    desk.watches += PHONES
    Members(desk.story.database, monkeypatch).join("north")
    desk.member = "north"
    checked = promtool("check", "metrics", given=desk.text())

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_page_names_every_rule() -> None:
    assert set(re.findall(r"alert: (\w+)", RULES + RULES_OF_PHONES)) == set(
        re.findall(r"`((?:Yemotd|Phones|Callers|Nobody|Missed|Units)\w+)`", PAGE)
    )


@pytest.mark.needs("promtool")
@pytest.mark.parametrize(
    ("what", "text"), [("rules", RULES), ("rules", RULES_OF_PHONES), ("config", SCRAPING)]
)
def test_prometheus_takes_what_is_given(tmp_path: Path, what: str, text: str) -> None:
    (tmp_path / "given.yml").write_text(text, encoding="utf-8")
    checked = promtool("check", what, str(tmp_path / "given.yml"))

    assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout


def series(first: str, then: str) -> list[dict[str, str]]:
    """Two scrapes as Prometheus saw them: ten minutes of the one, and the other from then on."""
    before, after = parsed(first), parsed(then)
    return [
        {
            "series": name
            + json.dumps(dict(labels)).replace('": ', "=").replace('{"', "{").replace(', "', ","),
            "values": f"{before.get(name, {}).get(labels, value)}x9 {value}x80",
        }
        for name, samples in after.items()
        for labels, value in samples.items()
    ]


@pytest.mark.needs("promtool")
def test_the_rules_of_the_page_fire_in_trouble_and_only_then(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members, desk.member = Members(desk.story.database, monkeypatch), "north"
    members.join("north", "south")
    members.hold("north", [*systems("main"), *endpoints("crm", "smtp"), Share(Kind.DUTY, HOUSE)])
    members.are_connected("north", "south")
    desk.story.run(until=90)
    well = desk.text()
    trouble(desk.story)
    with desk.story.database.write() as db:
        db.exec_driver_sql(
            "UPDATE deliveries SET status = 'dead', ended_at = 1 WHERE id = (SELECT max(id) FROM deliveries)"
        )
        ownership.give(db, {systems("main")[0]: 1})
    members.differ("south", "another file")
    desk.story.run(until=1500, step=5)
    (tmp_path / "rules.yml").write_text(RULES, encoding="utf-8")
    names = re.findall(r"alert: (\w+)", RULES)
    firing = "group by (alertname) (ALERTS{alertstate='firing'})"
    test = {
        "interval": "1m",
        "input_series": [
            *series(well, desk.text()),
            {"series": 'up{job="yemotd"}', "values": "1x9 0x80"},
        ],
        "promql_expr_test": [
            {"expr": firing, "eval_time": "9m", "exp_samples": []},
            {
                "expr": firing,
                "eval_time": "20m",
                "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in names],
            },
        ],
    }
    document = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]}
    (tmp_path / "test.yml").write_text(json.dumps(document), encoding="utf-8")  # which is YAML, too
    checked = promtool("test", "rules", str(tmp_path / "test.yml"))

    assert len(names) == 7
    assert checked.returncode == 0, checked.stdout + checked.stderr


PHONES = ["queue/5", "units", "sms_units"]


def see_phones(database: Database, at: datetime) -> None:
    """A queue, units and a phone, as they are seen at a time."""
    values: dict[str, dict[str, Json]] = {
        "queue": {
            "calls_waiting": 1,
            "longest_wait_seconds": 5,
            queues.AGENTS: {"free": 1},
            queues.ANSWERED_IN_ALL: 3,
        },
        "units": {"balance": 5, "expires_on": "2027-01-31"},
        "sms_units": {"balance": 5},
    }
    kinds = {"queue/5": SubjectKind.QUEUE, "units": SubjectKind.UNITS, "sms_units": SubjectKind.SMS_UNITS}
    with database.write() as db:
        for watch, kind in kinds.items():
            seen = Subject(watch, kind, SubjectState.UP, "sales", metrics=values[kind.value])
            subjects.save(db, ("main", watch), [seen], at, None)
            watches.save_observed(db, ("main", watch), "{}", now=at, problems=Problems())
        phone = Subject("sip/071", SubjectKind.SIP, SubjectState.UP)
        subjects.save(db, ("main", "sip"), [phone], at, None)
        watches.save_observed(db, ("main", "sip"), "{}", now=at, problems=Problems())


@pytest.mark.needs("promtool")
def test_the_rules_for_phones_fire_for_what_they_are_about_and_for_nothing_else(tmp_path: Path) -> None:
    """At 20 minutes all is well; from then on one thing is wrong in each system. A second daemon tells the
    same, and doubles nothing."""
    of_queue = 'watch="queue/5",queue="sales"'
    well_and_wrong = {
        "PhonesOff": [('yemotd_sip_accounts{%s,state="unregistered"}', "0x19 2x100")],
        "PhonesNotKnown": [('yemotd_sip_accounts{%s,state="unknown"}', "0x19 2x100")],
        "CallersWaitLong": [(f"yemotd_queue_longest_wait_seconds{{%s,{of_queue}}}", "90x19 301x100")],
        "NobodyToAnswer": [
            (f"yemotd_queue_callers_waiting{{%s,{of_queue}}}", "3x119"),
            (f'yemotd_queue_agents{{%s,{of_queue},state="free"}}', "1x19 0x100"),
            (f'yemotd_queue_agents{{%s,{of_queue},state="paused"}}', "1x119"),
        ],
        "CallersGiveUp": [
            (f'yemotd_queue_calls_total{{%s,{of_queue},outcome="abandoned"}}', "0+0x19 1+1x100"),
            (f'yemotd_queue_calls_total{{%s,{of_queue},outcome="answered"}}', "0+1x119"),
        ],
        "MissedCallersWait": [("yemotd_missed_callers_oldest_age_seconds{%s}", "60x19 14401x100")],
        "UnitsLow": [("yemotd_units_balance{%s}", "100x19 99x100")],
        "UnitsExpire": [("yemotd_units_expire_timestamp_seconds{%s}", "1214000x119")],
        "well": [
            (f"yemotd_queue_callers_waiting{{%s,{of_queue}}}", "3x119"),  # nobody knows what agents do
            ("yemotd_units_expire_timestamp_seconds{%s}", "1300000000x119"),
        ],
    }
    names = re.findall(r"alert: (\w+)", RULES_OF_PHONES)
    assert [*well_and_wrong] == [*names, "well"]
    given = [
        {"series": name % f'instance="{instance}",system="{system}"', "values": values}
        for system, ones in well_and_wrong.items()
        for name, values in ones
        for instance in ("north", "south")
    ]
    firing = "count by (alertname, system) (ALERTS{alertstate='firing'})"

    def told(those: list[str]) -> list[dict[str, object]]:
        return [{"labels": f'{{alertname="{name}",system="{name}"}}', "value": 1} for name in those]

    (tmp_path / "rules.yml").write_text(RULES_OF_PHONES, encoding="utf-8")
    test = {
        "interval": "1m",
        "input_series": given,
        "promql_expr_test": [
            {"expr": firing, "eval_time": "19m", "exp_samples": told([])},
            {"expr": firing, "eval_time": "110m", "exp_samples": told(names)},
        ],
    }
    document = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]}
    (tmp_path / "test.yml").write_text(json.dumps(document), encoding="utf-8")
    checked = promtool("test", "rules", str(tmp_path / "test.yml"))

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_thousands_of_systems_cost_a_scrape_a_fraction_of_a_second(desk: Desk) -> None:
    systems = [f"system-{number}" for number in range(5_000)]
    took = Durations(dict.fromkeys(BOUNDS, 1), 1, SECOND)
    with desk.story.database.read() as db:
        scrape = Scrape(
            db,
            START + SECOND,
            START,
            "1.2.3",
            Counts({(one, "sip", "answered"): 1 for one in systems}, dict.fromkeys(systems, took)),
            {(one, watch): SECOND for one in systems for watch in ("sip", "sms")},
            {},
            (),
        )
        before = process_time()
        written = text(metric for family in FAMILIES for metric in family(scrape))
        spent = process_time() - before

    assert written.count(b"\n") > 24 * len(systems)
    assert spent < 2  # half a second; what looked through all systems for each of them took four


def test_callers_share_what_is_made_after_they_asked() -> None:
    made: list[int] = []
    first_begun, go = threading.Event(), threading.Event()

    def scrape() -> bytes:
        made.append(len(made))
        if made == [0]:
            first_begun.set()
            assert go.wait(20)
        return b"%d" % made[-1]

    async def ask() -> list[bytes]:
        shared = Shared(scrape)
        first = asyncio.create_task(shared.text())
        await asyncio.to_thread(first_begun.wait, 20)
        others = [asyncio.create_task(shared.text()) for _ in range(100)]
        await asyncio.sleep(0)
        go.set()
        return [await one for one in (first, *others)]

    assert asyncio.run(ask()) == [b"0", *[b"1"] * 100]


def test_a_scrape_that_fails_leaves_no_old_figures() -> None:
    answers = iter([b"first", None])

    def scrape() -> bytes:
        found = next(answers)
        if found is None:
            raise RuntimeError("the store is gone")
        return found

    async def ask() -> bytes:
        shared = Shared(scrape)
        assert await shared.text() == b"first"
        found = await asyncio.gather(shared.text(), shared.text(), return_exceptions=True)
        assert isinstance(found[0], RuntimeError)
        assert isinstance(found[1], BaseException)
        return b""

    asyncio.run(ask())
