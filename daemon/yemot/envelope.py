"""The envelope of an answer: which of the API's many ways to fail is this, or is it an answer.

Pure: bytes in, `Answer` or `Unknown` out. What a method's fields mean is not known here. Messages are the
API's own words; whoever shows them cleans them first (`clean`).
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from html import unescape
from http import HTTPStatus

from daemon.core.durations import NOTHING
from daemon.core.model import Failure, Unknown
from daemon.yemot.bounded_json import Decode, ExcessError, decode, is_json
from daemon.yemot.scalars import integer, without_surrogates
from daemon.yemot.transport import Reply

MAX_MESSAGE = 300
"""Ours. Characters of a message that people are shown."""
MAX_READ = 20 * MAX_MESSAGE
"""Ours. Characters of a message that are looked at: cleaning takes time."""
MAX_PAGE = 20_000
"""Ours. Bytes of what is no JSON that are looked at."""
MAX_WAIT = timedelta(minutes=15)
"""Ours. The longest wait that is believed: it may come from a filter or a proxy, and nobody else is asked."""
MAX_DIGITS = 9
"""Of a number of seconds; a longer one is too long anyway."""

BAD_LOGIN = 1
SYSTEM_ERROR = 105
REFUSALS = frozenset({101, 102, 103, 104, 120})
"""Values of `messageCode`, by the platform's list of them. CallExtensionBridging is refused by the last:
not configured, no valid phones, not enough units, Shabbat or a holiday, caller id not authorised."""

# Words of `message`, as servers were seen to say them: no list of them is documented.
TOKEN_WORDS = re.compile(
    r"session token is invalid|session is expired|MFA_REQUIRED|username or password is incorrect",
    re.IGNORECASE,
)
UNSUPPORTED_WORDS = re.compile(r"(?:does not|doesn't|not) support|אינו תומך", re.IGNORECASE)
WAIT_WORDS = re.compile(r"\bwait\s+([0-9]+)\s*s\b", re.IGNORECASE)
# An HTTP error's whole body: "Exception IllegalStateException (session is expired) thrown".
OLD_BACKEND = re.compile(rb"\s*Exception\b.{0,500}\bthrown\s*", re.IGNORECASE | re.DOTALL)
TITLE = re.compile(r"<title[^>]{0,100}>(.{1,200}?)</title>", re.IGNORECASE | re.DOTALL)
SECONDS = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class Answer:
    """A call that succeeded; what its fields mean is not known yet."""

    data: Mapping[str, object] = field(repr=False)
    """The JSON object with its envelope."""
    digest: bytes = field(repr=False)
    """Of the bytes after content decoding: equal ones are equal answers."""


def judge(reply: Reply, now: datetime, decode: Decode = decode) -> Answer | Unknown:
    """An answer, or why it is none; `now` stands in for the server's clock where it shows none."""
    wait = _retry_after(reply.retry_after, http_date(reply.date) or now)
    if reply.status == HTTPStatus.IM_A_TEAPOT:  # what content filters answer with
        return Unknown(Failure.FILTERED, _describe(reply), reply.status)
    if not is_json(reply.body):
        return _no_json(reply, wait)
    try:
        data = decode(reply.body)
    except ExcessError as error:
        return _by_status(reply, wait) or Unknown(Failure.MALFORMED, str(error))
    except ValueError as error:
        return _by_status(reply, wait) or Unknown(Failure.MALFORMED, f"the JSON is broken: {error}")
    if not isinstance(data, dict):
        return _by_status(reply, wait) or Unknown(Failure.MALFORMED, "the JSON is no object")
    failed = _failed(data, reply, wait)
    return failed or Answer(data, reply.digest)


@lru_cache(16)
def http_date(text: str | None) -> datetime | None:
    """An HTTP date (RFC 9110, section 5.6.7), aware; None where there is none. One answer asks thrice for its
    own, and those of one second have the same."""
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def clean(message: str, secrets: Sequence[str]) -> str:
    """A message fit for a log and a terminal: one line, bounded, no control characters, no secret."""
    text = without_surrogates(message[:MAX_READ])
    visible = "".join(" " if one.isspace() else one for one in text if _is_visible(one))
    line = " ".join(visible.split())
    for secret in secrets:
        line = re.sub(re.escape(secret), "***", line, flags=re.IGNORECASE)
    return line if len(line) <= MAX_MESSAGE else line[: MAX_MESSAGE - 1] + "…"


def _is_visible(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) not in {"Cc", "Cf", "Co", "Cn"}


