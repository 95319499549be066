"""One sentence, as Slack's incoming webhooks take it."""

from collections.abc import Mapping
from typing import Any

from daemon.core.contacts import Contacts
from daemon.core.rendering.formats import Reader, Rendered, Wire, written

CHARACTERS = 3000
"""The most that the text of a section has in Slack's Block Kit, by its reference of blocks."""
ESCAPES: Mapping[str, str] = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    # A sign of no width after what begins markup: *bold*, _italic_, ~struck~, `code`, and @channel.
    **{sign: sign + "\u200b" for sign in "*_~`@"},
}


def _write(event: Mapping[str, Any], reader: Reader, contacts: Contacts) -> Rendered:
    # All words that there are: whoever sends no sentence, or only lists what was sent, need not load them.
    from daemon.core.rendering.clock_words import told_time  # noqa: PLC0415
    from daemon.core.rendering.phrases import notice, sentence, type_name  # noqa: PLC0415

    if reader.is_thin:
        text = _text(notice(event, reader.language, contacts))
    else:
        text = _text(sentence(event, reader.language, contacts, reader.zone))
    system = _text(str(event["data"].get("system") or "yemotd"))
    at = told_time(event["timestamp"], reader.zone, reader.language) or str(event["timestamp"])
    context = f"{system} · {at} · {_text(type_name(event['type'], reader.language))}"
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": context, "verbatim": True}]},
    ]
    return Rendered(written({"text": text, "blocks": blocks}))


def _text(text: str) -> str:
    """A text in which Slack finds no link, no mention and no markup, cut to what it takes."""
    shown: list[str] = []
    length = 0
    for sign in text.replace("://", ":\u200b//"):
        escaped = ESCAPES.get(sign, sign)
        length += len(escaped)
        if length >= CHARACTERS:
            return "".join(shown) + "…"
        shown.append(escaped)
    return "".join(shown)


WIRE = Wire(_write, is_signed=False, is_for_people=True)
