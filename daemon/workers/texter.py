"""Tells alerts by SMS, each message at most once, within the budget of the day.

    begin                        -------------------------------------------- one transaction
      texts.of_event        IO     was it sent, or tried, before?
      budgets.used          IO     of the day, with what is held for the ends of alerts
      text_budget.held      pure   may it go now?
      texts.begin           IO     the intent to send it, its units, and those of its end
    commit                       -------------------------------------------- nothing is sent before this
    send                    IO   one call of the API                            (no transaction)
    begin                        -------------------------------------------- one transaction
      texts.save            IO     how it ended; forgotten where it surely did not leave
      recorder.record       IO     `sms.sent`, `sms.failed`, `sms.unknown`
    commit

What was being sent when a process ended is unknown: whoever takes the delivery up finds it so, or `look`.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo

import sqlalchemy as sa
import structlog

from daemon.core import own_events
from daemon.core.alerts.life import TOLD, Seen
from daemon.core.commands import sent_texts, texts
from daemon.core.commands.command import NOT_CARRIED_OUT
from daemon.core.commands.command_types import SMS_SEND_NAME
from daemon.core.commands.judgement import REJECTED, SENT, text_statuses
from daemon.core.commands.results import Texted
from daemon.core.commands.sent_texts import INTERRUPTED, State, Text
from daemon.core.contacts import Contacts
from daemon.core.delivery.outcome import Attempted, Message, Outcome, Phases
from daemon.core.durations import MINUTE, NOTHING, SECOND
from daemon.core.event_types import ALERT_TYPES
from daemon.core.model import Condition, Failure, Rule, Severity, Unknown, Verdict
from daemon.core.ownership import HOUSE, Kind
from daemon.core.rendering import names
from daemon.core.rendering.short_texts import short
from daemon.core.routing import text_budget
from daemon.core.routing.plan import DAEMON, endpoint_subject
from daemon.core.routing.text_budget import END, ROOM, Asked, Budget, Held
from daemon.core.routing.text_limits import END_PARTS, MOST_PARTS, WITHIN
from daemon.pipeline.alerts import Judge
from daemon.pipeline.events import Recorded, Recorder, log_recorded
from daemon.pipeline.notification import Teller
from daemon.store import budgets, retries, watches
from daemon.store import texts as store
from daemon.store.database import Database
from daemon.store.location import FAILURES, reason
from daemon.store.ownership import EVERYTHING, Ownership
from daemon.workers.system_pauses import Pauses

log = structlog.get_logger()

OWNER = "texts"
"""What owns the alerts of used-up budgets in the store."""
AT_ONCE = Rule(NOTHING, NOTHING, Severity.ERROR)
LEFT_ALONE = 30 * SECOND
"""How long a message waits for a system that is left alone."""
NOT_ENOUGH_UNITS, HOLIDAY, CALLER_ID_REFUSED = 103, 104, 120
"""The platform's `messageCode`, by its list of them."""
OURS = frozenset({CALLER_ID_REFUSED})
"""Codes that are a matter of the configuration, not of one message."""
LATER = frozenset({NOT_ENOUGH_UNITS, HOLIDAY})
"""Codes that another attempt may not meet again."""
LOST = {Failure.TIMEOUT: Outcome.TIMEOUT, Failure.UNREACHABLE: Outcome.UNREACHABLE}


@dataclass(frozen=True)
class Recipient:
    """One phone that is told alerts."""

    endpoint: str
    """`boss/0501234567`."""
    table: str
    """The name of its `[[texts]]`."""
    siblings: frozenset[str]
    """The endpoints of that table, which share its budget."""
    system: str
    """That sends and pays."""
    to: str
    sender: str | None
    language: str
    zone: tzinfo
    deadline: timedelta
    """Of the call that sends it."""
    per_day: float
    """`sms_units_per_day` of the system."""
    own_per_day: float | None
    """`units_per_day` of the table; None: all of it."""
    send: Callable[[str, str, str | None], Texted | Unknown]
    """Sends a text to a number from a sender: one call of the API, which is never repeated by itself."""


