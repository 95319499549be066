"""The digests that are to be made, out of the configuration."""

import json
from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo

from daemon.config.quiet import DAYS
from daemon.config.settings import Config
from daemon.core.delivery.outcome import Message
from daemon.core.digests.digest import MADE, data
from daemon.core.digests.schedule import Digest
from daemon.core.model import Json
from daemon.core.rendering.mails import Style
from daemon.core.rendering.phrases import END, FIRST_STRONG
from daemon.operations.digests import Written

NOBODY = "yemotd@yemotd.invalid"
"""Whose mails go nowhere."""


def digests_of(config: Config) -> Iterator[Digest]:
    """All of them, in their order."""
    for one in config.digests:
        yield Digest(
            one.name,
            one.to,
            one.at,
            frozenset(DAYS.index(day) for day in one.days),
            ZoneInfo(one.timezone or config.daemon.timezone),
            one.span,
            one.systems,
            one.language,
            one.skip_empty,
        )


def written(config: Config, said: Mapping[str, Json], language: str | None = None) -> Written:
    """A digest as its mail, in the language that is asked for, or its own, or that of the first mailbox."""
    from daemon.core.rendering.mail_grouping import compose  # noqa: PLC0415 - few look at one
    from daemon.senders.letters import bodies  # noqa: PLC0415 - as above

    other = next((one.language for one in config.emails), "en")
    chosen = {**said, "language": language or said.get("language")}
    sender = config.smtp.sender if config.smtp else NOBODY
    style = Style("preview", NOBODY, sender, other, ZoneInfo(config.daemon.timezone))
    body = json.dumps({"type": MADE, "timestamp": said["to"], "data": data(chosen)}, ensure_ascii=False)
    message = Message(0, "", style.endpoint, "", "preview", MADE, body.encode(), 1)
    (mail,) = compose([message], style)
    text, html = bodies(mail, style)
    subject = mail.subject.replace(FIRST_STRONG, "").replace(END, "")
    return Written(mail.language or other, subject, text, html)
