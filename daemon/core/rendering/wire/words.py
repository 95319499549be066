"""What messengers have in common: what an event says to people, as text that is nothing but text, in as much
room as there is. Pure.

Whatever somebody sent is in there. Controls are shown by `phrases`; here no service is left anything to make
a link, a mention, a command or a tag of, and what is too long is cut between words.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from daemon.core.contacts import Contacts
from daemon.core.rendering.formats import Reader

OPEN = {"en": "Open", "he": "פתיחה"}
"""What a link to the page is called."""
NOTHING = "\u200b"
"""A sign of no width (ZERO WIDTH SPACE), which parts what a service would take as one."""
ELLIPSIS = "…"
FIRST_STRONG, END = "\u2068", "\u2069"
JOINER = "\u200d"
"""Between two emoji that are one (ZERO WIDTH JOINER)."""
SERIOUS = frozenset({"critical", "error"})
LONGEST_NAME = 64
"""Ours. Characters of a system's name."""
_INCIDENT = re.compile(r"inc_\w{1,64}", re.ASCII)
_TAKEN_UP = re.compile(
    r"(?<=:)(?=//)"  # https://example.org
    r"|(?<=@)(?=\S)"  # @somebody, somebody@example.org
    r"|(?<=[^\W_]\.)(?=[^\W\d_])"  # example.org, without any scheme
    r"|(?<=[#$/])(?=\w)"  # a tag, a stock, a command; what is between slashes, too
    r"|(?i:(?<=mailto:)|(?<=tel:)|(?<=tg:))(?=\S)"
)


class Said(NamedTuple):
    """An event in words."""

    sentence: str
    context: str
    """Where, when, and what type of event it is."""
    system: str
    severity: str | None
    """Of an alert that fires; None of all else."""
    is_over: bool
    """Whether it is the end of an alert."""
    link: str | None
    """Where the page says more; None: there is none to be reached."""

    @property
    def is_serious(self) -> bool:
        return self.severity in SERIOUS


def said(event: Mapping[str, Any], reader: Reader, contacts: Contacts) -> Said:
    """What an event says to its reader."""
    # All words that there are: whoever sends no sentence, or only lists what was sent, need not load them.
    from daemon.core.rendering.clock_words import told_time  # noqa: PLC0415
    from daemon.core.rendering.phrases import notice, one_line, sentence, type_name  # noqa: PLC0415

    data = event["data"]
    if reader.is_thin:
        text = notice(event, reader.language, contacts)
    else:
        text = sentence(event, reader.language, contacts, reader.zone)
    system = fitted(one_line(str(data.get("system") or "yemotd")), lambda one: len(one) <= LONGEST_NAME)
    at = told_time(event["timestamp"], reader.zone, reader.language) or one_line(str(event["timestamp"]))
    alert = data.get("alert")
    known: Mapping[str, Any] = alert if isinstance(alert, Mapping) else {}
    is_over = known.get("status") == "resolved"
    severity = known.get("severity")
    return Said(
        inert(text),
        inert(f"{system} · {at} · {type_name(event['type'], reader.language)}"),
        inert(system),
        severity if isinstance(severity, str) and not is_over else None,
        is_over,
        _link(reader.base, known.get("incident")),
    )


def inert(text: str) -> str:
    """A text in which no service finds anything to follow, to call or to run."""
    return _TAKEN_UP.sub(NOTHING, text)


def fitted(text: str, fits: Callable[[str], bool]) -> str:
    """A text, or as many whole words of it as there is room for, with a sign that more was said.

    `fits` says whether so much may stand; what fits, fits shorter, too. A word that alone is too long is cut
    between the signs that people see. "" where nothing fits.
    """
    if fits(text):
        return text
    ends = [found.start() for found in re.finditer(r"\s+", text) if found.start()]
    whole = _most(text, ends, fits)
    # Where the words are a small part of what there is room for, one of them is all that was said.
    within = [at for at in range(1, len(text)) if _is_between(text, at)]
    cut = _most(text, within, fits)
    found = whole if _weight(whole) * 2 >= _weight(cut) else cut
    return found or (ELLIPSIS if fits(ELLIPSIS) else "")


def _most(text: str, ends: list[int], fits: Callable[[str], bool]) -> str:
    """The longest beginning with one of these ends that fits; "" where none does."""
    least, most = 0, len(ends)
    while least < most:
        middle = (least + most + 1) // 2
        if fits(_shortened(text, ends[middle - 1])):
            least = middle
        else:
            most = middle - 1
    return _shortened(text, ends[least - 1]) if least else ""


def _weight(text: str) -> int:
    """How much of it is said: neither blanks nor what holds it together."""
    return sum(not one.isspace() and one not in (FIRST_STRONG, END, ELLIPSIS) for one in text)


def _shortened(text: str, end: int) -> str:
    """A beginning, with every isolate in it closed."""
    beginning = text[:end]
    return beginning + ELLIPSIS + END * (beginning.count(FIRST_STRONG) - beginning.count(END))


def _is_between(text: str, at: int) -> bool:
    """Whether two signs that people see meet at a place."""
    after, before = text[at], text[at - 1]
    is_part = unicodedata.category(after) in ("Mn", "Me", "Mc") or JOINER in (after, before)
    return not is_part and before not in (FIRST_STRONG, NOTHING) and after != NOTHING


def _link(base: str | None, incident: object) -> str | None:
    """Where the page tells of an alert; of all else, the list of events."""
    if base is None:
        return None
    is_alert = isinstance(incident, str) and _INCIDENT.fullmatch(incident)
    return f"{base}/incidents/{incident}" if is_alert else f"{base}/events"
