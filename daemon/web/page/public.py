"""`/` for who has not signed in, where `[http] visitors` is "status": how the chosen subjects stand."""

from collections.abc import Iterable

from fastapi import Request, Response

from daemon.web.page.frame import Page
from daemon.web.page.visitors import Visitor
from daemon.web.shown import Shown, is_chosen

STATES = ("down", "unknown", "up")
"""The worst first."""


def public(page: Page, request: Request, visitor: Visitor) -> Response:
    """The view of strangers."""
    patterns = page.live.reach().shown
    found = [one for (system, subject), one in page.look().items() if is_chosen(patterns, system, subject)]
    counts = {state: sum(one.state == state for one in found) for state in STATES}
    worst = next((state for state in STATES if counts[state]), None)
    return page.render(
        request,
        visitor,
        "public.html",
        systems={system: [one for one in found if one.system == system] for system in _names(found)},
        counts=counts,
        worst=worst,
    )


def _names(found: Iterable[Shown]) -> list[str]:
    return list(dict.fromkeys(one.system for one in found))
