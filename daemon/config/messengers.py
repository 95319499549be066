"""What a webhook's settings have to say for its format: a bot's token, a chat, a topic.

Which of them a format needs, and which it has a use for, is said by its file in `core/rendering/wire`.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator

from daemon.core.rendering.formats import Format, Given

OWN = ("token", "chat_id", "topic")
"""The settings of `[[webhooks]]` that are there for some formats only."""
_CHAT = re.compile(r"-?[1-9][0-9]{0,15}|@[A-Za-z][A-Za-z0-9_]{3,31}")


def _chat(value: Any) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _CHAT.fullmatch(text):
        raise ValueError('expected the number of a chat, such as -1001234567890, or "@channel"')
    return text


ChatId = Annotated[str, BeforeValidator(_chat)]


def check(form: Format, url: str, settings: Mapping[str, str]) -> None:
    """Raises ValueError for what a format lacks, or has no use for; without a part of a secret."""
    if form is Format.STANDARD and not settings:
        return
    wire, word = form.wire, f'format = "{form.value}"'
    lacking = [f'{word} needs "{name}"' for name in OWN if name in wire.needs and name not in settings]
    useless = [f'"{name}" is not for {word}' for name in OWN if name in settings and name not in wire.takes]
    if lacking or useless:
        raise ValueError("; ".join([*lacking, *useless]))
    wire.place(Given(url, settings))
