"""`/endpoints`: how each is doing, what waits for it and why, its dead letters, and what can be done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from markupsafe import Markup

from daemon.core.delivery.breaker import Switch
from daemon.core.delivery.outcome import Status
from daemon.core.durations import DAY
from daemon.operations import endpoints
from daemon.operations.endpoints import Replay
from daemon.schemas.documents import Attempt, Delivery, Endpoint
from daemon.schemas.fields import FIRST_YEAR, LAST_YEAR, Line
from daemon.schemas.status import EndpointStatus, SetAside
from daemon.store import history, views
from daemon.store.history import LAST_ID, AttemptView, Wanted
from daemon.store.replay import Span, Which
from daemon.store.views import AlertView, EndpointHealth
from daemon.web.audit import audited
from daemon.web.auth import Token
from daemon.web.forms import Fields
from daemon.web.page.endpoint_words import Saying, Tried, level
from daemon.web.page.faults import worded
from daemon.web.page.frame import Page
from daemon.web.page.once import Once
from daemon.web.page.visitors import Visitor
from daemon.web.page.words import Words
from daemon.web.page.writing import Writing
from daemon.web.problems import Problem

SPARK, LETTERS = 24, 20
"""Attempts that are drawn, and dead letters on one page."""
TOO_MANY = 429
SLOWEST_RATE, FASTEST_RATE = 0.001, 10_000.0


@dataclass(frozen=True)
class Row:
    """One endpoint, and what is known of it."""

    endpoint: Endpoint
    tried: list[Tried]
    set_aside: list[SetAside]
    is_catching_up: bool
    fault: Markup | None
    """Of one of the store: why nothing is sent to it, or what of it does not count."""


def router(page: Page) -> APIRouter:
    """The list, each of them, and what can be done with it."""
    routes = APIRouter(include_in_schema=False)
    once = Once(page.now, page.live.started_at)
    _add_list(routes, page)
    _add_replay(routes, page, once)
    _add_acts(routes, page, once)
    _add_one(routes, page, once)
    return routes


def _add_list(routes: APIRouter, page: Page) -> None:
    @routes.get("/endpoints")
    def list_endpoints(request: Request, visitor: Annotated[Visitor, page.visit("read")]) -> Response:
        with page.database.read() as db:
            alerts, say = views.alerts(db), _saying(page, visitor)
            found = [
                _row(page, say, one, alerts, history.recent_attempts(db, one.name, SPARK))
                for one in views.endpoints(db, page.live.endpoints())
            ]
        return page.render(request, visitor, "endpoints.html", rows=found, say=say, level=level)


def _add_one(routes: APIRouter, page: Page, once: Once) -> None:
    @routes.get("/endpoints/{name:path}")
    def show_endpoint(
        request: Request,
        name: Line,
        visitor: Annotated[Visitor, page.visit("read")],
        before: Annotated[int | None, Query(ge=1, le=LAST_ID)] = None,
    ) -> Response:
        say = _saying(page, visitor)
        with page.database.read() as db:
            found = endpoints.find_endpoint(db, name, page.live.interests(), page.live.endpoints())
            row = _row(page, say, found, views.alerts(db), history.recent_attempts(db, name, SPARK))
            wanted = Wanted(name, Status.DEAD, before=before, limit=LETTERS + 1)
            dead = [Delivery.of(one) for one in history.read(db, wanted)]
        return page.render(
            request,
            visitor,
            "endpoint.html",
            row=row,
            one=row.endpoint,
            say=say,
            level=level(row.endpoint),
            dead=dead[:LETTERS],
            older=dead[LETTERS - 1].id if len(dead) > LETTERS else None,
            before=before,
            once=once.draw(),
            since=(page.now() - DAY).astimezone(page.zone()).strftime("%Y-%m-%dT%H:%M"),
        )


def _add_acts(routes: APIRouter, page: Page, once: Once) -> None:
    def switch(request: Request, name: str, visitor: Visitor, to: Switch) -> Response:
        interests = page.live.interests()
        with audited(signed_in(visitor), f"endpoint.{to.value}", name), page.database.write() as db:
            endpoints.switch(db, name, interests, to)
        page.live.wake()
        return page.redirect(request, "/endpoints/", name, said=f"endpoints.{to.value}d")

    @routes.post("/endpoints/{name:path}/enable")
    def enable(
        request: Request,
        name: Line,
        visitor: Annotated[Visitor, page.visit("admin")],
        _fields: Annotated[Fields, page.posted],
    ) -> Response:
        return switch(request, name, visitor, Switch.ENABLE)

    @routes.post("/endpoints/{name:path}/disable")
    def disable(
        request: Request,
        name: Line,
        visitor: Annotated[Visitor, page.visit("admin")],
        _fields: Annotated[Fields, page.posted],
    ) -> Response:
        return switch(request, name, visitor, Switch.DISABLE)

    @routes.post("/endpoints/{name:path}/test")
    def test(
        request: Request,
        name: Line,
        visitor: Annotated[Visitor, page.visit("admin")],
        fields: Annotated[Fields, page.posted],
    ) -> Response:
        endpoints.interest_of(name, page.live.interests())
        try:
            with once.acting(fields.text("once")) as may_act:
                if not may_act:
                    return page.redirect(request, "/endpoints/", name, said="endpoints.sent_already")
                with audited(signed_in(visitor), "endpoint.test", name):
                    found = page.live.ping(name)
        except Problem as problem:
            if problem.status != TOO_MANY:
                raise
            return page.redirect(request, "/endpoints/", name, said="endpoints.busy")
        return page.redirect(request, "/deliveries/", str(found.id), said="endpoints.tested")


def _add_replay(routes: APIRouter, page: Page, once: Once) -> None:
    @routes.get("/endpoints/{name:path}/replay")
    def look(
        request: Request,
        name: Line,
        visitor: Annotated[Visitor, page.visit("admin")],
        which: Annotated[str, Query(max_length=20)] = Which.FAILED.value,
        since: Annotated[str, Query(max_length=40)] = "",
        until: Annotated[str, Query(max_length=40)] = "",
        rate: Annotated[str, Query(max_length=20)] = "",
        with_history: Annotated[str, Query(alias="history", max_length=5)] = "",
    ) -> Response:
        given = {"which": which, "since": since, "until": until, "rate": rate, "history": with_history}
        asked = _asked(page, Fields({key: [one] for key, one in given.items()}), is_dry_run=True)
        wrong = asked if isinstance(asked, str) else None
        plan = None
        if isinstance(asked, Replay):
            plan = endpoints.send_again(page.database, name, page.live.interests(), asked, page.now())
        return page.render(
            request,
            visitor,
            "replay.html",
            code=422 if wrong else 200,
            name=name,
            given=given,
            wrong=wrong,
            plan=plan,
            once=once.draw(),
        )

    @routes.post("/endpoints/{name:path}/replay")
    def replay(
        request: Request,
        name: Line,
        visitor: Annotated[Visitor, page.visit("admin")],
        fields: Annotated[Fields, page.posted],
    ) -> Response:
        interests, asked = page.live.interests(), _asked(page, fields, is_dry_run=False)
        endpoints.interest_of(name, interests)
        if isinstance(asked, str):
            raise Problem(422, "The form is wrong", f"{asked} cannot be read.")
        with once.acting(fields.text("once")) as may_act:
            if not may_act:
                return page.redirect(request, "/endpoints/", name, said="endpoints.sent_already")
            with audited(signed_in(visitor), "endpoint.replay", name):
                endpoints.send_again(page.database, name, interests, asked, page.now())
        page.live.wake()
        return page.redirect(request, "/endpoints/", name, said="endpoints.replayed")


def _asked(page: Page, fields: Fields, *, is_dry_run: bool) -> Replay | str:
    """What a form asks for; the name of the field that cannot be read."""
    try:
        which = Which(fields.text("which"))
    except ValueError:
        return "which"
    times: dict[str, datetime | None] = {}
    for fold, name in enumerate(("since", "until")):
        try:
            # Of an hour that repeats, its beginning the first time, its end the second.
            given = fields.text(name)
            local = datetime.fromisoformat(given).replace(fold=fold) if given else None
        except ValueError:
            return name
        if local is not None and not FIRST_YEAR <= local.year <= LAST_YEAR:
            return name
        times[name] = local.replace(tzinfo=local.tzinfo or page.zone()) if local else None
    try:
        rate = float(fields.text("rate")) if "rate" in fields else None
    except ValueError:
        return "rate"
    if rate is not None and not SLOWEST_RATE <= rate <= FASTEST_RATE:
        return "rate"
    return Replay(which, Span(times["since"], times["until"]), bool(fields.text("history")), rate, is_dry_run)


def signed_in(visitor: Visitor) -> Token:
    """By which token; where it has just gone, `Problem`."""
    if visitor.token is None:
        raise Problem(401, "Sign in first")
    return visitor.token


def _row(
    page: Page,
    say: Saying,
    found: EndpointHealth,
    alerts: Sequence[AlertView],
    tried: Sequence[tuple[int, AttemptView]],
) -> Row:
    source = page.live.subscriptions.sources().get(found.name)
    fault = source.fault if source else None
    return Row(
        Endpoint.of(found, None, is_kept=source is not None and source.is_kept, fault=fault),
        [Tried(delivery, Attempt.of(one)) for delivery, one in tried],
        EndpointStatus.of(found.waiting, alerts).set_aside,
        found.breaker.is_catching_up,
        worded(say.t, fault) if fault else None,
    )


def _saying(page: Page, visitor: Visitor) -> Saying:
    words, live = Words(visitor.language), page.live
    return Saying(words, Writing(words, page.zone(), page.now()), live.quiet(), live.rests(), live.routes())
