"""The pictures of the page in the documentation: `python -m tests.browser.pictures`, with Chromium.

With `--all FOLDER` every page in both languages, both colours and both widths, to be looked at.
"""

import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from daemon.host.clock import utcnow
from tests.browser import crawl, events
from tests.browser.conftest import NARROW, WIDE, Look, Visits
from tests.browser.house import House
from tests.support import browsing, full_store, stores
from tests.support.full_store import Size

FOLDER = Path("docs/pictures")
SUBJECTS = 12
TEXTS = (
    "שלום, מתי אתם פתוחים היום?",
    f"Your code is {events.CODE}. Do not share it with anybody.",
    "אני מתעכב בעשר דקות, נא להמתין לי",
    "Can you call me back at 03-6123456?",
)
INCIDENT = r"/incidents/inc_\w+"
SENDERS = ("0541234567", "Bank", "0527654321", "036123456")
PICTURES: Sequence[tuple[str, str, str, str, tuple[int, int]]] = (
    ("front", "/", "en", "light", (WIDE, 1020)),
    ("front-phone", "/", "he", "dark", (NARROW, 760)),
    ("queue", "/systems/main/queue/5", "he", "light", (WIDE, 1760)),
    ("incident", INCIDENT, "en", "dark", (WIDE, 1000)),
    ("incident-phone", INCIDENT, "he", "light", (NARROW, 760)),
    ("sms-phone", "/sms", "he", "dark", (NARROW, 760)),
    ("endpoints", "/endpoints/archive", "en", "light", (WIDE, 900)),
    ("commands-phone", "/commands/new?type=campaign.bridge&system=main", "he", "light", (NARROW, 760)),
)
"""Name, path, language, colours, size."""


@contextmanager
def lived_in() -> Iterator[tuple[House, Visits]]:
    """A house that was watched for a month, in which something has just gone wrong; and who looks at it."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        directory = Path(name)
        store = stores.on_file(directory / "yemotd.db")
        full_store.history(store, Size(0, ["main"], SUBJECTS), utcnow())
        store.close()
        with House(directory) as house:
            events.play(house, TEXTS, SENDERS)
            browser = playwright.chromium.launch(executable_path=browsing.path(), args=[*browsing.FLAGS])
            yield house, Visits(browser)
            _end(browser)


def _end(browser: Browser) -> None:
    for one in browser.contexts:
        one.close()
    browser.close()


def take(look: Look, path: str, colours: str, picture: Path, *, is_whole: bool = False) -> None:
    """One picture of one page, once it hears the daemon."""
    page = look.page
    page.emulate_media(color_scheme="dark" if colours == "dark" else "light", reduced_motion="reduce")
    look.go(path)
    page.wait_for_load_state("load")
    page.screenshot(path=picture, full_page=is_whole)


def _found(paths: Sequence[str], pattern: str) -> str:
    """The first page whose path matches, or else is it."""
    return next((one for one in paths if re.fullmatch(pattern, one)), pattern)


def documentation() -> None:
    """Those that are kept in the repository."""
    with lived_in() as (house, visits):
        paths = crawl.pages(visits.visitor(house.url).page.context.request, house.url)
        for name, path, language, colours, (width, height) in PICTURES:
            look = visits.visitor(house.url, language=language, width=width)
            look.page.set_viewport_size({"width": width, "height": height})
            take(look, _found(paths, path), colours, FOLDER / f"page-{name}.png")


def everything(folder: Path) -> None:
    """All of them."""
    folder.mkdir(parents=True, exist_ok=True)
    with lived_in() as (house, visits):
        paths = ["/sign-in", *crawl.pages(visits.visitor(house.url).page.context.request, house.url)]
        for language in ("en", "he"):
            for width in (WIDE, NARROW):
                look = visits.visitor(house.url, language=language, width=width)
                for path in paths:
                    for colours in ("light", "dark"):
                        kind = re.sub(r"\W+", "_", crawl.kind(path)).strip("_") or "front"
                        picture = folder / f"{kind}.{language}.{width}.{colours}.png"
                        take(look, path, colours, picture, is_whole=True)


def main(words: Sequence[str]) -> None:
    """Take them."""
    if browsing.path() is None:
        sys.exit("there is no chromium")
    if words[:1] == ["--all"]:
        everything(Path(words[1]))
    else:
        documentation()


if __name__ == "__main__":
    main(sys.argv[1:])
