"""What may stand in a request for a command: paths, ids, names and times, in the form that the API takes."""

import re
import unicodedata
from collections import Counter
from datetime import datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
)

from daemon.core.commands import texts
from daemon.schemas.fields import DAY, FIRST_YEAR, LAST_YEAR, Described

IVR = "ivr2:"
"""What stands before the path in `ivrPath` of CallExtensionBridging."""
LONGEST_PATH = 200
"""Ours. Characters."""
_CALL_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PATH = re.compile(r"/|/?[^\s/]+(?:/[^\s/]+)*/?")
_RELATIVE = {".", ".."}
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?))?")


def _path(value: str) -> str:
    # Not printable are also the marks of direction that come along when Hebrew text is copied.
    is_path = value == "." or (_PATH.fullmatch(value) and not _RELATIVE & {*value.split("/")})
    if not is_path or not value.isprintable():
        raise ValueError('expected the path of an extension, such as "/5" or "/1/2"; "." is the main one')
    return value


def _ivr_path(value: str) -> str:
    bare = value.removeprefix(IVR)
    if bare.startswith(IVR):
        raise ValueError(f'"{IVR}" is given twice')
    return IVR + _rooted(bare)


def _rooted(value: str) -> str:
    """From the main extension on, `/1/100`, as the platform's documents have it where calls are sent."""
    path = "/" + _path(value).strip("./" if value == "." else "/")
    if len(path) > LONGEST_PATH:
        raise ValueError(f"expected at most {LONGEST_PATH} characters")
    return path


def _call_id(value: str) -> str:
    if not _CALL_ID.fullmatch(value):
        raise ValueError("expected letters, digits, dots, dashes and underscores, at most 64")
    return value


def _text(value: str) -> str:
    if not value.strip() or any(not one.isprintable() for one in value):
        raise ValueError("expected text, on one line")
    return value.strip()


def _sms(value: str) -> str:
    """A message as it is, without blanks at its ends."""
    stripped = value.strip()
    if not stripped or any(unicodedata.category(one) in ("Cc", "Cs") and one != "\n" for one in stripped):
        raise ValueError("expected text, without control characters but for the end of a line")
    if texts.parts(stripped) > texts.MOST_PARTS:
        raise ValueError(
            f"{texts.length(stripped)} characters as SMS count them; "
            f"at most {texts.MOST_PARTS * texts.PART} ({texts.MOST_PARTS} parts of {texts.PART})"
        )
    return stripped


def _sms_sender(value: str) -> str:
    if not texts.SENDER.fullmatch(value):
        raise ValueError(texts.NO_SENDER)
    return value


def idempotency_key(value: str) -> str:
    """The key as it is; raises ValueError for one that HTTP cannot carry."""
    if not _KEY.fullmatch(value):
        raise ValueError("expected 1 to 255 ASCII letters, digits and signs, without blanks")
    return value


def _local_date(value: str) -> str:
    """`YYYY-MM-DD HH:MM:SS`, as the API takes it, of a date that exists."""
    written = _DATE.fullmatch(value.strip())
    try:
        at = datetime.fromisoformat(" ".join(filter(None, written.groups()))) if written else None
    except ValueError:
        at = None
    if at is None or not FIRST_YEAR <= at.year < LAST_YEAR:
        raise ValueError('expected a local time such as "2026-11-23 18:00:00"')
    return f"{at:%Y-%m-%d %H:%M:%S}"


def no_boolean(value: object) -> object:
    """The value as it is; raises ValueError for a boolean, which Python takes for 0 or 1."""
    if isinstance(value, bool):
        raise ValueError("expected a whole number")
    return value


def unlike(values: list[str]) -> list[str]:
    """The values as they are; raises ValueError where one is given twice."""
    twice = next((value for value, many in Counter(values).items() if many > 1), None)
    if twice is not None:
        raise ValueError(f"{twice} is given twice")
    return values


_PART = r"(?!\.{1,2}(?:/|$))[!-.0-~א-ת]+"
_WRITTEN = rf"(?:\.|/|/?{_PART}(?:/{_PART})*/?)$"
"""Of a path, for the description: letters of other scripts are taken, too."""
_ROOTED = rf"(?=.{{1,{LONGEST_PATH}}}$)(?=/|.{{1,{LONGEST_PATH - 1}}}$){_WRITTEN}"
"""The same of one that is written with a slash before it, which counts."""

Path = Annotated[
    str, StringConstraints(max_length=LONGEST_PATH), AfterValidator(_path), Described(pattern=f"^{_WRITTEN}")
]
IvrPath = Annotated[
    str,
    StringConstraints(max_length=LONGEST_PATH + len(IVR)),
    AfterValidator(_ivr_path),
    Described(pattern=f"^(?:{IVR})?(?!{IVR}){_ROOTED}"),
]
Goto = Annotated[
    str, StringConstraints(max_length=LONGEST_PATH), AfterValidator(_rooted), Described(pattern=f"^{_ROOTED}")
]
CallId = Annotated[
    str, AfterValidator(_call_id), Field(json_schema_extra={"pattern": f"^{_CALL_ID.pattern}$"})
]
IdempotencyKey = Annotated[
    str, AfterValidator(idempotency_key), Field(json_schema_extra={"pattern": f"^{_KEY.pattern}$"})
]
Agent = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64),
    AfterValidator(_text),
    Described(pattern="^ *[!-~א-ת][ -~א-ת]*$"),
]
LocalDate = Annotated[
    str,
    StringConstraints(max_length=32),
    AfterValidator(_local_date),
    Described(pattern=f"^{DAY}([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?)?$"),
]


SmsText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=texts.MOST_PARTS * texts.PART),
    AfterValidator(_sms),
    Described(pattern="^[!-~א-ת][ -~א-ת]*$"),
]
SmsSender = Annotated[
    str,
    StringConstraints(max_length=16),
    AfterValidator(_sms_sender),
    Described(pattern=f"^({texts.SENDER.pattern})$"),
]


class Params(BaseModel):
    """What all parameters share."""

    model_config = ConfigDict(extra="forbid", frozen=True)
