"""What each answer means for its delivery, from the bytes on the wire to the next status."""

import gzip
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime

import pytest

from daemon.core.delivery.outcome import DEAD, DELIVERED, MAX_RETRY_AFTER, Next, Outcome, Status, after
from daemon.core.redaction import spellings
from daemon.host import clock
from daemon.senders.webhook import WebhookSender
from daemon.senders.webhook_attempt import RESPONSE_BYTES
from tests.support.attempts import attempt, message, target
from tests.support.bad_receiver import FaultReceiver, Line, accepting, answer, answering, head, saying
from tests.support.fakes import START, Receiver
from tests.support.fakes import answer as refusing

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
RETRY = Next(Status.PENDING, START + 5 * SECOND, counts=True)

ACCEPTED = (200, 201, 202, 203, 204, 205, 206, 207, 226, 299)
REDIRECTED = (300, 301, 302, 303, 304, 305, 307, 308, 399)
FORBIDDEN = (401, 403, 407)
LATER = (404, 408, 425, 500, 501, 502, 503, 504, 507, 511, 599, 600, 999)
REFUSED = (400, 402, 405, 406, 409, 411, 412, 413, 414, 415, 417, 418, 421, 422, 423, 426, 428, 431, 451, 499)
ETIQUETTE = [
    *((status, Outcome.ACCEPTED, DELIVERED) for status in ACCEPTED),
    *((status, Outcome.REDIRECTED, RETRY) for status in REDIRECTED),
    *((status, Outcome.FORBIDDEN, RETRY) for status in FORBIDDEN),
    *((status, Outcome.FAILED, RETRY) for status in LATER),
    *((status, Outcome.REFUSED, DEAD) for status in REFUSED),
    (410, Outcome.GONE, DEAD),
    (429, Outcome.THROTTLED, Next(Status.PENDING, START + SECOND)),
]


@pytest.mark.parametrize(("status", "outcome", "then"), ETIQUETTE, ids=[str(row[0]) for row in ETIQUETTE])
def test_every_status_has_its_consequence(
    sender: WebhookSender, status: int, outcome: Outcome, then: Next
) -> None:
    """With all that a receiver could lead us on with: another place, and a challenge."""
    with FaultReceiver(accepting) as elsewhere:
        said = answer(status, location=elsewhere.url, www_authenticate='Basic realm="us"')
        with FaultReceiver(answering(said)) as receiver:
            (ended,) = attempt(sender, target(receiver.url))

    assert (ended.outcome, ended.http_status, ended.error) == (outcome, status, None)
    assert after(ended, START, 0.0, (5 * SECOND, MINUTE)) == then
    assert len(receiver.received) == 1
    assert elsewhere.lines == []


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("1", SECOND),
        ("120", 2 * MINUTE),
        ("14400", 4 * HOUR),
        ("14401", MAX_RETRY_AFTER),
        ("1000000000", MAX_RETRY_AFTER),
        ("9223372036854775807", MAX_RETRY_AFTER),
        (format_datetime(START.replace(year=9999), usegmt=True), MAX_RETRY_AFTER),
    ],
)
def test_a_receiver_may_ask_for_patience_within_reason(
    sender: WebhookSender, status: int, asked: str, granted: timedelta
) -> None:
    with FaultReceiver(answering(answer(status, b"later", retry_after=asked))) as receiver:
        (ended,) = attempt(sender, target(receiver.url))

    assert (ended.outcome, ended.response_head) == (Outcome.THROTTLED, "later")
    assert after(ended, START, 0.0, (5 * SECOND,)) == Next(Status.PENDING, START + granted)


@pytest.mark.parametrize("status", [429, 503])
def test_it_may_name_the_time_instead(sender: WebhookSender, status: int) -> None:
    until = format_datetime(clock.utcnow() + HOUR, usegmt=True)
    with FaultReceiver(answering(answer(status, retry_after=until))) as receiver:
        (ended,) = attempt(sender, target(receiver.url))

    assert ended.outcome is Outcome.THROTTLED
    assert ended.retry_after
    assert HOUR - 30 * SECOND <= ended.retry_after <= HOUR


@pytest.mark.parametrize(
    "nonsense", ["", "soon", "-5", "+5", "0", "99999999999999999999", "Sun, 06 Nov 1994 08:49:37 GMT"]
)
def test_what_asks_for_no_patience_that_can_be_granted_is_as_if_it_were_not_there(
    sender: WebhookSender, nonsense: str
) -> None:
    throttled, failed = (answering(answer(status, retry_after=nonsense)) for status in (429, 503))
    with FaultReceiver(throttled) as one, FaultReceiver(failed) as other:
        (busy,) = attempt(sender, target(one.url))
        (down,) = attempt(sender, target(other.url))

    assert (busy.outcome, busy.retry_after) == (Outcome.THROTTLED, None)
    assert (down.outcome, down.retry_after) == (Outcome.FAILED, None)


def test_patience_is_of_no_matter_where_all_is_well(sender: WebhookSender) -> None:
    with FaultReceiver(answering(answer(200, retry_after="120"))) as receiver:
        (ended,) = attempt(sender, target(receiver.url))

    assert after(ended, START, 0.0, (5 * SECOND,)) == DELIVERED


