"""What happens is on the screen by itself; and where the daemon is not heard any more, the page says so."""

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from playwright.sync_api import Locator, Route, expect

from daemon.host.clock import monotonic
from tests.browser.conftest import Look, Say, Visits
from tests.browser.house import READER, House

NOTICE_SECONDS = 20
"""The page says within so long that it hears nothing any more: product.md."""
CUT = r"ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY|failed:|ERR_ABORTED|ERR_NETWORK|ERR_TIMED"
WATCH = """
(text) => {
  window.shown = new Promise((done) => {
    const look = () => document.querySelector("main").textContent.includes(text) && done(Date.now());
    const all = { subtree: true, childList: true, characterData: true };
    new MutationObserver(look).observe(document.body, all);
    look();
  });
}
"""
"""Keeps when a text was first on the screen, in milliseconds since 1970."""


def lost(look: Look) -> Locator:
    return look.page.locator("#lost")


def is_live(look: Look) -> None:
    """Wait until the page hears the daemon."""
    expect(look.page.locator("html")).not_to_have_class("is-lost")
    expect(lost(look)).to_be_hidden()


def written_at(house: House, kind: str) -> int:
    """When the newest event of a type was made, in milliseconds since 1970; the commit is later."""
    with closing(sqlite3.connect(house.daemon.directory / "yemotd.db")) as db:
        ((found,),) = db.execute("SELECT max(timestamp) FROM events WHERE type = ?", (kind,))
        return int(found)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    began = monotonic()
    yield
    assert monotonic() - began < seconds


def test_a_phone_that_drops_is_on_the_screen_by_itself(house: House, look: Look) -> None:
    is_live(look)
    expect(look.page.locator(".banner.well")).to_be_visible()

    house.system.set_registered("0770000000=2", registered=False)

    expect(look.page.locator(".banner.wrong")).to_contain_text("0770000000=2")
    house.system.set_registered("0770000000=2", registered=True)
    expect(look.page.locator(".banner.well")).to_be_visible()
    assert look.page.evaluate("performance.getEntriesByType('navigation').length") == 1


def test_a_message_is_on_the_screen_by_itself(house: House, look: Look, say: Say) -> None:
    look.go("/sms")
    is_live(look)
    look.page.evaluate(WATCH, "are you there")

    house.system.receive_sms("0541234567", "Hello, are you there?")

    expect(look.page.locator("main")).to_contain_text("Hello, are you there?")
    shown = look.page.evaluate("window.shown")
    took = shown - written_at(house, "sms.received")
    say(f"from the event of a message to the screen: {took} ms")


def test_who_types_is_not_disturbed(house: House, look: Look) -> None:
    look.go("/silences")
    look.page.locator("#new summary").click()
    comment = look.page.locator("#comment")
    comment.fill("half a sen")

    house.system.set_registered("0770000000=2", registered=False)
    house.wait_for_event("sip.account.unregistered")
    with look.page.expect_response(look.page.url):
        pass
    expect(look.page.locator("#as-of")).to_be_visible()

    expect(comment).to_be_focused()
    expect(comment).to_have_value("half a sen")
    expect(look.page.locator("#new")).to_have_attribute("open", "")


def test_the_end_of_the_daemon_is_told_and_its_return(house: House, look: Look) -> None:
    is_live(look)
    look.watched.expect(CUT)
    with within(NOTICE_SECONDS):
        house.daemon.kill()
        expect(lost(look)).to_be_visible()
    assert "is-lost" in (look.page.locator("html").get_attribute("class") or "")

    house.system.set_registered("0770000000=2", registered=False)
    house.daemon.start()

    expect(lost(look)).to_be_hidden()
    expect(look.page.locator(".banner.wrong")).to_contain_text("0770000000=2")
    assert "is-lost" not in (look.page.locator("html").get_attribute("class") or "")
    assert look.page.evaluate("performance.getEntriesByType('navigation').length") == 1


def test_a_daemon_that_stands_still_is_no_daemon_that_is_well(house: House, look: Look) -> None:
    is_live(look)
    look.watched.expect(CUT)
    house.daemon.signal(signal.SIGSTOP)
    try:
        with within(NOTICE_SECONDS):
            expect(lost(look)).to_be_visible(timeout=NOTICE_SECONDS * 1000)
    finally:
        house.daemon.signal(signal.SIGCONT)

    expect(lost(look)).to_be_hidden()


