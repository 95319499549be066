"""The pictures of the documentation: `python -m tests.support.pictures`, with Chromium, from the top."""

import html
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from daemon.core.contacts import Contacts
from daemon.core.delivery.outcome import Message
from daemon.core.rendering.mail_grouping import compose
from daemon.core.rendering.mail_writing import held_back
from daemon.core.rendering.mails import Style, Surroundings
from daemon.senders.letters import Letters
from tests.core.rendering.test_mails import ENGLISH, HEBREW, NOON, incident, phone, sms
from tests.support import browsing

FOLDER = Path("docs/pictures")
WIDTH, HEIGHT, GAP = 360, 860, 12
"""Of a phone, in pixels."""
NAME = "0773137770"
CODE = "שלום דני, קוד האימות שלך לבנק הוא 482913.\nהקוד תקף ל-5 דקות. אין למסור לאיש. support@bank.example"
MAILINGS: Sequence[Sequence[Message]] = (
    [phone(1, name=NAME)],
    [phone(1, name=NAME), phone(2, name=NAME, is_over=True)],
    [sms(1, CODE)],
    [sms(1, "הגעתי, איפה אתם?"), sms(2, "Can you call me back at 03-6123456?", sender="972541111111")],
    [phone(n, incident=f"inc_{n}", name=f"07731377{n}0", is_over=n == 5) for n in range(1, 7)],
)
FLAGS = (*browsing.FLAGS, "--headless", "--hide-scrollbars")


def around(language: str) -> Surroundings:
    """What else is down in the pictures, and who was told."""
    names = {"he": ("דנה כהן", "קבלה"), "en": ("Dana Cohen", "Reception")}[language]
    numbers = (NAME, "0773137779")
    return Surroundings(
        NOON,
        (incident(numbers[1], minutes=42),),
        1,
        told={"inc_1": ("crm", "ops/dana@example.org")},
        contacts=Contacts.of(zip(numbers, names, strict=True)),
    )


def named(messages: Sequence[Message], known: Contacts) -> list[Message]:
    """With the name of the phone, as it was when the event was recorded."""
    stored = json.dumps({NAME: known.name_of(NAME)})
    return [one._replace(names=stored) for one in messages]


def pages(style: Style) -> list[str]:
    """The HTML of one mail of each kind."""
    style, known = replace(style, url="https://pbx.example"), around(style.language)
    mails = [compose(named(one, known.contacts), style, around=known)[0] for one in MAILINGS]
    mails[3] = compose(MAILINGS[3], style, note=held_back(NOON, style))[0]
    letters = [Letters(None).render(mail, style, now=NOON) for mail in mails]
    parts = [letter.get_body(("html",)) for letter in letters]
    return [part.get_content() for part in parts if part]


def take(program: str, shown: Sequence[str], picture: Path) -> None:
    """One picture of several pages, each as wide as a phone."""
    frames = "".join(
        f'<iframe style="border:0;margin:{GAP // 3}px" width={WIDTH} height={HEIGHT}'
        f' srcdoc="{html.escape(page)}"></iframe>'
        for page in shown
    )
    with tempfile.TemporaryDirectory() as directory:
        page = Path(directory) / "page.html"
        page.write_text(f'<meta charset="utf-8"><body style="margin:8px;background:#888">{frames}')
        size = f"--window-size={len(shown) * (WIDTH + GAP) + 30},{HEIGHT + 40}"
        profile = f"--user-data-dir={directory}/profile"
        words = [program, *FLAGS, size, profile, f"--screenshot={picture}", page.as_uri()]
        subprocess.run(words, check=True, capture_output=True, timeout=60)


def main() -> None:
    """Take them all."""
    program = browsing.path() or sys.exit("there is no chromium")
    FOLDER.mkdir(exist_ok=True)
    for language, style in (("he", HEBREW), ("en", ENGLISH)):
        take(program, pages(style), FOLDER.resolve() / f"mails-{language}.png")


if __name__ == "__main__":
    main()
