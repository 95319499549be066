"""Texts that are compared, dialled or sent: what nobody sees in one, or does not belong there, is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.config.endpoints import PHONES
from daemon.config.load import ConfigError, load
from daemon.config.settings import Config
from daemon.config.values import Settings
from daemon.core.model import Secret
from tests.config.test_any_input import toml
from tests.support.config_files import ENVIRON, SIGNING
from tests.support.examples import examples

At = tuple[str | int, ...]
ENDPOINT: dict[str, Any] = {
    "events": ["sms.*"],
    "systems": ["main"],
    "redact": ["sms.text"],
    "quiet": [{"from": "22:00", "to": "07:00", "timezone": "Asia/Jerusalem"}],
    "filters": [
        {"field": "sms.text", "is": "code"},
        {"field": "queue.path", "in": ["/5"]},
        {"field": "queue.name", "not_in": ["sales"]},
        {"field": "sms.text", "contains": ["code"]},
        {"field": "system", "starts_with": ["main"]},
    ],
}
DOCUMENT: dict[str, Any] = {
    "daemon": {"database": "sqlite:///yemotd.db", "member": "north", "timezone": "Asia/Jerusalem"},
    "http": {
        "listen": "localhost:0",
        "token": "open-sesame",
        "tokens": [{"name": "page", "token": "open-page"}],
        "url": "https://phones.example.org/yemotd",
        "prefix": "/yemotd",
        "public": ["main/queue/*"],
        "badges": ["main/queue/*"],
    },
    "heartbeat": {"url": "https://beat.example.org/1"},
    "windows": [
        {
            "name": "office",
            "from": "08:00",
            "to": "17:00",
            "timezone": "Asia/Jerusalem",
        }
    ],
    "systems": [
        {
            "name": "main",
            "token": "0773137770:x",
            "base_url": "https://api.example.org/ym/api/",
            "fallback_url": "https://other.example.org/ym/api/",
            "authorization": "bearer",
            "switch_id": "9f3c",
            "commands": ["queue.*"],
            "sms_units_per_day": 5,
            "sip": {"ignore": ["0773137770=9"]},
            "queues": [{"path": "/5", "name": "sales"}],
            "callbacks": [{"path": "/5", "name": "sales"}],
            "directories": [{"path": "/2"}],
            "sms": {},
            "expectations": [
                {"type": "sms.received", "within": "2h", "name": "messages", "subject": "sms/*"}
            ],
            "reports": [{"path": "/1", "file": "ApprovalAll", "fields": ["P050"]}],
        }
    ],
    "webhooks": [
        {
            "name": "crm",
            "url": "https://crm.example.org/hook",
            "secret": SIGNING,
            "headers": {"X-Office": "north"},
            "accept_redirect": "https://answers.example.org/",
            "proxy": "http://proxy.example.org:3128",
            "schedules": [{"events": ["sms.*"]}],
            **ENDPOINT,
        },
        {
            "name": "bot",
            "url": "https://api.telegram.org",
            "format": "telegram",
            "token": "123456789:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr",
            "chat_id": "@office",
        },
    ],
    "smtp": {"host": "mail.example.org", "username": "yemotd", "password": "x", "from": "Y <y@example.org>"},
    "emails": [{"name": "ops", "to": ["Ops <ops@example.org>"], **ENDPOINT}],
    "notify": [{"name": "phone", "url": "json://localhost", **ENDPOINT}],
    "texts": [
        {
            **ENDPOINT,
            "name": "boss",
            "system": "main",
            "to": ["0501234567"],
            "from": "Office",
            "events": ["sip.*"],
            "redact": [],
        }
    ],
    "escalations": [{"name": "night", "events": ["sip.*"], "after": "10m", "to": ["phone"]}],
    "digests": [
        {
            "name": "office",
            "to": ["ops"],
            "at": "18:00",
            "timezone": "Asia/Jerusalem",
            "systems": ["main"],
        }
    ],
}
FREE = {("smtp", "password")}
"""Of a secret that may be anything nobody can say what does not belong there."""
NAMES = {"active"}
"""Of windows, which are judged where they stand."""
ELSEWHERE = {"signing_key", "ca_file", "certificate", "key", "templates", "template", "values"}
"""A key in base64, names of files, which are what their folder says, and what a template is given."""
HIDDEN = "\u200b\u200e\u200f\u061c\u202a\u202e\u2066\u2069\ufeff\u00a0\u00ad\u2028\u200d\u3164\x07\x85"


def texts(node: Any = DOCUMENT, at: At = ()) -> Iterator[tuple[At, str]]:
    """Every text of the document, with its place."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inner:
        yield from texts(value, (*at, key))
    if isinstance(node, str) and at not in FREE:
        yield at, node


