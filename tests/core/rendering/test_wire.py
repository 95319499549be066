"""What all formats have in common: their seat."""

import pytest

from daemon.core.rendering.formats import Answer, Format, Reader


@pytest.mark.parametrize("form", Format)
def test_every_format_has_its_file(form: Format) -> None:
    assert callable(form.wire.write)


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ([b"HTTP/1.1 429 \r\n", b"Retry-After: 5\r\n", b"\r\n"], "5"),
        ([b"retry-after:7\r\n", b"RETRY-AFTER : 9\r\n"], "9"),
        ([b"retry-after: \xff\r\n"], "\ufffd"),
        ([b"x-retry-after: 5\r\n", b"retry-after\r\n", b""], None),
    ],
)
def test_a_header_of_an_answer_is_found_however_it_is_written(lines: list[bytes], value: str | None) -> None:
    assert Answer(429, lines, b"").header("retry-after") == value


def test_what_an_endpoint_s_settings_say_of_the_body_is_found_by_its_name() -> None:
    assert [Reader(fields=(("chat", "7"),)).field(name) for name in ("chat", "topic")] == ["7", ""]