@dataclass(frozen=True)
class _Claim:
    """A message whose intent is written."""

    text: Text
    incident: str | None
    restores: float | None
    """What was held for the end that this is, and is held again where it does not leave."""
    holds: bool
    """Whether the units of its own end are held since."""


class Texter:
    """`tell` is for any thread; `look` for one."""

    def __init__(
        self,
        database: Database,
        recorder: Callable[[], Recorder],
        recipients: Callable[[], Mapping[str, Recipient]],
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        pauses: Pauses,
        wake: Callable[[], None],
        stepped: Callable[[], timedelta | None] = lambda: NOTHING,
        ownership: Ownership = EVERYTHING,
    ) -> None:
        """`recipients`: by endpoint; `stepped`: None while a step of the clock is not taken into account."""
        self._database = database
        self._in_force = recorder
        self._recipients = recipients
        self._now = now
        self._monotonic = monotonic
        self._pauses = pauses
        self._wake = wake
        self._stepped = stepped
        self._ownership = ownership
        self._lock = threading.Lock()
        self._under_way: set[tuple[str, str]] = set()
        """Endpoint and event of what is being sent here, until its outcome is written."""
        self._unwritten: list[tuple[_Claim, Text | None]] = []

    def tell(self, message: Message) -> Attempted:
        """Tell one message, unless it was before, and say how that ended. Raises the store's errors, where
        nothing left."""
        began, started_at = self._monotonic(), self._now()
        ended = self._told(message, started_at)
        return ended._replace(phases=Phases(total=round((self._monotonic() - began) * 1_000_000)))

    def look(self) -> None:
        """Write what could not be written, end what a process before left, let go of what is held for
        nothing, and see whether there are units again. For the scheduler."""
        try:
            self._write_what_is_left()
            self._end_what_was_left()
            self._see_budgets()
        except FAILURES as error:
            log.warning("texts.not_looked_after", error=reason(error))

    # One message.

    def _told(self, message: Message, started_at: datetime) -> Attempted:
        recipient = self._recipients().get(message.endpoint)
        if recipient is None:
            return _held_back(message, started_at, Held("it is not configured any more", MINUTE))
        if message.event_type not in ALERT_TYPES and message.event_type != own_events.PING:
            why = "an SMS tells alerts alone"
            return Attempted(message, Outcome.REFUSED, started_at, error=why, is_our_fault=True)
        with self._pauses.asking(recipient.system) as why_not:
            if why_not is not None:
                held = Held(f"the system {recipient.system} is left alone: {why_not.message}", LEFT_ALONE)
                return _held_back(message, started_at, held)
            claimed = self._claim(message, recipient, started_at)
            if isinstance(claimed, Attempted):
                return claimed
            try:
                answer = self._sent(recipient, claimed.text)
                self._pauses.take(recipient.system, answer if isinstance(answer, Unknown) else None)
                found = _after(claimed.text, answer)
            except BaseException:
                # Whatever went wrong here, the request may have left.
                found = replace(claimed.text, state=State.UNKNOWN, reason="an error of our own: see the log")
                self._write(claimed, found)
                raise
            self._write(claimed, found)
            return _attempted(message, found, answer, started_at)

    def _sent(self, recipient: Recipient, text: Text) -> Texted | Unknown:
        share = recipient.table
        if not self._ownership.holds(Kind.ENDPOINT, share):
            return Unknown(Failure.UNREACHABLE, "not sent: it is another member's by now", is_unsent=True)
        return recipient.send(text.to, text.message, text.sender)

    def _claim(self, message: Message, recipient: Recipient, started_at: datetime) -> _Claim | Attempted:
        """Write the intent to send it; or why it is not sent."""
        key = (message.endpoint, message.event)
        recorded = Recorded()
        with self._database.write() as db:
            now = self._now()
            if self._stepped() is None or not self._ownership.kept(db, Kind.ENDPOINT, (recipient.table,)):
                return _held_back(message, started_at, Held("the clock was set, or it is another's", SECOND))
            known = store.of_event(db, *key)
            if known is not None and (known.state is State.SENDING and self._is_under_way(key)):
                return _held_back(message, started_at, Held("it is being sent", MINUTE))
            if known is not None:
                known, recorded = self._ended(db, known, now)
                claimed: _Claim | Attempted = _known(message, known, started_at)
            else:
                claimed, recorded = self._begun(db, message, recipient, now)
        log_recorded(recorded)
        return claimed

    def _begun(
        self, db: sa.Connection, message: Message, recipient: Recipient, now: datetime
    ) -> tuple[_Claim | Attempted, Recorded]:
        body = json.loads(message.body)
        incident, is_end = _alert_of(body)
        reserved = None if incident is None else store.reserve_of(db, message.endpoint, incident)
        book = Contacts.of(names.read(message.names).items())
        event = {**body, "data": {**body["data"], "superseded": message.superseded}}
        most = END_PARTS if is_end else MOST_PARTS
        text = short(event, recipient.language, book, recipient.zone, parts=most)
        parts = texts.parts(text)
        asked = Asked(texts.cost(parts), is_end, reserved)
        day = now.astimezone(recipient.zone).date()
        found = _budgets(db, recipient, day)
        held = text_budget.held(
            asked, found, store.to_number(db, recipient.to, now - WITHIN), now, recipient.zone
        )
        if held is not None:
            recorded = (
                self._exhausted(db, recipient.table, held.why, now) if held.is_exhausted else Recorded()
            )
            return _held_back(message, now, held), recorded
        one = Text(
            recipient.system, recipient.to, text, parts, asked.units, day, now, State.SENDING,
            recipient.sender, endpoint=message.endpoint, event=message.event,
        )  # fmt: skip
        store.begin(db, one)
        written = store.of_event(db, message.endpoint, message.event)
        assert written is not None  # noqa: S101 - it was written just now
        holds = incident is not None and not is_end and reserved is None
        if incident is not None and holds:
            store.reserve(db, recipient.system, message.endpoint, incident, END)
        if incident is not None and is_end and reserved is not None:
            store.release(db, message.endpoint, incident)
        with self._lock:
            self._under_way.add((message.endpoint, message.event))
        return _Claim(written, incident, reserved if is_end else None, holds), Recorded()

    def _write(self, claim: _Claim, found: Text | None) -> None:
        """Write how a message ended. Where that fails it is kept, and tried again: the process that ends
        before leaves it unknown."""
        try:
            with self._database.write() as db:
                recorded = self._put(db, claim, found)
        except Exception as error:
            told = log.error if isinstance(error, FAILURES) else log.exception
            told("texts.not_written", endpoint=claim.text.endpoint, error=reason(error))
            with self._lock:
                self._unwritten.append((claim, found))
            return
        with self._lock:
            self._under_way.discard((claim.text.endpoint or "", claim.text.event or ""))
        log_recorded(recorded)

    def _put(self, db: sa.Connection, claim: _Claim, found: Text | None) -> Recorded:
        one, incident = claim.text, claim.incident
        endpoint = one.endpoint or ""
        is_away = found is None or found.state is State.FAILED
        if found is None:
            if not store.forget(db, one.number):
                return Recorded()
        elif not store.save(db, found, was=State.SENDING):
            # Who has the endpoint meanwhile could not know this outcome, and said so.
            log.warning("texts.not_ours", endpoint=endpoint, state=found.state.value)
            return Recorded()
        if is_away and incident is not None and claim.holds:
            store.release(db, endpoint, incident)
        if found is None and incident is not None and claim.restores is not None:
            store.reserve(db, one.system, endpoint, incident, claim.restores)
        if found is None:
            return Recorded()
        return self._in_force().record(db, one.system, sent_texts.told(one, found), self._now())

    def _ended(self, db: sa.Connection, known: Text, now: datetime) -> tuple[Text, Recorded]:
        """A message that was tried before; one that nobody is sending any more is unknown."""
        if known.state is not State.SENDING:
            return known, Recorded()
        found = replace(known, state=State.UNKNOWN, reason=INTERRUPTED)
        store.save(db, found, was=State.SENDING)
        return found, self._in_force().record(db, known.system, sent_texts.told(known, found), now)

    def _is_under_way(self, key: tuple[str, str]) -> bool:
        with self._lock:
            return key in self._under_way

    # All of them.

    def _write_what_is_left(self) -> None:
        with self._lock:
            left, self._unwritten = self._unwritten, []
        for claim, found in left:
            self._write(claim, found)

    def _ours(self) -> dict[str, Recipient]:
        return {
            endpoint: one
            for endpoint, one in self._recipients().items()
            if self._ownership.holds(Kind.ENDPOINT, one.table)
        }

    def _end_what_was_left(self) -> None:
        ours = self._ours()
        with self._database.read() as db:
            left = self._left(db, ours, self._now())
            idle = [one for one in store.idle_reserves(db) if one[0] in ours or not self._is_known(one[0])]
        if not left and not idle:
            return
        with self._database.write() as db:
            now, recorded = self._now(), Recorded()
            tables = {one.table for one in ours.values()}
            kept = self._ownership.kept(db, Kind.ENDPOINT, tables)
            for one in self._left(db, ours, now):
                if ours[one.endpoint or ""].table in kept:
                    recorded += self._ended(db, one, now)[1]
            for endpoint, incident in store.idle_reserves(db):
                if endpoint not in ours or ours[endpoint].table in kept:
                    store.release(db, endpoint, incident)
        log_recorded(recorded)

    def _left(self, db: sa.Connection, ours: Mapping[str, Recipient], now: datetime) -> list[Text]:
        """What nobody is sending any more: not this process, nor one that tries an endpoint beside it."""
        return [
            one
            for one in store.sending(db, ours)
            if not self._is_under_way(_key(one))
            and now - one.sent_at > ours[one.endpoint or ""].deadline + MINUTE
        ]

    def _is_known(self, endpoint: str) -> bool:
        return endpoint in self._recipients()

    def _exhausted(self, db: sa.Connection, table: str, why: str, now: datetime) -> Recorded:
        return _judged(db, self._in_force(), table, Verdict.BAD, why, now)

    def _see_budgets(self) -> None:
        """Where there are units again, that is told, and what waits for them goes."""
        with self._database.read() as db:
            known = watches.load_alerts(db, DAEMON, OWNER)
        firing = {key for key, one in known.items() if one.alert.phase in TOLD}
        if not firing:
            return
        tables: dict[str, Recipient] = {}
        for one in self._recipients().values():
            tables.setdefault(one.table, one)
        recorded = Recorded()
        with self._database.write() as db:
            now = self._now()
            if self._stepped() is None:
                return
            for key in sorted(firing):
                table = key.removeprefix(f"{OWNER}/")
                recorded += self._see_budget(db, table, tables.get(table), now)
        log_recorded(recorded)
        self._wake()

    def _see_budget(self, db: sa.Connection, table: str, one: Recipient | None, now: datetime) -> Recorded:
        """Of a table whose budget was used up; None: it is not configured any more."""
        if one is None:
            is_ours = self._ownership.kept(db, Kind.DUTY, (HOUSE,))
            return _judged(db, self._in_force(), table, Verdict.GONE, None, now) if is_ours else Recorded()
        if not self._ownership.kept(db, Kind.ENDPOINT, (table,)):
            return Recorded()
        day = now.astimezone(one.zone).date()
        if not all(budget.takes(ROOM) for budget in _budgets(db, one, day)):
            return Recorded()
        for endpoint in one.siblings:
            retries.hasten(db, endpoint, now)
        return _judged(db, self._in_force(), table, Verdict.GOOD, None, now)


