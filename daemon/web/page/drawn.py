"""Forms that are to do something once, however often they are sent.

A form carries the id of what it will make, from when it was drawn on: sent twice, from two tabs, after going
back, or recorded and sent again, it finds what it has made already. The id is signed for the session that the
form was drawn for, with the moment: one that somebody thought up, or that has been open for longer than
what it made may be kept, is no good. What costs money is agreed to besides: a signature of exactly what was
shown, which does not cover anything else.
"""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta

from daemon.core.durations import HOUR, MINUTE
from daemon.web.page.visitors import Visitor

OPEN = 12 * HOUR
"""Ours. A form that was drawn longer ago is drawn anew; `[retention]` keeps what it made for longer."""
AGREED = 10 * MINUTE
"""Ours. So long what was agreed to may be sent."""
AHEAD = 5 * MINUTE
"""A clock that was set back since: so far it is believed."""


def drawn(visitor: Visitor, made: str, now: datetime, *, about: str = "") -> str:
    """The field of a form that will make the thing of this id; `about`: what the form is of."""
    return _signed(visitor, f"form\0{about}", made, now)


def to_make(visitor: Visitor, field: str, now: datetime, *, about: str = "") -> str | None:
    """The id of what a form makes; None: it is not ours, not of this, of another session, or too old."""
    made, _, _ = field.partition("~")
    return made if made and _counts(visitor, f"form\0{about}", made, field, now, OPEN) else None


def agreement(visitor: Visitor, shown: str, now: datetime) -> str:
    """The field by which somebody agrees to what they were shown."""
    return _signed(visitor, "agreed", hashlib.sha256(shown.encode()).hexdigest(), now)


def is_agreed(visitor: Visitor, field: str, shown: str, now: datetime) -> bool:
    """Whether exactly this was shown to them, not long ago."""
    return _counts(visitor, "agreed", hashlib.sha256(shown.encode()).hexdigest(), field, now, AGREED)


def _signed(visitor: Visitor, what: str, said: str, now: datetime) -> str:
    at = str(int(now.timestamp()))
    return f"{said}~{at}~{_signature(visitor, what, said, at)}"


def _counts(visitor: Visitor, what: str, said: str, field: str, now: datetime, lasts: timedelta) -> bool:
    begun, _, signature = field.removeprefix(f"{said}~").partition("~")
    wanted = _signature(visitor, what, said, begun)
    if not visitor.csrf or not hmac.compare_digest(wanted.encode(), signature.encode()):
        return False
    age = now.timestamp() - int(begun)
    return -AHEAD.total_seconds() <= age < lasts.total_seconds()


def _signature(visitor: Visitor, what: str, said: str, at: str) -> str:
    """By the secret of the session's forms, which nobody else has."""
    digest = hmac.digest(visitor.csrf.encode(), f"{what}\0{said}\0{at}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:24]).decode()
