"""What one poll came to, for programs."""

from daemon.core.model import Event, Failure, Unknown
from daemon.core.routing.plan import Planned
from daemon.schemas.polls import Poll
from tests.support.fakes import START

BODY = (
    '{"type":"sms.received","timestamp":"2026-03-01T12:00:00.000Z","data":{"sms":{"text":"שלום"}}}'.encode()
)


def test_a_poll_shows_the_events_as_they_are_told_and_to_whom() -> None:
    event = Event("evt_1", "sms.received", "main", 1, "sms/054", START, BODY)

    document = Poll.of(("main", "sms"), None, [event], [Planned(event, "crm", "main/sms/054")]).model_dump()

    assert document == {
        "system": "main",
        "watch": "sms",
        "failure": None,
        "events": [
            {
                "type": "sms.received",
                "timestamp": "2026-03-01T12:00:00.000Z",
                "data": {"sms": {"text": "שלום"}},
            }
        ],
        "deliveries": [{"event": "evt_1", "endpoint": "crm"}],
        "saw": None,
    }


def test_a_poll_that_failed_says_how() -> None:
    unknown = Unknown(Failure.TIMEOUT, "no answer within 20 s")

    document = Poll.of(("main", "sms"), unknown, [], []).model_dump()

    assert document["failure"] == {"class": "timeout", "message": "no answer within 20 s"}
    assert (document["events"], document["deliveries"]) == ([], [])
