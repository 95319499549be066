"""The usual mistakes with signed webhooks, undone one by one until a signature matches. Pure.

A mistake is named only where undoing it makes a signature match: then it was made, and nothing is guessed.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from itertools import product
from typing import Any

from daemon.core import durations
from daemon.core.durations import SECOND
from daemon.core.model import Secret
from daemon.core.webhooks.signing import PREFIX, content

SEARCHED_BYTES = 64 * 2**20
"""How much is hashed in that search at most: a large body must not take minutes."""

Check = Callable[[bytes], bool]
"""Whether one of a request's signatures was made over this content."""


class Mistake(Enum):
    """What somebody did wrong, for programs."""

    BODY = "body_changed"
    CONTENT = "content_incomplete"
    ID = "id_of_another_message"
    TIMESTAMP = "timestamp_of_another_attempt"
    KEY = "key_not_decoded"


@dataclass(frozen=True)
class Explanation:
    """One mistake that was made."""

    mistake: Mistake
    text: str
    """For people; no secret is part of it."""


@dataclass(frozen=True)
class Request:
    """What a signature should have been made over."""

    id: str
    timestamp: str
    body: bytes

    @property
    def content(self) -> bytes:
        return content(self.id, self.timestamp, self.body)


_BOM = b"\xef\xbb\xbf"
_ENCODINGS = (
    ("utf-8", "latin-1", "the body was read as Latin-1 and encoded in UTF-8 a second time"),
    ("utf-8", "cp1252", "the body was read as Windows-1252 and encoded in UTF-8 a second time"),
    ("latin-1", "utf-8", "the body was read as Latin-1 before it was signed; its bytes must be signed"),
    ("cp1255", "utf-8", "the body is in Windows-1255; what was signed is UTF-8"),
    ("utf-16", "utf-8", "the body is in UTF-16; what was signed is UTF-8"),
)
"""How what was signed comes out of the body: read it so, write it so."""
_SPACINGS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("without spaces", {"separators": (",", ":")}),
    ("with spaces", {}),
    ("indented", {"indent": 2}),
)
_SPELLINGS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("", {"ensure_ascii": False}),
    (", with \\u for what is not ASCII", {}),
    (", with sorted keys", {"ensure_ascii": False, "sort_keys": True}),
    (", with sorted keys and \\u for what is not ASCII", {"sort_keys": True}),
)


def explain(
    request: Request,
    checks: Sequence[tuple[Explanation | None, Check]],
    *,
    quick: Check | None,
    reach: timedelta,
) -> tuple[Explanation, ...]:
    """The mistakes without which a signature would match; empty where nothing explains it.

    `checks` are the one with the right keys, and those with the keys of a mistake. Another attempt is
    looked for up to `reach` away, with `quick`, which may be made a hundred thousand times.
    """
    tries = product(checks, _contents(request), _bodies(request.body))
    for (key, is_signed), (framing, framed), (change, body) in tries:
        if is_signed(framed(body)):
            return tuple(one for one in (key, framing, change) if one)
    return _other_attempt(request, quick, reach) if quick else ()


def mistaken_keys(secret: Secret) -> Iterator[tuple[Explanation, bytes]]:
    """What senders take for the key of a secret, instead of what its base64 encodes."""
    right = f"the key is what the base64 after {PREFIX} encodes"
    text, bare = secret.value, secret.value.removeprefix(PREFIX)
    for how, key in (
        ("the whole text of the secret was the key", _bytes(text)),
        ("the base64 of the secret was the key, not decoded", _bytes(bare)),
        (f"the secret was decoded together with {PREFIX}", _leniently_decoded(text)),
    ):
        yield Explanation(Mistake.KEY, f"{how}; {right}"), key


def _bytes(text: str) -> bytes:
    """Those that came with a text, also where they are no UTF-8: the environment can hold such."""
    return text.encode(errors="surrogateescape")


