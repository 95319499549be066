"""Every operation of the API's own description, asked with whatever that description allows and more.

No answer is a fault of ours, and each is one that the description names, in the shape that it gives. What is
well by the description is taken, unless the world is not so; what is not is refused. Schemathesis makes the
requests; the same ones in every run of the same tests.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import time, timedelta
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from daemon.core import durations
from daemon.core.commands.command import Done, Status
from daemon.core.commands.policy import Policy
from daemon.core.contacts import Configured
from daemon.core.digests.schedule import Digest
from daemon.core.feeds import Wanted
from daemon.core.files import File
from daemon.core.model import Fact
from daemon.core.routing.plan import Interest
from daemon.core.watches.callers import ABANDONED
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState
from daemon.operations import contacts, feeds
from daemon.pipeline.events import Recorder
from daemon.store import incidents, retries, subjects
from daemon.web.dependencies import Scheduled
from daemon.web.reach import Reach
from tests.support import stores
from tests.support.callers import Office as CallsOf
from tests.support.callers import left
from tests.support.commanding import BRIDGE, KICK, PAUSE, READ
from tests.support.fakes import START
from tests.support.offices import TOKENS, Window
from tests.support.recorded import told
from tests.web.test_incidents_api import fired

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
WORLD = {
    "There is no such system",
    "It is too late for it",
    "The event to go on from is not known",
    "The command to go on from is not known",
    "The Idempotency-Key was used for something else",
}
"""Titles of refusals that depend on what there is, and on when it is asked."""
BETWEEN = re.compile(
    "`starts_at` is more than 3650d away|it would last more than|it would be over before it begins"
    "|is not after not_before|is before start_date|is given twice|phones .?tzl:|mixes numbers"
    "|nobody is called|`from` has to be before `to`|`step` is too short|has the name .* as well"
    "|give one of `for` and `until`|goes without `latest`|is none that a page gave|in it|is a number itself"
    "|has nothing in it that is seen|no system has this name|expected a URL that starts|has a space"
    "|must not be empty|has a blank in it|its host or port|must not hold a user|names no host|no name that"
    "|leads inside, which|begins or ends with"
)
"""What holds between two fields, or between one and the clock or contacts: no description can say that."""
EXAMPLES = 50
"""Of each operation and each way to make them, under every profile: with few, some lead nowhere."""
MANY = 20
"""Dead letters, and silences: each can be retried or ended once."""
REPEATED = frozenset({"type", "number"})
"""Parameters of a query that may be given more than once: one is a list of one."""
TOKEN = {"authorization": f"Bearer {TOKENS[2].secret.value}"}


Operation: TypeAlias = APIOperation[Any, Any, Any, Any]


def described(window: Window) -> dict[str, Operation]:
    """The operations of an app, by method and path."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", window.app)
    found = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    return {one.label: one for one in found}


def can_be_wrong(operation: Operation) -> bool:
    """Whether the description forbids anything: where there is but an id in the path, it does not."""
    return any(map(list, (operation.query, operation.headers, operation.body)))


ASKED = [
    pytest.param(name, mode, id=f"{name}, {mode.value}")
    for name, operation in sorted(described(Window(stores.in_memory())).items())
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or can_be_wrong(operation)
]


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    """Commands in several states, events, dead letters, silences."""
    path = tmp_path_factory.mktemp("fuzz") / "web.db"
    one = Window(stores.on_file(path))
    one.policies = {"main": Policy(("*",), 10_000.0, sms_units_per_day=10_000.0)}
    one.end(one.give(KICK)["id"], Status.SUCCEEDED, result=Done({"calls": []}).result)
    one.end(one.give(BRIDGE)["id"], Status.UNKNOWN)
    one.end(one.give(READ)["id"], Status.RUNNING)
    one.give(PAUSE)
    recorder = Recorder([Interest("crm", ("*",), None)], one.ids)
    facts = [Fact("test.ping", "daemon", {"daemon": {"text": "שלום"}})] * MANY
    with one.database.write() as db:
        recorder.record(db, "main", facts, START)
        retries.give_up(db, range(1, MANY + 1), "HTTP 500", START)
    for _ in range(MANY):
        silence = {"subject": "sip/077", "for": "2h", "comment": "a new phone"}
        assert one.admin.post("/api/v1/silences", json=silence).status_code == 201
    told(one.database, File("1.wav", "u1", None, 9, None, None, None, None, None), number=9000)
    one.schedule = [Scheduled("main", "queue/5", timedelta(minutes=1), None)]
    one.reach = Reach(badges=("*/*",), feed=True)
    one.digests = [Digest("office", ("crm",), time(18), frozenset({3}), ZoneInfo("UTC"), "week")]
    CallsOf(one.database).sees(*(left(ABANDONED, f"05412345{number}", f"c{number}") for number in (10, 11)))
    with one.database.write() as db:
        seen = Subject("queue/5", SubjectKind.QUEUE, SubjectState.UP, "מכירות")
        subjects.save(db, ("main", "queue/5"), [seen], START, None)
        for number in (1, 2):
            incidents.save(db, fired(str(number), number))
        known = [(f"05412345{number}", "Dana") for number in range(10, 10 + MANY)]
        contacts.take_in(db, known, author="admin", now=START, configured=Configured())
    yield one
    one.database.close()


