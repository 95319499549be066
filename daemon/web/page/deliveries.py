"""`/deliveries/{id}`: one message for one endpoint, with every attempt of it; and once more."""

import json
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from daemon.core.delivery.outcome import OPEN
from daemon.core.refusals import Refused, Why
from daemon.operations import deliveries
from daemon.schemas.documents import Attempt
from daemon.schemas.redaction import redacted
from daemon.store import events
from daemon.store.history import LAST_ID, DeliveryView
from daemon.web.audit import audited
from daemon.web.forms import Fields
from daemon.web.page import outcomes, spark, telling
from daemon.web.page.endpoints import signed_in
from daemon.web.page.frame import Page
from daemon.web.page.visitors import Visitor
from daemon.web.page.words import Words

DeliveryId = Annotated[int, Path(ge=1, le=LAST_ID)]
IN_THE_MEANTIME = "endpoints.not_dead"
"""What is said of a form that was drawn when it stood otherwise."""


def router(page: Page) -> APIRouter:
    """One delivery, and its retry."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/deliveries/{delivery_id}")
    def show(
        request: Request, delivery_id: DeliveryId, visitor: Annotated[Visitor, page.visit("read")]
    ) -> Response:
        with page.database.read() as db:
            found = deliveries.find_delivery(db, delivery_id)
            event = events.find(db, found.event)
            one = deliveries.shown(db, found, with_texts=visitor.may("content"))
        words = Words(visitor.language)
        told = None
        if event is not None:
            body = event[1].body if visitor.may("content") else redacted(event[1].body)
            told = telling.told(json.loads(body), visitor.language, page.live.contacts())
        return page.render(
            request,
            visitor,
            "delivery.html",
            one=one,
            told=told,
            seen=seen(found),
            is_open=found.status in OPEN,
            ended=lambda attempt: outcomes.ended(words, attempt),
            level=outcomes.level,
            phases=lambda attempt: phases(words, attempt),
        )

    @routes.post("/deliveries/{delivery_id}/retry")
    def retry(
        request: Request,
        delivery_id: DeliveryId,
        visitor: Annotated[Visitor, page.visit("admin")],
        fields: Annotated[Fields, page.posted],
    ) -> Response:
        with_history = bool(fields.text("history"))
        try:
            with (
                audited(signed_in(visitor), "delivery.retry", str(delivery_id)),
                page.database.write() as db,
            ):
                found = deliveries.find_delivery(db, delivery_id)
                said = _refused(found, fields.text("seen"))
                if said is None:
                    deliveries.retry(db, delivery_id, page.now(), with_history=with_history)
        except Refused as refused:
            if refused.why is not Why.CONFLICT:
                raise
            said = "deliveries.outdated" if refused.fields else "deliveries.not_ended"
        if said is None:
            page.live.wake()
        return page.redirect(request, "/deliveries/", str(delivery_id), said=said or "deliveries.retried")

    return routes


def seen(one: DeliveryView) -> str:
    """How it stood when a form was drawn: one that was sent already finds it otherwise."""
    return f"{one.status.value}.{one.tries}"


def phases(t: Words, attempt: Attempt) -> str:
    """A picture of what took how long."""
    parts = [spark.Stretch(one.name, one.begins, one.lasts, _said(t, one)) for one in outcomes.parts(attempt)]
    whole = t.plain("deliveries.phases", parts="; ".join(one.words for one in parts))
    return spark.stretches(parts, whole) if parts else ""


def _said(t: Words, part: outcomes.Part) -> str:
    name = t(f"deliveries.phase.{part.name}").striptags()
    return f"{name} {outcomes.took(t, part.lasts).striptags()}"


def _refused(found: DeliveryView, seen_then: str) -> str | None:
    """Why nothing is to be sent; None: nothing speaks against it."""
    if found.status in OPEN:
        return "deliveries.not_ended"
    return None if seen_then == seen(found) else IN_THE_MEANTIME
