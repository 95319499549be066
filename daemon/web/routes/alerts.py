"""What is wrong now, and whom it was told."""

from fastapi import APIRouter

from daemon.schemas import documents, pages
from daemon.store import views
from daemon.store.database import Database
from daemon.web.auth import Tokens
from daemon.web.dependencies import Live
from daemon.web.routes.base import reading


def router(database: Database, tokens: Tokens, live: Live) -> APIRouter:
    """`GET /api/v1/alerts`."""
    routes = reading("alerts", tokens)

    @routes.get("/alerts", summary="Every alert that is pending, firing or recovering, the longest first")
    def list_alerts() -> pages.AlertList:
        with database.read() as db:
            found = views.told_alerts(db, live.endpoints())
        return pages.AlertList(alerts=[documents.Alert.with_told(one) for one in found])

    return routes