def _failed(data: Mapping[str, object], reply: Reply, wait: timedelta | None) -> Unknown | None:
    """Why an envelope is no answer; None for an OK."""
    status = data.get("responseStatus")
    if not isinstance(status, str):
        if data.get("success") is False:
            return _refused_by_the_gateway(data, reply, wait)
        return _by_status(reply, wait) or Unknown(Failure.MALFORMED, "the answer has no responseStatus")
    name = status.strip().upper()
    if name == "OK":
        return _by_status(reply, wait)
    message = _message(data) or f"responseStatus {name}"
    code = integer(data.get("messageCode"))
    told_to_wait = WAIT_WORDS.search(message)
    if told_to_wait:
        wait = max(_seconds(told_to_wait[1]), wait or NOTHING)
    failure = Failure.THROTTLED if told_to_wait else _failure(name, code, message, status=reply.status)
    return Unknown(failure, message, code, wait)


def _refused_by_the_gateway(data: Mapping[str, object], reply: Reply, wait: timedelta | None) -> Unknown:
    """The newer gateway's own refusal: `success`, `error` with `code` and `message`, and an HTTP status."""
    error = data.get("error")
    said = _message(error if isinstance(error, Mapping) else {"message": error})
    message = f"HTTP {reply.status}: {said or 'refused'}"
    return Unknown(_status_failure(reply.status) or Failure.REFUSED, message, reply.status, wait)


def _failure(name: str, code: int | None, message: str, *, status: int) -> Failure:
    """Codes and known words first: the name of the status alone says little."""
    if code == BAD_LOGIN or TOKEN_WORDS.search(message):
        return Failure.TOKEN_REJECTED
    if code in REFUSALS or UNSUPPORTED_WORDS.search(message):
        return Failure.REFUSED
    if code == SYSTEM_ERROR or name == "EXCEPTION":
        return Failure.SERVER_ERROR
    return _status_failure(status) or Failure.REFUSED


def _message(data: Mapping[str, object]) -> str | None:
    for key in ("message", "exceptionMessage"):
        message = data.get(key)
        if isinstance(message, str) and message.strip():
            return message.strip()
    return None


def _no_json(reply: Reply, wait: timedelta | None) -> Unknown:
    text = reply.body[:MAX_PAGE].decode("utf-8", "replace").strip()
    if OLD_BACKEND.fullmatch(reply.body[:MAX_PAGE]):
        failure = Failure.TOKEN_REJECTED if TOKEN_WORDS.search(text) else Failure.SERVER_ERROR
        return Unknown(failure, text, reply.status)
    if _is_markup(reply) and reply.status < HTTPStatus.TOO_MANY_REQUESTS:
        return Unknown(Failure.FILTERED, _describe(reply), reply.status)
    by_status = _by_status(reply, wait)
    if by_status:
        return by_status
    if not text:
        return Unknown(Failure.MALFORMED, "the answer is empty", reply.status)
    if _is_scalar(text):
        return Unknown(Failure.MALFORMED, "the JSON is no object", reply.status)
    return Unknown(Failure.FILTERED, _describe(reply), reply.status)


def _by_status(reply: Reply, wait: timedelta | None) -> Unknown | None:
    """What the HTTP status says where the body says nothing; None for a success."""
    failure = _status_failure(reply.status)
    return Unknown(failure, _describe(reply), reply.status, wait) if failure else None


def _status_failure(status: int) -> Failure | None:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Failure.THROTTLED
    if status == HTTPStatus.UNAUTHORIZED:
        return Failure.TOKEN_REJECTED
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Failure.SERVER_ERROR
    if status >= HTTPStatus.BAD_REQUEST:
        return Failure.REFUSED
    return Failure.FILTERED if status >= HTTPStatus.MULTIPLE_CHOICES else None


def _describe(reply: Reply) -> str:
    """Which page it was: its title helps to find the filter that sent it."""
    title = TITLE.search(reply.body[:MAX_PAGE].decode("utf-8", "replace"))
    kind = reply.content_type.partition(";")[0].strip() or "no content type"
    return f"HTTP {reply.status}, {kind}" + (f": {unescape(title[1])}" if title else "")


def _is_markup(reply: Reply) -> bool:
    return "html" in reply.content_type.lower() or reply.body[:MAX_PAGE].lstrip().startswith(b"<")


def _is_scalar(text: str) -> bool:
    if text.startswith(("{", "[")):  # behind more blanks than anybody writes
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _retry_after(text: str | None, now: datetime) -> timedelta | None:
    """`Retry-After` (RFC 9110, section 10.2.3): seconds or a date; None where it is neither."""
    stripped = (text or "").strip()
    if SECONDS.fullmatch(stripped):
        return _seconds(stripped)
    moment = http_date(stripped)
    return min(max(moment - now, timedelta(0)), MAX_WAIT) if moment else None


def _seconds(digits: str) -> timedelta:
    significant = digits.lstrip("0") or "0"
    return MAX_WAIT if len(significant) > MAX_DIGITS else min(timedelta(seconds=int(significant)), MAX_WAIT)
