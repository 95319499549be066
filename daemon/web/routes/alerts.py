"""What is wrong now, whom it was told, and who has it."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends

from daemon.operations import held_back
from daemon.operations.acknowledgements import acknowledge
from daemon.schemas import documents, pages
from daemon.schemas.documents import Acknowledged
from daemon.schemas.fields import Line
from daemon.schemas.requests import ACKNOWLEDGEMENTS, AcknowledgementRequest, examples
from daemon.store import views
from daemon.store.database import Database
from daemon.web.audit import audited
from daemon.web.auth import Token, Tokens, require
from daemon.web.dependencies import Live
from daemon.web.problems import responses
from daemon.web.routes.base import reading

ASK = AcknowledgementRequest()
"""What is asked for without a body."""


def router(database: Database, tokens: Tokens, live: Live) -> APIRouter:
    """The routes below `/api/v1/alerts`."""
    routes = reading("alerts", tokens)
    admin = Depends(require("admin", tokens))

    @routes.get("/alerts", summary="Every alert that is pending, firing or recovering, the longest first")
    def list_alerts() -> pages.AlertList:
        with database.read() as db:
            now = live.now()
            found = views.told_alerts(db, live.endpoints(), now)
            held = held_back.of_alerts(db, found, live.interests(), now)
        return pages.AlertList(alerts=[documents.Alert.with_told(one, held) for one in found])

    @routes.post(
        "/alerts/{incident_id}/ack",
        summary="Say who has an incident: nobody is reminded of it, and it escalates no further",
        responses=responses(400, 404, 409, 413, 422),
    )
    def acknowledge_incident(
        incident_id: Line,
        token: Annotated[Token, admin],
        body: Annotated[AcknowledgementRequest, Body(openapi_examples=examples(ACKNOWLEDGEMENTS))] = ASK,
    ) -> Acknowledged:
        with audited(token, "alert.acknowledge", incident_id), database.write() as db:
            done = acknowledge(db, incident_id, body.wish(token.name), live.new_id, live.now())
        return Acknowledged.made(done.incident, done.acknowledgement, is_new=done.is_new)

    return routes
