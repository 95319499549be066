"""No word of the machine's own is shown to people: in no mail and no message, in neither language."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from daemon.app.members import OTHER_FILE, OTHER_KEY
from daemon.config.watches import Metric
from daemon.core.commands.command import Trouble
from daemon.core.commands.command_types import TYPES
from daemon.core.contacts import Contacts
from daemon.core.delivery.breaker import DisabledBy, Health
from daemon.core.delivery.outcome import Message, Outcome
from daemon.core.event_types import EVENT_TYPES
from daemon.core.model import Failure, Reason, Severity
from daemon.core.ownership import ENDING
from daemon.core.rendering import machine_words
from daemon.core.rendering.formats import Format, Shape, render
from daemon.core.rendering.mail_grouping import compose
from daemon.core.rendering.mails import Mail, Style
from daemon.core.rendering.phrases import END, FIRST_STRONG, notice, sentence
from daemon.core.rendering.phrases_en import ENGLISH_METRICS
from daemon.core.rendering.phrases_he import HEBREW_METRICS
from daemon.core.routing.ledger import Hold
from daemon.core.watches.queue_shapes import METRICS
from daemon.pipeline.wish_alerts import INSTEAD
from daemon.workers.shares import LEASE_RAN_OUT
from tests.core.rendering.test_mails import ENGLISH, HEBREW
from tests.support.event_examples import example

ZONE = ZoneInfo("Asia/Jerusalem")
ENUMS = (Failure, Trouble, Reason, Hold, Outcome, Health, DisabledBy, Severity)
ALL = frozenset(one.value for words in ENUMS for one in words)
OURS = frozenset(one for one in ALL if "_" in one)
"""Those of them that are no English words."""
WORDS = OURS | {*EVENT_TYPES, *TYPES} | {one for one in (*METRICS, *INSTEAD) if "_" in one}
LIKE_ONE = re.compile(
    r"(?<![\w/])[a-z]+(?:[._][a-z]+)+(?![\w@])"  # sip.account.unregistered, calls_waiting
    r"|\b[A-Z]{2,}(?:_[A-Z]+)+\b|\bUN[A-Z]+\b"  # UNREACHABLE
    r"|\b(?!PirsumPhone|HaMashiach)[A-Z][a-z]+(?:[A-Z][a-z]+)+\b"  # GetSession, KeyError
    r"|\.py\b|\bHTTP\b|None\b|\bnull\b"
)
LATIN = re.compile("[A-Za-z]")
ISOLATED = re.compile(f"{FIRST_STRONG}[^{FIRST_STRONG}{END}]*{END}")


SAID = (
    "Telegram: Bad Request: group chat was upgraded to a supergroup chat: give chat_id = -1009876543210",
    "Telegram: Forbidden: bot was blocked by the user",
    "Telegram: Unauthorized",
    "Telegram: Too Many Requests: retry after 35",
    "Telegram: Bad Request: chat not found",
    "Slack: the channel is archived (channel_is_archived)",
    "ntfy: limit reached: too many messages",
    "ntfy: unauthorized",
    "ntfy: invalid request: topic invalid",
    "no answer of Telegram's: something in between gave it",
    "HTTP 503",
    "550 5.1.1 mailbox unavailable",
    "Could not resolve host: crm.example.org",
    "SSL certificate problem: self-signed certificate",
    "Operation timed out after 10000 milliseconds",
    "Failed to connect to 192.0.2.1 port 443: Connection refused",
    "the server offers no login by PLAIN or LOGIN, but CRAM-MD5",
    "a fault of our own: see the log",
    "KeyError at webhook_attempt.py:12",
)
STORE = (
    "disk I/O error",
    "database or disk is full",
    "database disk image is malformed",
    "attempt to write a readonly database",
    "database is locked",
    "unable to open database file",
    "server closed the connection unexpectedly",
    "IntegrityError at events.py:9",
)


WHY = (LEASE_RAN_OUT, ENDING, OTHER_FILE, OTHER_KEY.format(name="north"))


EVERY_WORD: Sequence[tuple[str, str, str, Sequence[object]]] = (
    ("api.unreachable", "error", "class", [one.value for one in Failure]),
    ("command.failed", "command", "error", [
        {"class": one.value, "message": "no answer", "code": 404} for one in (*Failure, *Trouble)
    ]),
    ("command.succeeded", "command", "type", list(TYPES)),
    ("queue.threshold.crossed", "threshold", "metric", list(METRICS)),
    ("queue.threshold.cleared", "threshold", "metric", list(METRICS)),
    ("endpoint.misconfigured", "wish", "setting", list(INSTEAD)),
    ("endpoint.failing", "endpoint", "health", [one.value for one in Health]),
    ("endpoint.disabled", "endpoint", "by", [one.value for one in DisabledBy]),
    ("endpoint.failing", "endpoint", "error", SAID),
    ("daemon.store_failed", "store", "error", STORE),
    ("daemon.member_differs", "member", "why", WHY),
    ("sip.account.registered", "alert", "reason", [one.value for one in Reason]),
)  # fmt: skip
"""Type, part and field, and all that the field may say."""


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """A body of every type, and of every word that a field of it may have; of alerts also the end of what is
    not watched any more."""
    bodies = [(name, example(name)) for name in EVENT_TYPES]
    for event_type, part, field, words in EVERY_WORD:
        bodies += [(f"{field} {word}", changed(event_type, part, {field: word})) for word in words]
    yield from bodies
    for name, body in bodies:
        if "alert" in body["data"]:
            yield f"{name} removed", removed(json.loads(json.dumps(body)))


def changed(event_type: str, part: str, more: dict[str, Any]) -> dict[str, Any]:
    body = example(event_type)
    body["data"][part] |= more
    return body


def removed(body: dict[str, Any]) -> dict[str, Any]:
    body["data"]["alert"] |= {"reason": "removed", "status": "resolved"}
    return body


CASES = list(cases())


def message(body: dict[str, Any]) -> Message:
    raw = json.dumps(body, ensure_ascii=False).encode()
    return Message(1, "lease", "ops/anna@example.org", "l1", body["data"]["id"], body["type"], raw, 1)


def said(mail: Mail) -> list[str]:
    """All that a mail says but for what may be copied into a shell."""
    told = [mail.subject, mail.preheader, mail.more, mail.note]
    for part in mail.parts:
        told += [part.headline, *part.lines, *(text for row in part.details for text in row)]
        told += [act.label for act in part.acts]
    if mail.also:
        told += [mail.also.heading, *mail.also.lines, mail.also.more]
    return [one for one in told if one]


NAMES = {"ApprovalAll"}
"""What somebody finds under this name at the platform, as a file."""


def faults(text: str, language: str) -> list[str]:
    """Words of the machine in a text; and in Hebrew, what is not set apart of another writing."""
    words = WORDS | ALL | {*METRICS, *INSTEAD} if language == "he" else WORDS
    found = [one for one in words if re.search(rf"(?<![\w/.]){re.escape(one)}(?![\w.])", text)]
    found += [one for one in LIKE_ONE.findall(text) if one not in NAMES]
    apart = ISOLATED.sub("", ISOLATED.sub("", text)).replace("MiB", "")
    return found + (LATIN.findall(apart) if language == "he" else [])


@pytest.mark.parametrize(("language", "style"), [("en", ENGLISH), ("he", HEBREW)], ids=["en", "he"])
@pytest.mark.parametrize("body", [body for _, body in CASES], ids=[name for name, _ in CASES])
def test_no_word_of_the_machine_is_in_a_mail(body: dict[str, Any], language: str, style: Style) -> None:
    (mail,) = compose([message(body)], style)

    # A label and its value stand apart in any case.
    values = {value for part in mail.parts for _, value in part.details}
    for text in said(mail):
        bare = text.replace(FIRST_STRONG, "").replace(END, "")
        assert faults(f"{FIRST_STRONG}{bare}{END}" if text in values else text, language) == [], text


@pytest.mark.parametrize("language", ["en", "he"])
@pytest.mark.parametrize("body", [body for _, body in CASES], ids=[name for name, _ in CASES])
def test_nor_in_what_a_messenger_is_sent(body: dict[str, Any], language: str) -> None:
    for text in (sentence(body, language, zone=ZONE), notice(body, language)):
        assert faults(text, language) == [], text
    for is_thin in (False, True):
        shape = Shape(Format.SLACK, is_thin, language=language, zone=ZONE)
        shown = json.loads(render(json.dumps(body).encode(), shape).body)
        assert faults(shown["text"], language) == []
        context = shown["blocks"][1]["elements"][0]["text"]
        assert faults(context, "en") == []


def test_every_word_that_a_field_may_have_is_known_in_both_languages() -> None:
    assert set(machine_words.FAILURES) == {one.value for words in (Failure, Trouble) for one in words}
    assert set(machine_words.SEVERITIES) == {one.value for one in Severity}
    assert set(machine_words.HEALTH) == {one.value for one in Health}
    assert set(machine_words.TURNED_OFF) == {one.value for one in DisabledBy}
    assert set(machine_words.COMMANDS) >= set(TYPES)
    assert set(machine_words.SETTINGS) == set(machine_words.INSTEAD) == set(INSTEAD)
    assert set(ENGLISH_METRICS) == set(HEBREW_METRICS) == set(METRICS) >= set(get_args(Metric))


@pytest.mark.parametrize(
    ("subject", "english", "hebrew"),
    [
        ("sip/0773137770", "Phone Dana (0773137770)", "טלפון Dana (0773137770)"),
        ("sip/0773137771", "Phone 0773137771", "טלפון 0773137771"),
        ("sms/0773137770", "SMS from Dana (0773137770)", "מסרון מ-Dana (0773137770)"),
        ("queue/5", "Queue Sales (5)", "תור Sales (5)"),
        ("directory/2", "Folder 2", "תיקייה 2"),
        ("endpoint/crm", "Endpoint crm", "יעד crm"),
        ("api/queue/5", "Yemot HaMashiach", "ימות המשיח"),
        ("api", "Yemot HaMashiach", "ימות המשיח"),
        ("watch/main/sip", "What is watched: phones", "מעקב: טלפונים"),
        ("daemon/clock", "yemotd", "yemotd"),
        ("something else", "something else", "something else"),
    ],
)
def test_what_an_event_is_about(subject: str, english: str, hebrew: str) -> None:
    contacts = Contacts.of([("0773137770", "Dana"), ("/5", "Sales")])

    assert machine_words.thing(subject, "en", contacts) == english
    assert machine_words.thing(subject, "he", contacts) == hebrew


@pytest.mark.parametrize(
    ("name", "english", "hebrew"),
    [
        ("sip", "phones", "טלפונים"),
        ("queue/5", "queue 5", "תור 5"),
        ("registrations", "where phones are", "חיבורי הטלפונים"),
        ("sip/2", "where phone 2 is", "חיבורי הטלפון 2"),
        ("queue-log/5", "the log of queue 5", "היומן של תור 5"),
        ("callbacks/5", "who asked queue 5 for a call back", "בקשות לחזרה בתור 5"),
        ("registrations/2", "where phone 2 is", "חיבורי הטלפון 2"),
        ("units", "units", "יחידות"),
        ("new", "new", "new"),
    ],
)
def test_what_a_watch_looks_at(name: str, english: str, hebrew: str) -> None:
    assert machine_words.watch(name, "en") == english
    assert machine_words.watch(name, "he") == hebrew


def test_a_member_that_fell_silent_is_not_said_to_differ() -> None:
    assert machine_words.difference(LEASE_RAN_OUT, "en") == "it does not answer any more"
    assert machine_words.difference(OTHER_FILE, "he") == "ההגדרות שלו שונות"


def test_a_queue_that_is_not_seen_is_told_with_its_name() -> None:
    named = Contacts.of([("/5", "Sales")])

    assert machine_words.watch("queue/5", "en", named) == "queue Sales (5)"
    assert machine_words.watch("queue/6", "en", named) == "queue 6"
    assert machine_words.watch("queue-log/5", "en", named) == "the log of queue Sales (5)"


def test_a_time_names_its_zone_in_the_reader_s_language() -> None:
    body = example("daemon.store_recovered")
    body["data"]["store"]["failing_since"] = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC).isoformat()

    assert "2026-11-23 03:02:03 (Israel time)" in sentence(body, "en", zone=ZONE)
    assert "23.11.2026 בשעה 03:02:03 (שעון ישראל)" in sentence(body, "he", zone=ZONE)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (SAID[0], "the group in Telegram has another number: -1009876543210"),
        (SAID[1], "the bot was blocked there, or removed"),
        (SAID[5], "the channel in Slack takes nothing"),
        (SAID[9], "something in between answers in its place"),
    ],
)
def test_what_a_messenger_says_is_not_taken_for_what_all_say(said: str, words: str) -> None:
    assert machine_words.endpoint_error(said, "en") == words
