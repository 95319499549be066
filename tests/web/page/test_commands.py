"""Commands on the page: given once however often the form is sent, and shown with what came of them."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from daemon.core.commands.command import Command, Error, OnHoliday, Status, Trouble
from daemon.core.commands.command_types import TYPES
from daemon.core.commands.policy import Policy
from daemon.core.commands.waiting import Wait
from daemon.core.model import Failure
from daemon.schemas.command_requests import PARAMS, REQUESTS
from daemon.store import inbox
from daemon.store.database import Database
from daemon.web.page import inputs
from daemon.web.page.commands import OF_REQUEST
from daemon.web.page.commands_shown import STATES
from daemon.web.page.drawn import AGREED, OPEN
from daemon.web.page.inputs import Odd, local_moment
from daemon.web.page.visitors import LANGUAGES
from daemon.web.page.words import ALL
from tests.support import stores
from tests.support.fakes import START
from tests.support.http_app import Setting
from tests.web.page.test_frame import unclosed

JERUSALEM = ZoneInfo("Asia/Jerusalem")
CAMPAIGN = {"params.phones": "0501234567\n0501234568", "params.ivr_path": "/1", "on_holiday": "fail"}
PAUSE = {"params.queue_path": "/5", "params.agent": "SIP-1"}


@dataclass
class Office:
    """The page, and somebody before it whose token gives commands."""

    database: Database
    at: datetime = START
    zone: tzinfo = UTC

    def __post_init__(self) -> None:
        self.setting = Setting(self.database, now=lambda: self.at, zone=lambda: self.zone)
        self.setting.policies["main"] = Policy(("*",), 3.0, zone=JERUSALEM, sms_units_per_day=3.0)
        self.browser = self.setting.visitor("commander")

    def draw(self, type_: str = "campaign.bridge", query: str = "") -> dict[str, str]:
        """The fields of a new form, as a browser has them."""
        answer = self.browser.get(f"/commands/new?type={type_}&system=main{query}")
        assert answer.status_code == 200, answer.text
        return fields(answer.text)

    def send(self, form: dict[str, str], browser: TestClient | None = None) -> Response:
        return (browser or self.browser).post("/commands/new", data=form)

    def ask(self, form: dict[str, str]) -> dict[str, str]:
        """The fields of the page that asks once more."""
        answer = self.send(form)
        assert answer.status_code == 200, answer.text
        return fields(answer.text)

    def commands(self) -> list[Command]:
        with self.database.read() as db:
            return inbox.read(db, inbox.Wanted())

    def put(self, command_id: str, **changed: Any) -> Command:
        """What has become of a command."""
        with self.database.write() as db:
            found = inbox.find(db, command_id)
            assert found is not None
            inbox.save(db, replace(found, **changed))
        return replace(found, **changed)

    def page(self, command_id: str, browser: TestClient | None = None) -> str:
        answer = (browser or self.browser).get(f"/commands/{command_id}")
        assert answer.status_code == 200
        return plain(answer.text)


def fields(html: str) -> dict[str, str]:
    """What a browser would send of the form of a page by its first button."""
    reader = FormReader()
    reader.feed(html)
    return reader.found


class FormReader(HTMLParser):
    """Reads the fields of the forms that give commands and add silences."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._is_inside = False
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._is_inside = said.get("action", "").endswith(("/commands/new", "/silences"))
        if self._is_inside and "name" in said and self._is_sent(tag, said):
            self.found[said["name"]] = said.get("value", "")
            self._area = said["name"] if tag == "textarea" else ""

    def handle_endtag(self, tag: str) -> None:
        self._area = "" if tag == "textarea" else self._area

    def handle_data(self, data: str) -> None:
        if self._area:
            self.found[self._area] += data.removeprefix("\n")

    def _is_sent(self, tag: str, said: dict[str, str]) -> bool:
        if tag == "input" and said.get("type") in ("radio", "checkbox"):
            return "checked" in said
        return tag != "button" or said["name"] != "change"


