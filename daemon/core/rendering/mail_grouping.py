"""What is mailed together: which messages of one mailing become one mail. Pure.

    compose    messages of one mailing  ->  mails: one for each incident, or a list of many;
                                            one of what a quiet window held back;
                                            one of all SMS, one of all other facts

The same messages always make the same mails, to the Message-ID: where nobody knows whether a mail arrived, it
goes out again as the very same. So messages of different attempts never share one.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from daemon.core.delivery.outcome import Message
from daemon.core.rendering import mail_writing
from daemon.core.rendering.mail_reader import ToldMessage, held, read
from daemon.core.rendering.mails import Mail, Style
from daemon.core.routing import quiet

MOST_THREADS = 3
"""Incidents that get a mail each; more are one list."""
SMS = "sms.received"


def compose(messages: Sequence[Message], style: Style, *, note: str | None = None) -> list[Mail]:
    """The mails of one mailing; every message is in exactly one, and the note in the last."""
    mails: list[Mail] = []
    ordered = sorted(messages, key=lambda one: (one.attempt, one.delivery))
    for _, of_attempt in groupby(ordered, key=lambda one: one.attempt):
        mails += _of_attempt([read(one, style) for one in of_attempt], style)
    return [*mails[:-1], replace(mails[-1], note=note)] if note and mails else mails


def _of_attempt(told: Sequence[ToldMessage], style: Style) -> list[Mail]:
    alerts: dict[str, list[ToldMessage]] = {}
    for one in told:
        if one.incident:
            alerts.setdefault(one.incident, []).append(one)
    facts = [one for one in told if not one.incident]
    sms = [one for one in facts if one.type == SMS]
    digests = [one for one in facts if one.type == quiet.ENDED]
    notices = [one for one in facts if one.type not in (SMS, quiet.ENDED)]
    mails = _after_quiet(digests, alerts, style) if digests else []
    if len(alerts) > MOST_THREADS:
        mails += [mail_writing.list_of_alerts(list(alerts.values()), style)]
    else:
        mails += [mail_writing.thread(incident, of_it, style) for incident, of_it in alerts.items()]
    mails += [mail_writing.sms(sms, style)] if sms else []
    mails += [mail_writing.notices(notices, style)] if notices else []
    return mails


def _after_quiet(
    digests: Sequence[ToldMessage], alerts: dict[str, list[ToldMessage]], style: Style
) -> list[Mail]:
    """One mail of the digests, and of the alerts that they list, which are taken out of the others."""
    listed = dict.fromkeys(one.incident for digest in digests for one in held(digest))
    folded = [alerts.pop(incident) for incident in listed if incident in alerts]
    return [mail_writing.after_quiet(digests, folded, style)]
