"""Signing in and out, as a person does."""

from playwright.sync_api import expect

from tests.browser.conftest import Look, Visits
from tests.browser.house import House
from tests.support.process import HTTP_TOKEN


def cookies(look: Look) -> list[str]:
    return [one.get("name", "") for one in look.page.context.cookies()]


def test_who_has_a_token_is_let_in_and_stays_in(house: House, visits: Visits) -> None:
    look = visits.stranger(house.url)
    look.go("/incidents?state=firing")
    assert look.page.url.startswith(f"{house.url}/sign-in")
    expect(look.page.locator("#token")).to_be_focused()

    look.page.keyboard.type(HTTP_TOKEN)
    look.page.keyboard.press("Enter")

    look.page.wait_for_url(f"{house.url}/incidents?state=firing")
    expect(look.page.locator("h1")).to_be_visible()
    assert HTTP_TOKEN not in str(look.page.context.cookies())
    assert look.page.evaluate("document.cookie") == ""
    house.daemon.stop()
    look.watched.expect("stream|ERR_CONNECTION|failed:")
    house.daemon.start()
    look.go("/")
    expect(look.page.locator(".banner")).to_be_visible()


def test_another_token_opens_nothing(house: House, visits: Visits) -> None:
    look = visits.stranger(house.url)
    look.go("/sign-in")

    with look.watched.expecting("401"):
        look.page.locator("#token").fill("wrong")
        look.page.locator("main button").click()
        expect(look.page.get_by_role("alert").filter(visible=True)).to_be_visible()

    assert cookies(look) == []
    look.go("/")
    assert look.page.url.startswith(f"{house.url}/sign-in")


def test_who_leaves_is_out(look: Look) -> None:
    look.page.get_by_role("button", name="Sign out").click()

    look.page.wait_for_url("**/sign-in")
    look.go("/")
    assert look.page.url.startswith(f"{look.url}/sign-in")


def test_the_language_and_the_colours_are_those_that_are_wished_and_those_that_are_chosen(
    house: House, visits: Visits
) -> None:
    look = visits.visitor(house.url, language="he")
    expect(look.page.locator("html")).to_have_attribute("dir", "rtl")

    look.page.locator("footer summary").click()
    look.page.locator("select[name=language]").select_option("en")
    look.page.locator("select[name=theme]").select_option("dark")
    look.page.locator("footer details button").click()

    expect(look.page.locator("html")).to_have_attribute("dir", "ltr")
    ground = look.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert ground == "rgb(16, 22, 29)"
