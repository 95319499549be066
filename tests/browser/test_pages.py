"""Every page, in both languages: for all eyes and hands, on each screen; whole without scripts."""

import json
from collections.abc import Iterator
from pathlib import Path
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
def test_without_javascript_every_page_offers_the_same(
    lived_in: House, visits: Visits, paths: list[str], language: str
) -> None:
    with_it = visits.visitor(lived_in.url, language=language)
    without = visits.visitor(lived_in.url, language=language, java_script_enabled=False)
    different = {}
    for path in paths:
        for _ in range(LOOKS):  # between two looks an endpoint may have been tried once more
            offered = [one.go(path).evaluate(OFFERED) for one in (with_it, without)]
            if offered[0] == offered[1]:
                break
        else:
            different[path] = offered
        dead = without.page.evaluate(DEAD)
        assert dead == [], path

    assert different == {}


OFFERED = """
() => [...document.querySelectorAll("main :is(h1, h2, h3, a[href], button, input, select, textarea)")]
    .map((one) => [one.localName, one.name ?? "", one.type ?? ""].join(" "))
"""
DEAD = """
() => [...document.querySelectorAll("main :is([hidden], button:not(form *), a:not([href]))")]
    .map((one) => one.outerHTML.slice(0, 200))
"""
"""What only a script could show, or make do something."""


LINES = """() => [...document.querySelectorAll(".agents bdi")].filter(one => one.innerText.includes("SIP-"))
.map(one => {
    const range = document.createRange();
    range.selectNodeContents(one);
    return new Set([...range.getClientRects()].map(each => each.top)).size;
})"""
"""On how many lines the name of each agent stands: found and measured in one go, for the page is live."""


@pytest.fixture
def named(tmp_path: Path) -> Iterator[House]:
    """A house whose agents have names of different lengths."""
    names = ("נועה", "נועה כהן", "נועה כהן לוי", "נועה כהן ממשרד")
    agents = [f"SIP-0770000000-{number}" for number in range(2, 2 + len(names))]
    contacts = "".join(f'"{agent}" = "{name}"\n' for agent, name in zip(agents, names, strict=True))
    with House(tmp_path, f"[contacts]\n{contacts}") as one:
        for agent in agents[2:]:
            one.system.queue("/5").add_agent(agent)
        one.wait(lambda: len(one.ask("now")["systems"][0]["queues"][0]["agents"]) == len(agents))
        yield one


def test_an_agent_s_name_stays_on_one_line_on_a_phone(named: House, visits: Visits) -> None:
    """Beside a name it would be broken behind a hyphen, in the middle of its number."""
    page = visits.visitor(named.url, language="he", width=390).go("/now")
    lines = set()
    for width in range(360, 430, 5):
        page.set_viewport_size({"width": width, "height": 800})
        lines |= {*page.evaluate(LINES)}

    assert lines == {1}
