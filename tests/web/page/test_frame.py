"""The frame of the page: who is let in, in which language, and what a browser may do with it."""

import re
from datetime import UTC, timedelta
from html.parser import HTMLParser

import pytest
from fastapi.routing import APIRoute
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.model import Secret
from daemon.web.auth import Token
from daemon.web.entrance import _all
from daemon.web.forms import Form, Posted
from daemon.web.page.frame import POLICY, Page
from daemon.web.page.pages import routers
from daemon.web.page.visitors import LANGUAGES, Visit, local, wished
from daemon.web.page.words import ALL, Words
from daemon.web.page.writing import Writing
from daemon.web.sessions import COOKIE, Sessions
from tests.support.fakes import START
from tests.support.http_app import ADMIN, KEY, Setting

PLACE = re.compile(r"{(\w+)}")
SESSIONS = Sessions(KEY, lambda: [Token("admin", Secret("x"), frozenset({"admin"}))], lambda: START)
OPEN = {"/sign-in", "/preferences", "/ack/{token}"}
"""Where a form is taken of whoever sends it."""


def routes(setting: Setting) -> list[APIRoute]:
    page: Page = setting.app.state.page
    return [one for each in routers(page) for one in each.routes if isinstance(one, APIRoute)]


def test_every_form_is_one_of_this_session(setting: Setting) -> None:
    unguarded = set()
    for one in routes(setting):
        if "POST" in (one.methods or ()):
            calls = [each.call for each in _all(one.dependant)]
            is_guarded = any(isinstance(call, Posted) for call in calls) and any(
                isinstance(call, Visit) for call in calls
            )
            assert any(isinstance(call, Form) for call in calls)
            unguarded |= set() if is_guarded else {one.path}

    assert unguarded == OPEN


def test_a_stranger_is_led_to_the_door_and_back(setting: Setting) -> None:
    browser = setting.browser()
    answer = browser.get("/incidents?state=firing", headers={"accept": "text/html"})
    if answer.status_code != 404:  # where there is such a page
        assert answer.headers["location"] == "/sign-in?next=%2Fincidents%3Fstate%3Dfiring"
    assert browser.get("/").headers["location"] == "/sign-in"

    entered = browser.post("/sign-in", data={"token": ADMIN, "next": "/?"})

    assert (entered.status_code, entered.headers["location"]) == (303, "/?")
    assert ADMIN not in entered.headers["set-cookie"]
    assert "HttpOnly" in entered.headers["set-cookie"]
    assert "samesite=strict" in entered.headers["set-cookie"].lower()
    assert browser.get("/").status_code == 200


@pytest.mark.parametrize(("token", "code"), [("", 401), ("wrong", 401), ("token-of-a-robot", 403)])
def test_no_other_token_opens(setting: Setting, token: str, code: int) -> None:
    answer = setting.browser().post("/sign-in", data={"token": token})

    assert answer.status_code == code
    assert COOKIE not in answer.headers.get("set-cookie", "")


def test_a_token_that_is_replaced_ends_its_sessions(setting: Setting) -> None:
    browser = setting.visitor()
    assert browser.get("/").status_code == 200

    setting.tokens = [one for one in setting.tokens if one.name != "admin"]

    assert browser.get("/").headers["location"] == "/sign-in"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example", "sec-fetch-site": ""},
    ],
)
def test_no_other_site_can_send_a_form(setting: Setting, headers: dict[str, str]) -> None:
    browser = setting.visitor()

    assert browser.post("/sign-out", data={"csrf": setting.csrf(browser)}, headers=headers).status_code == 403
    assert browser.post("/sign-in", data={"token": ADMIN}, headers=headers).status_code == 403


def test_a_form_without_its_secret_is_refused(setting: Setting) -> None:
    browser = setting.visitor()
    other = setting.csrf(setting.visitor("reader"))

    assert browser.post("/sign-out", data={"next": "/"}).status_code == 403
    assert browser.post("/sign-out", data={"csrf": other}).status_code == 403
    assert setting.post(browser, "/sign-out").status_code == 303


@given(st.text(st.characters(codec="ascii", exclude_characters='\r\n\0;",')) | st.binary().map(str))
def test_no_cookie_but_ours_is_a_session(cookie: str) -> None:
    assert SESSIONS.read(cookie) is None


def test_every_page_lets_a_browser_run_nothing_but_our_files(setting: Setting) -> None:
    answer = setting.visitor().get("/")

    assert answer.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<style|<script(?! src=)| on\w+=| style=|javascript:", answer.text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_frame_is_well_formed_in_each_language(setting: Setting, language: str) -> None:
    answer = setting.visitor(language=language).get("/")

    assert f'lang="{language}" dir="{"rtl" if language == "he" else "ltr"}"' in answer.text
    assert unclosed(answer.text) == []


