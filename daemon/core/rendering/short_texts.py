"""An alert as an SMS: one short sentence, of our own words and of what the configuration names. Pure.

What others wrote never goes out: of an event's fields only those listed here are read, each as what it has to
be. So no caller's name, no text of an SMS, no agent's name and no server's answer is sent on, and charged.
"""

import re
from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Any

from daemon.core.commands.texts import PART, length
from daemon.core.contacts import Contacts
from daemon.core.rendering.phrases import END, FIRST_STRONG, notice, sentence
from daemon.core.rendering.phrases_en import ENGLISH_METRICS
from daemon.core.timestamps import from_iso

CUT = "…"
NUMBERLIKE = re.compile(r"[+*#]?[0-9]{1,15}(=[0-9]{1,4})?", re.ASCII)
"""A phone, an account, an extension."""
WORDLIKE = re.compile(r"[a-z][a-z_.]{0,40}", re.ASCII)
"""A word of the daemon's own."""
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
TESTS = {"he": "הודעת בדיקה של yemotd", "en": "A test of yemotd"}
BY_NAME_ALONE = frozenset({"endpoint.failing", "endpoint.misconfigured"})
"""Their sentences quote an error, in which anybody's words may stand."""

Keep = Callable[[Any], Any]


def _number(value: Any) -> Any:
    return value if isinstance(value, int | float) else None


def _phone(value: Any) -> Any:
    return value if isinstance(value, str) and NUMBERLIKE.fullmatch(value) else None


def _phones(value: Any) -> Any:
    return [_phone(one) or "?" for one in value] if isinstance(value, list) else None


def _word(value: Any) -> Any:
    return value if isinstance(value, str) and WORDLIKE.fullmatch(value) else None


def _metric(value: Any) -> Any:
    return value if value in ENGLISH_METRICS else None


def _moment(value: Any) -> Any:
    is_day = isinstance(value, str) and DAY.fullmatch(value)
    return value if is_day or from_iso(value) is not None else None


def _configured(value: Any) -> Any:
    """A name that the configuration gives; the event has it from there."""
    return value if isinstance(value, str) else None


def _names(value: Any) -> Any:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else None


KEPT: Mapping[str, Keep] = {
    "account.user_name": _phone,
    "accounts.unregistered": _phones,
    "accounts.total": _number,
    "alert.cause": _word,
    "alert.end": _word,
    "alert.reason": _word,
    "alert.severity": _word,
    "alert.status": _word,
    "alert.superseded": _number,
    "alert.escalation.name": _configured,
    "caller_id.number": _phone,
    "caller_id.days_left": _number,
    "caller_id.expires_on": _moment,
    "clock.off_seconds": _number,
    "disk.free_mib": _number,
    "endpoint.name": _configured,
    "error.class": _word,
    "expectation.type": _word,
    "expectation.within": _configured,
    "last_seen_at": _moment,
    "queue.name": _configured,
    "queue.path": _configured,
    "threshold.metric": _metric,
    "threshold.above": _number,
    "threshold.below": _number,
    "threshold.value": _number,
    "units.balance": _number,
    "units.expires_on": _moment,
    "sms_units.balance": _number,
    "watches": _names,
    "wish.name": _configured,
    "wish.setting": _configured,
    "wish.of": _word,
    "superseded": _number,
}
"""By path below `data`: what is read of an event, and as what."""


def short(event: Mapping[str, Any], language: str, contacts: Contacts, zone: tzinfo, *, parts: int) -> str:
    """An event as the text of an SMS of at most so many parts: whole words, and no marks of direction."""
    if event.get("type") == "test.ping":
        return TESTS["he" if language == "he" else "en"]
    clean = {"type": event.get("type"), "data": cleaned(event)}
    is_quoting = clean["type"] in BY_NAME_ALONE
    told = notice(clean, language, contacts) if is_quoting else sentence(clean, language, contacts, zone)
    system = event["data"].get("system")
    text = f"{system}: {told}" if isinstance(system, str) and system else told
    return cut(" ".join(text.replace(FIRST_STRONG, "").replace(END, "").split()), parts * PART)


def cleaned(event: Mapping[str, Any]) -> dict[str, Any]:
    """The `data` of an event, with nothing in it that others wrote."""
    data = event.get("data")
    found: dict[str, Any] = {"subject": _subject(data.get("subject") if isinstance(data, Mapping) else None)}
    for path, keep in KEPT.items():
        value = keep(_at(data, path))
        if value is not None:
            *above, name = path.split(".")
            inner = found
            for one in above:
                inner = inner.setdefault(one, {})
            inner[name] = value
    return found


def cut(text: str, most: int) -> str:
    """A text of at most so many characters as SMS count them, cut between words where it is too long."""
    if length(text) <= most:
        return text
    room, kept = most - length(CUT), ""
    for word in text.split(" "):
        longer = f"{kept} {word}" if kept else word
        if length(longer) > room:
            break
        kept = longer
    if kept:
        return kept + CUT
    while text and length(text) > room:  # one word that is longer than all there is
        text = text[:-1]
    return text + CUT


def _at(data: Any, path: str) -> Any:
    for name in path.split("."):
        data = data.get(name) if isinstance(data, Mapping) else None
    return data


def _subject(value: Any) -> str:
    """What an event is about; the name of a phone that the platform gives only where it is a number."""
    if not isinstance(value, str):
        return "?"
    kind, slash, name = value.partition("/")
    is_platforms = kind in ("sip", "sms", "caller_id")
    return f"{kind}{slash}?" if is_platforms and name and _phone(name) is None else value
