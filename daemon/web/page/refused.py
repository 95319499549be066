"""Why something is refused, for people: in their language, with what they can do about it."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request
from markupsafe import Markup

from daemon.core.visible import visible_line
from daemon.web.page.faults import said, worded
from daemon.web.page.visitors import Visitor, lacking
from daemon.web.page.words import ALL, Words
from daemon.web.problems import REFUSALS, WRONG, ProblemDocument

WHY: Mapping[str, str] = {
    title: f"problems.why.{why.value}" for why, (_, title) in REFUSALS.items() if title != WRONG
}
"""The words of each refusal, by the title of its problem."""
ANY = "problems.any"


@dataclass(frozen=True)
class Said:
    """A problem in words."""

    title: Markup
    detail: Markup | None
    faults: list[tuple[str, Markup]]
    way: Markup
    """What one can do."""
    exactly: bool
    """Whether the English of the problem says something that is not said here."""


def in_words(request: Request, visitor: Visitor, problem: ProblemDocument) -> Said:
    """What a problem comes to for whoever looks."""
    t, key = Words(visitor.language), key_of(problem)
    detail = _detail(t, problem)
    faults = [(one.name, worded(t, one.reason)) for one in problem.faults]
    scope = lacking(request)
    way = t(f"{key}.way") if scope is None else _whom_to_ask(t, visitor, scope)
    if visitor.language == "en":
        shown = detail or (Markup("{}").format(visible_line(problem.detail)) if problem.detail else None)
        return Said(
            Markup("{}").format(visible_line(problem.title)), None if faults else shown, faults, way, False
        )
    return Said(t(key), None if faults else detail, faults, way, detail is None and not faults)


def key_of(problem: ProblemDocument) -> str:
    """The words of a problem: of why it is refused, else of its status."""
    by_status = f"problems.{problem.status}"
    return WHY.get(problem.title) or (by_status if by_status in ALL else ANY)


def _detail(t: Words, problem: ProblemDocument) -> Markup | None:
    """The detail, where it is a sentence of ours; in a problem it begins large and ends with a full stop."""
    detail = problem.detail or ""
    bare = detail.removesuffix(".")
    for one in (detail, bare, bare[:1].lower() + bare[1:]):
        found = said(t, one) if one else None
        if found is not None:
            return found
    return None


def _whom_to_ask(t: Words, visitor: Visitor, scope: str) -> Markup:
    name = visitor.token.name if visitor.token else "?"
    return t("problems.scope.way", token=name, scope=scope)
