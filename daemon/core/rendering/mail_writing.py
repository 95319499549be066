"""Every word of a mail: its subject, its thread, its parts and what they list. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from html import escape
from typing import Any

from daemon.core.alerts.incidents import Incident, fact
from daemon.core.mail_addresses import parse
from daemon.core.model import Reason
from daemon.core.rendering import machine_words
from daemon.core.rendering.clock_words import bare_time, clock_time, clock_times
from daemon.core.rendering.codes import code_in
from daemon.core.rendering.digest_summary import language_of, summary, title
from daemon.core.rendering.digest_writing import letter
from daemon.core.rendering.hidden_fields import redacted
from daemon.core.rendering.lasting import duration
from daemon.core.rendering.mail_acts import acts, heard_at, linked
from daemon.core.rendering.mail_reader import ToldMessage, held
from daemon.core.rendering.mail_words import LABELS, MOST_IN_A_ROW, TOPICS, VALUES, WORDS
from daemon.core.rendering.mails import NOTHING_KNOWN, Also, Mail, Part, Style, Surroundings, Tone
from daemon.core.rendering.phrases import FIRST_STRONG, Told, closed, lines, one_line, sentence
from daemon.core.timestamps import from_iso

MOST_LISTED = 30
"""Lines of a list of alerts. SMS are never left out."""
MOST_EARLIER = 10
"""Ours. Lines of what came before in the mail of an incident."""
SHORT = 100
"""Ours. Characters of a detail that stay however much is left out."""
LONGEST_SUBJECT = 60
"""Ours. Characters: what the lock screen of a phone shows."""
MOST_DOWN = 10
"""Ours. Lines of what else is down."""
MOST_TOLD = 10
"""Ours. Endpoints that are named as told."""
LONGEST_LINE = 240
"""Ours. Characters of a line about something else."""
MOST_IDS = 20
"""Of the footer."""
LARGEST = 95_000
"""Ours. Bytes of a mail's HTML, as `weight` reckons them: Gmail shows no more than about 102,000 of one."""
TOGETHER = 75_000
"""Ours. Bytes of the facts that share one, so that there is room for what stands around them."""
SHORTENED_TO = 12_000
"""Ours. Characters of what somebody wrote in a mail that would be larger: each takes 6 bytes at most."""
OF_MAIL, OF_PART, OF_CODE, OF_LINE, OF_DETAILS, OF_DETAIL, OF_ACT = 2500, 650, 400, 140, 150, 320, 640
"""Bytes of markup around each; a test holds the template to them."""


def held_back(until: datetime, style: Style) -> str:
    """That no more mails come until then."""
    told = Told({}, style.language)
    at = clock_time(until, style.zone, style.language)
    return WORDS[style.language]["held_back"].format(told.isolated(at))


def thread(
    incident: str, told: Sequence[ToldMessage], style: Style, around: Surroundings = NOTHING_KNOWN
) -> Mail:
    """The mail of one incident: how it stands, what came before that, and what may be done about it."""
    *before, newest = told
    earlier = [newest.say("earlier", one.at, one.sentence) for one in before[-MOST_EARLIER:]]
    when = (*_when(newest), *_heard(newest, around), *earlier)
    part = Part(newest.sentence, _tone(newest), when, details=_details(newest), acts=acts(newest, around))
    root = f"<{incident}@{_domain(style)}>"
    also = _also(told, style, around)
    return _mail(told, style, _topic(newest), [part], references=root, preheader=newest.sentence, also=also)


def list_of_alerts(
    incidents: Sequence[Sequence[ToldMessage]], style: Style, around: Surroundings = NOTHING_KNOWN
) -> Mail:
    """One mail of many incidents, the worst first."""
    newest = sorted((of_it[-1] for of_it in incidents), key=lambda one: one.badness)
    shown, rest = newest[:MOST_LISTED], newest[MOST_LISTED:]
    worst = newest[0]
    parts = [_of_many(one, around) for one in shown]
    subject = worst.say("alerts", str(len(newest)), "{}").replace("{}", worst.brief.sentence)
    told = [one for of_it in incidents for one in of_it]
    also = _also(told, style, around)
    more = _more(worst, rest)
    return _mail(told, style, subject, parts, more=more, preheader=worst.sentence, also=also)


