"""SMS that are sent: SendSms and its log, GetSmsOutLog: the questions, and how answers are read. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from daemon.core.commands.results import Texted
from daemon.core.commands.sent_texts import Logged, SentLog
from daemon.core.model import Failure, Json, Unknown
from daemon.core.timestamps import parse_local
from daemon.yemot.reads import Read
from daemon.yemot.scalars import Fields, count, listed, name, number, text

MOST_ROWS = 3000
"""Ours. Of the log in one answer, for which no maximum is documented."""
_DAY_FIRST = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})[ T](\d{1,2}:\d{2}(?::\d{2})?)", re.ASCII)


def params(to: Sequence[str], message: str, sender: str | None) -> dict[str, Json]:
    """Of SendSms. Numbers stand between colons: with commas all of them count as one bad number."""
    given: dict[str, Json] = {"phones": ":".join(to), "message": message}
    return given if sender is None else {**given, "from": sender}


def answer(data: Mapping[str, object]) -> Texted:
    """What SendSms did. OK stands over it although some numbers failed."""
    errors = data.get("errors")
    oks = listed(data["oks"]) if "oks" in data else None
    return Texted(
        oks=None if oks is None else tuple(one for one in map(name, oks) if one is not None),
        errors={one: text(why) or "" for one, why in errors.items()} if isinstance(errors, Mapping) else {},
        count=count(data.get("sendCount")),
        billing=number(data.get("Billing")),
        sender=name(data.get("from")),
        message=name(data.get("message")),
    )


def sent_log(data: Mapping[str, object], limit: int) -> SentLog | Unknown:
    """GetSmsOutLog, newest first. A row of which the number cannot be read is nobody's."""
    rows = listed(data["rows"]) if "rows" in data else None
    if rows is None:
        return Unknown(Failure.MALFORMED, "rows: missing")
    fields = Fields()
    found = [_logged(fields, row) for row in rows[:limit]]
    return SentLog(tuple(one for one in found if one is not None), len(rows) >= limit, fields.problems())


def sent_texts(limit: int) -> Read[SentLog]:
    """GetSmsOutLog: the latest `limit`; what came of each changes in place."""
    return Read("GetSmsOutLog", {"limit": limit}, lambda data: sent_log(data, limit))


def _logged(fields: Fields, row: object) -> Logged | None:
    to = fields.take("rows[].", row, "To", name)
    message = fields.take("rows[].", row, "Message", text)
    at = fields.take("rows[].", row, "Time", _local)
    report = fields.take_optional("rows[].", row, "DeliveryReport", name)
    sender = fields.take_optional("rows[].", row, "CallerId", name)
    return None if to is None or message is None else Logged(to, message, at, sender, report)


def _local(value: object) -> datetime | None:
    """Naive, in the platform's zone. The form is not documented: ISO 8601, and the day first, are taken."""
    if not isinstance(value, str):
        return None
    if day_first := _DAY_FIRST.search(value):
        day, month, year, clock = day_first.groups()
        value = f"{year}-{int(month):02}-{int(day):02} {clock if clock.count(':') > 1 else clock + ':00'}"
    return parse_local(value)
