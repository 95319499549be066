"""With a keyboard alone: where one is can be seen, and everything can be reached in the order of reading."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, Look, Visits
from tests.browser.house import House

MOST = 200
AT = """
() => {
  const one = document.activeElement, box = one.getBoundingClientRect(), style = getComputedStyle(one);
  return {
    what: one.outerHTML.slice(0, 100),
    isBody: one === document.body,
    isSeen: box.width > 0 && box.height > 0 && box.right > 0 && box.left < innerWidth,
    isMarked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    at: [...document.querySelectorAll("*")].indexOf(one),
  };
}
"""


@pytest.mark.parametrize("path", ["/", "/incidents", "/commands", "/silences", "/commands/new"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_tab_key_goes_through_the_page_as_it_is_read(
    house: House, visits: Visits, path: str, width: int
) -> None:
    look = visits.visitor(house.url, width=width, language="he")
    page = look.go(path)
    stations: list[dict[str, Any]] = []
    page.evaluate("document.activeElement.blur()")
    for _ in range(MOST):
        page.keyboard.press("Tab")
        at = page.evaluate(AT)
        if at["isBody"] or (stations and at["at"] <= stations[0]["at"]):
            break
        stations.append(at)

    assert [one["what"] for one in stations if not one["isSeen"]] == []
    assert [one["what"] for one in stations if not one["isMarked"]] == []
    assert [one["at"] for one in stations] == sorted(one["at"] for one in stations)
    reachable = page.locator("a[href]:visible, button:visible, summary:visible, select:visible").count()
    assert len(stations) >= reachable


def test_the_first_key_leads_past_the_menu(look: Look) -> None:
    look.go("/")
    look.page.keyboard.press("Tab")
    skip = look.page.locator(".skip")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()

    look.page.keyboard.press("Enter")

    expect(look.page.locator("main")).to_be_focused()


def test_a_person_signs_in_and_out_without_a_mouse(house: House, visits: Visits) -> None:
    look = visits.visitor(house.url)
    page: Page = look.page
    page.get_by_role("button", name="Sign out").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in*")
    expect(page.locator("#token")).to_be_focused()
