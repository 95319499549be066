"""A template's file, taken apart: it looks like what is sent."""

import pytest

from daemon.core.templates.faults import TemplateFault
from daemon.core.templates.source import MOST_BYTES, Header, Kind, decoded, parsed


def test_a_file_has_headers_an_empty_line_and_a_body() -> None:
    text = decoded(b"\xef\xbb\xbf# ours\r\ncontent-type: application/json\r\nX-A: {{ type }}\r\n\r\n{}\r\n")

    source = parsed(text)

    assert (source.kind, source.content_type, source.body) == (Kind.JSON, "application/json", "{}\n")
    assert source.headers == (Header("X-A", "{{ type }}", 3),)
    assert source.line == 5


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("application/json; charset=UTF-8", Kind.JSON),
        ("application/vnd.api+json", Kind.JSON),
        ("application/x-www-form-urlencoded", Kind.FORM),
        ("application/soap+xml", Kind.XML),
        ("text/xml", Kind.XML),
        ("text/plain", Kind.TEXT),
    ],
)
def test_the_content_type_says_what_a_body_is(media_type: str, kind: Kind) -> None:
    assert parsed(f"content-type: {media_type}\n\nx").kind is kind


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", None, "content type"),
        ('{"a": 1}', 1, "no header"),
        ("x-a: 1\n\nx", None, "content type"),
        ("content-type: application/json\n\n \n", None, "no body"),
        ("content-type: application/json\nContent-Type: text/plain\n\nx", 2, "twice"),
        ("content-type: {{ type }}\n\nx", 1, "as it is"),
        ("content-type: text/plain; charset=windows-1255\n\nx", 1, "UTF-8"),
        ("content-type: text/html\n\nx", 1, "cannot make"),
        ("content-type: text/plain\nx a: 1\n\nx", 2, "no header"),
        (
            "content-type: text/plain\n" + "".join(f"x-{n}: 1\n" for n in range(33)) + "\nx",
            None,
            "more than 32",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, line: int | None, said: str) -> None:
    with pytest.raises(TemplateFault, match=said) as told:
        parsed(text)

    assert told.value.line == line


@pytest.mark.parametrize("data", [b"\xff", b"a\x00", b"a\x1b[2J", b"x" * (MOST_BYTES + 1)])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(TemplateFault):
        decoded(data)
