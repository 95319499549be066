"""Silences on the page, added once and ended once; and the quiet windows, in words."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from daemon.config.quiet import PLACES, QuietSettings
from daemon.core.model import Severity
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import Quiet, Weekly, Window
from daemon.core.routing.silences import Silence
from daemon.store import silences
from daemon.web.page.drawn import OPEN
from daemon.web.page.silences import INPUTS, LENGTHS
from daemon.web.page.visitors import LANGUAGES
from daemon.web.page.words import ALL
from daemon.wiring.hebrew_calendar import holy_days
from tests.support.http_app import Setting
from tests.support.story import Story
from tests.web.page.test_commands import fields, plain
from tests.web.page.test_frame import unclosed

ZONE = ZoneInfo("Asia/Jerusalem")
PHONE = {"subject": "sip/077", "comment": "a new phone"}
FRIDAY_NOON = datetime(2026, 3, 6, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """A phone that dropped off."""
    one = Story(tmp_path / "yemotd.db")
    one.phone("077", (10, 10_000))
    one.run(until=200)
    yield one
    one.database.close()


@pytest.fixture
def setting(story: Story) -> Setting:
    return Setting(story.database, now=story.clock.now, zone=lambda: ZONE)


@pytest.fixture
def admin(setting: Setting) -> TestClient:
    return setting.visitor()


def draw(browser: TestClient, query: str = "") -> dict[str, str]:
    form = fields(browser.get(f"/silences{query}").text)
    form.pop("look", None)
    return form | {"for": "2h"}


def kept(setting: Setting) -> list[Silence]:
    with setting.database.read() as db:
        return silences.load(db, now=setting.now(), with_ended=True)


def test_a_silence_is_added_once_with_who_and_why(setting: Setting, admin: TestClient) -> None:
    with capture_logs() as logs:
        answer = admin.post("/silences", data=draw(admin) | PHONE)
    (silence,) = kept(setting)

    assert (answer.status_code, answer.headers["location"]) == (303, "/silences")
    assert (silence.author, silence.comment, silence.subject) == ("admin", "a new phone", "sip/077")
    assert silence.ends_at == silence.starts_at + 2 * HOUR
    assert setting.woken == 1
    assert [(one["token"], one["action"], one["target"]) for one in logs if one["event"] == "http.audit"] == [
        ("admin", "silence.add", silence.id)
    ]


WEEKLY = {"end": "weekly", "from": "02:00", "to": "04:00", "days": ["sun", "wed"]}


def test_one_that_comes_back_is_added_and_shown(setting: Setting, admin: TestClient, story: Story) -> None:
    answer = admin.post("/silences", data=draw(admin) | PHONE | WEEKLY)
    (silence,) = kept(setting)

    assert answer.status_code == 303, plain(answer.text)
    assert silence.weekly == Weekly(frozenset({6, 2}), time(2), time(4), ZONE)
    assert silence.ends_at is None
    said = plain(admin.get("/silences").text)
    assert "from 02:00 to 04:00, beginning on Sunday, Wednesday; next Wednesday 02:00" in said
    hebrew = plain(setting.visitor(language="he").get("/silences").text)
    assert "משעה 02:00 עד 04:00, בימים: יום ראשון, יום רביעי; הבאה: יום רביעי 02:00" in hebrew
    story.clock.at = datetime(2026, 3, 4, 1, tzinfo=UTC)
    assert "Wednesday; now until 04:00" in plain(admin.get("/silences").text)


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"from": ""}, "from", "go together"),
        ({"to": "4"}, "to", "expected a time of day"),
        ({"days": ["sonntag"]}, "days", "expected one of"),
        ({"end": "for", "for": "2h"}, "from", "give one of"),
        ({"ends_at": "2020-01-01T00:00"}, "ends_at", "over before it begins"),
    ],
)
def test_hours_that_are_none_are_said_at_their_field(
    setting: Setting, admin: TestClient, given: dict[str, object], field: str, said: str
) -> None:
    answer = admin.post("/silences", data=draw(admin) | PHONE | WEEKLY | given)

    assert answer.status_code == 422
    assert f'id="fault-{field}"' in answer.text or f'href="#{field}"' in answer.text
    assert said in plain(answer.text)
    assert kept(setting) == []


def test_a_form_that_is_sent_often_makes_one_silence(setting: Setting, admin: TestClient) -> None:
    form = draw(admin) | PHONE
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: admin.post("/silences", data=form), range(4)))

    assert {one.status_code for one in answers} == {303}
    assert len(kept(setting)) == 1
    setting.post(admin, f"/silences/{kept(setting)[0].id}/expire")
    assert admin.post("/silences", data=form).status_code == 303
    assert len(kept(setting)) == 1


@pytest.mark.parametrize(
    "changed", [{"for": "4h"}, {"comment": "other"}, {"subject": "sip/088"}, {"system": "main"}]
)
def test_a_form_that_is_changed_after_it_was_sent_says_so(
    setting: Setting, admin: TestClient, changed: dict[str, str]
) -> None:
    form = draw(admin) | PHONE
    admin.post("/silences", data=form)
    answer = admin.post("/silences", data=form | changed)

    assert answer.status_code == 422
    assert "added a silence already, with other content" in plain(answer.text)
    assert len(kept(setting)) == 1
    again = draw(admin) | PHONE | changed
    again["key"] = fields(answer.text)["key"]
    assert admin.post("/silences", data=again).status_code == 303
    assert len(kept(setting)) == 2


def test_a_form_that_was_open_for_too_long_is_drawn_anew(
    setting: Setting, admin: TestClient, story: Story
) -> None:
    form = draw(admin) | PHONE
    story.clock.at += OPEN
    answer = admin.post("/silences", data=form)

    assert answer.status_code == 422
    assert kept(setting) == []
    assert fields(answer.text)["comment"] == "a new phone"


@pytest.mark.parametrize(
    ("query", "wanted"), [("?subject=sip/*", 1), ("?subject=queue/*", 0), ("?type=sip.*", 1)]
)
def test_what_it_would_mute_is_shown_before_it_is_added(
    setting: Setting, admin: TestClient, query: str, wanted: int
) -> None:
    said = plain(admin.get(f"/silences{query}").text)
    tried = admin.post("/silences", data=draw(admin, query) | {"look": "1"})

    for shown in (said, plain(tried.text)):
        assert ("This would mute one alert that fires now" in shown) == bool(wanted)
        assert ("Nothing that fires now would be muted" in shown) == (not wanted)
    assert kept(setting) == []


def test_a_link_fills_in_the_form(setting: Setting, admin: TestClient) -> None:
    form = fields(admin.get("/silences?type=sip.*&system=main&subject=sip/077&for=90m&comment=a%22b").text)

    assert [form[name] for name in ("type", "system", "subject", "comment")] == [
        "sip.*",
        "main",
        "sip/077",
        'a"b',
    ]
    assert '<option value="90m" selected>' in admin.get("/silences?for=90m").text


def test_one_in_force_says_what_it_mutes_and_can_be_ended(setting: Setting, admin: TestClient) -> None:
    admin.post("/silences", data=draw(admin) | PHONE)
    (silence,) = kept(setting)
    said = plain(admin.get("/silences").text)

    assert "It mutes one alert now:" in said
    assert "until 16:04" in said  # rounded up, in Jerusalem
    assert "a new phone" in said
    marks = [
        setting.post(admin, f"/silences/{silence.id}/expire").headers["set-cookie"].split(";")[0]
        for _ in range(2)
    ]
    assert marks == ["said=silences.expired", "said=silences.over_already"]
    assert "Nothing is silenced." in plain(admin.get("/silences").text)
    assert setting.post(admin, "/silences/sil_none/expire").status_code == 404


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"comment": ""}, "comment", "is missing"),
        ({"subject": "*"}, "type", "would mute everything"),
        ({"for": "2 hours"}, "for", "expected a duration"),
        ({"for": "9999d"}, "for", "at most 3650d"),
        ({"end": "ends_at"}, "", "give one of"),
        ({"end": "ends_at", "ends_at": "2026-03-27T02:30"}, "ends_at", "There is no such time"),
        ({"end": "ends_at", "ends_at": "2026-10-25T01:30"}, "ends_at", "twice that night"),
        ({"end": "ends_at", "ends_at": "2020-01-01T00:00"}, "ends_at", "over before it begins"),
        ({"end": "ends_at", "ends_at": "soon"}, "ends_at", "is no date and time"),
        ({"end": "for", "ends_at": "2026-03-02T10:00"}, "ends_at", "give one of"),
        ({"end": "until_resolved", "subject": "sip/088"}, "until_resolved", "no end to wait for"),
        ({"end": "nonsense"}, "", "give one of"),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_wrong_stands_at_its_field(
    setting: Setting, language: str, typed: dict[str, str], field: str, words: str
) -> None:
    admin = setting.visitor(language=language)
    answer = admin.post("/silences", data=draw(admin) | PHONE | typed)

    assert answer.status_code in (409, 422)
    assert kept(setting) == []
    assert field in ("", "type") or f'id="fault-{field}"' in answer.text or f'href="#{field}"' in answer.text
    assert (words in plain(answer.text)) == (language == "en")
    assert unclosed(answer.text) == []
    assert 'value="a new phone"' in answer.text or "comment" in typed


def test_it_lasts_until_a_time_or_until_it_is_over(setting: Setting, admin: TestClient) -> None:
    until = {"end": "ends_at", "ends_at": "2026-10-25T01:30", "ends_at.side": "1"}
    assert admin.post("/silences", data=draw(admin) | PHONE | until).status_code == 303
    over = {"end": "until_resolved"}
    assert admin.post("/silences", data=draw(admin) | PHONE | over).status_code == 303
    first, second = kept(setting)

    assert first.ends_at == datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
    assert second.ends_at is None
    assert "until what it mutes is over" in plain(admin.get("/silences").text)


def test_one_to_come_is_told_apart(setting: Setting, admin: TestClient) -> None:
    form = draw(admin) | PHONE | {"starts_at": "2026-03-02T10:00"}
    admin.post("/silences", data=form)

    assert "To come" in plain(admin.get("/silences").text)
    assert "from Monday 10:00 until Monday 12:00" in plain(admin.get("/silences").text)


@pytest.mark.parametrize("name", ["reader", "commander"])
def test_only_an_admin_silences(setting: Setting, admin: TestClient, name: str) -> None:
    admin.post("/silences", data=draw(admin) | PHONE)
    form = draw(admin) | PHONE
    other = setting.visitor(name)
    form["csrf"] = setting.csrf(other)
    page = other.get("/silences").text

    assert other.post("/silences", data=form).status_code == 403
    assert setting.post(other, f"/silences/{kept(setting)[0].id}/expire").status_code == 403
    assert "/expire" not in page
    assert 'name="comment"' not in page
    assert "a new phone" in page
    assert [one.expired_at for one in kept(setting)] == [None]


def test_those_that_are_over_go_on_page_by_page(setting: Setting, admin: TestClient) -> None:
    now = setting.now()
    with setting.database.write() as db:
        for n in range(52):
            one = Silence(f"sil_{n:02}", now - HOUR, now, "*", "*", "a", "me", f"<b>{n:02}", now - HOUR)
            silences.add(db, one)
    first = admin.get("/silences").text
    second = admin.get("/silences?before=sil_02").text

    assert re.findall("&lt;b&gt;(..)", first) == [f"{n:02}" for n in range(51, 1, -1)]
    assert 'href="/silences?before=sil_02"' in first
    assert re.findall("&lt;b&gt;(..)", second) == ["01", "00"]
    assert admin.get("/silences?before=sil_none").status_code == 404


def quiet(window: QuietSettings) -> Quiet:
    holy = holy_days(window, ZONE)
    said = Window(place=window.where, zone=ZONE.key)
    return Quiet(holy.covers, window.break_through, holy.ends, said, holy.begins)


def night(days: frozenset[int] = frozenset(range(7)), severity: Severity | None = Severity.CRITICAL) -> Quiet:
    one = Weekly(days, time(22), time(7), ZONE)
    said = Window(days=days, start=one.start, end=one.end, zone=ZONE.key)
    return Quiet(one.covers, severity, one.ends, said, one.begins)


def windows(setting: Setting, story: Story, at: datetime, *quiet_ones: Quiet, language: str = "en") -> str:
    story.clock.at = at
    setting.interests = [Interest("crm", ("*",), None, quiet=quiet_ones), Interest("other", ("*",), None)]
    answer = setting.visitor(language=language).get("/silences")
    assert unclosed(answer.text) == []
    return plain(answer.text)


def test_windows_are_told_with_when_they_begin_and_end(setting: Setting, story: Story) -> None:
    said = windows(
        setting, story, FRIDAY_NOON, night(), quiet(QuietSettings(shabbat=True, place="jerusalem"))
    )

    assert "nights 22:00 to 07:00, by the clock of Asia/Jerusalem, but critical alerts break through" in said
    assert "Next from 22:00 until Saturday 07:00" in said
    assert (
        "Shabbat or Yom Tov in Jerusalem, nothing breaks through. Next from 17:00 until Saturday 18:18"
        in said
    )
    assert "In force now" not in said
    assert "wait behind it" not in said.replace("Nothing waits", "")


def test_a_window_that_lasts_says_until_when_and_how_much_waits(setting: Setting, story: Story) -> None:
    shabbat = quiet(QuietSettings(shabbat=True, place="jerusalem"))
    # Written while it lasts: one fact, and one alert that is held back.
    with setting.database.write() as db:
        db.exec_driver_sql("UPDATE ledger SET held_by = 'quiet', is_over = 0")
        db.exec_driver_sql("UPDATE deliveries SET status = 'pending', ended_at = NULL")
        many = db.exec_driver_sql(
            "SELECT (SELECT count(*) FROM ledger) + (SELECT count(*) FROM deliveries)"
        ).scalar_one()
    said = windows(setting, story, FRIDAY_NOON + 12 * HOUR, shabbat)

    assert "In force now, until Saturday 18:18" in said or "In force now, until 18:18" in said
    assert many == 2
    assert "Two things wait behind it" in said


def test_what_breaks_through_does_not_wait(setting: Setting, story: Story) -> None:
    with setting.database.write() as db:
        db.exec_driver_sql("UPDATE deliveries SET status = 'pending', ended_at = NULL, urgency = 0")
    said = windows(setting, story, FRIDAY_NOON + 12 * HOUR, night())

    assert "Nothing waits behind it" in said


def test_a_window_on_some_days_names_them(setting: Setting, story: Story) -> None:
    said = windows(setting, story, FRIDAY_NOON, night(frozenset({6, 0}), None))

    assert "nights 22:00 to 07:00 that begin on Sunday, Monday" in said
    assert "Next from Sunday 22:00 until Monday 07:00" in said


def test_a_window_with_a_name_says_it_and_what_it_leaves_out(setting: Setting, story: Story) -> None:
    one = night()
    holy = replace(one.window, name="nights", place="haifa", holy=frozenset({"shabbat"}))
    said = windows(setting, story, FRIDAY_NOON, replace(one, window=holy))
    hebrew = windows(setting, story, FRIDAY_NOON, replace(one, window=holy), language="he")

    assert "nights: nights 22:00 to 07:00, except Shabbat in Haifa, by the clock of" in said
    assert "nights: בלילות, 22:00 עד 07:00, מלבד שבת בחיפה" in hebrew


def test_a_window_of_which_nobody_can_say_when_says_that(setting: Setting, story: Story) -> None:
    said = windows(setting, story, FRIDAY_NOON, Quiet(lambda _: True), Quiet(lambda _: False))

    assert "In force now; when it ends, nobody can say" in said
    assert "When it begins next, nobody can say" in said


@pytest.mark.parametrize("place", PLACES)
def test_windows_are_told_in_hebrew(setting: Setting, story: Story, place: str) -> None:
    window = quiet(QuietSettings(shabbat=True, place=place))
    said = windows(setting, story, FRIDAY_NOON, window, night(), language="he")

    assert re.search("שבת או יום טוב ב[א-ת]", said)
    assert "בלילות, 22:00 עד 07:00" in said


def test_every_field_and_length_has_words() -> None:
    wanted = {f"silences.{what}.{name}" for what in ("field",) for name in INPUTS}
    wanted |= {f"silences.for.{one}" for one in LENGTHS}
    wanted |= {f"windows.passes.{one.value}" for one in Severity}

    assert sorted(wanted - set(ALL)) == []