def after_quiet(
    digests: Sequence[ToldMessage],
    incidents: Sequence[Sequence[ToldMessage]],
    style: Style,
    around: Surroundings = NOTHING_KNOWN,
) -> Mail:
    """One mail of what a quiet window held back, the worst first: `incidents` are what is told of it now, and
    what was over by then stands in the digests alone."""
    newest = digests[-1]
    # What is told now is newer than what the digest says of the same.
    listed = {one.incident: one for digest in digests for one in held(digest)}
    listed |= {of_it[-1].incident: of_it[-1] for of_it in incidents}
    ordered = sorted(listed.values(), key=lambda one: one.badness)
    shown, rest = ordered[:MOST_LISTED], ordered[MOST_LISTED:]
    first = Part(newest.sentence, Tone.PLAIN, (newest.say("seen", newest.at),))
    parts = [first, *(_of_many(one, around) for one in shown)]
    told = [*digests, *(one for of_it in incidents for one in of_it)]
    preheader = ordered[0].sentence if ordered else newest.sentence
    also, more = _also(list(listed.values()), style, around), _more(newest, rest)
    return _mail(told, style, newest.sentence, parts, more=more, preheader=preheader, also=also)


def sms(told: Sequence[ToldMessage], style: Style) -> Mail:
    """One mail of SMS, each whole, the newest first."""
    newest = told[-1]
    parts = [_message(one) for one in reversed(told)]
    code, text = parts[0].code, newest.data.plain("sms.text")
    who = newest.brief.data.named("sms.from")
    if len(told) == 1:
        subject = newest.say("sms_from", who) + ": " + newest.data.isolated(text)
    else:
        subject = newest.say("sms_many", str(len(told)), who)
    # Of a code nothing else matters, and of a list of mails only the beginning is seen.
    first = f"{newest.data.isolated(code)} · " if code else ""
    return _mail(told, style, first + subject, parts, preheader=f"{code} · {text}" if code else text)


def in_parts(told: Sequence[ToldMessage]) -> Iterator[list[ToldMessage]]:
    """Facts that are told together, in as many mails as it takes that none is too large."""
    some: list[ToldMessage] = []
    left = TOGETHER
    for one in told:
        heavy = _weight(_message(one) if one.data.value("sms") is not None else _notice(one))
        if some and heavy > left:
            yield some
            some, left = [], TOGETHER
        some.append(one)
        left -= heavy
    if some:
        yield some


def fitting(mail: Mail, style: Style) -> Mail:
    """The mail, shortened where mail programs would cut it."""
    return mail if weight(mail) <= LARGEST else shortened(mail, SHORTENED_TO, style)


def weight(mail: Mail) -> int:
    """Bytes of its HTML, at most."""
    also = [mail.also.heading, *mail.also.lines, mail.also.more or ""] if mail.also else []
    said = [mail.subject, mail.preheader, mail.more or "", mail.note or "", *mail.footer[:MOST_IDS], *also]
    return OF_MAIL + sum(map(_weight, mail.parts)) + sum(OF_LINE + _bytes(one) for one in said)


def _weight(part: Part) -> int:
    texts = _bytes(part.headline) + _bytes(part.text or "") + (OF_CODE if part.code else 0)
    of_lines = sum(OF_LINE + _bytes(one) for one in part.lines)
    of_details = sum(OF_DETAIL + _bytes(label + value) for label, value in part.details) + OF_DETAILS
    of_acts = sum(OF_ACT + _bytes(f"{one.label}{one.command or ''}{one.link or ''}") for one in part.acts)
    return OF_PART + texts + of_lines + of_details + of_acts


def _bytes(text: str) -> int:
    """Of a text within HTML; what keeps directions apart becomes an element."""
    bidi = 8 * text.count(FIRST_STRONG)
    return len(escape(text).encode("utf-8", "replace")) + bidi


def shortened(mail: Mail, most: int, style: Style) -> Mail:
    """The mail with at most so many characters of what somebody wrote, and where the whole of it is found."""
    told = Told({}, style.language)
    command = told.isolated(f"yemotd events show {mail.messages[0].event}")
    words = WORDS[style.language]["shortened"].format(command)
    parts, left = [_shortened(mail.parts[0], most)], most - _length(mail.parts[0])
    for part in mail.parts[1:]:
        left -= _length(part)
        parts += [part] if left >= 0 else []
    return replace(mail, parts=tuple(parts), more=f"{mail.more} {words}" if mail.more else words)


