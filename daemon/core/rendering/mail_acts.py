"""What the reader of a mail may do about an alert: a line for a shell each, and a link where there are any.
Pure.

Subjects come from the platform, and a line is there to be copied: what a shell would not take as it stands is
quoted, what nobody could see is not offered at all.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote, urlencode

from daemon.core.rendering.hidden_fields import REDACTED
from daemon.core.rendering.mail_reader import ToldMessage
from daemon.core.rendering.mail_words import WORDS
from daemon.core.rendering.mails import Act, Surroundings
from daemon.core.timestamps import from_iso
from daemon.core.visible import visible_line
from daemon.core.watches.directories import ADDED

INCIDENT = re.compile(r"inc_\w{1,64}", re.ASCII)
LONGEST_SUBJECT = 200
"""Ours. Characters that somebody would copy."""
SILENCED_FOR = "8h"
"""Ours: the night. `mail_words` says so, too."""
_GLOB = re.compile(r"[*?\[]")


def acts(told: ToldMessage, around: Surroundings) -> tuple[Act, ...]:
    """For one alert; of one that is over there is nothing to do but to ask why."""
    incident = told.incident
    if incident is None or not INCIDENT.fullmatch(incident):
        return ()
    words, url = WORDS[told.style.language], told.style.url
    explain = Act(words["explain"], f"yemotd explain {incident}", _link(url, f"/incidents/{incident}"))
    if told.is_over:
        return (explain,)
    at = from_iso(told.event.get("timestamp"))
    path = around.acknowledge(incident, at) if at is not None and url is not None else None
    acknowledge = Act(
        words["acknowledge"], f"yemotd alerts ack {incident}", _link(url, path) if path is not None else None
    )
    return (acknowledge, *_silence(told), explain)


def linked(found: tuple[Act, ...]) -> tuple[Act, ...]:
    """The same for one of many: links, or the one line that leads to all others."""
    links = tuple(replace(one, command=None) for one in found if one.link)
    return links or found[-1:]


def _silence(told: ToldMessage) -> tuple[Act, ...]:
    system, subject = told.data.value("system") or "", told.data.value("subject")
    if not (isinstance(subject, str) and isinstance(system, str) and subject and _is_fit(subject + system)):
        return ()
    # Behind "=", so that one that begins with a dash is no option.
    named = {"system": system, "subject": subject}
    words = [f"--{name}={shlex.quote(_literal(one))}" for name, one in named.items() if one]
    command = f"yemotd silence add {' '.join(words)} --for {SILENCED_FOR} --comment seen"
    fields = {"system": system or "*", "subject": subject, "for": SILENCED_FOR}
    link = _link(told.style.url, f"/silences?{urlencode(fields, quote_via=quote)}")
    return (Act(WORDS[told.style.language]["silence"], command, link),)


def _is_fit(subject: str) -> bool:
    """Whether it is seen as it is, and all of it."""
    return subject == visible_line(subject) and len(subject) <= LONGEST_SUBJECT and REDACTED not in subject


def _literal(text: str) -> str:
    """A text as a glob that matches it alone."""
    return _GLOB.sub(lambda met: f"[{met[0]}]", text)


def heard_at(told: ToldMessage) -> tuple[Act, ...]:
    """Where the recording is heard that a message tells of."""
    if told.type != ADDED or not isinstance(told.data.value("file"), Mapping):
        return ()
    at = from_iso(told.event.get("timestamp"))
    path = told.style.recording(told.message.event, at) if at is not None else None
    link = _link(told.style.url, path) if path is not None else None
    return (Act(WORDS[told.style.language]["hear"], None, link),) if link else ()


def _link(url: str | None, path: str) -> str | None:
    return None if url is None else url + path
