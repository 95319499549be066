"""How values are put between the words of a template, so that no value is ever taken for a part of it. Pure.

    JSON     within quotes as the text of a string, elsewhere as a value with whatever belongs to it
    form     percent-encoded (WHATWG URL, section 5), and each line is a field of its own
    XML      with &, <, > and quotes as references; what XML 1.0 cannot hold becomes U+FFFD
    text     as it is
    header   what is no printable ASCII, and the percent sign, percent-encoded as UTF-8: no line break gets in

A rendering comes here as pieces: the template's own words, and between each two of them a value.
"""

import json
import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any
from urllib.parse import quote
from xml.parsers import expat

from daemon.core.templates.budget import MOST_OUTPUT
from daemon.core.templates.faults import TemplateFault, TooMuch
from daemon.core.templates.source import Kind
from daemon.core.templates.values import as_json, as_text

MOST_HEADER = 4096
"""Ours. Signs of a header's value: servers take 8 KiB of all headers together, mostly."""
_PLAIN_IN_FORM = "&=+%"
"""What a form's own words may hold beside letters: they are encoded already, or a person's, with Hebrew."""
_PLAIN_IN_HEADER = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
_IN_JSON = re.compile(r'["\\]')
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def body(kind: Kind, words: Sequence[str], values: Sequence[Any]) -> bytes:
    """A body out of a template's words and what stands between them; there is one word more than values.
    Raises TemplateFault where it is not what its content type says."""
    text = _SPELLED[kind](words, values)
    encoded = text.encode()
    if len(encoded) > MOST_OUTPUT:
        raise TooMuch(f"its body is larger than {MOST_OUTPUT // 1024} KiB")
    _JUDGED[kind](text)
    return encoded


def header(words: Sequence[str], values: Sequence[Any]) -> str:
    """The value of a header, likewise."""
    told = (quote(as_text(one), safe=_PLAIN_IN_HEADER) for one in values)
    text = _woven(words, told).strip(" ")
    if len(text) > MOST_HEADER:
        raise TooMuch(f"is longer than {MOST_HEADER} signs; the filter truncate(n) makes a value shorter")
    return text


def _woven(words: Sequence[str], values: Iterator[str]) -> str:
    return words[0] + "".join(value + word for value, word in zip(values, words[1:], strict=True))


def _json(words: Sequence[str], values: Sequence[Any]) -> str:
    is_within = _ends_within(words[0], is_within=False)
    said = [words[0]]
    for value, word in zip(values, words[1:], strict=True):
        said += [_inner(value) if is_within else as_json(value), word]
        is_within = _ends_within(word, is_within=is_within)
    return "".join(said)


def _ends_within(word: str, *, is_within: bool) -> bool:
    """Whether a string is open behind a part of a JSON document; whether one was before it.

    A backslash takes the sign after it along. One at the very end has none: what follows there is a value,
    which is no sign of the template's, and the document is none.
    """
    at = 0
    while found := _IN_JSON.search(word, at):
        at = found.end()
        if found[0] == '"':
            is_within = not is_within
        elif is_within:
            if at == len(word):
                raise TemplateFault("a backslash stands right before a value")
            at += 1
    return is_within


def _inner(value: Any) -> str:
    return json.dumps(as_text(value), ensure_ascii=False)[1:-1]


def _form(words: Sequence[str], values: Sequence[Any]) -> str:
    plain = (quote(one, safe=_PLAIN_IN_FORM + "\n ") for one in words)
    told = (quote(as_text(one), safe="") for one in values)
    fields = (one.strip(" ") for one in _woven(list(plain), told).split("\n"))
    # A blank of the template's own is a part of a value, where it is not at an end of it.
    return "&".join(one.replace(" ", "%20") for one in fields if one)


def _xml(words: Sequence[str], values: Sequence[Any]) -> str:
    return _woven(words, (_NOT_IN_XML.sub("\ufffd", escape(as_text(one))) for one in values))


def _text(words: Sequence[str], values: Sequence[Any]) -> str:
    return _woven(words, map(as_text, values))


def _is_json(text: str) -> None:
    def no(_name: str) -> None:
        raise ValueError

    try:
        json.loads(text, parse_constant=no)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} of the body, sign {error.colno}"
        raise TemplateFault(f"what it makes is not JSON: {error.msg.lower()} ({where})") from None
    except (ValueError, RecursionError):
        raise TemplateFault(
            "what it makes is not JSON: a number that JSON does not have, or too deep"
        ) from None


def _is_form(text: str) -> None:
    if not text:
        raise TemplateFault("what it makes is empty")
    for one in text.split("&"):
        name, equals, _ = one.partition("=")
        if not equals or not name:
            raise TemplateFault('a line that it makes is no field, such as "text={{ text }}"')


def _is_xml(text: str) -> None:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise TemplateFault("what it makes declares entities; leave the DOCTYPE out")
    try:
        expat.ParserCreate().Parse(text.strip().encode(), True)
    except expat.ExpatError as error:
        said = expat.ErrorString(error.code)
        raise TemplateFault(f"what it makes is not XML: {said} (line {error.lineno} of the body)") from None


def _is_anything(_text: str) -> None:
    """Also nothing: an SMS may be empty."""


_SPELLED = {Kind.JSON: _json, Kind.FORM: _form, Kind.XML: _xml, Kind.TEXT: _text}
_JUDGED = {Kind.JSON: _is_json, Kind.FORM: _is_form, Kind.XML: _is_xml, Kind.TEXT: _is_anything}