def _shortened(part: Part, most: int) -> Part:
    """Of one part: its headline, which is short, and of the rest as much as there is room for."""
    text = _start(part.text, most) if part.text is not None else None
    left = most - len(text or "")
    shown = []
    for line in part.lines:
        left -= len(line)
        shown += [line] if left >= 0 else []
    details = tuple((label, _start(value, max(left, SHORT))) for label, value in part.details)
    return replace(part, text=text, lines=tuple(shown), details=details)


def _length(part: Part) -> int:
    """Characters of what a part says."""
    said = [part.headline, part.text or "", *part.lines, *(value for _, value in part.details)]
    return sum(map(len, said))


def _start(text: str, most: int) -> str:
    return text if len(text) <= most else text[: max(most - 1, 0)] + "…"


def notices(told: Sequence[ToldMessage], style: Style) -> Mail:
    """One mail of all other facts, the newest first."""
    newest = told[-1]
    parts = [_notice(one) for one in reversed(told)]
    many = newest.say("notices", str(len(told)), "{}").replace("{}", newest.sentence)
    subject = newest.sentence if len(told) == 1 else many
    return _mail(told, style, subject, parts, preheader=newest.sentence)


def of_a_day(told: ToldMessage, style: Style) -> Mail:
    """The mail of a digest, which is told in the language that it has."""
    data = told.event["data"]
    written = replace(style, language=language_of(data, style.language))
    said = Told(data, written.language, told.contacts, style.zone)
    mail = _mail([told], style, title(said), (), preheader=summary(said))
    return replace(mail, digest=letter(data, written, told.contacts), language=written.language)


def _more(told: ToldMessage, rest: Sequence[ToldMessage]) -> str | None:
    """How many are left out of a list, and from when on."""
    return told.say("more", str(len(rest)), min(one.at for one in rest)) if rest else None


def _tone(told: ToldMessage) -> Tone:
    return Tone.GOOD if told.is_over else Tone.BAD


def _of_many(told: ToldMessage, around: Surroundings) -> Part:
    """One alert of a list."""
    when = (*_when(told)[:1], *_heard(told, around))
    return Part(told.sentence, _tone(told), when, acts=linked(acts(told, around)))


def _notice(told: ToldMessage) -> Part:
    """A fact."""
    lines = (told.say("seen", told.at),)
    return Part(told.sentence, Tone.PLAIN, lines, details=_details(told), acts=heard_at(told))


def _heard(told: ToldMessage, around: Surroundings) -> tuple[str, ...]:
    """Who else was told of an incident, as far as that is known."""
    if around.at is None or told.incident is None:
        return ()
    others = [one for one in around.told.get(told.incident, ()) if one != told.style.endpoint]
    if not others:
        return (told.say("told_nobody"),)
    named = [machine_words.endpoint(one_line(one), told.style.language) for one in others[:MOST_TOLD]]
    rest = len(others) - len(named)
    more = [WORDS[told.style.language]["and_more"].format(told.data.isolated(str(rest)))] if rest else []
    listed = ", ".join([*map(told.data.isolated, named), *more])
    return (WORDS[told.style.language]["told"].format(listed),)


def _also(told: Sequence[ToldMessage], style: Style, around: Surroundings) -> Also | None:
    """What else is down, as of when it was looked up."""
    if around.at is None:
        return None
    words, isolated = WORDS[style.language], Told({}, style.language).isolated
    own = {one.incident for one in told if one.incident}
    many = max(around.many - len(around.counted & own), 0)
    at = isolated(clock_time(around.at, style.zone, style.language))
    if not many:
        return Also(words["nothing_else"].format(at))
    shown = [one for one in around.down if one.id not in own][:MOST_DOWN]
    heading = (
        words["one_else"].format(at) if many == 1 else words["many_else"].format(at, isolated(str(many)))
    )
    rest = many - len(shown)
    more = words["and_more"].format(isolated(str(rest))) if rest else None
    return Also(heading, tuple(_down(one, style, around) for one in shown), more)