def test_a_session_that_has_ended_leads_to_the_door(house: House, visits: Visits) -> None:
    look = visits.visitor(house.url, token=READER)
    is_live(look)
    look.watched.expect("401|failed|CONNECTION")
    config = house.daemon.directory / "config.toml"
    config.write_text(config.read_text().replace(READER, "token-of-somebody-else"))

    house.daemon.signal(signal.SIGHUP)

    look.page.wait_for_url("**/sign-in*")


def test_events_do_not_make_a_page_true_that_cannot_be_had(house: House, look: Look) -> None:
    is_live(look)
    look.watched.expect("503")
    look.page.route(look.url + "/", lambda route: route.fulfill(status=503, body="not now"))
    deadline = monotonic() + NOTICE_SECONDS
    while not lost(look).is_visible() and monotonic() < deadline:
        house.system.receive_sms("0541234567", "one more")
        look.page.wait_for_timeout(500)

    expect(lost(look)).to_be_visible(timeout=1)
    assert look.page.title() == "No connection · yemotd"
    look.page.unroute(look.url + "/")
    is_live(look)
    assert look.page.title() != "No connection · yemotd"


def of_another_version(route: Route) -> None:
    """What the daemon answers after an upgrade."""
    answer = route.fetch()
    route.fulfill(response=answer, body=answer.text().replace("live.js", "live-2.js"))


@pytest.mark.parametrize("page", ["/", "/silences"])
def test_a_page_of_another_version_is_loaded_anew(look: Look, page: str) -> None:
    look.go(page)
    is_live(look)
    look.page.evaluate("window.old = true")
    look.page.route(look.url + page, of_another_version, times=1)

    look.page.wait_for_event("load")
    assert look.page.evaluate("window.old") is None
    is_live(look)


def test_a_page_of_another_version_says_so_to_who_types(house: House, look: Look) -> None:
    look.go("/silences")
    look.page.locator("#new summary").click()
    look.page.locator("#comment").fill("half a sen")
    look.page.route(look.url + "/silences", of_another_version)

    expect(look.page.locator("#outdated")).to_be_visible()
    expect(look.page.locator("#comment")).to_have_value("half a sen")
    expect(lost(look)).to_be_hidden()


def test_who_is_out_sees_what_strangers_see_and_not_what_was(house: House, visits: Visits) -> None:
    config = house.daemon.directory / "config.toml"
    config.write_text(
        config.read_text().replace("[http]\n", '[http]\nvisitors = "status"\npublic = ["main/queue/5"]\n')
    )
    house.daemon.signal(signal.SIGHUP)
    house.daemon.wait_for("config.reloaded")
    look = visits.visitor(house.url, token=READER)
    is_live(look)
    look.watched.expect("401|failed|CONNECTION")

    config.write_text(config.read_text().replace(READER, "token-of-somebody-else"))
    house.daemon.signal(signal.SIGHUP)

    expect(look.page.locator("main")).not_to_contain_text("0770000000=2")
    expect(look.page.locator("ul.public")).to_be_visible()


def test_tabs_that_nobody_sees_leave_the_way_to_those_that_are_seen(look: Look) -> None:
    """A browser opens six connections to one host."""
    for _ in range(8):
        tab = look.page.context.new_page()
        tab.goto(look.url + "/")
        # A browser without a screen says of every tab that it is seen.
        tab.evaluate(
            """() => {
              Object.defineProperty(document, "hidden", { value: true });
              document.dispatchEvent(new Event("visibilitychange"));
            }"""
        )

    look.page.reload()
    is_live(look)


def test_what_is_gone_is_not_shown_any_more(house: House, look: Look) -> None:
    look.go("/systems/main/queue/5")
    is_live(look)
    look.watched.expect("404|failed|ABORTED")
    config = house.daemon.directory / "config.toml"
    text = config.read_text()
    start, end = text.index("[[systems.queues]]"), text.index("[[systems.directories]]")
    config.write_text(text[:start] + text[end:])

    house.daemon.signal(signal.SIGHUP)

    expect(look.page.locator("h1")).to_have_text("There is no such thing")
