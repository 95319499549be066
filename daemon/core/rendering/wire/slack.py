"""One sentence, as Slack's incoming webhooks take it, and what Slack answers.

Limits: Block Kit's reference, "section" (3000 characters of text) and "context". Answers: Slack's "Handling
errors" of incoming webhooks, a word in the body and a status; 429 comes with `Retry-After`. What speaks the
same and answers otherwise (Mattermost, Rocket.Chat, Discord's `/slack`) is judged by its status.
"""

from collections.abc import Mapping
from typing import Any

from daemon.core.contacts import Contacts
from daemon.core.delivery.outcome import Outcome
from daemon.core.rendering.formats import Answer, Reader, Rendered, Verdict, Wire, written
from daemon.core.rendering.wire.words import OPEN, fitted, said

CHARACTERS = 3000
"""The most that the text of a section has."""
ESCAPES: Mapping[str, str] = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    # A sign of no width after what begins markup: *bold*, _italic_, ~struck~, `code`, and @channel.
    **{sign: sign + "\u200b" for sign in "*_~`@"},
}
REASONS: Mapping[str, str] = {
    "action_prohibited": "an administrator of Slack does not let webhooks write there",
    "channel_is_archived": "the channel is archived",
    "channel_not_found": "there is no such channel",
    "invalid_token": "the address is no longer valid",
    "no_active_hooks": "the webhook is switched off",
    "no_service": "the webhook was removed, or is switched off",
    "no_service_id": "the address is not whole",
    "no_team": "there is no such workspace",
    "posting_to_general_channel_denied": "webhooks may not write to the general channel",
    "team_disabled": "the workspace is switched off",
    "user_not_found": "there is no such person",
}
"""What has to be mended where the webhook was made: no message is taken until then, so it is a matter of the
endpoint, whatever the status. An archived channel may be opened again: its 410 is not the end."""
LONGEST_WORD = 100
"""Bytes. A body that is longer is no word of Slack's."""


def _write(event: Mapping[str, Any], reader: Reader, contacts: Contacts) -> Rendered:
    told = said(event, reader, contacts)
    text = _text(told.sentence)
    more = f" · <{told.link}|{OPEN.get(reader.language, OPEN['en'])}>" if told.link else ""
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}},
        {
            "type": "context",
            "elements": [{"type": "mrkdwn", "text": _text(told.context) + more, "verbatim": True}],
        },
    ]
    return Rendered(written({"text": text, "blocks": blocks}))


def _text(text: str) -> str:
    """A text in which Slack finds no link, no mention and no markup, cut to what it takes."""
    return _escaped(fitted(text, lambda one: len(_escaped(one)) <= CHARACTERS))


def _escaped(text: str) -> str:
    return "".join(ESCAPES.get(sign, sign) for sign in text)


def _judge(by_status: Verdict, answer: Answer) -> Verdict:
    if by_status.outcome is Outcome.ACCEPTED or len(answer.body) > LONGEST_WORD:
        return by_status
    word = answer.body.decode("utf-8", "replace").strip()
    if word in REASONS:
        return Verdict(Outcome.FORBIDDEN, None, f"Slack: {REASONS[word]} ({word})")
    return by_status


WIRE = Wire(_write, is_signed=False, is_for_people=True, judge=_judge)
