"""A browser for each worker, a context for each test, and the daemon as a process behind it."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.house import House
from tests.browser.watched import Watched
from tests.support import browsing
from tests.support.parts import program
from tests.support.process import HTTP_TOKEN

NPM = Path(__file__).parent / "npm"
PATIENCE_MS = 20_000
WIDE, NARROW = 1400, 360


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for one in items:
        if one.path.is_relative_to(Path(__file__).parent):
            one.add_marker(pytest.mark.slow)
            one.add_marker(pytest.mark.needs("chromium"))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Of this package alone: while it is open, its thread seems to others to be within a loop of asyncio."""
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        one = playwright.chromium.launch(executable_path=browsing.path(), args=[*browsing.FLAGS])
        yield one
        one.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house of the test's own, in which it may do what it wants."""
    with House(tmp_path) as one:
        yield one


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The rules of accessibility as they are locked, as a script."""
    directory = tmp_path_factory.mktemp("axe")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(NPM / name, directory)
    words = [program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(words, cwd=directory, check=True, capture_output=True, timeout=300)
    return (directory / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Look:
    """Somebody who looks at the page."""

    page: Page
    watched: Watched
    url: str

    def go(self, path: str) -> Page:
        """To a path of the page."""
        self.page.goto(self.url + path)
        return self.page

    def sign_in(self, token: str = HTTP_TOKEN) -> Page:
        """By the door."""
        self.go("/sign-in")
        self.page.locator("#token").fill(token)
        self.page.locator("main button").click()
        self.page.wait_for_url(self.url + "/")
        return self.page


class Visits:
    """Lets people look at houses, each in a context of a browser."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._looks: list[Look] = []

    def stranger(self, url: str, *, language: str = "en", width: int = WIDE, **wishes: Any) -> Look:
        """Who has not signed in. `wishes`: what else a context takes."""
        context = self._browser.new_context(
            locale={"en": "en-US", "he": "he-IL"}[language],
            timezone_id="Asia/Jerusalem",
            viewport={"width": width, "height": 900},
            **wishes,
        )
        context.set_default_timeout(PATIENCE_MS)
        watched = Watched(context, url)
        look = Look(context.new_page(), watched, url)
        self._looks.append(look)
        return look

    def visitor(self, url: str, *, token: str = HTTP_TOKEN, **wishes: Any) -> Look:
        """Who has; he stands on the front page."""
        look = self.stranger(url, **wishes)
        look.sign_in(token)
        return look

    def close(self) -> list[str]:
        """End them, and say what went wrong in them."""
        for one in self._looks:
            one.page.context.close()
        return [fault for one in self._looks for fault in one.watched.faults]


@pytest.fixture
def visits(browser: Browser) -> Iterator[Visits]:
    """What went wrong in a browser fails the test, whatever it looked for."""
    one = Visits(browser)
    yield one
    assert one.close() == []


@pytest.fixture
def look(house: House, visits: Visits) -> Look:
    """An administrator who has signed in, on the front page."""
    return visits.visitor(house.url)


Say = Callable[[str], None]


@pytest.fixture
def say(record_property: Callable[[str, object], None]) -> Say:
    """A line at the end of the run: a figure of this machine, which no test judges."""
    return lambda line: record_property("says", line)
