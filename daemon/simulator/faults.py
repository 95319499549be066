"""What may go wrong with the simulated API, when, and what it does to an answer.

Three kinds. A fault of the *line* (HANG, RESET, CUT, DRIP_…, SLOW) loses or delays the answer, so the request
is carried out: a command has happened, and its sender cannot know. A fault of the *front* (HTML, TEAPOT, an
error, a rejected token) answers in place of the system, and nothing is carried out. A *spoiled* answer
(EMPTY_…, WRONG_TYPES, MISSING_FIELDS, TRUNCATED_JSON) is a true one that was changed. How bytes are dripped
or cut stands in `wire`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from http import HTTPStatus
from threading import Lock
from typing import Any

from daemon.simulator.answers import METHODS, NOT_SUPPORTED
from daemon.simulator.file_answers import Content
from daemon.simulator.tokens import EXPIRED, INVALID

ALL = "*"
"""In place of a method: every one."""
FAULTY = (ALL, "Login", "Logout", *METHODS)
"""For what a fault may be switched on."""
DEFAULT_DELAY = timedelta(seconds=5)
"""Ours, of a slow answer where nobody gives one."""
THROTTLED_SECONDS = 55
"""As the platform was seen to say it."""
MOST_DIGITS = 15
"""So many digits every reader of JSON keeps as a number (RFC 8259, section 6)."""

Envelope = Mapping[str, Any]


class Fault(Enum):
    """One way to fail."""

    HANG = "hang"
    """Nothing is said until the client leaves or the simulator stops."""
    DRIP_HEAD = "drip_head"
    """The answer, from its first byte on, a byte every 50 ms."""
    DRIP_BODY = "drip_body"
    """The head at once, the body a byte every 50 ms."""
    RESET = "reset"
    """The connection is reset before an answer."""
    CUT = "cut"
    """Content-Length is right; the connection ends in the middle of the JSON."""
    ENDLESS = "endless"
    """The head, and then a body that goes on for as long as anybody takes it."""
    SLOW = "slow"
    """A good answer, `delay` late."""
    TRUNCATED_JSON = "truncated_json"
    """A whole HTTP answer with half of the JSON."""
    EMPTY_LIST = "empty_list"
    """OK, with lists that are empty, though they are not."""
    ABSENT_LIST = "absent_list"
    """The same, left out."""
    NULL_LIST = "null_list"
    """The same, null."""
    OBJECT_LIST = "object_list"
    """The same, as `{}`."""
    WRONG_TYPES = "wrong_types"
    """Numbers as strings, strings as numbers, true as "true" and false as 0."""
    MISSING_FIELDS = "missing_fields"
    """The one field of each method that matters most is absent."""
    HTML = "html"
    """A content filter's page, with status 200."""
    TEAPOT = "teapot"
    """A content filter's page, with status 418."""
    SERVER_ERROR = "server_error"
    """A gateway's page, with status 502."""
    SERVER_ERROR_TEXT = "server_error_text"
    """Status 500, and an old backend's plain text."""
    TOKEN_INVALID = "token_invalid"  # noqa: S105 - no password
    SESSION_EXPIRED = "session_expired"
    MFA = "mfa"
    NOT_SUPPORTED = "not_supported"
    """This server does not support SIP."""
    THROTTLED = "throttled"
    """An envelope that says to wait."""
    THROTTLED_STATUS = "throttled_status"
    """Status 429 and Retry-After, of `delay` if that is given."""


LINE = frozenset(
    {
        Fault.HANG,
        Fault.DRIP_HEAD,
        Fault.DRIP_BODY,
        Fault.RESET,
        Fault.CUT,
        Fault.ENDLESS,
        Fault.SLOW,
    }
)

LISTS = frozenset(
    {
        "rows",
        "accounts",
        "contexts",
        "members",
        "entries",
        "dirs",
        "files",
        "data",
        "callerIds",
        "transactions",
    }
)
NEEDED = frozenset(
    {
        "server_date",
        "receive_date",
        "registered",
        "user_agent",
        "Calls",
        "Wait",
        "Paused",
        "contentFilesCount",
        "dirs",
        "data",
        "contents",
        "registrationStatus",
        "units",
        "status",
        "results",
        "campaignId",
        "campaignStatus",
        "pendingEntries",
        "report",
        "transactions",
        "smsUnits",
        "callerIds",
        "oks",
        "DeliveryReport",
    }
)
"""Fields that MISSING_FIELDS leaves out."""


@dataclass(frozen=True)
class Reply:
    """One HTTP answer."""

    body: bytes
    status: HTTPStatus = HTTPStatus.OK
    content_type: str = "application/json; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ActiveFault:
    """A fault that is switched on."""

    method: str
    """A method's name, or `*`."""
    fault: Fault
    times: int | None
    """For how many more requests; None: until it is cleared."""
    delay: timedelta | None = None


