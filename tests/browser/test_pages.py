"""Every page, in both languages: for all eyes and hands, on each screen; whole without scripts."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import crawl, events
from tests.browser.conftest import NARROW, WIDE, Visits
from tests.browser.house import House

LANGUAGES = pytest.mark.parametrize("language", ["en", "he"])
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house in which much has happened, and nothing happens any more."""
    with House(tmp_path_factory.mktemp("house")) as one:
        events.play(one)
        yield one


@pytest.fixture(scope="module")
def paths(lived_in: House, browser: Browser) -> list[str]:
    """All pages of it."""
    visits = Visits(browser)
    look = visits.visitor(lived_in.url, java_script_enabled=False)
    found = crawl.pages(look.page.context.request, lived_in.url)
    visits.close()
    return found


def test_every_route_of_the_page_is_reached_by_a_link(paths: list[str]) -> None:
    bare = [one.partition("?")[0] for one in paths]
    lonely = [one.path for one in crawl.routes() if not any(one.path_regex.match(path) for path in bare)]

    assert lonely == ["/sign-in"]


@LANGUAGES
def test_no_rule_of_accessibility_is_broken(
    lived_in: House, visits: Visits, paths: list[str], axe: str, language: str
) -> None:
    look = visits.visitor(lived_in.url, language=language)
    found = {}
    for path in ["/sign-in", *paths]:
        page = look.go(path)
        page.evaluate(axe)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            for width in (WIDE, NARROW):
                page.set_viewport_size({"width": width, "height": 900})
                if broken := violations(page):
                    found[f"{path} {theme} {width}"] = broken

    assert found == {}


def violations(page: Page) -> list[str]:
    """The rules that a page breaks, each with the elements that break it."""
    options = json.dumps({"runOnly": RULES, "resultTypes": ["violations"]})
    result: dict[str, Any] = page.evaluate(f"axe.run(document, {options})")
    return [
        f"{one['id']} ({one['impact']}): {node['html'][:200]} {node['failureSummary'][:300]}"
        for one in result["violations"]
        for node in one["nodes"][:3]
    ]


@LANGUAGES
def test_nothing_is_wider_than_a_phone(
    lived_in: House, visits: Visits, paths: list[str], language: str
) -> None:
    look = visits.visitor(lived_in.url, language=language, width=NARROW)
    wide = {}
    for path in ["/sign-in", *paths]:
        page = look.go(path)
        if page.evaluate("document.documentElement.scrollWidth") > NARROW:
            wide[path] = page.evaluate(WIDEST)

    assert wide == {}


LOOKS = 5
WIDEST = """
() => [...document.querySelectorAll("main *")]
    .filter((one) => one.getBoundingClientRect().right > innerWidth || one.getBoundingClientRect().left < 0)
    .slice(0, 3).map((one) => one.outerHTML.slice(0, 200))
"""


@LANGUAGES
def test_without_javascript_every_page_says_the_same(
    lived_in: House, visits: Visits, paths: list[str], language: str
) -> None:
    with_it = visits.visitor(lived_in.url, language=language)
    without = visits.visitor(lived_in.url, language=language, java_script_enabled=False)
    different = {}
    for path in paths:
        for _ in range(LOOKS):  # between two looks an endpoint may have been tried once more
            texts = [still(one.go(path)) for one in (with_it, without)]
            if texts[0] == texts[1]:
                break
        else:
            different[path] = texts

    assert different == {}


STILL = """
() => {
  const main = document.querySelector("main").cloneNode(true);
  for (const one of main.querySelectorAll("time")) one.remove();
  return main.textContent;
}
"""


def still(page: Page) -> str:
    """What a page says, but for what time itself changes."""
    return re.sub(r"\d+", "#", " ".join(page.evaluate(STILL).split()))
