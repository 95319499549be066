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

from daemon.core.alerts import acknowledgement_link
from daemon.host import key_file
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
SEARCHED = "/events?q=0541234567"
LINK = "/ack/"
"""Of a mail: made anew, for the first incident."""
MORE = """
[contacts]
"0541234567" = "דנה כהן"
"0527654321" = "Yossi Levi"
"0770000000=2" = "קבלה"
"0770000000" = "Main line"
"SIP-0770000000-2" = "Noa"
"SIP-0770000000-3" = "אבי"
[[windows]]
name = "nights"
from = "22:00"
to = "07:00"
[smtp]
host = "127.0.0.1"
port = 9
security = "none"
from = "Phones <phones@example.org>"
[[emails]]
name = "ops"
to = ["dana@example.org"]
events = ["units.*"]
quiet = ["nights"]
"""
"""What the house is told beside: who is called how, and whom a link is for."""
SENDERS = ("0541234567", "Bank", "0527654321", "036123456")
PICTURES: Sequence[tuple[str, str, str, str, tuple[int, int]]] = (
    ("front", "/", "en", "light", (WIDE, 1020)),
    ("front-phone", "/", "he", "dark", (NARROW, 760)),
    ("queue", "/systems/main/queue/5", "he", "light", (WIDE, 1760)),
    ("incident", INCIDENT, "en", "dark", (WIDE, 1000)),
    ("incident-phone", INCIDENT, "he", "light", (NARROW, 760)),
    ("sms-phone", "/sms", "he", "dark", (NARROW, 760)),
    ("endpoints", "/endpoints/archive", "en", "light", (WIDE, 900)),
    ("now-phone", "/now", "he", "light", (NARROW, 760)),
    ("now-phone-en", "/now", "en", "light", (NARROW, 760)),
    ("contacts", "/contacts", "he", "light", (WIDE, 760)),
    ("contacts-en", "/contacts", "en", "light", (WIDE, 760)),
    ("search", SEARCHED, "he", "light", (WIDE, 700)),
    ("search-en", SEARCHED, "en", "light", (WIDE, 700)),
    ("silences", "/silences", "he", "light", (WIDE, 1000)),
    ("silences-en", "/silences", "en", "light", (WIDE, 1000)),
    ("acknowledge-phone", LINK, "he", "light", (NARROW, 760)),
    ("acknowledge-phone-en", LINK, "en", "light", (NARROW, 760)),
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
        with House(directory, MORE) as house:
            _say_more(house)
            events.play(house, TEXTS, SENDERS, "מכשיר חדש")
            browser = playwright.chromium.launch(executable_path=browsing.path(), args=[*browsing.FLAGS])
            yield house, Visits(browser)
            _end(browser)


def _say_more(house: House) -> None:
    """Silences of other kinds than the one that is played."""
    for wish in (
        {"subject": "units", "for": "12h", "comment": "הוזמנו יחידות"},
        {"subject": "sip/0770000000=3", "days": ["sun"], "from": "02:00", "to": "04:00", "comment": "backup"},
    ):
        status, document = house.daemon.post("/api/v1/silences", wish)
        assert status == 201, document


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
            found = _link(house, _found(paths, INCIDENT)) if path == LINK else _found(paths, path)
            take(look, found, colours, FOLDER / f"page-{name}.png")


def _link(house: House, incident: str) -> str:
    """Of a mail to Dana on an incident, by whose page it is told."""
    key = key_file.take(house.daemon.directory / "yemotd.key").key.derived(acknowledgement_link.PURPOSE)
    return acknowledgement_link.path(key, incident.rpartition("/")[2], "ops/dana@example.org", utcnow())


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
