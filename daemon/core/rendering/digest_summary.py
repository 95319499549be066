"""A digest on one line, and what it is called. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from daemon.core.rendering.digest_words import WORDS
from daemon.core.rendering.lasting import duration


def found_in(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a digest says, of the `data` of its event."""
    found = data.get("digest")
    return found if isinstance(found, Mapping) else {}


def language_of(data: Mapping[str, Any], other: str) -> str:
    """The language that it is written in; by default another."""
    chosen = found_in(data).get("language")
    return str(chosen) if chosen in WORDS else other


def title(told: Any) -> str:
    """What a digest is called; `told` are its data, as phrases take them."""
    covers = "week" if told.value("digest.covers") == "week" else "day"
    return WORDS[told.language][covers].format(told["digest.name"])


def summary(told: Any) -> str:
    """The most important figures: `12 SMS in, 30 calls answered`."""
    said = told.value("digest")
    counted = figures(said if isinstance(said, Mapping) else {}, told.language)
    shown = [f"{name}: {told.isolated(value)}" for value, name in counted]
    return ", ".join(shown) or WORDS[told.language]["nothing"].rstrip(".")


def figures(said: Mapping[str, Any], language: str) -> Iterator[tuple[str, str]]:
    """What it comes to, and what that is; what is not known is not there."""
    words, systems = WORDS[language], said.get("systems") or ()
    sms = sum(one.get("sms") or 0 for one in systems)
    if sms:
        yield str(sms), words["sms"]
    queues = [queue for one in systems for queue in one.get("queues") or ()]
    counted = [one for one in queues if one.get("answered") is not None and one.get("missed") is not None]
    is_exact = all(one.get("is_exact") for one in queues) and len(counted) == len(queues)
    for name in ("answered", "missed") if counted else ():
        many = sum(one[name] for one in counted)
        yield str(many) if is_exact or not many else words["about"].format(many), words[name]
    for name, word in (("unknown", "unknown"), ("unseen", "unseen_calls")):
        more = sum(one.get(name) or 0 for one in queues)
        if more:
            yield str(more), words[word]
    waits = [one["longest_wait_seconds"] for one in queues if one.get("longest_wait_seconds")]
    if waits:
        yield duration(max(waits), language), words["longest_wait"]
    outages = len(said.get("outages") or ()) + int(said.get("more_outages") or 0)
    if outages:
        yield str(outages), words["outages"]
