"""SMS that the daemon sent, and what became of each: its states, its delivery report, its events. Pure.

    sending --+--> sent ------+--> delivered | failed
              |               `--> nobody said within a day
              +--> failed
              `--> unknown ---> as `sent`, where the platform's log has it after all

A message has no id at the platform, so it is looked for in the log of what was sent by number, text and time,
as a multiset: two equal messages are two rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from enum import Enum

from daemon.core.commands import texts
from daemon.core.commands.command import Command, Status
from daemon.core.commands.command_types import SMS_SEND_NAME
from daemon.core.durations import DAY, MINUTE, SECOND
from daemon.core.model import EventRow, EventTypes, Fact, Json
from daemon.core.numbers import rounded
from daemon.core.phones import key
from daemon.core.shapes import maybe, moment, number, record, text, whole
from daemon.core.timestamps import iso

SENT, DELIVERED, FAILED, UNKNOWN = "sms.sent", "sms.delivered", "sms.failed", "sms.unknown"
FOLLOWED = DAY
"""For so long it is asked what became of a message."""
SLACK = 5 * MINUTE
"""How much earlier than we sent it the platform's clock may say that it was."""
PACES = (10 * SECOND, 20 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE)
"""Between two looks at a system's log, while nothing moves; the last repeats."""
HANDED = "ESME_ROK"
"""The carrier has it: nothing more is known yet. This and those below: by the log's documents."""
ARRIVED = "DELIVRD"
EXPIRED = "EXPIRED"
"""The carrier stopped looking: whether it arrived is not known."""
REJECTED = frozenset(
    {"ESME_RINVDSTADR", "ESME_RINVMSGLEN", "ESME_RINVCMDLEN", "ESME_RMSGQFUL", "ESME_RINVNUMDESTS"}
)
INTERRUPTED = "the daemon ended while the request was under way"


class State(Enum):
    """How far a message has come."""

    SENDING = "sending"
    """The intent is written; whether it left, only who sends it knows."""
    SENT = "sent"
    FAILED = "failed"
    """The platform did not take it."""
    UNKNOWN = "unknown"
    """It may have left or not, and is not sent again."""


STATES = {Status.SUCCEEDED: State.UNKNOWN, Status.UNKNOWN: State.UNKNOWN, Status.FAILED: State.FAILED}
"""Of a number of which the answer of a command says nothing, by how the command ended."""
OF_NUMBER = {"sent": State.SENT, "rejected": State.FAILED, "unconfirmed": State.UNKNOWN}
"""By what became of a number: the words of `judgement.py`."""


class Report(Enum):
    """What is known of its arrival in the end."""

    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """The carrier does not know, or nobody said within a day."""


SMS = record(
    {
        "to": text("The number, in the national form."),
        "parts": whole("Of 70 characters, as it is charged."),
        "units": number("What it counts against `sms_units_per_day`."),
        "sent_at": moment("When the request left."),
        "command": maybe(text("`cmd_…`: that had it sent; null: an alert did.")),
        "endpoint": maybe(text("The `[[texts]]` and its number; null: a command had it sent.")),
        "report": maybe(text("The carrier's last word (SMPP), as it came; null: none yet.")),
        "reason": maybe(text("Why it failed or is not known, in English.")),
    }
)
_SAYS: Mapping[str, EventRow] = {
    SENT: EventRow("A message of the daemon's left; whether it arrives is told later.", {"sms": SMS}),
    DELIVERED: EventRow("The carrier says that it arrived.", {"sms": SMS}),
    FAILED: EventRow("The platform did not take it, or the carrier says that it failed.", {"sms": SMS}),
    UNKNOWN: EventRow(
        "Nobody knows whether a message to somebody who is told alerts left: no answer came. It is not sent "
        "again. Where the platform's log shows it later, `sms.sent` follows.",
        {"sms": SMS},
    ),
}
EVENTS = EventTypes(tuple(_SAYS), opt_in=frozenset({SENT, DELIVERED}), rows=_SAYS)


@dataclass(frozen=True)
class Text:
    """One message to one number."""

    system: str
    to: str
    """In the national form."""
    message: str
    parts: int
    units: float
    day: date
    """Whose budget it counts on."""
    sent_at: datetime
    state: State
    sender: str | None = None
    """None: the system's own number."""
    command: str | None = None
    endpoint: str | None = None
    event: str | None = None
    """The one that it tells; None: a command had it sent."""
    report: str | None = None
    """The carrier's last word."""
    outcome: Report | None = None
    """None: it is followed yet, or was never sent."""
    reason: str | None = None
    number: int = 0
    """Of its row."""

    @property
    def is_followed(self) -> bool:
        return self.state in (State.SENT, State.UNKNOWN) and self.outcome is None


@dataclass(frozen=True)
class Logged:
    """A row of GetSmsOutLog."""

    to: str
    message: str
    at: datetime | None
    """Naive, in the platform's zone; None: unreadable."""
    sender: str | None
    report: str | None


@dataclass(frozen=True)
class SentLog:
    """GetSmsOutLog, newest first."""

    rows: tuple[Logged, ...]
    is_full: bool
    """There may be older ones."""
    problems: tuple[str, ...] = ()