def test_a_problem_is_a_page_for_people_and_a_document_for_programs(setting: Setting) -> None:
    page = setting.visitor().get("/nowhere")
    document = setting.anybody.get("/nowhere")

    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert document.headers["content-type"] == "application/problem+json"
    assert setting.visitor().get("/api/v1/nowhere").headers["content-type"] == "application/problem+json"


def test_files_have_addresses_that_name_their_content(setting: Setting) -> None:
    page = setting.visitor().get("/").text
    (style,) = re.findall(r'href="(/static/[^"]+\.css)"', page)

    assert setting.anybody.get(style).headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in setting.anybody.get(style).headers["cache-control"]
    assert setting.anybody.get("/static/0/page.css").status_code == 404
    assert setting.anybody.get("/static/0/..%2Fframe.py").status_code == 404


def test_what_was_chosen_counts_before_what_the_browser_wishes(setting: Setting) -> None:
    browser = setting.browser()
    hebrew = {"accept-language": "he-IL,he;q=0.9,en;q=0.8"}
    assert 'lang="he"' in browser.get("/sign-in", headers=hebrew).text

    browser.post("/preferences", data={"language": "en", "theme": "dark", "next": "/sign-in"})
    page = browser.get("/sign-in", headers=hebrew).text

    assert '<html lang="en" dir="ltr" data-theme="dark">' in page


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "en"),
        ("he", "he"),
        ("iw-IL", "he"),
        ("fr, he;q=0.5, en;q=0.4", "he"),
        ("fr, he;q=0.5, en;q=0.9", "en"),
        ("he;q=0", "en"),
        ("*", "en"),
    ],
)
def test_the_language_is_the_one_that_is_wished_most(accept: str, language: str) -> None:
    assert wished(accept) == language


@given(st.text())
def test_any_wish_is_answered(accept: str) -> None:
    assert wished(accept) in LANGUAGES


@given(st.text() | st.text("/\\@:.%?#htps"))
def test_nothing_leads_to_another_site(path: str) -> None:
    onward = local(path)

    assert onward.startswith("/")
    assert not onward.startswith(("//", "/\\"))
    assert onward.isprintable()
    assert onward.isascii()


def test_every_sentence_is_there_twice_and_takes_the_same_values() -> None:
    uneven = [
        key
        for key, (english, hebrew) in ALL.items()
        if set(PLACE.findall(english)) != set(PLACE.findall(hebrew)) and not key.endswith((".one", ".two"))
    ]

    assert uneven == []
    assert [key for key, row in ALL.items() if not all(row)] == []


@given(st.text(), st.sampled_from(LANGUAGES))
def test_no_value_can_be_more_than_text_within_a_sentence(value: str, language: str) -> None:
    said = str(Words(language)("frame.ago", span=value))
    before, after = Words(language)._said("frame.ago").split("{span}")

    inside = said.removeprefix(f"{before}<bdi>").removesuffix(f"</bdi>{after}")
    assert not re.search(r"[<>\"'\x00\u202a-\u202e\u2066-\u2069]", inside)


VOID = frozenset({"meta", "link", "input", "br", "hr", "img"})


def unclosed(html: str) -> list[str]:
    """The elements of a page that are not closed in the order in which they were opened."""
    wrong, opened = [], []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in VOID:
                opened.append(tag)

        def handle_startendtag(self, tag: str, attrs: object) -> None:
            pass

        def handle_endtag(self, tag: str) -> None:
            if not opened or opened.pop() != tag:
                wrong.append(tag)

    Reader().feed(html)
    return [*wrong, *opened]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_span_is_text_that_may_stand_within_a_sentence(language: str) -> None:
    words = Words(language)
    writing = Writing(words, UTC, START)
    for said in (
        writing.ago(START - timedelta(hours=2, minutes=5)),
        words("frame.ago", span=writing.span(65)),
    ):
        assert "U+2068" not in said
    assert re.findall(r"\d+", writing.span(2 * 3600 + 5 * 60)) == ["2", "5"]


def test_what_is_seen_while_the_page_is_drawn_was_seen_now() -> None:
    writing = Writing(Words("en"), UTC, START)

    assert "just now" in writing.ago(START + timedelta(milliseconds=300))
    assert "in 2 s" in re.sub("[\u2068\u2069]", "", writing.ago(START + timedelta(seconds=2)))


def test_a_day_of_another_year_says_which() -> None:
    writing = Writing(Words("en"), UTC, START)

    assert "2040" in writing.exact(START.replace(year=2040)).partition("><bdi>")[2]
    assert "2026" not in writing.exact(START - timedelta(days=3)).partition("><bdi>")[2]
