"""`/r/{token}`: the link in a mail by which its reader hears a recording. Nobody needs to sign in.

It gives the file, and nothing else. Each fetch is audited; wrong tokens are counted as wrong ones at the door
are; a token stands in no log, is kept by no cache, and is told to no other site.
"""

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from daemon.core import recording_links
from daemon.core.model import Secret
from daemon.core.recording_links import Link
from daemon.core.recordings import Recording
from daemon.operations import recordings
from daemon.web import serving
from daemon.web.attempts import Attempts, TooMany
from daemon.web.audit import audited
from daemon.web.auth import Token
from daemon.web.page.frame import Page
from daemon.web.problems import Problem
from daemon.web.reach import client_of

GONE = "There is no such recording"
HEADERS = {"cache-control": "no-store", "referrer-policy": "no-referrer"}


def router(page: Page) -> APIRouter:
    """The link."""
    routes = APIRouter(include_in_schema=False)
    attempts = Attempts(page.live.monotonic)

    @routes.get("/r/{token}")
    async def show(request: Request, token: str) -> Response:
        link = _read(page, request, token, attempts)
        whom = Token(f"link of {link.endpoint}", Secret(""), frozenset())
        with audited(whom, "recording.fetch", link.event):
            recording = await run_in_threadpool(_recording, page, link)
            answer = await serving.served(request, page.live.recordings, recording)
        answer.headers.update(HEADERS)
        return answer

    return routes


def _read(page: Page, request: Request, token: str, attempts: Attempts) -> Link:
    """What a token says; one that was not made here counts as a guess. Raises `Problem`."""
    reach = page.live.reach()
    key = page.live.recording_key() if reach.base is not None and reach.recording_links else None
    link = None if key is None else recording_links.read(key, token)
    known = [Token("link", Secret(token), frozenset())] if link is not None else []
    try:
        attempts.judge(client_of(request), token, known, at=recording_links.PREFIX)
    except TooMany as error:
        headers = {**HEADERS, "retry-after": str(error.seconds)}
        raise Problem(429, "Too many wrong links came", headers=headers) from None
    if link is None or link.endpoint not in page.live.endpoints():
        raise Problem(404, GONE, headers=HEADERS)
    if reach.recording_links is None or not link.counts(page.now(), reach.recording_links):
        raise Problem(410, "The link has expired", headers=HEADERS)
    return link


def _recording(page: Page, link: Link) -> Recording:
    with page.database.read() as db:
        if recordings.is_revoked(db, link.event):
            raise Problem(410, "The link was revoked", headers=HEADERS)
        return recordings.find(db, link.event)
