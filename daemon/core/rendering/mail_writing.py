"""Every word of a mail: its subject, its thread, its parts and what they list. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b

from daemon.core.mail_addresses import parse
from daemon.core.rendering.codes import code_in
from daemon.core.rendering.mail_reader import ToldMessage, clock_time, clock_times, duration, held
from daemon.core.rendering.mail_words import LABELS, TOPICS, WORDS
from daemon.core.rendering.mails import Mail, Part, Style, Tone
from daemon.core.rendering.phrases import END, FIRST_STRONG, Told, lines, one_line
from daemon.core.timestamps import from_iso

MOST_LISTED = 30
"""Lines of a list of alerts. SMS are never left out."""
MOST_EARLIER = 10
"""Ours. Lines of what came before in the mail of an incident."""
SHORT = 100
"""Ours. Characters of a detail that stay however much is left out."""
LONGEST_SUBJECT = 140
"""Ours. Characters; a list of mails shows fewer."""


def held_back(until: datetime, style: Style) -> str:
    """That no more mails come until then."""
    told = Told({}, style.language)
    return WORDS[style.language]["held_back"].format(told.isolated(clock_time(until, style)))


def thread(incident: str, told: Sequence[ToldMessage], style: Style) -> Mail:
    """The mail of one incident: how it stands, and what came before that."""
    *before, newest = told
    earlier = [newest.say("earlier", one.at, one.sentence) for one in before[-MOST_EARLIER:]]
    part = _alert(newest, (*_when(newest), *earlier), is_whole=True)
    root = f"<{incident}@{_domain(style)}>"
    return _mail(told, style, _topic(newest), [part], references=root, preheader=newest.sentence)


def list_of_alerts(incidents: Sequence[Sequence[ToldMessage]], style: Style) -> Mail:
    """One mail of many incidents, the worst first."""
    newest = sorted((of_it[-1] for of_it in incidents), key=lambda one: one.badness)
    shown, rest = newest[:MOST_LISTED], newest[MOST_LISTED:]
    worst = newest[0]
    parts = [_alert(one, _when(one)[:1], is_whole=False) for one in shown]
    subject = worst.say("alerts", str(len(newest)), "{}").replace("{}", worst.sentence)
    told = [one for of_it in incidents for one in of_it]
    return _mail(told, style, subject, parts, more=_more(worst, rest), preheader=worst.sentence)


def after_quiet(
    digests: Sequence[ToldMessage], incidents: Sequence[Sequence[ToldMessage]], style: Style
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
    parts = [first, *(_alert(one, _when(one)[:1], is_whole=False) for one in shown)]
    told = [*digests, *(one for of_it in incidents for one in of_it)]
    preheader = ordered[0].sentence if ordered else newest.sentence
    return _mail(told, style, newest.sentence, parts, more=_more(newest, rest), preheader=preheader)


def sms(told: Sequence[ToldMessage], style: Style) -> Mail:
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
    parts = [
        Part(one.sentence, Tone.PLAIN, (one.say("seen", one.at),), details=_details(one))
        for one in reversed(told)
    ]
    many = newest.say("notices", str(len(told)), "{}").replace("{}", newest.sentence)
    subject = newest.sentence if len(told) == 1 else many
    return _mail(told, style, subject, parts, preheader=newest.sentence)


def _more(told: ToldMessage, rest: Sequence[ToldMessage]) -> str | None:
    """How many are left out of a list, and from when on."""
    return told.say("more", str(len(rest)), min(one.at for one in rest)) if rest else None


def _alert(told: ToldMessage, when: tuple[str, ...], *, is_whole: bool) -> Part:
    tone = Tone.GOOD if told.is_over else Tone.BAD
    return Part(told.sentence, tone, when, details=_details(told) if is_whole else ())


def _message(told: ToldMessage) -> Part:
    """One SMS, whole."""
    text = told.data.value("sms.text")
    received = told.time("sms.received_at")
    word = "received_twice" if told.data.value("sms.received_at_is_ambiguous") else "received"
    line = told.say(word, received) if received else told.say("seen", told.at)
    return Part(
        told.say("sms_from", told.data.plain("sms.from")),
        Tone.PLAIN,
        (line,),
        lines(str(text)) if text is not None else "?",
        code_in(str(text)) if text is not None else None,
        ((WORDS[told.style.language]["to"], told.data.plain("sms.to")),),
    )


def _when(told: ToldMessage) -> tuple[str, ...]:
    """When it began or ended, and between which looks that was."""
    first, last = from_iso(told.data.value("alert.started_at")), from_iso(told.data.value("alert.ended_at"))
    found = []
    if first and last:
        lasted = duration((last - first) / timedelta(seconds=1), told.style.language)
        found.append(told.say("lasted", lasted, *clock_times(first, last, told.style)))
    elif first:
        found.append(told.say("since", clock_time(first, told.style)))
    between = told.data.value("alert.changed_between")
    looks = [from_iso(one) for one in between] if isinstance(between, list) else []
    known = [one for one in looks if one]
    if len(known) == len(("after", "before")) and known[0] != known[1]:
        found.append(told.say("between", *clock_times(known[0], known[1], told.style)))
    return tuple(found)


def _details(told: ToldMessage) -> tuple[tuple[str, str], ...]:
    """What the event carries, for people."""
    words, index = WORDS[told.style.language], 1 if told.style.language == "he" else 0
    severity = told.data.value("alert.severity")
    found = [(words["system"], told.data.plain("system"))] if told.data.value("system") else []
    found += [(words["severity"], words.get(str(severity), one_line(str(severity))))] if severity else []
    for path, labels in LABELS.items():
        value = told.data.value(path)
        if isinstance(value, list):
            found.append((labels[index], ", ".join(one_line(str(one)) for one in value)))
        elif value is not None and not isinstance(value, Mapping):
            found.append((labels[index], told.data.plain(path)))
    return tuple(found)


def _topic(told: ToldMessage) -> str:
    """What an incident is about: never changes in it."""
    english, hebrew = TOPICS.get(told.type, (lambda e: e["subject"],) * 2)
    topic = (hebrew if told.style.language == "he" else english)(told.data)
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
    return parse(style.sender).wire.domain


def _cut(text: str) -> str:
    """A subject: one line, not too long, with every isolate closed."""
    line = " ".join(text.split())
    if len(line) > LONGEST_SUBJECT:
        line = line[: LONGEST_SUBJECT - 1] + "…"
    return line + END * (line.count(FIRST_STRONG) - line.count(END))
