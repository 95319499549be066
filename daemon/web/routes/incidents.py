"""What fired, and what came of it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from daemon.operations import explanations
from daemon.schemas import pages
from daemon.schemas.explanations import ExplainedIncident
from daemon.schemas.fields import Line
from daemon.store import incidents
from daemon.store.database import Database
from daemon.web.auth import Tokens
from daemon.web.dependencies import Live
from daemon.web.problems import responses
from daemon.web.routes.base import reading

State = Literal["firing", "ended"]


def router(database: Database, tokens: Tokens, live: Live) -> APIRouter:
    """The routes below `/api/v1/incidents`."""
    routes = reading("incidents", tokens)

    @routes.get("/incidents", summary="Incidents, the newest first", responses=responses(404, 409, 422))
    def list_incidents(
        system: Annotated[Line | None, Query(description="Of this system only")] = None,
        subject: Annotated[
            Line | None,
            Query(description="Of this subject only; a phone in any spelling, a queue by its name"),
        ] = None,
        state: Annotated[State | None, Query(description="Only those that fire, or have ended")] = None,
        before: Annotated[Line | None, Query(description="The id of the last incident already read")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> pages.IncidentPage:
        with database.read() as db:
            query = wanted(system, subject, state, limit)
            return explanations.list_incidents(db, query, before, live.contacts())

    @routes.get(
        "/incidents/{incident_id}",
        summary="One incident: what was seen, who was told, and who was not and why",
        responses=responses(404, 422),
    )
    def show_incident(incident_id: Line) -> ExplainedIncident:
        with database.read() as db:
            return explanations.find_incident(db, incident_id, live.as_of()).document

    return routes


def wanted(system: str | None, subject: str | None, state: State | None, limit: int) -> incidents.Query:
    """Which incidents are asked for."""
    return incidents.Query(system, subject, state == "firing" if state else None, limit=limit)