def plain(html: str) -> str:
    """What people read of a page."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>|[\u2068\u2069]", "", html)))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    one = Office(stores.on_file(tmp_path / "web.db"))
    yield one
    one.database.close()


def test_a_campaign_is_asked_once_more_with_its_price_and_what_is_left(office: Office) -> None:
    answer = office.send(office.draw() | CAMPAIGN)
    said = plain(answer.text)

    assert answer.status_code == 200
    assert "2 numbers are dialled, for 1.2 units" in said
    assert "out of 3 that are left" in said
    assert "0501234567, 0501234568" in said
    assert office.commands() == []


SMS = {"params.to": "0501234567\n0501234568", "params.text": "א" * 71}


def test_an_sms_is_asked_once_more_with_its_parts_and_its_price(office: Office) -> None:
    drawn = office.draw("sms.send")
    said = plain(office.send(drawn | SMS).text)
    assert "to 2 numbers, 2 parts each: 0.4 units, out of 3 that are left" in said
    assert "dialled" not in said
    assert office.commands() == []
    office.send(office.ask(office.draw("sms.send") | SMS))

    assert [(one.type, one.params["to"]) for one in office.commands()] == [
        ("sms.send", ["0501234567", "0501234568"])
    ]


def test_what_was_agreed_to_is_given_once(office: Office) -> None:
    answer = office.send(office.ask(office.draw() | CAMPAIGN))
    (command,) = office.commands()

    assert (answer.status_code, answer.headers["location"]) == (303, f"/commands/{command.id}")
    assert (command.type, command.created_by) == ("campaign.bridge", "commander")
    assert command.params == {"phones": ["0501234567", "0501234568"], "ivr_path": "ivr2:/1"}
    assert office.setting.woken == 1


def test_what_was_agreed_to_may_be_read_for_a_minute(office: Office) -> None:
    agreed = office.ask(office.draw() | CAMPAIGN)
    office.at += timedelta(minutes=1)

    assert office.send(agreed).status_code == 303
    assert len(office.commands()) == 1


def test_a_double_submit_is_one_campaign(office: Office) -> None:
    agreed = office.ask(office.draw() | CAMPAIGN)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: office.send(agreed), range(4)))
    (command,) = office.commands()

    assert {one.headers["location"] for one in answers} == {f"/commands/{command.id}"}


def test_two_tabs_of_one_form_are_one_campaign(office: Office) -> None:
    form = office.draw() | CAMPAIGN
    first, second = office.ask(form), office.ask(form)

    assert office.send(first).status_code == office.send(second).status_code == 303
    assert len(office.commands()) == 1


def test_two_forms_of_the_same_ask_again_and_say_what_there_is(office: Office) -> None:
    first, second = office.ask(office.draw() | CAMPAIGN), office.ask(office.draw() | CAMPAIGN)
    office.send(first)
    answer = office.send(second)
    (command,) = office.commands()

    assert answer.status_code == 200
    assert "The very same counts on that day already: an earlier command" in plain(answer.text)
    assert f"/commands/{command.id}" in answer.text
    assert "Nothing was sent" in plain(answer.text)


def test_going_back_and_sending_again_is_one_campaign(office: Office) -> None:
    form = office.draw() | CAMPAIGN
    office.send(office.ask(form))
    again = office.send(form)  # the first page, once more

    assert (again.status_code, len(office.commands())) == (303, 1)


def test_going_back_and_changing_it_asks_for_a_new_form(office: Office) -> None:
    form = office.draw() | CAMPAIGN
    office.send(office.ask(form))
    changed = office.send(form | {"params.phones": "0521234567"})
    (command,) = office.commands()

    assert changed.status_code == 422
    assert f"given a command already, with other content: {command.id}" in plain(changed.text)
    assert fields(changed.text)["key"] != form["key"]
    assert fields(changed.text)["params.phones"] == "0521234567"


def test_the_answer_can_be_loaded_again(office: Office) -> None:
    answer = office.send(office.ask(office.draw() | CAMPAIGN))
    pages = [office.browser.get(answer.headers["location"]).status_code for _ in range(3)]

    assert (pages, len(office.commands())) == ([200] * 3, 1)


@pytest.mark.parametrize("later", [timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)])
@pytest.mark.parametrize("is_forgotten", [False, True])
def test_a_recorded_request_gives_no_second_campaign(
    office: Office, later: timedelta, *, is_forgotten: bool
) -> None:
    agreed = office.ask(office.draw() | CAMPAIGN)
    office.send(agreed)
    (command,) = office.commands()
    office.at += later
    if is_forgotten:
        if later < AGREED:
            return  # no retention is that short
        with office.database.write() as db:
            db.exec_driver_sql("DELETE FROM commands")

    again = office.send(agreed)

    assert [one.id for one in office.commands()] == ([] if is_forgotten else [command.id])
    assert again.status_code in (200, 303, 422)


def test_another_key_with_the_same_form_gives_nothing(office: Office) -> None:
    agreed = office.ask(office.draw() | CAMPAIGN)
    office.send(agreed)
    made_up = agreed | {"key": re.sub("^[^~]+", "form_mine", agreed["key"])}
    of_another_form = agreed | {"key": office.draw()["key"]}

    assert "open for too long" in plain(office.send(made_up).text)
    assert "not what would be sent now" in plain(office.send(of_another_form).text)
    assert len(office.commands()) == 1


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("params.phones", "0501234567\n0501234569"),
        ("params.phones", "0501234567"),
        ("params.ivr_path", "/2"),
        ("params.caller_id", "0771234567"),
        ("not_before", "2026-03-01T18:00"),  # of the same day and budget
        ("expires_at", "2026-03-01T18:00"),
        ("on_holiday", "wait"),
        ("agreed", ""),
        ("agreed", "x"),
        ("agreed", "é~1~é"),
    ],
)
def test_only_what_was_shown_is_agreed_to(office: Office, name: str, typed: str) -> None:
    answer = office.send(office.ask(office.draw() | CAMPAIGN) | {name: typed})

    assert (answer.status_code, office.commands()) == (200, [])
    if typed or name != "agreed":
        assert "Nothing was sent" in plain(answer.text)


def test_an_agreement_counts_for_its_own_form_only(office: Office) -> None:
    agreed = office.ask(office.draw() | CAMPAIGN)
    answer = office.send(agreed | {"key": office.draw()["key"]})

    assert (answer.status_code, office.commands()) == (200, [])


def test_another_system_is_not_agreed_to(office: Office) -> None:
    office.setting.policies["branch"] = Policy(("*",), 3.0, zone=JERUSALEM)
    answer = office.send(office.ask(office.draw() | CAMPAIGN) | {"system": "branch"})

    assert (answer.status_code, office.commands()) == (422, [])


def test_an_agreement_counts_for_this_session_only(office: Office) -> None:
    agreed = office.ask(office.draw() | CAMPAIGN)
    other = office.setting.visitor("admin")
    answer = office.send(agreed | {"csrf": office.setting.csrf(other)}, other)

    assert "not of this session" in plain(answer.text)
    assert office.commands() == []


def test_a_budget_that_changed_meanwhile_asks_again(office: Office) -> None:
    agreed = office.ask(office.draw() | CAMPAIGN)
    office.send(office.ask(office.draw() | CAMPAIGN | {"params.phones": "0521111111"}))
    answer = office.send(agreed)

    assert answer.status_code == 200
    assert "not what would be sent now" in plain(answer.text)
    assert "out of 2.4 that are left" in plain(answer.text)
    assert office.send(fields(answer.text)).status_code == 303
    assert len(office.commands()) == 2


def test_what_was_agreed_to_long_ago_is_asked_again(office: Office) -> None:
    agreed = office.ask(office.draw() | CAMPAIGN)
    office.at += AGREED

    assert (office.send(agreed).status_code, office.commands()) == (200, [])


def test_a_form_that_was_open_for_too_long_is_drawn_anew(office: Office) -> None:
    form = office.draw("queue.pause") | PAUSE
    office.at += OPEN
    answer = office.send(form)

    assert (answer.status_code, office.commands()) == (422, [])
    assert fields(answer.text)["params.agent"] == "SIP-1"
    assert office.send(fields(answer.text)).status_code == 303


def test_more_than_the_budget_is_refused_at_its_field(office: Office) -> None:
    answer = office.send(
        office.draw() | CAMPAIGN | {"params.phones": "\n".join(f"050123456{n}" for n in range(9))}
    )

    assert answer.status_code == 409
    assert 'id="fault-params.phones"' in answer.text
    assert "it may cost 5.4 units" in plain(answer.text)


def test_something_can_be_changed_before_it_is_agreed_to(office: Office) -> None:
    asked = office.ask(office.draw() | CAMPAIGN)
    answer = office.send(asked | {"change": "1"})

    assert (answer.status_code, office.commands()) == (200, [])
    assert fields(answer.text)["params.phones"].split() == ["0501234567", "0501234568"]


def test_a_form_is_of_one_system_and_one_type(office: Office) -> None:
    office.setting.policies["branch"] = Policy(("*",))
    form = office.draw("queue.pause") | PAUSE
    office.send(form)
    answers = [office.send(form | {"system": "branch"}), office.send(form | {"type": "queue.unpause"})]

    assert ["open for too long" in plain(one.text) for one in answers] == [True, True]
    assert len(office.commands()) == 1


def test_what_costs_nothing_is_given_at_once_and_once(office: Office) -> None:
    form = office.draw("queue.pause") | PAUSE
    answers = [office.send(form) for _ in range(3)]

    assert {one.status_code for one in answers} == {303}
    assert len(office.commands()) == 1
    assert "said=commands.given_before" in answers[1].headers["set-cookie"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_faults_stand_at_their_fields_with_what_was_typed(office: Office, language: str) -> None:
    office.browser.cookies.set("language", language)
    typed = {"params.queue_path": "five <b>", "params.call_ids": "a\nb c\na"}
    answer = office.send(office.draw("queue.kick") | typed)
    sent = fields(answer.text)

    assert answer.status_code == 422
    assert sent["params.queue_path"] == "five <b>"
    assert sent["params.call_ids"].split("\n") == ["a", "b c", "a"]
    for name in typed:
        assert re.search(
            rf'name="{name}" aria-describedby="[^"]*fault-{name}"[^>]* aria-invalid="true"', answer.text
        )
        assert f'href="#{name}"' in answer.text
    assert ("expected the path of an extension" in plain(answer.text)) == (language == "en")
    assert ("צריך להיות נתיב של שלוחה" in plain(answer.text)) == (language == "he")
    assert unclosed(answer.text) == []
    assert office.commands() == []


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_type_is_a_form(office: Office, type_: str, language: str) -> None:
    office.browser.cookies.set("language", language)
    answer = office.browser.get(f"/commands/new?type={type_}&system=main")
    shown = set(fields(answer.text))

    names = [one.alias or name for name, one in PARAMS[type_].model_fields.items()]
    assert {inputs.PARAMS + name for name in names} <= shown
    assert set(REQUESTS[type_].model_fields) - {"params"} <= shown
    assert unclosed(answer.text) == []
    labelled = set(re.findall(r'<label for="([^"]+)"', answer.text))
    assert {one for one in shown if one not in ("csrf", "key", "type", "system")} <= labelled


def test_every_type_field_and_choice_has_words() -> None:
    wanted: set[str] = set()
    for type_ in TYPES:
        wanted |= {f"commands.of.{type_}", f"commands.does.{type_}"}
        wanted |= {f"commands.check.{type_}"} if TYPES[type_].check else set()
        drawn = inputs.inputs(PARAMS[type_]) + inputs.inputs(REQUESTS[type_], without=OF_REQUEST)
        for one in drawn:
            wanted |= {f"commands.field.{one.word}", f"commands.hint.{one.word}"}
            wanted |= {f"commands.choice.{one.word}.{each}" for each in one.choices}
    wanted |= {f"commands.{what}.{one.value}" for what in ("is", "means") for one in Status}
    wanted |= {f"commands.waits.{one.value}" for one in Wait}
    wanted |= {f"commands.error.{one.value}" for enum in (Failure, Trouble) for one in enum}

    assert sorted(wanted - set(ALL)) == []
    assert set(STATES) == set(Status)


@pytest.mark.parametrize("type_", TYPES)
def test_a_field_is_what_the_model_says(type_: str) -> None:
    drawn = {one.word: one for one in inputs.inputs(PARAMS[type_])}
    for name, model in PARAMS[type_].model_fields.items():
        one = drawn[model.alias or name]
        assert one.is_required == model.is_required()
        assert not model.examples or one.example


def test_what_a_system_does_not_take_is_not_offered(office: Office) -> None:
    office.setting.policies = {"main": Policy(("queue.*", "campaign.*"))}
    said = office.browser.get("/commands/new").text

    assert "type=queue.kick&amp;system=main" in said
    assert "sip.accounts" not in said
    assert "campaign.bridge" not in said  # it has no budget
    assert 'name="key"' not in office.browser.get("/commands/new?type=sip.accounts&system=main").text
    form = {"csrf": office.setting.csrf(office.browser), "type": "sip.accounts", "system": "main"}
    office.setting.policies = {"main": Policy()}
    key = office.draw("sip.accounts")["key"]
    office.setting.policies = {"main": Policy(("queue.*",))}
    assert office.send(form | {"key": key}).status_code == 403
    assert office.commands() == []


def test_a_link_fills_in_and_does_nothing(office: Office) -> None:
    form = office.draw("queue.kick", "&queue_path=/5&call_ids=a,b%22%3E&goto=/1")

    assert form["params.queue_path"] == "/5"
    assert form["params.call_ids"] == 'a,b">'
    assert form["params.goto"] == "/1"
    assert office.commands() == []
    office.send(form | {"params.call_ids": "a,b"})
    assert office.commands()[0].params["call_ids"] == ["a", "b"]


def test_a_reader_sees_no_button_and_gives_nothing(office: Office) -> None:
    office.send(office.draw("queue.pause") | PAUSE)
    (command,) = office.commands()
    form = office.draw("queue.pause") | PAUSE
    reader = office.setting.visitor("reader")
    form["csrf"] = office.setting.csrf(reader)

    assert "/commands/new" not in reader.get("/commands").text
    assert "/cancel" not in reader.get(f"/commands/{command.id}").text
    assert reader.get("/commands/new").status_code == 403
    assert office.send(form, reader).status_code == 403
    assert office.setting.post(reader, f"/commands/{command.id}/cancel").status_code == 403
    assert [one.status for one in office.commands()] == [Status.QUEUED]


def test_a_command_is_cancelled_once(office: Office) -> None:
    office.send(office.draw("queue.pause") | PAUSE)
    (command,) = office.commands()
    said = [
        office.setting.post(office.browser, f"/commands/{command.id}/cancel").headers["set-cookie"]
        for _ in range(2)
    ]

    assert office.commands()[0].status is Status.CANCELLED
    assert all("said=commands.cancelled" in one for one in said)
    office.put(command.id, status=Status.RUNNING)
    late = office.setting.post(office.browser, f"/commands/{command.id}/cancel")
    assert "too_late_to_cancel" in late.headers["set-cookie"]
    assert office.setting.post(office.browser, "/commands/cmd_none/cancel").status_code == 404


@pytest.mark.parametrize(
    ("typed", "side", "wanted"),
    [
        ("2026-03-26T18:00", "", "2026-03-26T16:00:00+00:00"),
        ("2026-03-27T02:30", "", Odd.MISSING),
        ("2026-03-27T02:30", "1", Odd.MISSING),
        ("2026-10-25T01:30", "", Odd.TWICE),
        ("2026-10-25T01:30", "x", Odd.TWICE),
        ("2026-10-25T01:30", "0", "2026-10-24T22:30:00+00:00"),
        ("2026-10-25T01:30", "1", "2026-10-24T23:30:00+00:00"),
        ("2026-10-25T01:30+03:00", "", "2026-10-24T22:30:00+00:00"),
        ("0001-01-01T00:00", "", Odd.UNREADABLE),
        ("9999-12-31T23:59", "", "9999-12-31T21:59:00+00:00"),
        ("tomorrow", "", Odd.UNREADABLE),
    ],
)
def test_a_local_time_is_one_moment_or_is_asked_about(typed: str, side: str, wanted: str | Odd) -> None:
    found = local_moment(typed, side, JERUSALEM)

    assert (found if isinstance(found, Odd) else found.isoformat()) == wanted


def test_the_hour_that_there_is_twice_can_be_told_apart(office: Office) -> None:
    office.zone = JERUSALEM
    form = office.draw("sip.accounts") | {"not_before": "2026-10-25T01:30", "expires_at": "2026-10-26T00:00"}
    answer = office.send(form)

    assert answer.status_code == 422
    assert "twice that night" in plain(answer.text)
    assert "the first of the two (UTC+03:00)" in plain(answer.text)
    assert office.send(form | {"not_before.side": "1"}).status_code == 303
    assert office.commands()[0].not_before.isoformat() == "2026-10-24T23:30:00+00:00"
    skipped = office.send(office.draw("sip.accounts") | {"not_before": "2026-03-27T02:30"})
    assert "There is no such time" in plain(skipped.text)


def queued(office: Office, **changed: Any) -> Command:
    office.send(office.draw("queue.pause") | PAUSE)
    command = office.commands()[0]
    return office.put(command.id, **changed) if changed else command


def test_why_one_waits_is_said_in_words(office: Office) -> None:
    soon = office.at + timedelta(minutes=30)
    first = queued(office)
    assert "It goes at any moment" in office.page(first.id)
    second = queued(office)
    assert "It waits for an earlier command: commands of one system" in office.page(second.id)
    office.setting.paused["main"] = timedelta(minutes=5)
    assert "the system is left alone" in office.page(first.id)
    office.setting.paused.clear()
    office.put(first.id, attempts=1, due_at=soon, error=Error("timeout", "so"))
    assert "It is tried again at 12:30:00" in office.page(first.id)
    office.put(first.id, attempts=0, not_before=soon, is_start_given=True)
    assert "It waits until 12:30:00: it is not to be carried out earlier" in office.page(first.id)
    assert "It goes at any moment" in office.page(second.id)
    office.put(
        first.id, attempts=1, on_holiday=OnHoliday.WAIT, not_before=soon, error=Error("refused", "-", 104)
    )
    assert "on Shabbat and holidays (104)" in office.page(first.id)
    office.put(first.id, status=Status.RUNNING)
    assert "It waits for an earlier command" in office.page(second.id)
    assert "It waits for" in plain(office.browser.get("/commands").text)


RESULTS: dict[str, tuple[Any, list[str]]] = {
    "kick": (
        {
            "calls": [
                {"call_id": "a", "status": "kicked", "message": "OK"},
                {"call_id": "b", "status": "not_found", "message": "call not found"},
                {"call_id": "c", "status": "gone", "message": "call not found"},
                {"call_id": "d", "status": "unconfirmed", "message": None},
            ],
            "is_partial": True,
        },
        [
            "done in part",
            "removed",
            "was not in the queue",
            "may have removed it",
            "nobody knows",
            "Not all of it was done",
        ],
    ),
    "campaign": (
        {
            "campaign_id": "7",
            "calls_count": 3,
            "rejected": [{"phone": "050", "reason": "not Vaild"}],
            "is_partial": True,
        },
        ["Numbers that are being dialled3", "Numbers that are not dialled", "050", "not Vaild"],
    ),
    "campaign, unreadable": (
        {"campaign_id": None, "calls_count": None, "rejected": None},
        ["the answer did not say", "some; which, the answer did not say readably"],
    ),
    "of another version": (
        {"news": {"one": [1, 2], "two": {"x": None}}, "y": [{"z": True}]},
        ["news", "1, 2", "Yes"],
    ),
    "no object": ([1], ["[1]"]),
    "hostile": ({"agent": "<script>\u202e</script>"}, ["<script>"]),
}


@pytest.mark.parametrize("situation", RESULTS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_result_is_shown_item_by_item(office: Office, situation: str, language: str) -> None:
    result, wanted = RESULTS[situation]
    command = queued(office, status=Status.SUCCEEDED, result=result, ended_at=office.at)
    office.browser.cookies.set("language", language)
    answer = office.browser.get(f"/commands/{command.id}")

    assert "<script>" not in answer.text.replace("<script src", "")
    assert "\u202e" not in answer.text
    assert unclosed(answer.text) == []
    if language == "en":
        assert [one for one in wanted if one not in plain(answer.text)] == []


def test_an_outcome_that_nobody_knows_is_called_that(office: Office) -> None:
    error = Error(Trouble.INTERRUPTED.value, "the daemon ended")
    command = queued(office, status=Status.UNKNOWN, error=error, ended_at=office.at, is_doubtful=True)

    assert "Nobody knows whether it was carried out." in office.page(command.id)
    assert "it shows which agents are paused" in office.page(command.id)
    assert "The daemon ended while the request was under way." in office.page(command.id)
    assert "Nobody knows whether" in plain(office.browser.get("/commands").text)


@pytest.mark.parametrize("token", ["admin", "commander"])
def test_texts_of_sms_are_for_who_may_read_them(office: Office, token: str) -> None:
    result = {"messages": [{"from": "050", "text": "the secret"}]}
    command = queued(office, status=Status.SUCCEEDED, result=result, ended_at=office.at)
    said = office.page(command.id, office.setting.visitor(token))

    assert ("the secret" in said) == (token == "admin")
    assert ("lacks the scope content" in said) == (token != "admin")
    assert "050" in said


def test_the_list_narrows_and_goes_on(office: Office) -> None:
    made = [queued(office).id for _ in range(52)]
    first = office.browser.get("/commands?system=main&status=queued&type=queue.pause").text
    older = unescape(re.findall(r'href="(/commands\?[^"]*before=[^"]*)"', first)[0])

    assert re.findall(r'href="/commands/(cmd_\w+)">Pause', first) == made[:1:-1]
    assert re.findall(r'href="/commands/(cmd_\w+)">Pause', office.browser.get(older).text) == made[1::-1]
    assert "There is no such command" in office.browser.get("/commands?status=failed").text
    assert office.browser.get("/commands?before=cmd_none").status_code == 404
    assert unclosed(first) == []


def test_no_page_does_anything_by_being_looked_at(office: Office) -> None:
    command = queued(office)
    for path in ("/commands/new", f"/commands/{command.id}/cancel"):
        assert office.browser.get(path + "?").status_code in (200, 405)

    assert [one.status for one in office.commands()] == [Status.QUEUED]
