"""What HTTP can carry. Pure."""

import re

from daemon.core.hidden import hidden

_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


def unfit(value: str) -> str | None:
    """Why a text cannot be the value of a header (RFC 9110, section 5.5), without a part of it that
    is seen; None where it can. Letters beyond ASCII, which each server reads in a way of its own, cannot."""
    if not value:
        return "is empty"
    if not value.isascii():
        found = hidden(value)
        return f"has {found} in it, which nobody sees" if found else "has a sign that is not ASCII"
    if value != value.strip(" "):
        return "begins or ends with a blank"
    return None if _VALUE.fullmatch(value) else "has a line break or another control character in it"
