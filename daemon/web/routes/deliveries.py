"""What was sent to whom, every attempt of it, and once more."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from daemon.core.delivery.outcome import Status
from daemon.operations import deliveries
from daemon.schemas import pages
from daemon.schemas.documents import Delivery
from daemon.schemas.fields import DeliveryStatus, Line
from daemon.store import history
from daemon.store.database import Database
from daemon.store.history import LAST_ID, Wanted
from daemon.web.audit import audited
from daemon.web.auth import Token, Tokens, require
from daemon.web.dependencies import Live
from daemon.web.problems import responses
from daemon.web.routes.base import reading

DeliveryId = Annotated[int, Path(ge=1, le=LAST_ID)]


def router(database: Database, tokens: Tokens, live: Live) -> APIRouter:
    """The routes below `/api/v1/deliveries`."""
    routes = reading("deliveries", tokens)
    reader, admin = Depends(require("read", tokens)), Depends(require("admin", tokens))

    @routes.get("/deliveries", summary="Deliveries, the newest first", responses=responses(422))
    def list_deliveries(
        endpoint: Annotated[Line | None, Query(description="Of this endpoint only")] = None,
        status: Annotated[DeliveryStatus | None, Query(description="`dead` are the dead letters")] = None,
        type: Annotated[Line | None, Query(description="Of the event; a glob such as sms.*")] = None,
        before: Annotated[
            int | None, Query(ge=1, le=LAST_ID, description="Only those with a smaller id")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> pages.DeliveryPage:
        with database.read() as db:
            found = history.read(
                db, Wanted(endpoint, Status(status) if status else None, type, before, limit + 1)
            )
        has_more = len(found) > limit
        return pages.DeliveryPage(
            deliveries=[Delivery.of(one) for one in found[:limit]],
            next=found[limit - 1].id if has_more else None,
            has_more=has_more,
        )

    @routes.get(
        "/deliveries/{delivery_id}",
        summary="One delivery with every attempt: what it met, where, and how long each part took",
        responses=responses(404, 422),
    )
    def show_delivery(delivery_id: DeliveryId, token: Annotated[Token, reader]) -> Delivery:
        with database.read() as db:
            found = deliveries.find_delivery(db, delivery_id)
            return deliveries.shown(db, found, with_texts=token.allows("content"))

    @routes.post(
        "/deliveries/{delivery_id}/retry",
        summary="Send one delivery once more, with the id that it had",
        responses=responses(404, 409, 422),
    )
    def retry_delivery(
        delivery_id: DeliveryId,
        token: Annotated[Token, admin],
        with_history: Annotated[
            bool,
            Query(alias="history", description="Also what is not true any more"),
        ] = False,
    ) -> Delivery:
        with audited(token, "delivery.retry", str(delivery_id)), database.write() as db:
            found = deliveries.retry(db, delivery_id, live.now(), with_history=with_history)
        live.wake()
        return Delivery.of(found)

    return routes
