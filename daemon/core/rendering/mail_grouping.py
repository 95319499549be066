"""What is mailed together: which messages of one mailing become one mail. Pure.

    compose    messages of one mailing  ->  mails: one for each incident, or a list of many;
                                            one of what a quiet window held back; one of each digest;
                                            one of all SMS, one of all other facts, or several where mail
                                            programs would cut one

The same messages always make the same mails, to the Message-ID: where nobody knows whether a mail arrived, it
goes out again as the very same. So messages of different attempts never share one.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from daemon.core.delivery.outcome import Message
from daemon.core.digests import digest
from daemon.core.rendering import mail_writing
from daemon.core.rendering.mail_reader import ToldMessage, held, read
from daemon.core.rendering.mails import NOTHING_KNOWN, Mail, Style, Surroundings
from daemon.core.routing import quiet

MOST_THREADS = 3
"""Incidents that get a mail each; more are one list."""
SMS = "sms.received"


def compose(
    messages: Sequence[Message],
    style: Style,
    *,
    note: str | None = None,
    around: Surroundings = NOTHING_KNOWN,
) -> list[Mail]:
    """The mails of one mailing; every message is in exactly one, and the note in the last. What is `around`
    them is true of this moment only: the same mail says it anew when it is made again."""
    mails: list[Mail] = []
    ordered = sorted(messages, key=lambda one: (one.attempt, one.delivery))
    for _, of_attempt in groupby(ordered, key=lambda one: one.attempt):
        mails += _of_attempt([read(one, style) for one in of_attempt], style, around)
    mails = [mail_writing.fitting(one, style) for one in mails]
    return [*mails[:-1], replace(mails[-1], note=note)] if note and mails else mails


def incidents_of(messages: Sequence[Message]) -> list[str]:
    """What a mailing is about, each once: the alerts in it, and those that a digest lists."""
    found: dict[str, None] = {}
    for one in messages:
        if one.event_type == SMS:
            continue
        data = json.loads(one.body)["data"]
        listed = data["quiet"].get("incidents", ()) if isinstance(data.get("quiet"), dict) else ()
        for alert in (data.get("alert"), *listed):
            if isinstance(alert, dict) and isinstance(alert.get("incident"), str):
                found[alert["incident"]] = None
    return list(found)


def _of_attempt(told: Sequence[ToldMessage], style: Style, around: Surroundings) -> list[Mail]:
    alerts: dict[str, list[ToldMessage]] = {}
    for one in told:
        if one.incident:
            alerts.setdefault(one.incident, []).append(one)
    facts = [one for one in told if not one.incident]
    sms = [one for one in facts if one.type == SMS]
    digests = [one for one in facts if one.type == quiet.ENDED]
    of_a_day = [one for one in facts if one.type == digest.MADE]
    notices = [one for one in facts if one.type not in (SMS, quiet.ENDED, digest.MADE)]
    mails = _after_quiet(digests, alerts, style, around) if digests else []
    if len(alerts) > MOST_THREADS:
        mails += [mail_writing.list_of_alerts(list(alerts.values()), style, around)]
    else:
        mails += [mail_writing.thread(incident, of_it, style, around) for incident, of_it in alerts.items()]
    mails += [mail_writing.sms(some, style) for some in mail_writing.in_parts(sms)]
    mails += [mail_writing.of_a_day(one, style) for one in of_a_day]
    mails += [mail_writing.notices(some, style) for some in mail_writing.in_parts(notices)]
    return mails


def _after_quiet(
    digests: Sequence[ToldMessage], alerts: dict[str, list[ToldMessage]], style: Style, around: Surroundings
) -> list[Mail]:
    """One mail of the digests, and of the alerts that they list, which are taken out of the others."""
    listed = dict.fromkeys(one.incident for digest in digests for one in held(digest))
    folded = [alerts.pop(incident) for incident in listed if incident in alerts]
    return [mail_writing.after_quiet(digests, folded, style, around)]