def with_text(at: At, text: str, node: Any = DOCUMENT) -> Any:
    """A copy of the document with another text at a place."""
    if not at:
        return text
    if isinstance(node, dict):
        return {**node, at[0]: with_text(at[1:], text, node[at[0]])}
    return [with_text(at[1:], text, one) if index == at[0] else one for index, one in enumerate(node)]


def told(folder: Path, document: Any) -> list[str]:
    """The faults of a document."""
    path = folder / "config.toml"
    path.write_text("".join(f"{key} = {toml(value)}\n" for key, value in document.items()), encoding="utf-8")
    try:
        load(path, ENVIRON)
    except ConfigError as error:
        return list(error.faults)
    return []


def settings_of(model: type[Settings] = Config, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every setting that holds a text, by its keys."""
    for name, field in model.model_fields.items():
        key = (*at, str(field.validation_alias or name))
        if key[-1] in NAMES:
            continue
        inner = list(inside(field.annotation))
        for one in inner:
            if issubclass(one, Settings):
                yield from settings_of(one, key)
        if key[-1] not in ELSEWHERE and (str in inner or Secret in inner):
            yield key


def inside(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type) and not get_args(annotation):
        yield annotation
    for one in get_args(annotation):
        yield from inside(one)


TEXTS = dict(texts())
NAMED = [
    at
    for at in TEXTS
    if at[-1] not in ("authorization", "from", "to", "after", "at", "within", "format") or at[0] == "smtp"
]
"""Where the text itself is judged, rather than read as a time or one of a few words."""


def test_the_document_is_accepted_and_has_every_setting_that_holds_a_text(tmp_path: Path) -> None:
    assert told(tmp_path, DOCUMENT) == []
    shown = {tuple(key for key in at if isinstance(key, str)) for at in (*TEXTS, *FREE)}
    assert set(settings_of()) <= shown | {at[:-1] for at in shown}


@settings(max_examples=examples(300))
@given(st.sampled_from(NAMED), st.sampled_from(HIDDEN), st.data())
def test_what_nobody_sees_is_refused_with_its_place_wherever_it_stands(
    tmp_path_factory: pytest.TempPathFactory, at: At, sign: str, data: st.DataObject
) -> None:
    text = TEXTS[at]
    cut = data.draw(st.integers(0, len(text)))
    faults = told(tmp_path_factory.getbasetemp(), with_text(at, text[:cut] + sign + text[cut:]))

    key = next(key for key in reversed(at) if isinstance(key, str))
    named = (f"U+{ord(sign):04X}", "another control character")
    assert any(key in one and any(words in one for words in named) for one in faults), (at, faults)
    assert sign.isprintable() or not any(sign in one for one in faults)


def test_a_mark_of_direction_is_refused_in_every_text(tmp_path: Path) -> None:
    for at in NAMED:
        faults = told(tmp_path, with_text(at, f"{TEXTS[at]}\u200e"))
        assert any("U+200E (LEFT-TO-RIGHT MARK)" in one for one in faults), at


@pytest.mark.parametrize(
    ("at", "text", "reason"),
    [
        (("emails", 0, "to", 0), "mailto:ops@example.org", 'leave out "mailto:"'),
        (("emails", 0, "to", 0), "Ops <MAILTO:ops@example.org>", 'leave out "mailto:"'),
        (("emails", 0, "to", 0), "ops @example.org", "a space in the address"),
        (("emails", 0, "to", 0), "ops@example.org ", "a space in the address"),
        (("emails", 0, "to", 0), "a@example.org, b@example.org", "a space in the address"),
        (("emails", 0, "to", 0), "a@example.org; Ops <b@example.org>", "a space in the address"),
        (("emails", 0, "to", 0), "ops..team@example.org", "two dots in a row"),
        (("emails", 0, "to", 0), "ops@example..org", "two dots in a row"),
        (("emails", 0, "to", 0), "ops@example.org.", "expected a mail address"),
        (("emails", 0, "to", 0), f"{'a' * 65}@example.org", "too long"),
        (("emails", 0, "to", 0), f"a@{'a.' * 130}org", "too long"),
        (("smtp", "from"), "mailto:y@example.org", 'leave out "mailto:"'),
        (("smtp", "host"), "mail..example.org", "two dots in a row"),
        (("smtp", "host"), "mail.example.org ", "expected the name or address of a host"),
        (("smtp", "username"), "yemotd ", "begins or ends with a blank"),
        (("http", "listen"), "local..host:1", "two dots in a row"),
        (("http", "url"), "https://phones..example.org", "two dots in a row"),
        (("http", "prefix"), "/yemotd /", "expected a path"),
        (("http", "badges", 0), "main/queue/5 ", 'expected "system/subject"'),
        (("systems", 0, "base_url"), "https://api..example.org/", "two dots in a row"),
        (("webhooks", 0, "url"), "https://crm..example.org/", "two dots in a row"),
        (("heartbeat", "url"), "https://beat..example.org/", "two dots in a row"),
        (("webhooks", 0, "proxy"), "http://proxy..example.org:1", "two dots in a row"),
        (("systems", 0, "queues", 0, "path"), "/5 ", "begins or ends with a blank"),
        (("systems", 0, "queues", 0, "path"), "/5 /6", "has a blank in it"),
        (("systems", 0, "queues", 0, "name"), " sales", "begins or ends with a blank"),
        (("systems", 0, "directories", 0, "path"), "/2 /3", "has a blank in it"),
        (("systems", 0, "commands", 0), "queue. *", "has a blank in it"),
        (("webhooks", 0, "events", 0), "sms. *", "has a blank in it"),
        (("webhooks", 0, "schedules", 0, "events", 0), "sms. *", "has a blank in it"),
        (("webhooks", 0, "filters", 0, "field"), "sms..text", "expected a field"),
        (("webhooks", 0, "redact", 0), "sms..text", "expected a field"),
    ],
)
def test_what_does_not_belong_there_is_named(tmp_path: Path, at: At, text: str, reason: str) -> None:
    assert any(reason in one for one in told(tmp_path, with_text(at, text)))


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (("systems", 0, "queues", 0, "name"), "מכירות ושירות"),
        (("systems", 0, "queues", 0, "name"), "👩\u200d👧 ❤\ufe0f"),
        (("emails", 0, "to", 0), '"Ops, Team" <ops@example.org>'),
        (("emails", 0, "to", 0), "אופיר <ops@דוגמה.example>"),
        (("smtp", "host"), "::1"),
        (("smtp", "host"), "mail.example.org."),
        (("webhooks", 0, "url"), "https://[::1]:8443/a%20b"),
        (("webhooks", 0, "filters", 3, "contains", 0), "קוד אימות "),
    ],
)
def test_what_is_seen_is_left_alone(tmp_path: Path, at: At, text: str) -> None:
    assert told(tmp_path, with_text(at, text)) == []


@pytest.mark.parametrize("field", sorted(PHONES))
def test_marks_that_come_along_with_a_phone_are_no_matter_and_what_breaks_a_line_is(
    tmp_path: Path, field: str
) -> None:
    at = ("webhooks", 0, "filters", 0)
    phone = with_text((*at, "field"), field)

    assert told(tmp_path, with_text((*at, "is"), "\u200e\u2066050\u00a01234567\u2069", phone)) == []
    assert "U+000A" in " ".join(told(tmp_path, with_text((*at, "is"), "050\n1234567", phone)))
