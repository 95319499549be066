"""The pages that there are: one row for each."""

from collections.abc import Callable

from fastapi import APIRouter

from daemon.web.page import (
    acknowledge,
    commands,
    contacts,
    deliveries,
    digests,
    endpoints,
    events,
    front,
    incidents,
    manifest,
    missed,
    now,
    recording_link,
    sign_in,
    silences,
    sms,
    subjects,
)
from daemon.web.page.frame import Page

PAGES: tuple[Callable[[Page], APIRouter], ...] = (
    front.router,
    now.router,
    missed.router,
    manifest.router,
    sign_in.router,
    subjects.router,
    incidents.router,
    events.router,
    sms.router,
    endpoints.router,
    deliveries.router,
    commands.router,
    silences.router,
    contacts.router,
    digests.router,
    acknowledge.router,
    recording_link.router,
)


def routers(page: Page) -> list[APIRouter]:
    """The routes of all of them."""
    return [router(page) for router in PAGES]
