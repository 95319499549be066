"""The page of one subject: who waits, who answers, what the limits are, and how it has fared."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from daemon.core.durations import NOTHING
from daemon.core.model import Json, Reason, Rule, Severity
from daemon.core.watches.queues import Threshold
from daemon.core.watches.subjects import Subject, SubjectKind
from daemon.store import schema
from daemon.web.page.visitors import LANGUAGES
from tests.support.http_app import Setting
from tests.support.watched import AN_HOUR_AGO, DOWN, NOW, SECOND, UNKNOWN, UP, Watched, queue, sip, the_api
from tests.web.page.test_frame import unclosed
from tests.web.page.test_front import HOSTILE, LOAD, size, text

CALLERS = [
    {"call_id": "c1", "phone": "0501234567", "wait_seconds": 200, "position": 1},
    {"call_id": "c2", "phone": "+972501234568", "wait_seconds": None, "position": None},
]
AGENTS = [
    {"name": "Dana", "paused": False, "status": "1", "calls_taken": 12},
    {"name": "Moshe", "paused": True, "status": "1", "calls_taken": 3},
    {"name": "Yael", "paused": False, "status": "5", "calls_taken": None},
    {"name": "Gil", "paused": None, "status": None, "calls_taken": None},
]
METRICS = {"calls_waiting": 7, "longest_wait_seconds": 200, "agents_available": 1}
WHY = {"metric": "calls_waiting", "value": 7, "above": 5}
HOLD = Rule(120 * SECOND, NOTHING, Severity.ERROR)
LIMITS = (
    Threshold("calls_waiting", 5, None, 3, HOLD),
    Threshold("longest_wait_seconds", 600, None, 600, Rule(NOTHING, NOTHING, Severity.ERROR)),
    Threshold("hold_seconds", 60, None, 60, HOLD),
)


@pytest.fixture
def watched(setting: Setting) -> Watched:
    one = Watched(setting)
    one.see(the_api())
    return one


def page(watched: Watched, path: str, language: str = "en") -> str:
    answer = watched.setting.visitor(language=language).get(f"/systems/main/{path}")
    assert answer.status_code == 200, answer.text[:400]
    assert unclosed(answer.text) == []
    return answer.text


def of_sales(watched: Watched, **details: object) -> None:
    """A queue in which many wait."""
    listed = {"callers": CALLERS, "agents": AGENTS, "unread": [], **details}
    watched.see(queue("5", DOWN, "sales", METRICS, why=WHY, details=listed))
    watched.setting.limits = {("main", "queue/5"): LIMITS}


def test_who_waits_and_who_answers(watched: Watched) -> None:
    of_sales(watched)

    html = page(watched, "queue/5")

    assert "1 0501234567 3 min 20 s" in text(html.replace("</td>", " </td>"))
    assert '<bdi dir="ltr">+972501234568</bdi>' in html
    for name, state, word in (
        ("Dana", "up", "free"),
        ("Moshe", "pending", "paused"),
        ("Yael", "down", "unavailable"),
        ("Gil", "unknown", "not known"),
    ):
        agent = f'<td class="one-line"><bdi>{name}</bdi></td>'
        assert f'{agent}<td><span class="state {state}">{word}</span></td>' in html


def test_its_limits_and_how_they_stand(watched: Watched) -> None:
    of_sales(watched)

    found = [text(one) for one in re.findall(r'<li><span class="state.*?</li>', page(watched, "queue/5"))]

    assert found == [
        "crossed Waiting above 5reported after 2 min, well again at 3",
        "well Longest wait above 10 minreported at once",
        "not known Average wait above 1 minreported after 2 min",
    ]


def test_lists_that_cannot_be_read_are_not_empty_ones(watched: Watched) -> None:
    of_sales(watched, callers=[], agents=[], unread=["callers", "agents"])

    said = text(page(watched, "queue/5"))

    assert "The list of callers cannot be read." in said
    assert "The list of agents cannot be read." in said
    assert "Nobody waits" not in said


def test_nobody_waits(watched: Watched) -> None:
    of_sales(watched, callers=[])

    assert "Nobody waits." in text(page(watched, "queue/5"))


def test_no_line_is_drawn_over_what_was_not_seen(watched: Watched) -> None:
    of_sales(watched)
    seen = {"calls_waiting": 2, "longest_wait_seconds": 30}
    watched.past(
        "queue/5", [(7_200, UP, seen), (3_600, UNKNOWN, {}), (7_200, DOWN, {**seen, "calls_waiting": 7})]
    )

    html = page(watched, "queue/5")
    waiting, longest = re.findall(r'<svg class="plot".*?</svg>.*?</svg>', html, re.DOTALL)

    assert waiting.count('class="line"') == longest.count('class="line"') == 2
    assert waiting.count('class="limit"') == 1
    assert "limit 5" in text(waiting)
    assert 'aria-label="\u2068Waiting' in waiting
    assert "at most" in waiting


def test_an_incident_is_shaded_on_the_same_axis(watched: Watched) -> None:
    of_sales(watched)
    watched.past("queue/5", [(7_200, UP, {"calls_waiting": 2})])
    with watched.database.write() as db:
        for number, system in enumerate(("main", "another")):
            row = {
                "id": f"inc_{number}",
                "system": system,
                "key": "queue/5/x",
                "watch": "queue/5",
                "fires": "queue.threshold.crossed",
                "resolves": "queue.threshold.cleared",
                "subject": "queue/5",
                "severity": Severity.ERROR,
                "payload": "{}",
                "started_at": AN_HOUR_AGO,
                "changed_before": AN_HOUR_AGO,
                "fired_at": AN_HOUR_AGO,
                "ended_at": AN_HOUR_AGO + timedelta(minutes=20),
                "end": Reason.RESOLVED,
            }
            db.execute(sa.insert(schema.incidents), row)

    html = page(watched, "queue/5")
    waiting = re.findall(r'<svg class="plot".*?</svg>', html, re.DOTALL)[0]

    (shaded,) = re.findall(r'class="incident" x="(\d+)" y="0" width="(\d+)"', waiting)
    (length,) = re.findall(r'viewBox="0 0 (\d+) 1000"', waiting)
    assert int(length) - int(shaded[0]) == 3_600
    assert shaded[1] == "1200"
    assert "Incident, " in waiting


def test_the_values_are_a_table_too(watched: Watched) -> None:
    of_sales(watched)
    watched.past("queue/5", [(7_200, UP, {"calls_waiting": 2}), (3_600, UP, {"calls_waiting": 4})])

    html = page(watched, "queue/5")

    table = re.findall(r'<details id="table-calls_waiting">.*?</details>', html, re.DOTALL)[0]
    rows = re.findall(r"<tr><td>.*?</tr>", table)
    assert 2 <= len(rows) <= 30
    assert text(rows[0].split("</td>", 1)[1].replace("</td>", " ")) == "2 2 2"
    assert text(rows[-1].split("</td>", 1)[1].replace("</td>", " ")) == "4 4 4"


@pytest.mark.parametrize("span", ["24h", "7d", "30d"])
def test_each_span_is_drawn(watched: Watched, span: str) -> None:
    watched.see(sip("071"))
    watched.past("sip/071", [(40_000, UP, {}), (600, DOWN, {}), (4_000, UP, {})])

    html = page(watched, f"sip/071?span={span}")

    assert f'href="?span={span}" aria-current="true"' in html
    assert '<rect class="down"' in html
    assert "98.65%" in html
    assert "24 hours: 98.65%" in text(html)


def test_nothing_seen_says_so(watched: Watched) -> None:
    watched.see(sip("071", UNKNOWN, reason="never_seen"))

    html = page(watched, "sip/071")

    assert 'aria-label="24 hours: not seen"' in html
    assert "100%" not in html


def test_units_have_their_course(watched: Watched) -> None:
    watched.see(Subject("units", SubjectKind.UNITS, UP, metrics={"balance": 120.5, "days_left": 3}))
    watched.past("units", [(7_200, UP, {"balance": 120.5})])
    watched.setting.limits = {("main", "units"): (Threshold("balance", None, 100, 100, HOLD),)}

    html = page(watched, "units")

    assert html.count('<svg class="plot"') == 1
    assert "Balance below 100" in text(html)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", HOSTILE)
def test_strange_callers_and_agents_are_text(watched: Watched, name: str, language: str) -> None:
    caller = {"call_id": name, "phone": name, "wait_seconds": name, "position": None}
    agent = {"name": name, "paused": False, "status": name, "calls_taken": None}
    of_sales(watched, callers=[caller], agents=[agent])
    watched.see(queue("6", UNKNOWN, name, {name: name}, why={"failure": name, "message": name}))

    for path in ("queue/5", "queue/6"):
        html = page(watched, path, language)
        assert not re.search(r"<script>alert|<img|<i>", html)
        assert "\u202e" not in html


def test_a_long_queue_is_cut_and_says_so(watched: Watched) -> None:
    many = [
        {"call_id": f"c{at}", "phone": f"05{at:08}", "wait_seconds": at, "position": at}
        for at in range(5_000)
    ]
    of_sales(watched, callers=many)

    html = page(watched, "queue/5")

    assert "And 4800 more." in text(html)
    assert size(html) < LOAD


@pytest.mark.parametrize("path", ["sip/none", "queue/5/6", "%3Cscript%3E"])
def test_what_is_not_watched_is_no_page(watched: Watched, path: str) -> None:
    answer = watched.setting.visitor().get(f"/systems/main/{path}")

    assert answer.status_code == 404
    assert "<script>" not in re.sub(r"<script src=.*?</script>", "", answer.text)


def test_incidents_of_it_are_a_link(watched: Watched) -> None:
    watched.see(sip("071", DOWN), since=NOW - 720 * SECOND)
    watched.alert("sip/071", "sip.account.unregistered")

    html = page(watched, "sip/071")

    assert 'href="/incidents?system=main&amp;subject=sip/071"' in html
    assert 'href="/incidents/inc_sip/071"' in html


@pytest.mark.parametrize(
    ("reason", "english", "hebrew"),
    [
        ("spent", "as much as may be read in a day was read", "המכסה היומית לקריאת קבצים נוצלה"),
        ("too_large", "the file is too large to be read", "הקובץ גדול מדי לקריאה"),
    ],
)
def test_a_report_says_how_much_is_in_it_and_why_it_cannot_be_read(
    watched: Watched, reason: str, english: str, hebrew: str
) -> None:
    name = "report/1/ApprovalAll"
    metrics: dict[str, Json] = {"files": 2, "newest": "ApprovalAll.ymgr", "rows": 1200}
    watched.see(Subject(name, SubjectKind.REPORT, UP, metrics=metrics))

    shown = text(page(watched, name))
    assert "Report 1/ApprovalAll" in shown
    assert "1200 rows" in shown.replace(",", "")
    watched.see(Subject(name, SubjectKind.REPORT, UNKNOWN, why={"reason": reason}, metrics=metrics))
    assert english in text(page(watched, name))
    assert hebrew in text(page(watched, name, "he"))


def test_its_title_shows_no_sign_that_only_sets_apart(watched: Watched) -> None:
    of_sales(watched)
    for language in ("en", "he"):
        title = re.findall("<title>(.*?)</title>", page(watched, "queue/5", language))[0]
        assert re.sub("[\u2068\u2069]", "", title) in ("Queue sales, system main", "תור sales, מערכת main")
