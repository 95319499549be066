"""Which bytes of a file a request asks for: RFC 9110, section 14. Pure."""

import re
from dataclasses import dataclass

ONE = re.compile(r"[Bb][Yy][Tt][Ee][Ss]=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII)
"""A single range; of several the whole is given, as anybody may."""


@dataclass(frozen=True)
class Span:
    """Bytes of a file."""

    begin: int
    end: int
    """Behind the last."""

    @property
    def length(self) -> int:
        return self.end - self.begin


class OutsideError(ValueError):
    """There are no such bytes."""


def asked(header: str | None, size: int) -> Span | None:
    """The bytes that a `Range` asks for of a file of this size; None: all of it, also where it is no range
    that can be read. Raises `OutsideError`."""
    found = ONE.fullmatch(header.strip()) if header else None
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        last = min(int(found[2]), size)
        if not last:
            raise OutsideError
        return Span(size - last, size)
    begin, end = int(found[1]), int(found[2] or size) + bool(found[2])
    if found[2] and end <= begin:
        return None
    if begin >= size:
        raise OutsideError
    return Span(begin, min(end, size))