def _down(incident: Incident, style: Style, around: Surroundings) -> str:
    """One line: what is wrong, and since when."""
    event: dict[str, Any] = {
        "type": incident.type,
        "data": {
            "id": "",
            "system": incident.system or None,
            "sequence": 0,
            "subject": incident.subject,
            **fact(incident, Reason.FIRST).payload,
        },
    }
    shown = redacted(event, style.redact) if style.redact else event
    said = closed(sentence(shown, style.language, around.contacts, style.zone), LONGEST_LINE)
    isolated = Told({}, style.language).isolated
    since = isolated(bare_time(incident.started_at, style.zone, style.language))
    line = WORDS[style.language]["down_since"].format("{}", since).replace("{}", said)
    return f"{line} · {isolated(one_line(incident.system))}" if incident.system else line


def _message(told: ToldMessage) -> Part:
    """One SMS, whole."""
    text = told.data.value("sms.text")
    received = told.time("sms.received_at")
    word = "received_twice" if told.data.value("sms.received_at_is_ambiguous") else "received"
    line = told.say(word, received) if received else told.say("seen", told.at)
    return Part(
        told.say("sms_from", told.data.named("sms.from")),
        Tone.PLAIN,
        (line,),
        lines(str(text)) if text is not None else "?",
        code_in(str(text)) if text is not None else None,
        ((WORDS[told.style.language]["to"], told.data.named("sms.to")),),
    )


def _when(told: ToldMessage) -> tuple[str, ...]:
    """When it began or ended, and between which looks that was."""
    first, last = from_iso(told.data.value("alert.started_at")), from_iso(told.data.value("alert.ended_at"))
    found = []
    if first and last:
        lasted = duration((last - first) / timedelta(seconds=1), told.style.language)
        times = clock_times(first, last, told.style.zone, told.style.language)
        found.append(told.say("lasted", lasted, *times))
    elif first:
        found.append(told.say("since", clock_time(first, told.style.zone, told.style.language)))
    between = told.data.value("alert.changed_between")
    looks = [from_iso(one) for one in between] if isinstance(between, list) else []
    known = [one for one in looks if one]
    if len(known) == len(("after", "before")) and known[0] != known[1]:
        times = clock_times(known[0], known[1], told.style.zone, told.style.language)
        found.append(told.say("between", *times))
    return tuple(found)


def _details(told: ToldMessage) -> tuple[tuple[str, str], ...]:
    """What the event carries, for people."""
    words, index = WORDS[told.style.language], 1 if told.style.language == "he" else 0
    severity = told.data.value("alert.severity")
    found = [(words["system"], told.data.plain("system"))] if told.data.value("system") else []
    if severity:
        named = machine_words.word(machine_words.SEVERITIES, one_line(str(severity)), told.style.language)
        found.append((words["severity"], named))
    for path, labels in LABELS.items():
        value = told.data.value(path)
        if value not in (None, []) and not isinstance(value, Mapping):
            found.append((labels[index], _value(told.data, path, value)))
    return tuple(found)


def _value(told: Told, path: str, value: object) -> str:
    if path in VALUES:
        return VALUES[path](told, path)
    if isinstance(value, list):
        return told.listed(path, MOST_IN_A_ROW)
    return told.named(path)


def _topic(told: ToldMessage) -> str:
    """What an incident is about: never changes in it."""
    about = told.data.value("alert.type") or told.type  # of who has it, the topic is that of the alert
    english, hebrew = TOPICS.get(about, (lambda e: e["subject"],) * 2)
    topic = (hebrew if told.style.language == "he" else english)(told.brief.data)
    return f"{topic} · {told.data['system']}" if told.data.value("system") else topic


def _mail(
    told: Sequence[ToldMessage],
    style: Style,
    subject: str,
    parts: Sequence[Part],
    *,
    preheader: str,
    references: str | None = None,
    more: str | None = None,
    also: Also | None = None,
) -> Mail:
    incidents = dict.fromkeys(one.incident for one in told if one.incident)
    return Mail(
        tuple(one.message for one in told),
        _message_id([one.message.event for one in told], style),
        references,
        closed(subject, LONGEST_SUBJECT),
        preheader,
        tuple(parts),
        more,
        also,
        footer=(*(one.message.event for one in told), *incidents),
    )


def _message_id(events: Sequence[str], style: Style) -> str:
    """The same for the same events to the same mailbox, and no other."""
    digest = blake2b("\0".join([style.endpoint, *events]).encode(), digest_size=8).hexdigest()
    return f"<{events[0]}.{digest}@{_domain(style)}>"


def _domain(style: Style) -> str:
    return parse(style.sender).wire.domain
