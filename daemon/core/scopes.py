"""What a token may do, by its scopes. Pure."""

from collections.abc import Iterable

READ, CONTENT = "read", "content"
IMPLIED = {
    "admin": {"admin", "command", CONTENT, READ},
    "command": {"command", READ},
    CONTENT: {CONTENT, READ},
    READ: {READ},
}
"""`content` is the texts of SMS; without it they are shown as `[redacted]`."""


def allow(scopes: Iterable[str], scope: str) -> bool:
    """Whether these open what needs that one; admin implies all, command and content imply read."""
    return any(scope in IMPLIED.get(one, {one}) for one in scopes)