def _budgets(db: sa.Connection, one: Recipient, day: date) -> list[Budget]:
    """The budgets that a message counts on."""
    whole = budgets.used(db, one.system, SMS_SEND_NAME, day)
    found = [Budget("sms_units_per_day", one.per_day, whole)]
    if one.own_per_day is not None:
        part = store.units(db, one.system, day, one.siblings) + store.reserved(db, one.system, one.siblings)
        found.append(Budget("units_per_day", one.own_per_day, part))
    return found


def _judged(
    db: sa.Connection, recorder: Recorder, table: str, verdict: Verdict, why: str | None, now: datetime
) -> Recorded:
    """What others are told of a budget that is used up, or is not any more; nothing where they know."""
    subject = endpoint_subject(table)
    payload = {"name": table, "health": "degraded" if why else "healthy", "error": why, "by": None}
    condition = Condition(
        f"{OWNER}/{table}", own_events.FAILING, subject, verdict, AT_ONCE, {"endpoint": payload}
    )
    judge = Judge(db, recorder, DAEMON, OWNER)
    judge.take([condition], Seen(now, None, NOTHING))
    written = recorder.record(db, DAEMON, judge.judged().facts, now)
    return written + Teller(recorder).settle(db, now, written.turned)


def _key(one: Text) -> tuple[str, str]:
    return one.endpoint or "", one.event or ""


