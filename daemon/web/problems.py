"""Errors as RFC 9457 problem documents: what went wrong, in words that help, and never more than that."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from daemon.core.refusals import Refused, Why
from daemon.schemas import command_requests
from daemon.schemas.wording import BODY, faults
from daemon.store.location import FAILURES, reason
from daemon.web.protection import HEADERS
from daemon.web.reach import logged_path, path_of

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
WRONG = "The request is wrong"
SAID = 5
"""Faults that the detail repeats."""
REFUSALS: Mapping[Why, tuple[int, str]] = {
    Why.MISSING: (404, "There is no such thing"),
    Why.WRONG: (422, WRONG),
    Why.CONFLICT: (409, "It cannot be done as things stand"),
    Why.NO_SUCH_SYSTEM: (422, "There is no such system"),
    Why.NOT_ALLOWED: (403, "The system does not take this command"),
    Why.OVER_BUDGET: (409, "It would cost more than is left today"),
    Why.TOO_LATE: (422, "It is too late for it"),
    Why.KEY_IN_USE: (422, "The Idempotency-Key was used for something else"),
}
"""The status and the title of every refusal, whichever route it ends."""


class Fault(BaseModel):
    """One parameter that is wrong."""

    name: str = Field(
        description="The path of the field in the body, or a parameter's name", examples=["for"]
    )
    reason: str = Field(examples=['expected a duration such as "30s" or "5m"'])


class ProblemDocument(BaseModel):
    """RFC 9457, with every wrong parameter named."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    instance: str | None = None
    faults: list[Fault] = Field(default_factory=list)


class Problem(Exception):
    """Ends a request with a problem document."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str | None = None,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail
        self.faults = list(faults)
        self.headers = headers


def status_of(error: Exception) -> int:
    """The status of the answer to a request that ends with this error."""
    if isinstance(error, Problem):
        return error.status
    if isinstance(error, Refused):
        return REFUSALS[error.why][0]
    if isinstance(error, sa.exc.DataError):
        return 422
    return 503 if isinstance(error, FAILURES) else 500


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What FastAPI is told of a route's problems, for its OpenAPI document."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
            "model": ProblemDocument,
        }
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Make every error of an app a problem document."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(Refused, _on_refused)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(sa.exc.DataError, _on_data)
    for failure in FAILURES:
        app.add_exception_handler(failure, _on_database)
    app.add_exception_handler(Exception, _on_anything)


def answer(
    request: Request,
    status: int,
    title: str,
    detail: str | None,
    faults: list[Fault],
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """A problem, as the answer to a request: a document, or a page for who looks at the page."""
    instance = logged_path(request)  # with the prefix; the whole address would hang on what `Host` says
    document = ProblemDocument(title=title, status=status, detail=detail, instance=instance, faults=faults)
    if is_for_people(request):
        page: Response = request.app.state.page.problem(request, document)
        page.headers.update(headers)
        return page
    unauthorized = {"www-authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else {}
    content = document.model_dump(exclude_none=True, exclude_defaults=False)
    if not faults:
        del content["faults"]
    return JSONResponse(content, status, {**unauthorized, **headers}, media_type=MEDIA_TYPE)


def is_for_people(request: Request) -> bool:
    """Whether a browser asks, for a page of the page."""
    accepts = request.headers.get("accept", "")
    is_api = path_of(request.scope).startswith("/api/")
    return "text/html" in accepts and not is_api and hasattr(request.app.state, "page")


def answered(request: Request, problem: Problem) -> Response:
    """The answer to a request that ends with this problem."""
    return answer(request, problem.status, problem.title, problem.detail, problem.faults, problem.headers)


def raw(status: int, title: str, detail: str | None) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The headers and the body of a problem that ends a connection before there is a request."""
    document = ProblemDocument(title=title, status=status, detail=detail)
    body = document.model_dump_json(exclude_none=True, exclude={"faults"}).encode()
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        *([(b"retry-after", b"1")] if status == HTTPStatus.SERVICE_UNAVAILABLE else []),
        *HEADERS,
    ]
    return headers, body


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - the handler's own type
    return answered(request, error)


async def _on_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 - the handler's own type
    status, title = REFUSALS[error.why]
    wrong = [Fault(name=field, reason=str(error)) for field in error.fields]
    # Of a field the words may be half a sentence, as those of a validation are: "has passed already".
    detail = str(error) if wrong else _sentence(str(error))
    return answer(request, status, title=title, detail=detail, faults=wrong)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - the handler's own type
    title = HTTPStatus(error.status_code).phrase
    detail = error.detail if error.detail != title else None
    return answer(request, error.status_code, title, detail, [], error.headers or {})


async def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - the handler's own type
    wrong = [
        Fault(name=name, reason=reason) for name, reason in faults(error.errors(), command_requests.TAGS)
    ]
    # A body of another type is not read as JSON, so it is no object, whatever it looks like.
    if [one.name for one in wrong] == [BODY] and not _is_json(request):
        wrong = [Fault(name=BODY, reason="send it with the header Content-Type: application/json")]
    detail = "; ".join(f"{one.name}: {one.reason}" for one in wrong[:SAID])
    return answer(request, 422, title=WRONG, detail=detail, faults=wrong)


def _is_json(request: Request) -> bool:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


async def _on_data(request: Request, error: Exception) -> Response:
    log.warning("http.data_refused", path=logged_path(request), error=reason(error))
    detail = "It holds something that the database cannot hold, such as a NUL character."
    return answer(request, 422, title=WRONG, detail=detail, faults=[])


async def _on_database(request: Request, error: Exception) -> Response:
    log.error("http.database_failed", path=logged_path(request), error=reason(error))
    return answer(
        request, 503, title="The database cannot be used at present", detail="Try again shortly.", faults=[]
    )


async def _on_anything(request: Request, error: Exception) -> Response:
    log.error("http.crashed", path=logged_path(request), exc_info=error)
    return answer(request, 500, title="An error of our own", detail="The daemon's log says more.", faults=[])


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith("?") else ".")
