"""Why something was told, or was not: an event, an incident, or whatever a subject has to say."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from daemon.operations import explanations
from daemon.schemas.explanations import Explanation
from daemon.schemas.fields import Line
from daemon.store.database import Database
from daemon.web.auth import Token, Tokens, require
from daemon.web.dependencies import Live
from daemon.web.problems import responses
from daemon.web.routes.base import reading


def router(database: Database, tokens: Tokens, live: Live) -> APIRouter:
    """`GET /api/v1/explain`; the texts of SMS are for the scope `content`."""
    routes = reading("incidents", tokens)
    reader = Depends(require("read", tokens))

    @routes.get(
        "/explain",
        summary="What was seen, what it came to, who was told, and who was not and why",
        responses=responses(404, 422),
    )
    def explain(
        token: Annotated[Token, reader],
        what: Annotated[
            Line,
            Query(
                description="An event (`evt_…`), an incident (`inc_…`), a command (`cmd_…`) or a subject "
                "(`sip/0773137770`)"
            ),
        ],
    ) -> Explanation:
        with database.read() as db:
            found = explanations.explain(db, what, live.as_of(), live.contacts()).document(live.endpoints())
        return found if token.allows("content") else explanations.redacted(found)

    return routes