def _alert_of(body: Mapping[str, object]) -> tuple[str | None, bool]:
    """The incident that an event is about, and whether it says that it is over."""
    data = body.get("data")
    alert = data.get("alert") if isinstance(data, Mapping) else None
    if not isinstance(alert, Mapping):
        return None, True  # a test: nothing follows it
    return str(alert.get("incident")), alert.get("status") != "firing"


def _held_back(message: Message, at: datetime, held: Held) -> Attempted:
    """Nothing left, and that says nothing of the phone: it is put back."""
    return Attempted(message, Outcome.THROTTLED, at, error=held.why, retry_after=held.wait, is_our_fault=True)


def _known(message: Message, known: Text, at: datetime) -> Attempted:
    """How a message ended that was tried before."""
    if known.state is State.SENT:
        return Attempted(message, Outcome.ACCEPTED, at)
    is_refused = known.state is State.FAILED
    outcome = Outcome.REFUSED if is_refused else Outcome.FAILED
    return Attempted(message, outcome, at, error=known.reason, is_unknown=not is_refused, is_our_fault=True)


def _after(text: Text, answer: Texted | Unknown) -> Text | None:
    """How a message ended; None: it surely did not leave."""
    if isinstance(answer, Unknown):
        if answer.is_unsent or answer.failure in NOT_CARRIED_OUT:
            return None
        return replace(text, state=State.UNKNOWN, reason=answer.message)
    status, why = text_statuses(answer, [text.to])[text.to]
    units = texts.billed(text.parts, 1, answer.billing)
    if status == SENT:
        return replace(text, state=State.SENT, units=units)
    if status == REJECTED:
        return replace(text, state=State.FAILED, units=0.0, reason=why)
    return replace(text, state=State.UNKNOWN, reason="the answer says nothing of the number")


def _attempted(message: Message, found: Text | None, answer: Texted | Unknown, at: datetime) -> Attempted:
    if found is not None and found.state is State.SENT:
        return Attempted(message, Outcome.ACCEPTED, at)
    if found is not None and found.state is State.FAILED:
        return Attempted(message, Outcome.REFUSED, at, error=found.reason)
    if not isinstance(answer, Unknown):
        why = found.reason if found is not None else None
        return Attempted(message, Outcome.FAILED, at, error=why, is_unknown=True)
    if found is not None:
        lost = LOST.get(answer.failure, Outcome.FAILED)
        return Attempted(message, lost, at, error=answer.message, is_unknown=True)
    return Attempted(message, _unsent(answer), at, error=answer.message, retry_after=answer.retry_after)


def _unsent(answer: Unknown) -> Outcome:
    """What becomes of one that surely did not leave."""
    if answer.failure is Failure.THROTTLED:
        return Outcome.THROTTLED
    if answer.failure is Failure.TOKEN_REJECTED or answer.code in OURS:
        return Outcome.FORBIDDEN
    if answer.failure is Failure.REFUSED and answer.code not in LATER:
        return Outcome.REFUSED
    return Outcome.UNREACHABLE if answer.is_unsent else Outcome.FAILED
