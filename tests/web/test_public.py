"""What strangers may see: badges, the feed and the public view, of what was chosen and of nothing else."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.alerts.incidents import Incident
from daemon.core.model import AlertKind, Interval, Json, Reason, Severity
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState
from daemon.store import incidents, subjects
from daemon.web.badge import COLOURS, LONGEST, badge, width
from daemon.web.kept import Kept
from daemon.web.reach import Reach
from tests.support import stores
from tests.support.fakes import START
from tests.support.http_app import Setting
from tests.support.story import Story

ATOM = "{http://www.w3.org/2005/Atom}"
UP, DOWN, UNKNOWN = SubjectState.UP, SubjectState.DOWN, SubjectState.UNKNOWN
SECRETS: dict[str, Json] = {"calls_waiting": 7171, "failure": "timeout", "message": "secret-message"}
WATCHED = [
    Subject("queue/5", SubjectKind.QUEUE, UP, "מכירות <&>", metrics={"calls_waiting": 7171}),
    Subject("queue/6", SubjectKind.QUEUE, DOWN, None, SECRETS),
    Subject("queue/7", SubjectKind.QUEUE, UNKNOWN, "night", SECRETS),
    Subject("queue/8", SubjectKind.QUEUE, UP, "hidden queue"),
    Subject("sip/0773137770", SubjectKind.SIP, DOWN, None, SECRETS),
]
CHOSEN = ("main/queue/[567]", "main/sip/*", "main/no/such")
KIND = AlertKind("queue.threshold.crossed", "queue.threshold.cleared")


def parsed(document: str | bytes) -> ElementTree.Element:
    return ElementTree.fromstring(document)  # noqa: S314 - our own


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Setting]:
    one = Setting(stores.on_file(tmp_path / "web.db"))
    with one.database.write() as db:
        subjects.save(db, ("main", "sip"), WATCHED, one.now(), None)
    yield one
    one.database.close()


def opened(house: Setting, **given: object) -> Setting:
    reach = Reach(**given)  # type: ignore[arg-type] # whatever a test opens
    house.reach = lambda: reach
    return house


def happen(house: Setting, number: int, **given: object) -> Incident:
    one = Incident(
        id=f"inc_{number:04}",
        system="main",
        key=f"queue/5/{number}",
        watch="queue/5",
        kind=KIND,
        subject="queue/5",
        severity=Severity.WARNING,
        payload={
            "queue": {"path": "/5", "name": "מכירות\x00\x1b\ufffe<b>&"},
            "threshold": {"metric": "calls_waiting", "above": 5, "value": 7171},
        },
        started_at=START,
        changed=Interval(None, START),
        fired_at=START + timedelta(minutes=number),
    )
    one = replace(one, **given)  # type: ignore[arg-type] # fields of it
    with house.database.write() as db:
        incidents.save(db, replace(one, ended_at=None, end=None))
        if one.ended_at:
            incidents.save(db, one)
    return one


# Badges


def test_a_badge_says_the_name_and_the_state_in_words(house: Setting) -> None:
    opened(house, badges=CHOSEN)
    said = {}
    for subject in ("queue/5", "queue/6", "queue/7", "sip/0773137770"):
        answer = house.anybody.get(f"/badge/main/{subject}.svg")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
        root = parsed(answer.text)
        title = root.find("{http://www.w3.org/2000/svg}title")
        assert title is not None
        said[subject] = title.text
        assert "7171" not in answer.text
        assert "secret" not in answer.text

    assert said == {
        "queue/5": "Queue מכירות <&>: up",
        "queue/6": "Queue 6: down",
        "queue/7": "Queue night: unknown",
        "sip/0773137770": "Phone \u200e…770: down",
    }
    hebrew = house.anybody.get("/badge/main/queue/7.svg?language=he").text
    assert "<title>תור night: לא ידוע</title>" in hebrew


def test_each_state_has_a_colour_and_a_shape_of_its_own(house: Setting) -> None:
    opened(house, badges=CHOSEN)
    for subject, colour, shape in (("5", "up", "●"), ("6", "down", "▲"), ("7", "unknown", "?")):
        text = house.anybody.get(f"/badge/main/queue/{subject}.svg").text
        assert COLOURS[colour] in text
        assert f">{shape} {colour}<" in text


def test_what_was_not_chosen_is_answered_as_what_does_not_exist(house: Setting) -> None:
    opened(house, badges=CHOSEN)
    answers = []
    for path in ("main/queue/8", "main/queue/99", "main/no/such", "other/queue/5"):
        answer = house.anybody.get(f"/badge/{path}.svg")
        said = answer.text.replace(path, "?")
        answers.append((answer.status_code, said, sorted(answer.headers.items())))

    assert answers[0][0] == 404
    sizes = [{**dict(headers), "content-length": ""} for _, _, headers in answers]
    assert len({said for _, said, _ in answers}) == 1
    assert all(one == sizes[0] for one in sizes)


def test_without_the_setting_there_is_no_badge_and_no_feed(house: Setting) -> None:
    assert house.anybody.get("/badge/main/queue/5.svg").status_code == 404
    assert house.anybody.get("/feed.atom").status_code == 404
    assert house.admin.get("/badge/main/queue/5.svg").status_code == 404


def test_a_badge_may_be_shown_by_others_and_is_asked_for_again_soon(house: Setting) -> None:
    opened(house, badges=CHOSEN)
    first = house.anybody.get("/badge/main/queue/5.svg")
    again = house.anybody.get("/badge/main/queue/5.svg", headers={"if-none-match": first.headers["etag"]})

    assert first.headers["cache-control"] == "public, max-age=30"
    assert first.headers["cross-origin-resource-policy"] == "cross-origin"
    assert first.headers["content-security-policy"].startswith("default-src 'none'")
    assert (again.status_code, again.content) == (304, b"")
    other = house.anybody.get("/badge/main/queue/6.svg", headers={"if-none-match": first.headers["etag"]})
    assert other.status_code == 200


@given(st.text(), st.sampled_from(sorted(COLOURS)), st.booleans())
def test_whatever_a_name_is_a_badge_is_xml_and_says_it_at_most_so_long(
    name: str, state: str, is_hebrew: bool
) -> None:
    picture = badge(name, state, state, is_hebrew=is_hebrew)
    root = parsed(picture)
    (label, said) = root.iter("{http://www.w3.org/2000/svg}text")

    assert len(label.text or "") <= LONGEST
    assert (said.text or "").endswith(state)
    assert {one.tag.rpartition("}")[2] for one in root.iter()} == {"svg", "title", "rect", "g", "text"}
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", picture)


def test_a_hebrew_name_has_the_room_that_it_takes() -> None:
    assert width("שלום") == 10 + 7 + 5 + 10
    assert width("שָׁלוֹם") == width("שלום")  # marks take none
    assert width("") == 0
    assert width("iii") < width("nnn") < width("mmm") < width("字字字")


# The feed


def entries(house: Setting, query: str = "") -> list[ElementTree.Element]:
    answer = house.anybody.get(f"/feed.atom{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/atom+xml")
    return parsed(answer.content).findall(f"{ATOM}entry")


def text(element: ElementTree.Element, name: str) -> str:
    return element.findtext(f"{ATOM}{name}") or ""


def test_the_feed_has_an_entry_for_each_incident_the_newest_first(house: Setting) -> None:
    opened(house, feed=True)
    happen(house, 1)
    happen(house, 2, subject="endpoint/ops/anna@example.org")
    happen(house, 3)
    found = entries(house)

    assert [text(one, "published")[:16] for one in found] == [
        (START + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M") for number in (3, 1)
    ]
    assert text(found[0], "title").startswith("main: Queue \u2068מכירות")
    assert "calls waiting (limit 5)" in text(found[0], "title")
    assert [one.tag for one in found[0].iter(f"{ATOM}link")] == []
    everything = house.anybody.get("/feed.atom").text
    assert "7171" not in everything
    assert "anna" not in everything


def test_an_entry_keeps_its_id_and_is_updated_when_the_incident_ends(house: Setting) -> None:
    opened(house, feed=True)
    one = happen(house, 1)
    (before,) = entries(house)
    with house.database.write() as db:
        incidents.save(db, replace(one, ended_at=START + timedelta(hours=2), end=Reason.RESOLVED))
    later = house.now() + timedelta(minutes=1)
    house.now = lambda: later
    after = Setting(house.database, reach=house.reach)
    (ended,) = entries(after)

    assert text(before, "id") == text(ended, "id")
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", text(ended, "id"))
    assert text(before, "updated") < text(ended, "updated")
    assert text(before, "content").endswith("It lasts.")
    assert text(ended, "content").endswith(": 2h.")


def test_the_feed_speaks_the_language_that_is_asked_for(house: Setting) -> None:
    opened(house, feed=True)
    happen(house, 1)

    assert "תור" in text(entries(house, "?language=he")[0], "title")
    assert "Queue" in text(entries(house, "?language=en")[0], "title")
    answer = house.anybody.get("/feed.atom", headers={"accept-language": "he-IL"})
    assert 'xml:lang="he"' in answer.text
    assert answer.headers["vary"] == "accept-language"
    assert house.anybody.get("/feed.atom?language=fr").status_code == 422


def test_links_lead_to_the_url_and_only_where_there_is_one(house: Setting) -> None:
    opened(house, feed=True, base="https://phones.example.org/yemotd")
    happen(house, 1)
    root = parsed(house.anybody.get("/feed.atom?language=en").content)

    assert [one.attrib["href"] for one in root.iter(f"{ATOM}link")] == [
        "https://phones.example.org/yemotd/feed.atom?language=en",
        "https://phones.example.org/yemotd/",
        "https://phones.example.org/yemotd/incidents/inc_0001",
    ]


def test_a_feed_is_kept_by_its_readers_and_asked_for_by_what_they_have(house: Setting) -> None:
    opened(house, feed=True)
    first = house.anybody.get("/feed.atom")
    again = house.anybody.get("/feed.atom", headers={"if-none-match": f"W/{first.headers['etag']}"})

    assert (first.headers["cache-control"], again.status_code) == ("public, max-age=60", 304)


# The public view


def test_a_stranger_is_led_to_the_door_unless_there_is_something_to_see(house: Setting) -> None:
    assert house.browser().get("/").headers["location"] == "/sign-in"

    opened(house, shown=CHOSEN)

    assert house.browser().get("/").status_code == 200
    assert house.browser().get("/incidents").status_code in (303, 404)
    assert house.anybody.get("/api/v1/status").status_code == 401
    assert "public" not in house.visitor().get("/").text


def test_a_stranger_sees_the_chosen_subjects_and_nothing_else_of_them(house: Setting) -> None:
    opened(house, shown=CHOSEN)
    happen(house, 1)
    page = house.browser().get("/").text

    assert [re.sub("[\u2068\u2069\u200e]", "", one) for one in re.findall(r"<h3>(.*?)</h3>", page)] == [
        "Queue מכירות &lt;&amp;&gt;",
        "Queue 6",
        "Queue night",
        "Phone …770",
    ]
    assert re.findall(r'class="state (\w+)"', page) == ["up", "down", "unknown", "down"]
    assert "Two things are down" in page
    for hidden in ("hidden queue", "7171", "secret-message", "timeout", "0773137770", "crm", "inc_0001"):
        assert hidden not in page
    assert "<script" not in page


def test_the_share_of_time_is_told_with_what_was_not_seen(house: Setting, tmp_path: Path) -> None:
    opened(house, shown=("main/queue/5",))
    assert "<svg" not in house.browser().get("/").text  # nothing was seen yet

    story = Story(tmp_path / "story.db")
    story.phone("077", (60, 10_000))
    story.run(until=300)
    lived = Setting(story.database, now=story.clock.now, reach=lambda: Reach(shown=("main/sip/*",)))
    lived.unflushed = {"main": story.poller.hearers.historian.unflushed("main")}
    page = re.sub("<[^>]+>|[\u2068\u2069]", "", lived.browser().get("/").text)
    story.database.close()

    told = re.findall(r"(\d+ \w+): up ([\d.]+)%, not seen ([\d.]+)%", page)
    assert [span for span, _, _ in told] == ["24 hours", "7 days", "30 days"]
    assert {up for _, up, _ in told} == {"20.69"}  # 60 of 290 s
    assert all(99 < float(unseen) < 100 for _, _, unseen in told)


def test_in_hebrew_it_says_the_same(house: Setting) -> None:
    opened(house, shown=("main/queue/5",))
    browser = house.browser()
    browser.cookies.set("language", "he")
    page = browser.get("/").text

    assert 'lang="he" dir="rtl"' in page
    assert "הכול תקין" in page


def test_where_nothing_is_known_nothing_looks_well(house: Setting) -> None:
    opened(house, shown=("main/queue/7",))
    assert "banner unknown" in house.browser().get("/").text

    opened(house, shown=("main/nothing/*",))
    page = house.browser().get("/").text
    assert "Nothing is shown here yet" in page
    assert "banner well" not in page


def test_what_was_seen_too_long_ago_is_not_known(house: Setting) -> None:
    opened(house, shown=("main/queue/5",), badges=("main/queue/5",))
    later = house.now() + timedelta(hours=1)
    house.now = lambda: later
    house = Setting(house.database, reach=house.reach, now=house.now)

    assert "banner unknown" in house.browser().get("/").text
    assert ": unknown</title>" in house.anybody.get("/badge/main/queue/5.svg").text


# What they cost


def test_what_strangers_ask_for_is_made_once_in_a_while() -> None:
    now, made = [START], [0]

    def make() -> int:
        made[0] += 1
        return made[0]

    kept = Kept(make, lambda: now[0])
    moves = [0, 0.999, 1.0, 1.5, 2.0, -3600, -3599.5, 3600]
    got = []
    for seconds in moves:
        now[0] = START + timedelta(seconds=seconds)
        got.append(kept())

    assert got == [1, 1, 2, 2, 3, 4, 4, 5]


def test_what_cannot_be_made_is_not_kept() -> None:
    answers: list[Exception | int] = [ValueError("no"), 7]

    def make() -> int:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def now() -> datetime:
        return START

    kept = Kept(make, now)
    with pytest.raises(ValueError, match="no"):
        kept()
    assert kept() == kept() == 7
