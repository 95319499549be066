"""Feeds: durable cursors for programs that cannot be reached and come for their events themselves."""

import json
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Response

from daemon.operations import feeds
from daemon.schemas.feeds import (
    FEEDS,
    MOVES,
    FeedList,
    FeedName,
    FeedPage,
    FeedRequest,
    FeedStatus,
    MoveRequest,
)
from daemon.schemas.fields import Line
from daemon.schemas.requests import examples
from daemon.store.database import Database
from daemon.web.audit import audited
from daemon.web.auth import Token, Tokens, require
from daemon.web.dependencies import Live
from daemon.web.problems import responses
from daemon.web.routes.base import reading
from daemon.web.routes.events import shown


def router(database: Database, tokens: Tokens, live: Live) -> APIRouter:
    """The routes below `/api/v1/feeds`; the texts of SMS are for the scope `content`."""
    routes = reading("feeds", tokens)
    _read(routes, database, tokens, live)
    _keep(routes, database, tokens, live)
    return routes


def _read(routes: APIRouter, database: Database, tokens: Tokens, live: Live) -> None:
    reader = Depends(require("read", tokens))

    @routes.get("/feeds", summary="The feeds: for which events each is, and how far it was read")
    def list_feeds() -> FeedList:
        with database.read() as db:
            return FeedList(feeds=[FeedStatus.of(one) for one in feeds.listed(db)])

    @routes.get(
        "/feeds/{feed}",
        summary="What comes next of a feed, oldest first; it stays there until that is acknowledged",
        response_class=Response,
        responses={200: {"model": FeedPage}, **responses(404, 422)},
    )
    def read_feed(
        feed: Line, token: Annotated[Token, reader], limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> Response:
        with database.read() as db:
            found = feeds.read(db, feed, limit)
        bodies = b",".join(shown(event.body, token) for event in found.events)
        head = json.dumps(FeedPage.head(found), separators=(",", ":")).encode()
        return Response(head[:-1] + b',"events":[' + bodies + b"]}", media_type="application/json")

    @routes.post(
        "/feeds/{feed}/ack",
        summary="Go on behind these from now on; what was acknowledged comes no more",
        description="Forward only, unless `back` is true. It needs no more than the scope `read`: who reads "
        "a feed is who knows how far.",
        responses=responses(400, 404, 409, 413, 422),
    )
    def acknowledge_feed(
        feed: Line,
        token: Annotated[Token, reader],
        body: Annotated[MoveRequest, Body(openapi_examples=examples(MOVES))],
    ) -> FeedStatus:
        with audited(token, "feed.ack", feed), database.write() as db:
            return FeedStatus.of(feeds.move(db, feed, body.to, live.now(), may_go_back=body.back))


def _keep(routes: APIRouter, database: Database, tokens: Tokens, live: Live) -> None:
    admin = Depends(require("admin", tokens))

    @routes.put(
        "/feeds/{feed}",
        summary="Let there be a feed of this name for these events; one that is there stays where it is",
        responses={201: {"model": FeedStatus, "description": "It is new"}, **responses(400, 409, 413, 422)},
    )
    def put_feed(
        feed: FeedName,
        response: Response,
        token: Annotated[Token, admin],
        body: Annotated[FeedRequest, Body(openapi_examples=examples(FEEDS))],
    ) -> FeedStatus:
        with audited(token, "feed.put", feed) as entry, database.write() as db:
            found, is_new = feeds.put(
                db,
                feed,
                body.wanted(),
                start=body.start,
                systems=live.systems(),
                author=token.name,
                now=live.now(),
            )
            entry.status = response.status_code = 201 if is_new else 200
        live.resubscribe()
        return FeedStatus.of(found)

    @routes.delete(
        "/feeds/{feed}", summary="Forget a feed, and how far it was read", responses=responses(404, 422)
    )
    def remove_feed(feed: Line, token: Annotated[Token, admin]) -> FeedStatus:
        with audited(token, "feed.remove", feed), database.write() as db:
            gone = feeds.remove(db, feed)
        live.resubscribe()
        return FeedStatus.of(gone)
