"""Webhooks with a template, over a real socket: what goes out, by which template, and who waits for whom."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC
from urllib.parse import parse_qsl

from standardwebhooks import Webhook

from daemon.core.delivery.outcome import Attempted, Message, Outcome
from daemon.core.rendering.formats import Shape
from daemon.core.templates.planned import Planned
from daemon.core.wishes import Kind, Wish, Wishes
from daemon.host import clock
from daemon.senders.all import Senders
from daemon.senders.templated import Hook, PlannedWith, TemplatedSender
from daemon.senders.webhook import WebhookSender
from tests.support.attempts import SECRET, message, target
from tests.support.bad_receiver import PATIENCE
from tests.support.event_examples import example
from tests.support.fakes import Receiver

JSON = 'content-type: application/json\nx-about: {{ data.subject }}\n\n{"say": "{{ data.sms.text }}"}'
FORM = "content-type: application/x-www-form-urlencoded\n\nuser={{ values.user }}\ntext={{ text }}"
BROKEN = "content-type: text/plain\n\n{{ data.nobody }}"
SHAPE = Shape(zone=UTC, is_templated=True)
SMS = json.dumps(example("sms.received"), ensure_ascii=False).encode()


def now_in_force(_endpoint: str, _delivery: int) -> Planned | None:
    return None


@contextmanager
def sending(
    receiver: Receiver, *, planned_with: PlannedWith = now_in_force, **hooks: Hook
) -> Iterator[tuple[Senders, Callable[[int], list[Attempted]]]]:
    """All senders, and what waits for so many attempts to end."""
    webhooks = WebhookSender(
        dict.fromkeys(hooks, target(receiver.url)), now=clock.utcnow, monotonic=clock.monotonic
    )
    templates = TemplatedSender(webhooks, hooks, planned_with=planned_with, now=clock.utcnow)
    starters = dict.fromkeys(hooks, templates)
    senders = Senders(webhooks, templates, by_endpoint=starters, guards={}, now=clock.utcnow)

    def ended(many: int) -> list[Attempted]:
        found: list[Attempted] = []
        deadline = clock.monotonic() + PATIENCE
        while len(found) < many:
            assert clock.monotonic() < deadline, found
            found += senders.finished(1)
        return found

    with closing(senders):
        yield senders, ended


def sms(endpoint: str = "crm", *, number: int = 7) -> Message:
    return message(endpoint, body=SMS)._replace(delivery=number)


def test_what_is_sent_is_what_the_template_says_and_what_is_signed() -> None:
    with Receiver() as receiver, sending(receiver, crm=Hook(JSON, SHAPE)) as (senders, ended):
        senders.start(sms())
        assert senders.in_flight("crm") == 1
        (one,) = ended(1)
        (got,) = receiver.received

        assert (one.outcome, senders.in_flight("crm"), senders.is_idle) == (Outcome.ACCEPTED, 0, True)
    assert json.loads(got.body) == {"say": example("sms.received")["data"]["sms"]["text"]}
    assert got.headers["content-type"] == "application/json"
    assert got.headers["x-about"] == "sms/0541234567"
    assert Webhook(SECRET.value).verify(got.body, got.headers) == json.loads(got.body)


def test_a_form_has_the_values_that_the_endpoint_gives() -> None:
    hook = Hook(FORM, SHAPE, (("user", "a&b=c"),))
    with Receiver() as receiver, sending(receiver, crm=hook) as (senders, ended):
        senders.start(sms())
        ended(1)
        (got,) = receiver.received

    fields = dict(parse_qsl(got.body.decode(), strict_parsing=True))
    assert fields["user"] == "a&b=c"
    assert example("sms.received")["data"]["sms"]["text"] in fields["text"]


def test_what_is_hidden_from_an_endpoint_is_hidden_from_its_template() -> None:
    text = "content-type: text/plain\n\n{{ text }} {{ event|tojson }} {{ data.sms.text }}"
    hook = Hook(text, Shape(zone=UTC, redact=("sms.text",), is_templated=True))
    with Receiver() as receiver, sending(receiver, crm=hook) as (senders, ended):
        senders.start(sms())
        ended(1)
        (got,) = receiver.received

    assert "482913" not in got.body.decode()
    assert "[redacted]" in got.body.decode()


def test_a_thin_event_has_no_content_and_one_that_stands_for_others_says_so() -> None:
    text = "content-type: application/json\n\n{{ data|tojson }}"
    hook = Hook(text, Shape(zone=UTC, is_thin=True, is_templated=True))
    with Receiver() as receiver, sending(receiver, crm=hook) as (senders, ended):
        senders.start(sms()._replace(superseded=3))
        ended(1)
        (got,) = receiver.received

    assert json.loads(got.body) == {
        **{name: example("sms.received")["data"][name] for name in ("id", "system", "sequence", "subject")},
        "superseded": 3,
    }


def test_names_are_in_the_sentence_and_where_the_endpoint_wants_them_in_the_data() -> None:
    text = "content-type: application/json\n\n{{ [text, data.names|default(none)] | tojson }}"
    for wanted in (False, True):
        hook = Hook(text, Shape(zone=UTC, has_names=wanted, is_templated=True))
        with Receiver() as receiver, sending(receiver, crm=hook) as (senders, ended):
            senders.start(sms()._replace(names='{"0541234567":"Dana"}'))
            ended(1)
            (got,) = receiver.received
        said, names = json.loads(got.body)
        assert "Dana" in said
        assert names == ({"0541234567": "Dana"} if wanted else None)


def test_a_message_goes_by_the_template_that_its_delivery_was_planned_with() -> None:
    planned = {1: Planned(FORM.replace("user={{ values.user }}", "v=1")), 2: Planned(JSON), 3: Planned(None)}
    with (
        Receiver() as receiver,
        sending(receiver, planned_with=lambda _, one: planned.get(one), crm=Hook(JSON, SHAPE)) as (
            senders,
            ended,
        ),
    ):
        for number in (1, 2, 3, 4):
            senders.start(sms(number=number))
            ended(1)
        bodies = [one.body for one in receiver.received]

    assert bodies[0].startswith(b"v=1&text=")
    assert json.loads(bodies[1]).keys() == {"say"}
    assert bodies[2] == SMS
    assert json.loads(bodies[3]).keys() == {"say"}


def test_what_has_no_template_any_more_goes_by_that_of_its_time() -> None:
    with (
        Receiver() as receiver,
        sending(receiver, planned_with=lambda *_: Planned(JSON), crm=Hook(None, Shape())) as (senders, ended),
    ):
        senders.start(sms())
        ended(1)
        (got,) = receiver.received

    assert json.loads(got.body).keys() == {"say"}


def test_a_template_that_cannot_tell_an_event_has_failed_and_says_where_and_no_more() -> None:
    wishes = Wishes()
    hook = Hook(BROKEN, SHAPE, guard=wishes.guard(Kind.ENDPOINT, "crm"))
    with Receiver() as receiver, sending(receiver, crm=hook, ops=Hook(JSON, SHAPE)) as (senders, ended):
        senders.start(sms())
        senders.start(sms("ops"))
        found = {one.message.endpoint: one for one in ended(2)}

        assert senders.is_idle
        assert [json.loads(one.body).keys() for one in receiver.received] == [{"say"}]
    assert found["ops"].outcome is Outcome.ACCEPTED
    failed = found["crm"]
    assert (failed.outcome, failed.is_our_fault) == (Outcome.FAILED, True)
    assert failed.error == 'its template cannot be used for it: line 3: there is no "nobody"'
    assert wishes.look()[Wish(Kind.ENDPOINT, "crm", "template")].error == 'line 3: there is no "nobody"'


def test_what_could_not_be_told_is_told_by_the_template_that_was_mended_since() -> None:
    with (
        Receiver() as receiver,
        sending(receiver, planned_with=lambda *_: Planned(BROKEN), crm=Hook(JSON, SHAPE)) as (senders, ended),
    ):
        senders.start(sms())
        (one,) = ended(1)

        assert one.outcome is Outcome.ACCEPTED
        assert json.loads(receiver.received[0].body).keys() == {"say"}


def test_nobody_waits_for_a_template_that_is_not_done_and_endpoints_take_turns() -> None:
    release, asked = threading.Event(), threading.Event()
    order: list[str] = []

    def slow(endpoint: str, _delivery: int) -> None:
        asked.set()
        assert release.wait(PATIENCE)
        order.append(endpoint)

    hooks = {"crm": Hook(JSON, SHAPE), "ops": Hook(JSON, SHAPE)}
    with Receiver() as receiver, sending(receiver, planned_with=slow, **hooks) as (senders, ended):
        for _ in range(3):
            senders.start(sms())
        assert asked.wait(PATIENCE)
        senders.start(sms("ops"))
        assert senders.finished(0) == []  # whoever sends is not held up meanwhile
        assert (senders.in_flight("crm"), senders.in_flight("ops"), senders.is_idle) == (3, 1, False)
        release.set()
        assert {one.outcome for one in ended(4)} == {Outcome.ACCEPTED}

    assert order in (["crm", "crm", "ops", "crm"], ["crm", "ops", "crm", "crm"])


def test_a_store_that_cannot_be_asked_fails_one_attempt_and_ends_nothing() -> None:
    answers: list[Planned | Exception] = [OSError("gone"), Planned(JSON)]

    def asked(_endpoint: str, _delivery: int) -> Planned:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with (
        Receiver() as receiver,
        sending(receiver, planned_with=asked, crm=Hook(JSON, SHAPE)) as (senders, ended),
    ):
        outcomes: Sequence[tuple[Outcome, bool]] = []
        for _ in range(2):
            senders.start(sms())
            outcomes = [*outcomes, *((one.outcome, one.is_our_fault) for one in ended(1))]

    assert outcomes == [(Outcome.FAILED, True), (Outcome.ACCEPTED, False)]


def test_it_ends_with_what_waits_left_behind() -> None:
    release, asked = threading.Event(), threading.Event()

    def slow(_endpoint: str, _delivery: int) -> None:
        asked.set()
        assert release.wait(PATIENCE)

    webhooks = WebhookSender({}, now=clock.utcnow, monotonic=clock.monotonic)
    hooks = {"crm": Hook(JSON, SHAPE)}
    sender = TemplatedSender(webhooks, hooks, planned_with=slow, now=clock.utcnow)
    before = set(threading.enumerate())
    with closing(webhooks):
        sender.start(sms())
        sender.start(sms())
        (mine,) = {one for one in threading.enumerate() if one.name == "templates"} - before
        assert asked.wait(PATIENCE)
        sender.close()
        release.set()
        mine.join(PATIENCE)

        assert not mine.is_alive()
        assert sender.in_flight("crm") == 2
