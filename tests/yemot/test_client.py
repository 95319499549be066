"""The client against scripted answers: what it asks, where it tries, and what it makes of every envelope."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from daemon import __version__
from daemon.core.commands.campaigns import MOST_NUMBERS
from daemon.core.commands.results import Bridged, Kicked, Paused, Registration
from daemon.core.model import Failure, Json, Secret, Unknown
from daemon.core.watches import sip
from daemon.core.watches.watch import Answered, Unchanged
from daemon.host.clock import monotonic, utcnow
from daemon.yemot import reads
from daemon.yemot.client import Access, Client
from daemon.yemot.envelope import Answer
from daemon.yemot.reads import Read
from daemon.yemot.transport import Timeouts, Transport
from tests.support.bad_server import ScriptedServer, Step, answers, cuts, hangs, http, sends_and_cuts
from tests.support.fakes import FakeClock

TOKEN = "0773137770:s3cret:pass"
OK = '{"responseStatus":"OK"}'
NOW = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
HTML = "<!doctype html><html><head><title>Blocked &amp; gone</title></head></html>"


@contextmanager
def client(
    server: ScriptedServer, *, fallback: ScriptedServer | None = None, access: Access | None = None
) -> Iterator[Client]:
    given = access or Access(Secret(TOKEN))
    given = replace(given, base_url=server.url, fallback_url=fallback.url if fallback else None)
    timeouts = Timeouts(timedelta(seconds=2), timedelta(seconds=2), timedelta(seconds=0.3))
    made = Client(given, Transport(timeouts, monotonic=monotonic), now=utcnow)
    yield made
    made.close()


def ask(api: Client) -> Answer | Unknown:
    """Ask what changes nothing."""
    return api.call("GetSipAccountsRegisteredStatus", {}, repeatable=True)


def read(step: Step) -> Answer | Unknown:
    """What a read makes of one scripted answer."""
    with ScriptedServer(step) as server, client(server) as api:
        return ask(api)


def envelope(status: str, message: str | None = None, code: object = None) -> str:
    return json.dumps({"responseStatus": status, "message": message, "messageCode": code})


READS: list[tuple[Read[object], str, dict[str, str]]] = [
    (reads.sms_log(100), "GetSmsIncomingLog", {"limit": "100"}),
    (
        reads.sms_log(5, "2026-01-01 00:00:00", "2026-01-02 00:00:00"),
        "GetSmsIncomingLog",
        {"limit": "5", "startDate": "2026-01-01 00:00:00", "endDate": "2026-01-02 00:00:00"},
    ),
    (reads.incoming_sms(9, "2026-01-01"), "GetIncomingSms", {"limit": "9", "startDate": "2026-01-01"}),
    (reads.sip_accounts(), "GetSipAccountsRegisteredStatus", {}),
    (reads.sip_contexts(), "SipGetContexts", {}),
    (reads.sip_contexts(2), "SipGetContexts", {"accountNumber": "2"}),
    (reads.queue_state("."), "GetQueueRealTime", {"queuePath": "."}),
    (reads.queue_state("/1/ש &"), "GetQueueRealTime", {"queuePath": "/1/ש &"}),
    (reads.directory_stats("ext/1"), "GetIVR2DirStats", {"path": "ext/1"}),
    (reads.pirsumphone_status(), "PirsumPhoneManagement", {"action": "GetRegistrationStatus"}),
    (reads.units(), "GetSession", {}),
]


def unknown(answer: object) -> Unknown:
    assert isinstance(answer, Unknown), answer
    return answer


@pytest.mark.parametrize(("read", "method", "params"), READS)
def test_a_read_is_a_get_with_its_parameters_in_the_query(
    read: Read[object], method: str, params: Mapping[str, str]
) -> None:
    with ScriptedServer(answers(OK)) as server, client(server) as api:
        api.read(read)
    asked = server.requests[0]
    target = urlsplit(asked.target)
    assert (asked.verb, target.path) == ("GET", f"/ym/api/{method}")
    assert parse_qs(target.query) == {name: [value] for name, value in params.items()}


COMMANDS: list[tuple[Callable[[Client], object], Json]] = [
    (
        lambda api: api.queue_kick("/5", ["a", "b"]),
        {"queuePath": "/5", "action": "kick", "callIds": ["a", "b"]},
    ),
    (
        lambda api: api.queue_kick("/5", ["a"], goto="/1"),
        {"queuePath": "/5", "action": "kick", "callIds": ["a"], "moreData": "GOTO:/1"},
    ),
    (
        lambda api: api.queue_pause(".", "SIP-0773137770-3"),
        {"queuePath": ".", "action": "pause", "agent": "SIP-0773137770-3"},
    ),
    (
        lambda api: api.queue_unpause(".", "0501234567"),
        {"queuePath": ".", "action": "unpause", "agent": "0501234567"},
    ),
    (lambda api: api.campaign_bridge("051:052", "ivr2:/1"), {"phones": "051:052", "ivrPath": "ivr2:/1"}),
    (
        lambda api: api.campaign_bridge(["051", 52], "ivr2:/1", caller_id="077", calls_timeout=20),
        {"phones": ["051", "52"], "ivrPath": "ivr2:/1", "callerId": "077", "callsTimeOut": 20},
    ),
    (
        lambda api: api.campaign_bridge([{"phone": "051", "caller_id": "077"}, {"phone": "052"}], "ivr2:/1"),
        {"phones": [{"phone": "051", "callerId": "077"}, {"phone": "052"}], "ivrPath": "ivr2:/1"},
    ),
    (
        lambda api: api.campaign_bridge([{"phones": ["051", "052"], "caller_id": "077"}], "ivr2:/1"),
        {"phones": [{"phones": ["051", "052"], "callerId": "077"}], "ivrPath": "ivr2:/1"},
    ),
    (
        lambda api: api.campaign_bridge("tzl:", "ivr2:/1", tzintuk_lists=["1", "2"]),
        {"phones": "tzl:", "ivrPath": "ivr2:/1", "tzintukLists": ["1", "2"]},
    ),
]


@pytest.mark.parametrize(("call", "body"), COMMANDS)
def test_a_command_that_takes_arrays_is_posted_as_json(call: Callable[[Client], object], body: Json) -> None:
    with ScriptedServer(answers(OK)) as server, client(server) as api:
        assert not isinstance(call(api), Unknown)
    asked = server.requests[0]
    assert (asked.verb, asked.headers["content-type"]) == ("POST", "application/json")
    assert json.loads(asked.body) == body
    assert "?" not in asked.target


def test_registrations_name_their_action() -> None:
    results = answers('{"responseStatus":"ok","results":{"done":1}}')
    with ScriptedServer(results, results) as server, client(server) as api:
        assert api.pirsumphone_register() == Registration({"done": 1})
        assert api.pirsumphone_unregister() == Registration({"done": 1})
    assert [urlsplit(one.target).query for one in server.requests] == [
        "action=Registration",
        "action=UnRegistration",
    ]


def test_the_token_travels_in_a_header_alone() -> None:
    with ScriptedServer(answers(OK), answers(OK)) as server, client(server) as api:
        ask(api)
        api.queue_pause("/5", "1")
    for asked in server.requests:
        assert asked.headers["authorization"] == TOKEN
        assert asked.headers["user-agent"] == f"yemotd/{__version__}"
        assert "s3cret" not in asked.target + asked.body.decode()


def test_the_newer_gateway_gets_a_bearer_and_the_switch() -> None:
    access = Access(Secret("yk_live_1"), authorization="bearer", switch_id="uuid")
    with ScriptedServer(answers(OK)) as server, client(server, access=access) as api:
        ask(api)
    headers = server.requests[0].headers
    assert (headers["authorization"], headers["switch-id"]) == ("Bearer yk_live_1", "uuid")


@pytest.mark.parametrize("token", ["", "tok\nen", "tok\r\nX: y", " token", "token ", "סוד", "t\x00", "t\x7f"])
def test_a_token_that_no_header_can_carry_is_refused_without_showing_it(token: str) -> None:
    transport = Transport(Timeouts(), monotonic=monotonic)
    with pytest.raises(ValueError, match=r"^token: ") as refused:
        Client(Access(Secret(token)), transport, now=utcnow)
    assert not token.strip() or token not in str(refused.value)
    transport.close()


@pytest.mark.parametrize(
    "access",
    [
        Access(Secret("t"), authorization="bearer"),
        Access(Secret("t"), authorization="bearer", switch_id="a\nb"),
        Access(Secret("t"), base_url="ftp://example.org/"),
        Access(Secret("t"), base_url="https://user:word@example.org/"),
        Access(Secret("t"), base_url="https://example.org/?token=t"),
        Access(Secret("t"), fallback_url="example.org"),
    ],
)
def test_access_that_cannot_work_is_refused(access: Access) -> None:
    transport = Transport(Timeouts(), monotonic=monotonic)
    with pytest.raises(ValueError, match=r"^(switch_id|base_url): "):
        Client(access, transport, now=utcnow)
    transport.close()


@pytest.mark.parametrize(
    "step",
    [cuts, hangs, answers(HTML), answers("", status="502 Bad Gateway"), answers(envelope("EXCEPTION"))],
)
def test_a_read_that_failed_is_tried_on_the_fallback(step: Step) -> None:
    with ScriptedServer(step) as server, ScriptedServer(answers(OK)) as twin:
        with client(server, fallback=twin) as api:
            assert isinstance(api.call("SipGetContexts", {"accountNumber": 1}, repeatable=True), Answer)
        assert [one.target for one in server.requests] == [one.target for one in twin.requests]


@pytest.mark.parametrize(
    ("step", "failure"),
    [
        (answers(envelope("FORBIDDEN", "session is expired")), Failure.TOKEN_REJECTED),
        (answers(envelope("ERROR", "no", 101)), Failure.REFUSED),
        (answers("", status="429 Slow Down"), Failure.THROTTLED),
        (answers("[]"), Failure.MALFORMED),
    ],
)
def test_an_answer_of_the_api_itself_is_not_asked_for_again(step: Step, failure: Failure) -> None:
    with ScriptedServer(step) as server, ScriptedServer(answers(OK)) as twin:
        with client(server, fallback=twin) as api:
            assert unknown(ask(api)).failure is failure
        assert twin.requests == []


def test_when_both_fail_the_first_failure_is_told() -> None:
    with ScriptedServer(answers(HTML)) as server, ScriptedServer(cuts) as twin:
        with client(server, fallback=twin) as api:
            assert unknown(ask(api)).failure is Failure.FILTERED
        assert len(twin.requests) == 1


def test_what_the_fallback_knows_better_is_told() -> None:
    rejected = answers(envelope("ERROR", "bad login", 1))
    with ExitStack() as contexts:
        server = contexts.enter_context(ScriptedServer(cuts))
        twin = contexts.enter_context(ScriptedServer(rejected))
        api = contexts.enter_context(client(server, fallback=twin))
        assert unknown(ask(api)).failure is Failure.TOKEN_REJECTED


@pytest.mark.parametrize(
    ("step", "failure"),
    [
        (cuts, Failure.UNREACHABLE),
        (hangs, Failure.TIMEOUT),
        (answers(HTML), Failure.FILTERED),
        (answers("", status="503 Busy"), Failure.SERVER_ERROR),
        (sends_and_cuts(http(OK, length=99)), Failure.MALFORMED),
    ],
)
@pytest.mark.parametrize(
    "command",
    [
        lambda api: api.campaign_bridge("051", "ivr2:/1"),
        lambda api: api.queue_kick("/5", ["a"]),
        lambda api: api.pirsumphone_register(),
    ],
)
def test_a_command_is_sent_once_whatever_becomes_of_it(
    command: Callable[[Client], object], step: Step, failure: Failure
) -> None:
    with ScriptedServer(answers(OK), step, answers(OK)) as server, ScriptedServer(answers(OK)) as twin:
        with client(server, fallback=twin) as api:
            ask(api)
            assert unknown(command(api)).failure is failure
        assert len(server.requests) == 2
        assert twin.requests == []


def test_the_page_of_a_filter_is_told_by_its_title() -> None:
    told = unknown(read(answers(HTML, "Content-Type: text/html; charset=utf-8")))
    assert told == Unknown(Failure.FILTERED, "HTTP 200, text/html: Blocked & gone", 200)


def test_an_answer_carries_its_fields() -> None:
    answer = read(answers('{"responseStatus":"OK","a":[1]}'))
    assert isinstance(answer, Answer)
    assert answer.data == {"responseStatus": "OK", "a": [1]}


ACCOUNTS = '{"responseStatus":"OK","accounts":[{"userName":"077","registered":true}]}'


def polled(*steps: Step) -> list[Answered[sip.Observation] | Unchanged | Unknown]:
    """What polls make of scripted answers, where each knows the last one that was good."""
    known: bytes | None = None
    found: list[Answered[sip.Observation] | Unchanged | Unknown] = []
    with ScriptedServer(*steps) as server, client(server) as api:
        for _ in steps:
            found.append(api.poll(reads.sip_accounts(), known))
            known = found[-1].digest if isinstance(found[-1], Answered) else known
    return found


def test_an_equal_answer_is_unchanged_and_a_different_one_is_judged() -> None:
    bad = envelope("ERROR", "no", 101)
    other = ACCOUNTS.replace("true", "false")
    found = polled(*map(answers, [ACCOUNTS, ACCOUNTS, bad, bad, ACCOUNTS, other]))
    kinds = [type(one) for one in found]
    assert kinds == [Answered, Unchanged, Unknown, Unknown, Unchanged, Answered]
    seen = [one.seen.registered for one in found if isinstance(one, Answered)]
    assert seen == [{"077": True}, {"077": False}]


def test_an_equal_body_with_an_http_error_is_no_answer() -> None:
    _, failed = polled(answers(ACCOUNTS), answers(ACCOUNTS, status="500 Oops"))
    assert unknown(failed).failure is Failure.SERVER_ERROR


def test_an_answer_that_cannot_be_read_is_never_known() -> None:
    assert [unknown(one).failure for one in polled(answers(OK), answers(OK))] == [Failure.MALFORMED] * 2


@pytest.mark.parametrize(
    "echo", [TOKEN, "s3cret:pass", "0773137770%3As3cret%3Apass", "0773137770%3as3cret%3apass"]
)
def test_a_token_that_the_server_echoes_is_not_shown(echo: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told = unknown(read(answers(envelope("ERROR", f"no such token {echo}!"))))
    assert told.message.startswith("no such token ")
    assert "s3cret" not in repr(told) + caplog.text


def test_neither_client_nor_access_shows_the_token() -> None:
    access = Access(Secret(TOKEN))
    transport = Transport(Timeouts(), monotonic=monotonic)
    assert "s3cret" not in repr(access) + repr(Client(access, transport, now=utcnow)) + repr(transport)
    transport.close()


def result(call: Callable[[Client], object], body: Mapping[str, Json]) -> object:
    step = answers(json.dumps({"responseStatus": "OK", **body}))
    with ScriptedServer(step) as server, client(server) as api:
        return call(api)


def test_a_kick_tells_of_each_call() -> None:
    kicked = result(
        lambda api: api.queue_kick("/5", ["a", "b", "c"]), {"status": {"a": "OK", "b": "Call not found"}}
    )
    assert kicked == Kicked({"a": "OK", "b": "Call not found", "c": None})
    assert isinstance(kicked, Kicked)
    assert (kicked.failed, kicked.unconfirmed) == (("b",), ("c",))


@pytest.mark.parametrize("status", [None, [], "OK"])
def test_a_kick_without_a_status_confirms_nothing(status: Json) -> None:
    kicked = result(lambda api: api.queue_kick("/5", ["a"]), {"status": status})
    assert kicked == Kicked({"a": None})


def test_a_pause_is_confirmed() -> None:
    assert result(lambda api: api.queue_pause("/5", "1"), {"message": "done"}) == Paused("1", True, "done")
    assert result(lambda api: api.queue_unpause("/5", "1"), {}) == Paused("1", False, None)


def test_a_campaign_tells_what_it_dials_and_what_not() -> None:
    bridged = result(
        lambda api: api.campaign_bridge("051:052", "ivr2:/1"),
        {
            "module": "bridge",
            "callerId": "077",
            "callsCount": "1",
            "bilingPerCall": 0.1,
            "errors": {"052": "not Vaild"},
            "callsTimeout": 30,
            "campaignId": 12345,
        },
    )
    assert bridged == Bridged("12345", 1, {"052": "not Vaild"}, "bridge", "077", 0.1, 30)


def test_a_campaign_of_which_nothing_is_told_was_accepted_all_the_same() -> None:
    bridged = result(lambda api: api.campaign_bridge("051", "ivr2:/1"), {"errors": []})
    assert bridged == Bridged(None, None, {}, None, None, None, None)


@pytest.mark.parametrize("errors", [["052"], "some", 2, False])
def test_numbers_that_are_refused_in_no_form_that_can_be_read_are_not_none_at_all(errors: Json) -> None:
    bridged = result(lambda api: api.campaign_bridge("051:052", "ivr2:/1"), {"errors": errors})
    assert isinstance(bridged, Bridged)
    assert bridged.errors is None


@pytest.mark.parametrize(
    "phones",
    [
        "",
        [],
        [None],
        [{}],
        [{"phone": "051", "phones": ["052"]}],
        [{"phone": "051", "callerId": "077"}],
        [{"phones": []}],
        [{"phones": "051"}],
        ["051"] * (MOST_NUMBERS + 1),
        [{"phones": ["051"] * MOST_NUMBERS}, {"phones": ["052"]}],
        ":".join(["051"] * (MOST_NUMBERS + 1)),
    ],
)
def test_a_campaign_that_cannot_be_put_into_words_is_not_sent(phones: Any) -> None:
    with ScriptedServer(answers(OK)) as server, client(server) as api:
        refused = unknown(api.campaign_bridge(phones, "ivr2:/1"))
        assert (refused.failure, refused.code) == (Failure.REFUSED, None)
        assert server.requests == []


def test_a_campaign_takes_as_many_numbers_as_the_platform() -> None:
    with ScriptedServer(answers(OK)) as server, client(server) as api:
        assert isinstance(api.campaign_bridge([{"phones": ["051"] * MOST_NUMBERS}], "ivr2:/1"), Bridged)


def test_every_answer_says_what_time_it_is_at_the_server() -> None:
    heard: list[tuple[datetime, datetime]] = []
    here = FakeClock()
    dated = answers(OK, "Date: Mon, 23 Nov 2026 01:02:03 GMT")
    with ScriptedServer(dated, dated, answers("nonsense")) as server:
        api = Client(
            Access(Secret(TOKEN), server.url),
            Transport(Timeouts(), monotonic=monotonic),
            lambda *at: heard.append(at),
            now=here.now,
        )
        ask(api)
        ask(api)  # equal to the last one
        ask(api)
        api.close()

    assert heard == [(NOW, here.at), (NOW, here.at)]