@pytest.fixture(scope="module")
def operations(window: Window) -> dict[str, Operation]:
    return described(window)


KNOWN: dict[str, st.SearchStrategy[Any]] = {
    "command_id": st.sampled_from(["cmd_1", "cmd_2", "cmd_3", "cmd_4"]),
    "before": st.sampled_from(["cmd_1", "cmd_4"]),
    "name": st.just("crm"),
    "digest": st.just("office"),
    "feed": st.just("crm"),
    "url": st.just("https://n8n.example.org/hook"),
    "events": st.just(["sms.*"]),
    "systems": st.just(["main"]),
    "cursor": st.sampled_from(["0", "1"]),
    "endpoint": st.just("crm"),
    "callback": st.sampled_from(["cb_1", "cb_2"]),
    "silence_id": st.sampled_from([f"sil_{number + 1}" for number in range(MANY)]),
    "delivery_id": st.sampled_from(range(1, MANY + 1)),
    "what": st.sampled_from(["evt_1", "inc_1", "inc_2"]),
    "event_id": st.sampled_from(["evt_1", "evt_2"]),
    "event": st.just("evt_9000"),
    "after": st.sampled_from(["evt_1", "evt_3"]),
    "system": st.just("main"),
    "subject": st.just("queue/5"),
    "incident_id": st.sampled_from(["inc_1", "inc_2"]),
    "number": st.sampled_from([f"05412345{number}" for number in range(10, 10 + MANY)]),
    "wait": st.sampled_from(["0s", "5ms"]),
}
"""What leads somewhere; what is made up seldom does."""
MOSTLY = st.sampled_from([True, True, False])


@pytest.mark.parametrize(("name", "mode"), ASKED)
def test_no_request_is_answered_in_a_way_that_is_not_described(
    window: Window, operations: dict[str, Operation], name: str, mode: GenerationMode
) -> None:
    operation, statuses = operations[name], set()
    with window.database.write() as db:  # what was asked before, in whichever order, may have taken them up
        retries.give_up(db, range(1, MANY + 1), "HTTP 500", START)
        feeds.put(db, "crm", Wanted(), start="now", systems=(), author="admin", now=START)
    kept = {"name": "crm", "url": "https://n8n.example.org/hook"}
    assert window.admin.delete("/api/v1/endpoints/crm").status_code in (200, 404)
    assert window.admin.post("/api/v1/endpoints", json=kept).status_code == 201
    if name.startswith("POST /api/v1/endpoints,"):
        assert window.admin.delete("/api/v1/endpoints/crm").status_code == 200

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],  # to make an example small takes minutes
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode), st.data())
    def ask(case: Case[Any], data: st.DataObject) -> None:
        assume(not is_told_apart_by_nobody(case))
        lead_somewhere(case, data)
        response = case.call(headers=TOKEN)
        case.validate_response(response, checks=CHECKS)
        statuses.add(response.status_code)
        if mode is GenerationMode.POSITIVE and response.status_code in (400, 413, 422):
            problem = response.json()
            assert problem["title"] in WORLD or BETWEEN.search(problem["detail"]), (
                case.body,
                case.query,
                problem,
            )

    ask()

    # What is well by the description leads somewhere, now and then.
    assert mode is GenerationMode.NEGATIVE or min(statuses) < 300


def lead_somewhere(case: Case[Any], data: st.DataObject) -> None:
    """Give a part of the request a value that is there, and no wait a length that would be noticed.

    A part that is to be wrong stays as wrong as it was made.
    """
    parts = {
        ParameterLocation.PATH: case.path_parameters,
        ParameterLocation.QUERY: case.query,
        ParameterLocation.BODY: case.body,
    }
    for place, part in parts.items():
        made = case.meta.components.get(place) if case.meta else None
        if not isinstance(part, dict):
            continue
        if made is not None and made.mode is GenerationMode.NEGATIVE:
            if is_long(part.get("wait")):
                part["wait"] = "5ms"
            continue
        for name in part.keys() & KNOWN.keys():
            known = data.draw(KNOWN[name])
            is_led = data.draw(MOSTLY)
            if type(known) is type(part[name]) and (is_led or is_long(part[name])):
                part[name] = known


def is_told_apart_by_nobody(case: Case[Any]) -> bool:
    """Whether a part of the query looks like what is well on its way: a list of one is that one, and one in
    which there is nothing is not sent at all."""
    url = requests.Request("GET", "http://host/", params=case.as_transport_kwargs()["params"]).prepare().url
    sent = Counter(name for name, _ in parse_qsl(urlsplit(url or "").query, keep_blank_values=True))
    return any(
        sent[name] < 2 if isinstance(one, list | dict) else name in REPEATED
        for name, one in case.query.items()
    )


def is_long(value: Any) -> bool:
    try:
        return durations.parse(value).total_seconds() > 0.01
    except (ValueError, TypeError):
        return False
