"""What a mailbox is told at once, as mails: which messages go together, and every word of them. Pure.

    compose    messages of one mailing  ->  mails, each with its subject, its thread and its parts

The same messages always make the same mails, to the Message-ID: where nobody knows whether a mail arrived, it
goes out again as the very same. So messages of different attempts never share one.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from email.utils import parseaddr
from enum import Enum
from functools import cached_property
from hashlib import blake2b
from itertools import groupby
from typing import Any

from daemon.core.delivery.outcome import Message
from daemon.core.model import Severity
from daemon.core.rendering.codes import code_in
from daemon.core.rendering.formats import redacted
from daemon.core.rendering.mail_words import LABELS, TOPICS, WORDS
from daemon.core.rendering.phrases import END, FIRST_STRONG, Told, notice, sentence
from daemon.core.timestamps import from_iso

MOST_THREADS = 3
"""Incidents that get a mail each; more are one list."""
MOST_LISTED = 30
"""Lines of such a list. SMS are never left out."""
MOST_EARLIER = 10
LONGEST_SUBJECT = 140
"""Characters."""
SMS = "sms.received"
SEVERITIES = tuple(severity.value for severity in Severity)


class Tone(Enum):
    """How a part looks."""

    BAD = "bad"
    GOOD = "good"
    PLAIN = "plain"


@dataclass(frozen=True)
class Style:
    """What one mailbox wants."""

    endpoint: str
    """`ops/anna@example.org`: the configured name, and the address."""
    recipient: str
    """As configured, perhaps with a name."""
    sender: str
    language: str
    """en or he."""
    zone: tzinfo
    """Of the times that people read."""
    redact: tuple[str, ...] = ()
    list_name: str = ""


@dataclass(frozen=True)
class Part:
    """One thing that a mail tells."""

    headline: str
    """A sentence without a full stop; values in it are isolated where the language is Hebrew."""
    tone: Tone
    lines: tuple[str, ...] = ()
    """When, for how long, what else: a sentence each."""
    text: str | None = None
    """What somebody wrote, whole, with its line breaks."""
    code: str | None = None
    """The one-time code in it."""
    details: tuple[tuple[str, str], ...] = ()
    """Labels and values."""


@dataclass(frozen=True)
class Mail:
    """One mail to be, all words in the language of its reader."""

    messages: tuple[Message, ...]
    message_id: str
    references: str | None
    """The root of its thread."""
    subject: str
    preheader: str
    """What a phone shows beside the subject."""
    parts: tuple[Part, ...]
    """The newest first, or the worst."""
    more: str | None = None
    """What is left out of a long list, and from when on."""
    note: str | None = None
    """About the mails themselves: that the next ones wait."""
    footer: tuple[str, ...] = ()
    """Ids, for whoever asks why."""


@dataclass(frozen=True)
class _Told:
    """One message, read for one reader."""

    message: Message
    event: Mapping[str, Any]
    style: Style

    @cached_property
    def data(self) -> Told:
        return Told(self.event["data"], self.style.language)

    @cached_property
    def sentence(self) -> str:
        return sentence(self.event, self.style.language)

    @property
    def type(self) -> str:
        return str(self.event["type"])

    @property
    def incident(self) -> str | None:
        incident = self.data.value("alert.incident")
        return str(incident) if incident else None

    @property
    def is_over(self) -> bool:
        return bool(self.data.value("alert.status") == "resolved")

    @property
    def badness(self) -> tuple[bool, int, str]:
        """For sorting: what goes on, the most severe, the longest."""
        severity = self.data.plain("alert.severity")
        rank = SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
        return self.is_over, rank, self.data.plain("alert.started_at")

    def say(self, word: str, *values: str) -> str:
        """Our own words, with these values in them."""
        return WORDS[self.style.language][word].format(*(self.data.isolated(one) for one in values))

    def time(self, path: str) -> str | None:
        """The time at a path of the data, as people of the zone read it."""
        moment = from_iso(self.data.value(path))
        return clock_time(moment, self.style) if moment else None

    @property
    def at(self) -> str:
        """When it was observed."""
        moment = from_iso(self.event.get("timestamp"))
        return clock_time(moment, self.style) if moment else "?"


def compose(messages: Sequence[Message], style: Style, *, note: str | None = None) -> list[Mail]:
    """The mails of one mailing; every message is in exactly one, and the note in the last."""
    mails: list[Mail] = []
    ordered = sorted(messages, key=lambda one: (one.attempt, one.delivery))
    for _, of_attempt in groupby(ordered, key=lambda one: one.attempt):
        mails += _of_attempt([_read(one, style) for one in of_attempt], style)
    return [*mails[:-1], replace(mails[-1], note=note)] if note and mails else mails


def held_back(until: datetime, style: Style) -> str:
    """That no more mails come until then."""
    told = Told({}, style.language)
    return WORDS[style.language]["held_back"].format(told.isolated(clock_time(until, style)))


def clock_time(moment: datetime, style: Style) -> str:
    """`2026-11-23 14:02:05 (UTC+02:00)`, in the zone of the reader."""
    local = moment.astimezone(style.zone)
    return f"{_date(local, style)} {local:%H:%M:%S} {_offset(local)}"


def clock_times(first: datetime, last: datetime, style: Style) -> tuple[str, str]:
    """Two times for one sentence: the second without what it shares with the first."""
    one, other = first.astimezone(style.zone), last.astimezone(style.zone)
    if (one.date(), one.utcoffset()) != (other.date(), other.utcoffset()):
        return clock_time(first, style), clock_time(last, style)
    return f"{_date(one, style)} {one:%H:%M:%S}", f"{other:%H:%M:%S} {_offset(other)}"


def _date(local: datetime, style: Style) -> str:
    return local.strftime("%d.%m.%Y" if style.language == "he" else "%Y-%m-%d")


def _offset(local: datetime) -> str:
    offset = local.strftime("%z")
    return f"(UTC{offset[:3]}:{offset[3:5]})"


def duration(seconds: float, language: str) -> str:
    """`2 h 5 min`: the two largest units."""
    left, parts = max(int(seconds), 0), []
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1)):
        many, left = divmod(left, size)
        if many:
            parts.append(WORDS[language][unit].format(many))
    return " ".join(parts[:2]) or WORDS[language]["seconds"].format(0)


def _read(message: Message, style: Style) -> _Told:
    event = json.loads(message.body)
    if message.superseded:
        event["data"]["superseded"] = message.superseded
    return _Told(message, redacted(event, style.redact) if style.redact else event, style)


def _of_attempt(told: Sequence[_Told], style: Style) -> list[Mail]:
    alerts: dict[str, list[_Told]] = {}
    for one in told:
        if one.incident:
            alerts.setdefault(one.incident, []).append(one)
    sms = [one for one in told if not one.incident and one.type == SMS]
    notices = [one for one in told if not one.incident and one.type != SMS]
    if len(alerts) > MOST_THREADS:
        mails = [_list_of_alerts(list(alerts.values()), style)]
    else:
        mails = [_thread(incident, of_it, style) for incident, of_it in alerts.items()]
    mails += [_sms(sms, style)] if sms else []
    mails += [_notices(notices, style)] if notices else []
    return mails


def _thread(incident: str, told: Sequence[_Told], style: Style) -> Mail:
    """The mail of one incident: how it stands, and what came before that."""
    *before, newest = told
    earlier = [newest.say("earlier", one.at, one.sentence) for one in before[-MOST_EARLIER:]]
    part = _alert(newest, (*_when(newest), *earlier), is_whole=True)
    root = f"<{incident}@{_domain(style)}>"
    return _mail(told, style, _topic(newest), [part], references=root, preheader=newest.sentence)


def _list_of_alerts(incidents: Sequence[Sequence[_Told]], style: Style) -> Mail:
    """One mail of many incidents, the worst first."""
    newest = sorted((of_it[-1] for of_it in incidents), key=lambda one: one.badness)
    shown, rest = newest[:MOST_LISTED], newest[MOST_LISTED:]
    worst = newest[0]
    parts = [_alert(one, _when(one)[:1], is_whole=False) for one in shown]
    more = worst.say("more", str(len(rest)), min(one.at for one in rest)) if rest else None
    subject = worst.say("alerts", str(len(newest)), "{}").replace("{}", worst.sentence)
    told = [one for of_it in incidents for one in of_it]
    return _mail(told, style, subject, parts, more=more, preheader=worst.sentence)


def _sms(told: Sequence[_Told], style: Style) -> Mail:
    """One mail of SMS, each whole, the newest first."""
    newest = told[-1]
    parts = [_message(one) for one in reversed(told)]
    code, text = parts[0].code, newest.data.plain("sms.text")
    who = newest.data.plain("sms.from")
    first = f"{code} · {text}" if code and code not in text[:40] else text
    if len(told) == 1:
        subject = newest.say("sms_from", who) + ": " + newest.data.isolated(first)
    else:
        subject = newest.say("sms_many", str(len(told)), who)
    return _mail(told, style, subject, parts, preheader=first)


def _notices(told: Sequence[_Told], style: Style) -> Mail:
    """One mail of all other facts, the newest first."""
    newest = told[-1]
    parts = [
        Part(one.sentence, Tone.PLAIN, (one.say("seen", one.at), *_held(one)), details=_details(one))
        for one in reversed(told)
    ]
    many = newest.say("notices", str(len(told)), "{}").replace("{}", newest.sentence)
    subject = newest.sentence if len(told) == 1 else many
    return _mail(told, style, subject, parts, preheader=newest.sentence)


def _held(told: _Told) -> Iterator[str]:
    """The incidents that a quiet window held back, a line each."""
    incidents = told.data.value("quiet.incidents")
    for one in incidents if isinstance(incidents, list) else ():
        if isinstance(one, Mapping):
            data = {"subject": one.get("subject"), "alert": one}
            started = from_iso(one.get("started_at"))
            since = " · " + told.say("since", clock_time(started, told.style)) if started else ""
            yield notice({"type": one.get("type"), "data": data}, told.style.language) + since


def _alert(told: _Told, lines: tuple[str, ...], *, is_whole: bool) -> Part:
    tone = Tone.GOOD if told.is_over else Tone.BAD
    return Part(told.sentence, tone, lines, details=_details(told) if is_whole else ())


def _message(told: _Told) -> Part:
    """One SMS, whole."""
    text = told.data.value("sms.text")
    received = told.time("sms.received_at")
    word = "received_twice" if told.data.value("sms.received_at_is_ambiguous") else "received"
    line = told.say(word, received) if received else told.say("seen", told.at)
    return Part(
        told.say("sms_from", told.data.plain("sms.from")),
        Tone.PLAIN,
        (line,),
        str(text) if text is not None else "?",
        code_in(str(text)) if text is not None else None,
        ((WORDS[told.style.language]["to"], told.data.plain("sms.to")),),
    )


def _when(told: _Told) -> tuple[str, ...]:
    """When it began or ended, and between which looks that was."""
    first, last = from_iso(told.data.value("alert.started_at")), from_iso(told.data.value("alert.ended_at"))
    lines = []
    if first and last:
        lasted = duration((last - first) / timedelta(seconds=1), told.style.language)
        lines.append(told.say("lasted", lasted, *clock_times(first, last, told.style)))
    elif first:
        lines.append(told.say("since", clock_time(first, told.style)))
    between = told.data.value("alert.changed_between")
    looks = [from_iso(one) for one in between] if isinstance(between, list) else []
    known = [one for one in looks if one]
    if len(known) == len(("after", "before")) and known[0] != known[1]:
        lines.append(told.say("between", *clock_times(known[0], known[1], told.style)))
    return tuple(lines)


def _details(told: _Told) -> tuple[tuple[str, str], ...]:
    """What the event carries, for people."""
    words, index = WORDS[told.style.language], 1 if told.style.language == "he" else 0
    severity = told.data.value("alert.severity")
    found = [(words["system"], told.data.plain("system"))] if told.data.value("system") else []
    found += [(words["severity"], words.get(str(severity), str(severity)))] if severity else []
    for path, labels in LABELS.items():
        value = told.data.value(path)
        if isinstance(value, list):
            found.append((labels[index], ", ".join(map(str, value))))
        elif value is not None and not isinstance(value, Mapping):
            found.append((labels[index], told.data.plain(path)))
    return tuple(found)


def _topic(told: _Told) -> str:
    """What an incident is about: never changes in it."""
    english, hebrew = TOPICS.get(told.type, (lambda e: e["subject"],) * 2)
    topic = (hebrew if told.style.language == "he" else english)(told.data)
    return f"{topic} · {told.data['system']}" if told.data.value("system") else topic


def _mail(
    told: Sequence[_Told],
    style: Style,
    subject: str,
    parts: Sequence[Part],
    *,
    preheader: str,
    references: str | None = None,
    more: str | None = None,
) -> Mail:
    incidents = dict.fromkeys(one.incident for one in told if one.incident)
    return Mail(
        tuple(one.message for one in told),
        _message_id([one.message.event for one in told], style),
        references,
        _cut(subject),
        preheader,
        tuple(parts),
        more,
        footer=(*(one.message.event for one in told), *incidents),
    )


def _message_id(events: Sequence[str], style: Style) -> str:
    """The same for the same events to the same mailbox, and no other."""
    digest = blake2b("\0".join([style.endpoint, *events]).encode(), digest_size=8).hexdigest()
    return f"<{events[0]}.{digest}@{_domain(style)}>"


def _domain(style: Style) -> str:
    return parseaddr(style.sender)[1].rpartition("@")[2] or "localhost"


def _cut(text: str) -> str:
    """A subject: one line, not too long, with every isolate closed."""
    line = " ".join(text.split())
    if len(line) > LONGEST_SUBJECT:
        line = line[: LONGEST_SUBJECT - 1] + "…"
    return line + END * (line.count(FIRST_STRONG) - line.count(END))
