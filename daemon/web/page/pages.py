"""The pages that there are: one row for each."""

from collections.abc import Callable

from fastapi import APIRouter

from daemon.web.page import commands, front, incidents, sign_in, silences, static
from daemon.web.page.frame import Page

PAGES: tuple[Callable[[Page], APIRouter], ...] = (
    front.router,
    incidents.router,
    commands.router,
    silences.router,
    sign_in.router,
)


def routers(page: Page) -> list[APIRouter]:
    """The routes of all of them."""
    return [static.router(), *(router(page) for router in PAGES)]