def begun(command: Command) -> list[Text]:
    """The messages of a command that has ended: those that went out or may have, and those that did not."""
    if command.type != SMS_SEND_NAME or command.status not in STATES or command.day is None:
        return []
    message, sender = str(command.params["text"]), command.params.get("from")
    parts, said = texts.parts(message), _said(command.result)
    return [
        Text(
            command.system,
            to,
            message,
            parts,
            texts.cost(parts),
            command.day,
            command.started_at or command.created_at,
            OF_NUMBER.get(said.get(to, ("", None))[0], STATES[command.status]),
            None if sender is None else str(sender),
            command.id,
            reason=said.get(to, ("", None))[1],
        )
        for to in texts.recipients(command.params)
    ]


def _said(result: Json) -> dict[str, tuple[str, str | None]]:
    """What the result of a command says of each number, and why."""
    numbers = result.get("numbers") if isinstance(result, Mapping) else None
    each = [one for one in numbers if isinstance(one, Mapping)] if isinstance(numbers, Sequence) else []
    reasons = [(one, one.get("reason")) for one in each]
    return {
        str(one.get("phone")): (str(one.get("status")), None if why is None else str(why))
        for one, why in reasons
    }


def found(ours: Sequence[Text], log: Sequence[Logged], zone: tzinfo) -> dict[int, Logged]:
    """Which row of the log is which message of ours, by the number of its row: each row is one message's, the
    oldest comes first. `ours`: also those that are over, or their rows would be taken for others'."""
    rows: dict[tuple[str, str], list[Logged]] = {}
    for row in log:
        if row.at is not None:
            rows.setdefault(_alike(row.to, row.message), []).append(row)
    by_number: dict[int, Logged] = {}
    # What surely left has its row before what may have left.
    for one in sorted(ours, key=lambda one: (one.sent_at, one.state is State.UNKNOWN)):
        candidates = rows.get(_alike(one.to, one.message), [])
        mine = next((row for row in reversed(candidates) if _may_be(one, row, zone)), None)
        if mine is not None:
            candidates.remove(mine)
            by_number[one.number] = mine
    return by_number


def reaches_back(ours: Iterable[Text], log: SentLog, zone: tzinfo) -> bool:
    """Whether an answer shows all that these messages could be in."""
    if not log.is_full:
        return True
    times = [row.at for row in log.rows if row.at is not None]
    oldest = min((one.sent_at for one in ours), default=None)
    return oldest is None or (bool(times) and min(times) < _local(oldest - SLACK, zone))


def after(one: Text, row: Logged | None, now: datetime) -> Text:
    """A message that is followed, after a look at the log; `row`: its own, None: there is none."""
    if not one.is_followed:
        return one
    if row is not None:
        one = replace(one, state=State.SENT, report=row.report, reason=_why(row.report))
        outcome = judged(row.report)
        if outcome is not None:
            return replace(one, outcome=outcome)
    is_over = now - one.sent_at >= FOLLOWED
    return replace(one, outcome=Report.UNKNOWN) if is_over else one


def judged(report: str | None) -> Report | None:
    """What a carrier's word says of the arrival; None: nothing yet. A word that is not documented says
    nothing."""
    word = (report or "").upper()
    if word == ARRIVED:
        return Report.DELIVERED
    if word in REJECTED:
        return Report.FAILED
    return Report.UNKNOWN if word == EXPIRED else None


def told(before: Text | None, one: Text) -> list[Fact]:
    """What others are told once a message stands otherwise than before; None: it was not there."""
    types = []
    was = before.state if before else State.SENDING
    if one.state is State.SENT and was is not State.SENT:
        types.append(SENT)
    if one.state is State.FAILED and was is not State.FAILED:
        types.append(FAILED)
    # Of a command it is `command.unknown` that tells.
    if one.state is State.UNKNOWN and was is not State.UNKNOWN and one.endpoint is not None:
        types.append(UNKNOWN)
    if one.outcome is not None and (before is None or before.outcome is None):
        types += {Report.DELIVERED: [DELIVERED], Report.FAILED: [FAILED]}.get(one.outcome, [])
    return [Fact(event_type, subject(one.to), {"sms": document(one)}) for event_type in types]


def subject(to: str) -> str:
    """Of its events: the number, as of the SMS that come from it."""
    return f"sms/{to}"


def document(one: Text) -> dict[str, Json]:
    """A message as events tell it; what it says is not among that."""
    return {
        "to": one.to,
        "parts": one.parts,
        "units": rounded(one.units),
        "sent_at": iso(one.sent_at),
        "command": one.command,
        "endpoint": one.endpoint,
        "report": one.report,
        "reason": one.reason,
    }


def pace(calm: int) -> timedelta:
    """How long until the next look, after so many that showed nothing new."""
    return PACES[min(calm, len(PACES) - 1)]


def _why(report: str | None) -> str | None:
    return f"the carrier says {report}" if judged(report) is Report.FAILED else None


def _alike(to: str, message: str) -> tuple[str, str]:
    """What makes two messages look alike: blanks may have been changed on the way."""
    return key(to), " ".join(message.split())


def _may_be(one: Text, row: Logged, zone: tzinfo) -> bool:
    assert row.at is not None  # noqa: S101 - others were left out
    if one.sender is not None and row.sender is not None and key(one.sender) != key(row.sender):
        return False
    # In the hour that repeats either may be meant.
    readings = [row.at.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
    return any(at.timestamp() >= (one.sent_at - SLACK).timestamp() for at in readings)


def _local(at: datetime, zone: tzinfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)