@pytest.mark.parametrize(
    "interim", [head(100), head(102), head(103, link="</style.css>"), head(100) * 3], ids=repr
)
def test_an_interim_answer_is_not_the_answer(sender: WebhookSender, interim: bytes) -> None:
    with FaultReceiver(answering(interim + answer(422))) as receiver:
        (ended,) = attempt(sender, target(receiver.url))

    assert (ended.outcome, ended.http_status) == (Outcome.REFUSED, 422)


def test_trailers_do_not_hide_that_an_answer_is_whole(sender: WebhookSender) -> None:
    chunked = head(200, transfer_encoding="chunked") + b"2\r\nok\r\n0\r\nx-checksum: 1\r\n\r\n"
    with FaultReceiver(answering(chunked)) as receiver:
        (ended,) = attempt(sender, target(receiver.url))

    assert (ended.outcome, ended.response_head) == (Outcome.ACCEPTED, "ok")


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_an_answer_may_end_with_its_connection(sender: WebhookSender, line_end: bytes) -> None:
    with FaultReceiver(saying(head(200).replace(b"\r\n", line_end) + b"done")) as receiver:
        (ended,) = attempt(sender, target(receiver.url))

    assert (ended.outcome, ended.response_head) == (Outcome.ACCEPTED, "done")


@pytest.mark.parametrize("status", [200, 500])
def test_of_a_hundred_megabytes_only_the_beginning_is_taken(sender: WebhookSender, status: int) -> None:
    chunk = b"x" * 65536

    def boundless(line: Line) -> None:
        line.request()
        line.say(head(status, content_length=str(100_000_000)))
        for _ in range(100_000_000 // len(chunk)):
            line.say(chunk)

    with FaultReceiver(boundless, answering(answer(204))) as receiver:
        (ended,) = attempt(sender, target(receiver.url))
        (then,) = attempt(sender, target(receiver.url))

    assert (ended.http_status, ended.error) == (status, None)
    assert ended.outcome is (Outcome.ACCEPTED if status == 200 else Outcome.FAILED)
    assert ended.response_head == "x" * 500
    # What it said more than that stands in the buffers of the two sockets.
    assert receiver.lines[0].sent < 20_000_000
    assert then.http_status == 204


def test_an_answer_is_cut_where_its_limit_is(sender: WebhookSender) -> None:
    at_the_limit, beyond = (answering(answer(200, b"x" * RESPONSE_BYTES + more)) for more in (b"", b"x"))
    with FaultReceiver(at_the_limit) as one, FaultReceiver(beyond) as other:
        ended = [*attempt(sender, target(one.url)), *attempt(sender, target(one.url))]
        ended += [*attempt(sender, target(other.url)), *attempt(sender, target(other.url))]

    assert {each.outcome for each in ended} == {Outcome.ACCEPTED}
    assert len(one.lines) == 1
    assert len(other.lines) == 2  # what was not read to its end cannot be used again


@pytest.mark.parametrize("field", ["content_encoding", "transfer_encoding"])
def test_a_compressed_answer_is_not_unpacked(sender: WebhookSender, field: str) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    assert len(bomb) < RESPONSE_BYTES
    with FaultReceiver(saying(answer(200, bomb, **{field: "gzip"}))) as receiver:
        (ended,) = attempt(sender, target(receiver.url))

    assert "accept-encoding" not in receiver.received[0].headers
    assert not (ended.response_head or "").startswith("\0")
    if field == "content_encoding":
        assert ended.outcome is Outcome.ACCEPTED
        assert (ended.response_head or "").startswith("\x1f\ufffd\x08")
    else:  # nobody may, unless he is asked to
        assert ended.outcome is Outcome.UNREACHABLE


def test_an_answer_that_is_no_text_is_shown_as_well_as_it_can_be(sender: WebhookSender) -> None:
    with FaultReceiver(answering(answer(500, b"\xff\xfe caf\xc3"))) as receiver:
        (ended,) = attempt(sender, target(receiver.url))

    assert ended.response_head == "\ufffd\ufffd caf\ufffd"


@pytest.mark.parametrize("size", [2_000, 5_000_000])
def test_an_answer_may_come_before_the_message_is_read(sender: WebhookSender, size: int) -> None:
    def too_large(line: Line) -> None:
        line.hear()
        line.say(answer(413, connection="close"))
        line.wait_until_left()

    with FaultReceiver(too_large) as receiver:
        (ended,) = attempt(sender, target(receiver.url), message(body=b"x" * size))

    assert (ended.outcome, ended.http_status) == (Outcome.REFUSED, 413)


@pytest.mark.parametrize("before", [0, 470])
def test_a_receiver_that_says_back_what_opens_it_gets_no_secret_stored(
    sender: WebhookSender, before: int
) -> None:
    """Nor a part of one, where the answer is cut."""
    secret = "open-sesame-0123456789"
    to = target("http://nowhere")
    with Receiver() as receiver:
        receiver.script.answers = [
            refusing(400, b"x" * before + f"authorization: Bearer {secret}".encode()),
        ]
        one = replace(
            to,
            url=receiver.url,
            headers=(("Authorization", f"Bearer {secret}"),),
            hidden=spellings([f"Bearer {secret}", secret]),
        )
        (ended,) = attempt(sender, one)
        sent = receiver.received[0].headers

    assert {name.lower(): value for name, value in sent.items()}["authorization"] == f"Bearer {secret}"
    assert ended.response_head is not None
    assert "open" not in ended.response_head
