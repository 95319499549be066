"""A template's file: it looks like what is sent. Its headers come first, `content-type` among them, then an
empty line, then the body. Lines that begin with `#` before that are remarks. Pure.

    # the office's SMS gateway
    content-type: application/x-www-form-urlencoded
    x-priority: {{ data.alert.severity }}

    to=0541234567
    text={{ text }}

How values are written follows from the content type: `spelling.py`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from daemon.core.headers import unfit
from daemon.core.templates.faults import TemplateFault
from daemon.core.wording import quoted

MOST_BYTES = 64 * 1024
"""Ours. Of a template's file."""
MOST_HEADERS = 32
"""Ours. Beside the content type."""
CONTENT_TYPE = "content-type"
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token: RFC 9110, section 5.6.2."""
_MEDIA_TYPE = re.compile(r"([a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+)[ \t]*(;.*)?", re.IGNORECASE)
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\";\s]*)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Kind(Enum):
    """What a body is, by its content type: how values are written in it, and what it has to be in the end."""

    JSON = "json"
    FORM = "form"
    XML = "xml"
    TEXT = "text"


@dataclass(frozen=True)
class Header:
    """A line of the head: the text of its value is a template as well."""

    name: str
    value: str
    line: int
    """Of the file, from 1."""


@dataclass(frozen=True)
class Source:
    """A template's file, taken apart."""

    kind: Kind
    content_type: str
    headers: tuple[Header, ...]
    body: str
    line: int
    """Of the file, on which the body begins."""


def decoded(data: bytes) -> str:
    """The text of a template's file, its lines ended alike. Raises TemplateFault."""
    if len(data) > MOST_BYTES:
        raise TemplateFault(f"is larger than {MOST_BYTES // 1024} KiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TemplateFault(f"is not UTF-8 text (byte {error.start + 1})") from None
    text = text.replace("\r\n", "\n")
    found = _CONTROL.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise TemplateFault(f"has a control character in it (U+{ord(found[0]):04X})", line)
    return text


def parsed(text: str) -> Source:
    """The parts of a template's file. Raises TemplateFault."""
    head, _, body = text.partition("\n\n")
    headers = list(_headers(head))
    line = head.count("\n") + 3
    known = {one.name.lower(): one for one in headers}
    if len(known) < len(headers):
        raise _twice(headers)
    given = known.pop(CONTENT_TYPE, None)
    if given is None:
        raise TemplateFault(
            "begins with no content type: its first lines are headers, such as "
            '"content-type: application/json", then comes an empty line, then the body'
        )
    if len(known) > MOST_HEADERS:
        raise TemplateFault(f"has more than {MOST_HEADERS} headers")
    if not body.strip():
        raise TemplateFault("has no body: it comes after the headers and an empty line")
    return Source(_kind(given), given.value, tuple(known.values()), body, line)


def _headers(head: str) -> Iterator[Header]:
    for number, line in enumerate(head.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, value = line.partition(":")
        if not colon or not _NAME.fullmatch(name):
            raise TemplateFault(
                'is no header, such as "content-type: application/json"; an empty line comes before the body',
                number,
            )
        yield Header(name, value.strip(" \t"), number)


def _twice(headers: list[Header]) -> TemplateFault:
    seen: set[str] = set()
    for one in headers:
        if one.name.lower() in seen:
            return TemplateFault(f"{quoted(one.name)} stands there twice", one.line)
        seen.add(one.name.lower())
    raise AssertionError("none is there twice")  # pragma: no cover - it is asked where one is


def _kind(header: Header) -> Kind:
    """What its content type makes of a body."""
    wrong = unfit(header.value)
    found = _MEDIA_TYPE.fullmatch(header.value)
    if wrong or "{{" in header.value or "{%" in header.value or not found:
        raise TemplateFault(
            'the content type has to be one as it is, such as "application/json"', header.line
        )
    charset = _CHARSET.search(found[2] or "")
    if charset and charset[1].lower() != "utf-8":
        raise TemplateFault("what is sent is UTF-8; leave the charset out, or say utf-8", header.line)
    media_type = found[1].lower()
    kind = next((kind for kind, pattern in _KINDS if pattern.fullmatch(media_type)), None)
    if kind is None:
        raise TemplateFault(
            f"cannot make {quoted(media_type)}: it has to be application/json, "
            "application/x-www-form-urlencoded, text/plain, or one that ends in +json or +xml",
            header.line,
        )
    return kind


_KINDS = (
    (Kind.JSON, re.compile(r"application/json|text/json|.*\+json")),
    (Kind.FORM, re.compile(r"application/x-www-form-urlencoded")),
    (Kind.XML, re.compile(r"application/xml|text/xml|.*\+xml")),
    (Kind.TEXT, re.compile(r"text/plain|text/markdown")),
)
