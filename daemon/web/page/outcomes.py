"""What became of a message in words: where its delivery stands, and how each attempt ended."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from daemon.core.delivery.outcome import Outcome
from daemon.core.numbers import shown
from daemon.core.visible import visible_line
from daemon.schemas.documents import Attempt
from daemon.web.page.words import Words

PARTS = ("resolved", "connected", "secured", "answered", "total")
"""Of an attempt, in the order in which they are done."""
THOUSAND = 1000


@dataclass(frozen=True)
class Part:
    """How long a part of an attempt took, in microseconds, and from when on."""

    name: str
    begins: int
    lasts: int


def took(t: Words, microseconds: int) -> Markup:
    """`< 1 ms`, `120 ms`, `1.2 s`."""
    if microseconds < THOUSAND:
        return t("deliveries.at_once")
    if microseconds < THOUSAND * THOUSAND:
        return t.many("deliveries.milliseconds", round(microseconds / THOUSAND))
    return t("deliveries.seconds", n=shown(round(microseconds / THOUSAND / THOUSAND, 1)))


def ended(t: Words, attempt: Attempt) -> Markup:
    """How an attempt ended: `no connection: connection refused, after 120 ms`."""
    said = t(f"deliveries.outcome.{attempt.outcome}")
    if attempt.http_status:
        said += Markup(" (") + t("deliveries.http", status=attempt.http_status) + Markup(")")
    if attempt.error and not is_only_status(attempt):
        said += Markup(': <bdi dir="auto">{}</bdi>').format(visible_line(attempt.error))
    return said + Markup(", ") + t("deliveries.took", time=took(t, attempt.microseconds.total))


def is_only_status(attempt: Attempt) -> bool:
    """Whether the error says no more than the status."""
    return attempt.error == f"HTTP {attempt.http_status}"


def level(outcome: str) -> str:
    """The mark that goes with an outcome."""
    return "well" if outcome == Outcome.ACCEPTED.value else "wrong"


def parts(attempt: Attempt) -> Iterator[Part]:
    """The parts of an attempt that were reached, one after the other."""
    begins = 0
    for name in PARTS:
        done = getattr(attempt.microseconds, name)
        if done > begins:
            yield Part(name, begins, done - begins)
            begins = done
