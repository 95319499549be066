"""What must not come true: others' forms, others' scripts, others' texts that are more than text."""

import pytest
from playwright.sync_api import expect

from tests.browser import events
from tests.browser.conftest import Look, Visits
from tests.browser.house import LISTENER, READER, House
from tests.support.fakes import Receiver

INLINE = """
() => {
  const one = document.createElement("script");
  one.textContent = "window.taken = true";
  document.body.append(one);
  return window.taken === true;
}
"""
ON_CLICK = """
() => {
  const bad = "<b id=bad onclick='window.taken = true'>x</b>";
  document.querySelector("main").insertAdjacentHTML("beforeend", bad);
  document.getElementById("bad").click();
  return window.taken === true;
}
"""
FOREIGN = """
() => new Promise((done) => {
  const one = new Image();
  one.onload = one.onerror = done;
  one.src = "http://127.0.0.1:9/picture.png";
}).then(() => false)
"""


@pytest.mark.parametrize("attempt", [INLINE, ON_CLICK, FOREIGN], ids=["inline", "handler", "foreign"])
def test_what_was_smuggled_in_does_not_run(look: Look, attempt: str) -> None:
    look.watched.expect("violation|Content Security Policy|foreign|failed")

    assert look.page.evaluate(attempt) is False
    look.watched.requests.clear()
    assert look.page.evaluate("window.taken") is None


def test_a_form_of_another_site_changes_nothing(house: House, look: Look) -> None:
    """Another origin of the same machine: the strictest that a browser still calls the same site."""
    look.watched.expect("foreign|403|303|failed|ERR_|401")
    page = look.page.context.new_page()
    page.route(
        "http://localhost:8099/*",
        lambda route: route.fulfill(body=FORM.format(url=house.url), content_type="text/html"),
    )
    page.goto("http://localhost:8099/")

    with page.expect_navigation():
        page.locator("button").click()

    assert house.count("SELECT count(*) FROM silences") == 0
    assert page.url.startswith(house.url)


FORM = """
<form method="post" action="{url}/silences">
<input name="subject" value="sip/*"><input name="comment" value="x"><input name="end" value="until_resolved">
<button>go</button></form>
"""


def test_no_page_stands_within_another(house: House, look: Look) -> None:
    look.watched.expect("foreign|violation|console|ERR_BLOCKED|failed")
    frame = f"<iframe src='{house.url}/'></iframe>"
    page = look.page.context.new_page()
    page.route("http://localhost:8099/*", lambda route: route.fulfill(body=frame, content_type="text/html"))
    page.goto("http://localhost:8099/")

    (within,) = page.frames[1:]
    assert within.url == "chrome-error://chromewebdata/"


def test_texts_that_are_made_to_hurt_are_texts(house: House, visits: Visits) -> None:
    for number, text in enumerate(events.HOSTILE):
        house.system.receive_sms(events.SENDERS[number % len(events.SENDERS)], text)
    house.wait_for_event("sms.received", many=len(events.HOSTILE))
    look = visits.visitor(house.url, width=360)
    page = look.go("/sms")
    links = page.locator("main a[href*='sender=']").evaluate_all("all => all.map((one) => one.href)")
    said = ""
    for link in ["/sms", *(one.removeprefix(house.url) for one in links)]:
        page = look.go(link)
        said += page.locator("main").text_content() or ""
        assert page.title() != "taken"
        assert page.locator("main script, main img, main base, main svg:not([class])").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.locator("footer").is_visible()

    assert len(set(links)) == len(events.SENDERS)
    assert not any(one in said for one in "\u202e\u202d\u2066\u2067\x1b\x00")
    assert [one for one in ("<script>document.title", "{{ 7*7 }}", "x" * 1000) if one not in said] == []


def test_texts_are_for_those_who_may_read_them(house: House, visits: Visits) -> None:
    house.system.receive_sms("0541234567", "a secret between us")
    house.wait_for_event("sms.received")
    reader, listener = (visits.visitor(house.url, token=one) for one in (READER, LISTENER))

    expect(listener.go("/sms").locator("main")).to_contain_text("a secret between us")
    expect(reader.go("/sms").locator("main")).not_to_contain_text("a secret between us")


def test_the_door_is_slow_for_who_guesses(house: House, visits: Visits, receiver: Receiver) -> None:
    look = visits.stranger(house.url)
    look.watched.expect("401|429")
    for number in range(30):
        look.go("/sign-in")
        look.page.locator("#token").fill(f"guess-{number}")
        look.page.locator("main button").click()
        if "429" in str(look.watched.faults) or look.page.locator("#wait").count():
            break
