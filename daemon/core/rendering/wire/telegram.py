"""A message of a bot to a chat in Telegram, and what Telegram answers.

Method `sendMessage` of the Bot API: `text` has 1 to 4096 characters after its entities were parsed, counted
as UTF-16 does; in HTML style only `<`, `>` and `&` have to be written otherwise. Answers are JSON with `ok`;
of a failure `description`, and in `parameters` (ResponseParameters) `retry_after` in seconds, or
`migrate_to_chat_id`, the number of a group that became a supergroup.
"""

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from daemon.core.contacts import Contacts
from daemon.core.delivery.outcome import Outcome
from daemon.core.rendering.formats import Answer, Given, Place, Reader, Rendered, Verdict, Wire, written
from daemon.core.rendering.wire.answers import parsed, wait
from daemon.core.rendering.wire.words import OPEN, Said, fitted, said

API = "https://api.telegram.org"
UNITS = 4096
"""Of UTF-16, that a text has at most, without its markup."""
NOT_KNOWN = frozenset({401, 404})
"""Statuses: it does not know the token."""
BAD_REQUEST = 400
NOT_THEIRS = Verdict(Outcome.FAILED, None, "no answer of Telegram's: something in between gave it")
_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{20,100}")
_WITH_TOKEN = re.compile(r"/bot(?:[0-9]+:|[/?]|$)|/sendMessage", re.IGNORECASE)
"""In an address that was copied from a manual, to where the methods begin."""
_DONE = re.compile(rb'\s*\{\s*"ok"\s*:\s*true\b')
"""How a success begins. The rest tells the message again, which may be more than is read."""
_OF_THE_CHAT = re.compile(
    r"chat not found|chat_id is empty|user not found|peer_id_invalid|group chat was upgraded"
    r"|message thread not found|topic.?(closed|deleted)|not enough rights|have no rights|chat_write_forbidden"
    r"|need administrator rights|chat_restricted|send_\w+_forbidden|input_user_deactivated",
    re.IGNORECASE,
)
"""In the description of a 400: no message is taken by that chat until somebody mends it."""


def _write(event: Mapping[str, Any], reader: Reader, contacts: Contacts) -> Rendered:
    told = said(event, reader, contacts)
    label = OPEN[reader.language] if told.link else ""
    context = fitted(told.context, lambda one: _units(one) <= UNITS // 4)
    beside = _units(context) + _units(label) + len(_mark(told)) + len("\n\n\n")
    sentence = fitted(told.sentence, lambda one: _units(one) + beside <= UNITS)
    lines = [_mark(told) + escape(sentence, quote=False), f"<i>{escape(context, quote=False)}</i>"]
    if told.link:
        lines.append(f'<a href="{escape(told.link)}">{label}</a>')
    message: dict[str, Any] = {
        "chat_id": _number(reader.field("chat_id")),
        "text": "\n".join(lines),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }
    if topic := reader.field("topic"):
        message["message_thread_id"] = _number(topic)
    return Rendered(written(message))


def _mark(told: Said) -> str:
    """What a list of chats shows first; each has the length of one or two units."""
    if told.is_over:
        return "✅ "
    if told.severity is None:
        return ""
    return "🔴 " if told.is_serious else "🟠 "


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _number(text: str) -> int | str:
    """A chat's number, or its name with the @ in front."""
    return int(text) if re.fullmatch(r"-?[0-9]{1,19}", text) else text


def _judge(by_status: Verdict, answer: Answer) -> Verdict:
    if by_status.outcome is Outcome.ACCEPTED:
        return by_status if _DONE.match(answer.body) else NOT_THEIRS
    found = parsed(answer.body)
    if not isinstance(description := found.get("description"), str):
        return by_status
    parameters = found.get("parameters")
    more = parameters if isinstance(parameters, dict) else {}
    why = f"Telegram: {description}"
    if isinstance(chat := more.get("migrate_to_chat_id"), int):
        return Verdict(Outcome.FORBIDDEN, None, f"{why}: give chat_id = {chat}")
    if answer.status in NOT_KNOWN:
        return Verdict(Outcome.FORBIDDEN, None, f"{why}: it does not know the bot's token")
    if answer.status == BAD_REQUEST and _OF_THE_CHAT.search(description):
        return Verdict(Outcome.FORBIDDEN, None, why)
    return Verdict(by_status.outcome, wait(more.get("retry_after")) or by_status.retry_after, why)


def _check_token(token: str) -> None:
    if not _TOKEN.fullmatch(token):
        less = ', without "bot" in front' if token.startswith("bot") else ""
        raise ValueError(f"expected the token of a bot, as @BotFather gives it: 123456789:AbCd…{less}")


def _place(given: Given) -> Place:
    token = given.settings["token"]
    try:
        _check_token(token)
    except ValueError as error:
        raise ValueError(f"token: {error}") from None
    if _WITH_TOKEN.search(given.url):
        raise ValueError(
            f'url: has the bot in it, which the token says; give "{API}", or the address of your own server'
        )
    fields = tuple((name, given.settings[name]) for name in ("chat_id", "topic") if name in given.settings)
    return Place(f"{given.url.rstrip('/')}/bot{token}/sendMessage", fields=fields)


WIRE = Wire(
    _write,
    is_signed=False,
    is_for_people=True,
    judge=_judge,
    needs=frozenset({"token", "chat_id"}),
    takes=frozenset({"token", "chat_id", "topic"}),
    check_token=_check_token,
    place=_place,
)
