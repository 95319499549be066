"""Mails as a phone and a desk show them: nothing runs out of the picture, in either language."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser

from daemon.core.delivery.outcome import Message
from daemon.core.event_types import EVENT_TYPES
from daemon.core.rendering.mail_grouping import compose
from daemon.core.rendering.mails import Style, Surroundings
from daemon.senders.letters import Letters
from tests.core.rendering.test_mails import ENGLISH, HEBREW, NOON, incident, sms
from tests.support.event_examples import example

LONG = "x" * 300
STYLES = {one.language: replace(one, url="https://pbx.example") for one in (ENGLISH, HEBREW)}
AROUND = Surroundings(
    NOON, (incident("0773137770"), incident(LONG)), 2, acknowledge=lambda _incident, _at: f"/ack/{LONG}"
)


def pages(style: Style) -> Iterator[str]:
    """The HTML of a mail of each type, and of one with words that no line holds."""
    bodies = {name: json.dumps(example(name), ensure_ascii=False).encode() for name in EVENT_TYPES}
    told = [
        Message(1, "lease", style.endpoint, "l", f"evt_{name}", name, body, 1)
        for name, body in bodies.items()
    ]
    for messages in (*([one] for one in told), [sms(1, LONG, LONG)]):
        (mail,) = compose(messages, style, around=AROUND)
        part = Letters(None).render(mail, style, now=NOON).get_body(("html",))
        assert part is not None
        yield part.get_content()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 700])
@pytest.mark.parametrize("language", ["en", "he"])
def test_a_mail_has_room_at_any_width(browser: Browser, language: str, width: int, scheme: str) -> None:
    page = browser.new_page(
        viewport={"width": width, "height": 800}, color_scheme="dark" if scheme == "dark" else "light"
    )
    try:
        for shown in pages(STYLES[language]):
            page.set_content(shown)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, shown
            colours = page.evaluate(
                "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
            )
            assert colours[0] != colours[1]
    finally:
        page.close()