class Faults:
    """Which faults are on. A method's own comes before the one for all. Safe from any thread."""

    def __init__(self) -> None:
        self._active: dict[str, ActiveFault] = {}
        self._lock = Lock()

    def set(
        self, method: str, fault: Fault, *, times: int | None = None, delay: timedelta | None = None
    ) -> None:
        """Switch a fault on, in place of the one that the method had.

        `times`: for so many requests. Raises ValueError for a method that the API has not.
        """
        if method not in FAULTY:
            raise ValueError(f"method: {method} is none of {', '.join(FAULTY)}")
        if times is not None and times < 1:
            raise ValueError("times: expected at least 1")
        with self._lock:
            self._active[method] = ActiveFault(method, fault, times, delay)

    def clear(self, method: str | None = None) -> None:
        """Switch off the fault of a method, or all of them. What hangs already goes on hanging."""
        with self._lock:
            if method is None:
                self._active.clear()
            else:
                self._active.pop(method, None)

    @property
    def active(self) -> tuple[ActiveFault, ...]:
        with self._lock:
            return tuple(self._active.values())

    def take(self, method: str) -> ActiveFault | None:
        """The fault for a request that came in, counted as used."""
        with self._lock:
            found = self._active.get(method) or self._active.get(ALL)
            if found is None or found.times is None:
                return found
            if found.times == 1:
                del self._active[found.method]
            else:
                self._active[found.method] = replace(found, times=found.times - 1)
            return found


def reply(active: ActiveFault | None, answer: Callable[[], Envelope | Content]) -> Reply:
    """The HTTP answer to a request. `answer` carries it out, unless a fault stands in front."""
    if active is None or active.fault in LINE:
        return _sent(answer())
    if active.fault in FRONT:
        return FRONT[active.fault]
    if active.fault is Fault.THROTTLED_STATUS:
        wait = throttled_seconds(active)
        headers = (("Retry-After", str(wait)),)
        return Reply(encoded(_wait(wait)), HTTPStatus.TOO_MANY_REQUESTS, headers=headers)
    found = answer()
    if active.fault is Fault.TRUNCATED_JSON:
        whole = _sent(found)
        return replace(whole, body=whole.body[: len(whole.body) // 2])
    return _sent(found if isinstance(found, Content) else SPOILERS[active.fault](found))


def _sent(answer: Envelope | Content) -> Reply:
    if isinstance(answer, Content):
        return Reply(answer.body, answer.status, answer.content_type)
    return Reply(encoded(answer))


def throttled_seconds(active: ActiveFault) -> int:
    """For how long a fault that throttles wants to be left alone."""
    return round(active.delay.total_seconds()) if active.delay else THROTTLED_SECONDS


def _wait(seconds: int) -> Envelope:
    return {
        "responseStatus": "Exception",
        "message": f"exception send by customer. wait {seconds}s",
        "yAfastVersion": "6.7.30",
    }


def encoded(answer: Envelope) -> bytes:
    """The JSON as the platform sends it: UTF-8, without blanks, Hebrew as it is."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def _without_lists(answer: Envelope) -> Envelope:
    return {key: value for key, value in answer.items() if key not in LISTS}


def _with_lists(replacement: object) -> Callable[[Envelope], Envelope]:
    def spoil(answer: Envelope) -> Envelope:
        return {key: replacement if key in LISTS else value for key, value in answer.items()}

    return spoil


def _wrong_types(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _wrong_types(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_wrong_types(inner) for inner in value]
    if isinstance(value, bool):
        return "true" if value else 0
    if isinstance(value, int | float):
        return str(value)
    return int(value) if isinstance(value, str) and _is_number(value) else value


def _is_number(value: str) -> bool:
    # A leading zero stays a string: `0773137770` as a number would be another phone.
    return value.isascii() and value.isdigit() and len(value) <= MOST_DIGITS and not value.startswith("0")


def _missing_fields(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _missing_fields(inner) for key, inner in value.items() if key not in NEEDED}
    if isinstance(value, list):
        return [_missing_fields(inner) for inner in value]
    return value


SPOILERS: dict[Fault, Callable[[Envelope], Envelope]] = {
    Fault.EMPTY_LIST: _with_lists([]),
    Fault.ABSENT_LIST: _without_lists,
    Fault.NULL_LIST: _with_lists(None),
    Fault.OBJECT_LIST: _with_lists({}),
    Fault.WRONG_TYPES: _wrong_types,
    Fault.MISSING_FIELDS: _missing_fields,
}

PAGE = """\
<!DOCTYPE html>
<html lang="he" dir="rtl"><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1></body></html>
"""
HTML_TYPE = "text/html; charset=utf-8"
BLOCKED = PAGE.format(title="הגישה לאתר נחסמה").encode()
GATEWAY = PAGE.format(title="502 Bad Gateway").encode()
OLD_TEXT = b"Exception IllegalStateException (session is expired) thrown"
MFA_REQUIRED = {"responseStatus": "ERROR", "message": "MFA_REQUIRED "}
FRONT = {
    Fault.HTML: Reply(BLOCKED, content_type=HTML_TYPE),
    Fault.TEAPOT: Reply(BLOCKED, HTTPStatus.IM_A_TEAPOT, HTML_TYPE),
    Fault.SERVER_ERROR: Reply(GATEWAY, HTTPStatus.BAD_GATEWAY, HTML_TYPE),
    Fault.SERVER_ERROR_TEXT: Reply(OLD_TEXT, HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain"),
    Fault.TOKEN_INVALID: Reply(encoded(INVALID.envelope)),
    Fault.SESSION_EXPIRED: Reply(encoded(EXPIRED.envelope)),
    Fault.MFA: Reply(encoded(MFA_REQUIRED)),
    Fault.NOT_SUPPORTED: Reply(encoded(NOT_SUPPORTED)),
    Fault.THROTTLED: Reply(encoded(_wait(THROTTLED_SECONDS))),
}