def _leniently_decoded(text: str) -> bytes:
    """As libraries do that skip what is no base64, and take `_` for `/`."""
    signs = re.sub(r"[^A-Za-z0-9+/_-]", "", text)
    signs = signs[:-1] if len(signs) % 4 == 1 else signs
    return base64.urlsafe_b64decode(signs + "=" * (-len(signs) % 4))


def _contents(request: Request) -> Iterator[tuple[Explanation | None, Callable[[bytes], bytes]]]:
    """What was signed, around a body."""
    stamp = f"{request.timestamp}.".encode()
    yield None, lambda body: content(request.id, request.timestamp, body)
    for other in _ids(request.body) - {request.id}:
        text = f"webhook-id is of another message: the body's, {other!r}, was signed"
        yield Explanation(Mistake.ID, text), lambda body, other=other: content(other, request.timestamp, body)  # type: ignore[misc]
    whole = "what is signed is id.timestamp.body"
    yield Explanation(Mistake.CONTENT, f"the id was not signed; {whole}"), lambda body: stamp + body
    yield Explanation(Mistake.CONTENT, f"the body alone was signed; {whole}"), lambda body: body


def _ids(body: bytes) -> set[str]:
    """What a body says is its id."""
    with suppress(ValueError, RecursionError):
        document = json.loads(body)
        tables = [document, document.get("data")] if isinstance(document, dict) else []
        found = [table.get("id") for table in tables if isinstance(table, dict)]
        return {one for one in found if isinstance(one, str) and one.isascii()}
    return set()


def _bodies(body: bytes) -> Iterator[tuple[Explanation | None, bytes]]:
    """The body, and then what it may have been before somebody changed it."""
    yield None, body
    for text, before in (*_ends(body), *_encodings(body), *_written_anew(body)):
        if before != body:
            yield Explanation(Mistake.BODY, text), before


def _ends(body: bytes) -> Iterator[tuple[str, bytes]]:
    for end in (b"\n", b"\r\n"):
        yield "the body has a line break at its end that was not signed", body.removesuffix(end)
        yield "the body lost the line break at its end, which was signed", body + end
    unix = body.replace(b"\r\n", b"\n")
    yield "the line breaks of the body were changed from LF to CRLF", unix
    yield "the line breaks of the body were changed from CRLF to LF", unix.replace(b"\n", b"\r\n")
    yield "the body was signed without its line breaks", unix.replace(b"\n", b"")
    yield "the body begins with a byte order mark that was not signed", body.removeprefix(_BOM)


def _encodings(body: bytes) -> Iterator[tuple[str, bytes]]:
    for read, written, text in _ENCODINGS:
        with suppress(ValueError):
            yield text, body.decode(read).encode(written)


def _written_anew(body: bytes) -> Iterator[tuple[str, bytes]]:
    """The same JSON as other programs write it."""
    wrong = "the body was parsed and written anew; the same JSON was signed"
    with suppress(ValueError, RecursionError):
        document = json.loads(body)
        for (spacing, spaces), (spelling, spelled) in product(_SPACINGS, _SPELLINGS):
            # Half a surrogate pair has no UTF-8, but a \u that the other spellings keep.
            with suppress(UnicodeEncodeError):
                yield f"{wrong} {spacing}{spelling}", json.dumps(document, **spaces, **spelled).encode()
        slashed = json.dumps(document, separators=(",", ":")).replace("/", "\\/").encode()
        yield f"{wrong} without spaces, with \\u for what is not ASCII and \\/ for /", slashed


def _other_attempt(request: Request, is_signed: Check, reach: timedelta) -> tuple[Explanation, ...]:
    if not re.fullmatch(r"[0-9]{1,11}", request.timestamp):
        return ()
    at = int(request.timestamp)
    farthest = min(reach // SECOND, SEARCHED_BYTES // 2 // len(request.content))
    for away in range(1, farthest + 1):
        for other, word in ((at - away, "earlier"), (at + away, "later")):
            if is_signed(content(request.id, other, request.body)):
                distance = f"{durations.show(away * SECOND)} {word}"
                text = f"webhook-timestamp is of another attempt: {other} was signed, {distance}"
                return (Explanation(Mistake.TIMESTAMP, text),)
    return ()
