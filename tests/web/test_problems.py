"""Whatever a route raises ends as a problem document, and each refusal has its own status and title."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from daemon.core.refusals import Refused, Why
from daemon.web import problems
from daemon.web.problems import MEDIA_TYPE, REFUSALS, status_of


@pytest.fixture
def anybody() -> TestClient:
    """Of an app whose only routes refuse."""
    app = FastAPI()
    problems.install(app)

    @app.get("/things/{why}")
    def refuse(why: Why) -> None:
        raise Refused(why, "`this` is refused")

    @app.get("/fields/{why}")
    def refuse_fields(why: Why) -> None:
        raise Refused(why, "has passed already", "starts_at", "ends_at")

    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize("why", Why)
def test_a_route_that_refuses_answers_a_problem_document(anybody: TestClient, why: Why) -> None:
    answer = anybody.get(f"/things/{why.value}")
    status, title = REFUSALS[why]

    assert 400 <= status < 500
    assert (answer.status_code, answer.headers["content-type"]) == (status, MEDIA_TYPE)
    assert answer.json() == {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": "`this` is refused.",
        "instance": f"/things/{why.value}",
    }


@pytest.mark.parametrize("why", Why)
def test_each_part_that_is_to_blame_is_a_fault(anybody: TestClient, why: Why) -> None:
    document = anybody.get(f"/fields/{why.value}").json()

    assert document["detail"] == "has passed already"
    assert document["faults"] == [
        {"name": name, "reason": "has passed already"} for name in ("starts_at", "ends_at")
    ]


@pytest.mark.parametrize("why", Why)
def test_the_audit_log_has_the_status_of_the_answer(anybody: TestClient, why: Why) -> None:
    assert status_of(Refused(why, "no")) == anybody.get(f"/things/{why.value}").status_code
