"""Events of a daemon elsewhere: the newest, those that are looked for, and each further one by its stream,
without a gap or a repeat."""

import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPException
from typing import Any

from daemon.cli.following import AGAIN_SECONDS, Stream, event_of
from daemon.cli.output import Fatal, complain
from daemon.cli.searching import Times
from daemon.cli.sources import MOST_AT_ONCE, There
from daemon.cli.streams import is_read
from daemon.core import wording
from daemon.core.model import Event
from daemon.core.rendering.body import spelled, summary
from daemon.operations.search import Answer, Wanted
from daemon.schemas.documents import Stranger
from daemon.store.events import START, Query
from daemon.store.searchable import Unindexed

WRONG = (AttributeError, LookupError, TypeError, ValueError)
"""What is met in a document that is no event."""


def latest(daemon: There, query: Query) -> list[Event]:
    """The newest that match, oldest first. Raises `Fatal` (exit 64) for more than one answer holds."""
    if query.limit > MOST_AT_ONCE:
        raise Fatal(f"--limit: at most {MOST_AT_ONCE} of a daemon elsewhere", os.EX_USAGE)
    return [_event(daemon, one) for one in daemon.items({**_wanted(query), "latest": True}, query.limit)]


def found(daemon: There, wanted: Wanted, times: Times, limit: int) -> Answer:
    """Those that are looked for, the newest first. What words mean is for the daemon to say, times among
    them. Raises `Fatal`."""
    query = {
        "type": wanted.type,
        "system": wanted.system,
        "subject": wanted.subject,
        "sender": wanted.sender,
        "contact": wanted.contact,
        "incident": wanted.incident,
        "q": wanted.question,
        "since": times.since,
        "until": times.until,
        "order": "newest",
    }
    events: list[Event] = []
    page: Mapping[str, Any] = {}
    is_cut = False
    for page in daemon.pages(query, limit):
        wished = min(limit - len(events), MOST_AT_ONCE)
        events += [_event(daemon, one) for one in page["events"]]
        is_cut = bool(page.get("has_more")) and len(page["events"]) < wished
        if is_cut:
            break
    try:
        strangers = [Stranger.model_validate(one, extra="allow") for one in page.get("unknown") or ()]
        left = page.get("unindexed")
        unindexed = None if left is None else Unindexed(newer=int(left["newer"]), older=int(left["older"]))
    except WRONG:
        raise daemon.elsewhere.unknown("what was not found is not told as it is by now") from None
    return Answer(
        [(0, one) for one in events[:limit]],
        has_more=bool(page.get("has_more")),
        last_id=None,
        is_cut=is_cut,
        unindexed=unindexed,
        strangers=[wording.Stranger(one.name, one.value, one.did_you_mean) for one in strangers],
    )


def following(daemon: There, query: Query) -> Iterator[Sequence[Event]]:
    """The newest, and each further one as it happens, until nobody reads any more. A daemon that has gone is
    asked again, and goes on where it was left."""
    newest = daemon.items({"latest": True}, 1)
    place = _event(daemon, newest[0]).id if newest else START
    found = latest(daemon, query)
    # What came between the two questions is in both: in the list, and after that place.
    told = {one.id for one in found}
    yield found
    has_told, never = False, threading.Event()
    stream: Stream | None = None
    while is_read():
        if stream is None:
            try:
                stream = Stream(*daemon.elsewhere.stream(_wanted(query), place))
                has_told = False
            except (OSError, HTTPException):
                if not has_told:
                    complain(f"{daemon.elsewhere.address} does not answer; it is asked again until it does")
                has_told = True
                never.wait(AGAIN_SECONDS)
                continue
        some = []
        for block in stream.next():
            if block is None:
                stream = None
                break
            place = block.id
            if block.data and block.id not in told:
                some.append(_of_body(daemon, block.data))
        yield some


def _wanted(query: Query) -> dict[str, str]:
    wanted = {"type": query.type, "system": query.system, "subject": query.subject}
    return {name: one for name, one in wanted.items() if one is not None}


def _event(daemon: There, document: Any) -> Event:
    return _of_body(daemon, spelled(document)) if isinstance(document, dict) else _of_body(daemon, b"null")


def _of_body(daemon: There, body: bytes) -> Event:
    try:
        found = event_of(body)
        summary(json.loads(body))
    except WRONG as error:
        raise daemon.elsewhere.unknown(
            f"an event without what every event has ({type(error).__name__})"
        ) from None
    return found
