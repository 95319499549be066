"""The telephony API of one system: its methods, its token, and where to try next.

What the fields of an answer mean is `answers`' and `commands`' business; nothing here retries a command.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from threading import Lock
from typing import Literal, TypeVar
from urllib.parse import quote, urlsplit

from daemon import __version__
from daemon.core.allowance import Allowance
from daemon.core.commands.results import Bridged, Kicked, Paused, Registration, Removed, Texted
from daemon.core.headers import unfit
from daemon.core.model import Failure, Json, Secret, Unknown
from daemon.core.watches.watch import Answered, Unchanged
from daemon.yemot import callbacks, commands, texts
from daemon.yemot.base_urls import BASE_URL
from daemon.yemot.envelope import Answer, clean, http_date, judge
from daemon.yemot.reads import Read, target
from daemon.yemot.transport import Reply, Request, Taker, Transport

ResultT = TypeVar("ResultT")
SeenT = TypeVar("SeenT")
AnsweredT = TypeVar("AnsweredT")

POSTED = frozenset({"QueueManagement", "CallExtensionBridging", "SendSms"})
"""Methods that take arrays (`callIds`, `phones`), and so JSON; and what stands in no address: a text."""
WORTH_ANOTHER_HOST = frozenset({Failure.UNREACHABLE, Failure.TIMEOUT, Failure.FILTERED, Failure.SERVER_ERROR})
MIN_PASSWORD = 4
"""Ours. Characters of a direct token's password from which it is worth hiding by itself."""


@dataclass(frozen=True)
class Access:
    """How one system is reached. Addresses end in the API's folder: the method's name is put behind them."""

    token: Secret
    base_url: str = BASE_URL
    fallback_url: str | None = None
    """An equivalent of `base_url`, tried once by reads that failed there."""
    authorization: Literal["token", "bearer"] = "token"
    """The header's form: the bare token, or `Bearer` beside a `switch-id`."""
    switch_id: str | None = None


Heard = Callable[[datetime, datetime], None]
"""Is told of each answer what time it was at the server, and here."""


def unheard(_server_date: datetime, _now: datetime) -> None:
    """Nobody asks what time it is."""


@dataclass(frozen=True)
class Exchanged:
    """One question, what came back, and how it was judged. The token is in none of it."""

    verb: str
    url: str
    status: int | None
    """None: nothing came back."""
    size: int | None
    """Bytes of the answer, unpacked."""
    content_type: str | None
    seconds: float
    judged: str
    """For people: an answer, the same answer as before, or which failure and why."""


Traced = Callable[[Exchanged], None]
"""Is told of each try of a call."""


class Client:
    """Calls of one system. Safe to use from several threads."""

    def __init__(
        self,
        access: Access,
        transport: Transport,
        heard: Heard = unheard,
        *,
        now: Callable[[], datetime],
        traced: Traced | None = None,
        allowance: Allowance | None = None,
    ) -> None:
        """`allowance`: what may be read of the system's files, where that outlives this client. Raises
        ValueError, which never shows the token, where `access` cannot be used."""
        self.allowance = allowance or Allowance(transport.monotonic, Lock())
        self._traced = traced
        self.now = now
        self._heard = heard
        self._base_urls = [_folder(url) for url in (access.base_url, access.fallback_url) if url]
        self._headers = _headers(access)
        self._secrets = _secrets(access.token.value)
        self._transport = transport

    def read(self, read: Read[SeenT]) -> SeenT | Unknown:
        """Ask what changes nothing."""
        judged = partial(judge, decode=read.decode)
        answer = self._call(partial(self._asked, read), judged, repeatable=True)
        return answer if isinstance(answer, Unknown) else read.parse(answer.data)

    def poll(self, read: Read[AnsweredT], known: bytes | None) -> Answered[AnsweredT] | Unchanged | Unknown:
        """Ask what changes nothing, again; `known` is the digest of an answer that need not be parsed."""

        def judged(reply: Reply, now: datetime) -> Answer | Unchanged | Unknown:
            is_known = reply.status == HTTPStatus.OK and reply.digest == known
            return Unchanged() if is_known else judge(reply, now, read.decode)

        answer: Answer | Unchanged | Unknown
        answer = self._call(partial(self._asked, read), judged, repeatable=True)
        if isinstance(answer, Unchanged | Unknown):
            return answer
        seen = read.parse(answer.data)
        return seen if isinstance(seen, Unknown) else Answered(seen, answer.digest)

    def call(self, method: str, params: Mapping[str, Json], *, repeatable: bool) -> Answer | Unknown:
        """Call a method. Each try has its own deadline; a call that is not repeatable has one try."""
        return self._call(partial(self._request, method, params), judge, repeatable=repeatable)

    def stream(
        self, method: str, params: Mapping[str, str | int], taker: Taker, *, total: timedelta
    ) -> Unknown | None:
        """Ask for what is no JSON; `taker` takes it, within `total` for each try. None: it has it."""

        def asked(base_url: str) -> Unknown | None:
            request = Request("GET", base_url + target(method, params), self._headers)
            reply = self._transport.stream(request, taker, total=total)
            if isinstance(reply, Unknown):
                return replace(reply, message=clean(reply.message, self._secrets))
            if taker.is_taken:
                return None
            judged = judge(reply, self.now())
            if isinstance(judged, Unknown):
                return replace(judged, message=clean(judged.message, self._secrets))
            return Unknown(Failure.MALFORMED, "an answer that is no file")

        first = asked(self._base_urls[0])
        if first is None or first.failure not in WORTH_ANOTHER_HOST or len(self._base_urls) == 1:
            return first
        second = asked(self._base_urls[1])
        return first if second is not None and second.failure in WORTH_ANOTHER_HOST else second

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def queue_kick(
        self, queue_path: str, call_ids: Sequence[str], *, goto: str | None = None
    ) -> Kicked | Unknown:
        """QueueManagement `kick`: waiting calls are dropped, or sent to the extension `goto` (`/1`)."""
        params = commands.kick(queue_path, call_ids, goto)
        return self._command("QueueManagement", params, lambda data: commands.kick_answer(data, call_ids))

    def queue_pause(self, queue_path: str, agent: str) -> Paused | Unknown:
        """QueueManagement `pause`: `agent` as in GetQueueRealTime."""
        return self._set_pause(queue_path, agent, is_paused=True)

    def queue_unpause(self, queue_path: str, agent: str) -> Paused | Unknown:
        """QueueManagement `unpause`."""
        return self._set_pause(queue_path, agent, is_paused=False)

    def callback_remove(self, request_id: int) -> Removed | Unknown:
        """QueueCallBack `removeNumber`: a request leaves the platform's call-back list."""
        return self._command(
            callbacks.METHOD,
            callbacks.remove(request_id),
            lambda data: Removed(request_id, callbacks.removal_answer(data)),
        )

    def pirsumphone_register(self) -> Registration | Unknown:
        """PirsumPhoneManagement, action Registration."""
        return self._command(
            "PirsumPhoneManagement", {"action": "Registration"}, commands.registration_answer
        )

    def pirsumphone_unregister(self) -> Registration | Unknown:
        """PirsumPhoneManagement, action UnRegistration."""
        return self._command(
            "PirsumPhoneManagement", {"action": "UnRegistration"}, commands.registration_answer
        )

    def campaign_bridge(
        self,
        phones: commands.Phones,
        ivr_path: str,
        *,
        caller_id: str | None = None,
        calls_timeout: int | None = None,
        tzintuk_lists: Sequence[str] = (),
    ) -> Bridged | Unknown:
        """CallExtensionBridging: dials people and costs units. `calls_timeout`: seconds, at most 35 by its
        `callsTimeOut`.

        REFUSED without a code where the phones cannot be put into the API's words: nothing was sent.
        """
        try:
            params = commands.campaign(
                phones,
                ivr_path,
                caller_id=caller_id,
                calls_timeout=calls_timeout,
                tzintuk_lists=tzintuk_lists,
            )
        except commands.CommandFault as fault:
            return Unknown(Failure.REFUSED, str(fault))
        return self._command("CallExtensionBridging", params, commands.campaign_answer)

    def send_sms(self, to: Sequence[str], message: str, *, sender: str | None = None) -> Texted | Unknown:
        """SendSms: reaches people and costs units. `sender`: None is the system's own number."""
        return self._command("SendSms", texts.params(to, message, sender), texts.answer)

    def campaign_stop(self, campaign: str) -> Unknown | None:
        """CampaignAction `stop`: whether that ends a campaign of CallExtensionBridging is not documented."""
        params: dict[str, Json] = {"campaignId": campaign, "action": "stop"}
        return self._command("CampaignAction", params, lambda _data: None)

    def _command(
        self, method: str, params: Mapping[str, Json], parse: Callable[[Mapping[str, object]], ResultT]
    ) -> ResultT | Unknown:
        answer = self.call(method, params, repeatable=False)
        return answer if isinstance(answer, Unknown) else parse(answer.data)

    def _set_pause(self, queue_path: str, agent: str, *, is_paused: bool) -> Paused | Unknown:
        action = "pause" if is_paused else "unpause"
        return self._command(
            "QueueManagement",
            {"queuePath": queue_path, "action": action, "agent": agent},
            lambda data: commands.pause_answer(data, agent, is_paused=is_paused),
        )

    def _call(
        self,
        request: Callable[[str], Request],
        judged: Callable[[Reply, datetime], ResultT | Unknown],
        *,
        repeatable: bool,
    ) -> ResultT | Unknown:
        """Call by the `request` that there is for a base URL. A read goes to the fallback as well when the
        first answer was none of the API's. An `Unknown` of the fallback is told only where it says more than
        that it failed too."""
        first = self._try(request(self._base_urls[0]), judged, repeatable=repeatable)
        is_over = not isinstance(first, Unknown) or first.failure not in WORTH_ANOTHER_HOST
        if is_over or not repeatable or len(self._base_urls) == 1:
            return first
        second = self._try(request(self._base_urls[1]), judged, repeatable=repeatable)
        if isinstance(second, Unknown) and second.failure in WORTH_ANOTHER_HOST:
            return first
        return replace(second, is_unsent=False) if isinstance(second, Unknown) else second

    def _try(
        self,
        request: Request,
        judged: Callable[[Reply, datetime], ResultT | Unknown],
        *,
        repeatable: bool,
    ) -> ResultT | Unknown:
        began = self._transport.monotonic() if self._traced else 0.0
        reply = self._transport.send(request, repeatable=repeatable)
        now = self.now()
        result = reply if isinstance(reply, Unknown) else judged(reply, now)
        if self._traced:
            self._traced(self._exchanged(request, reply, result, self._transport.monotonic() - began))
        if isinstance(result, Unknown):
            return replace(result, message=clean(result.message, self._secrets))
        if isinstance(reply, Reply) and (server_date := http_date(reply.date)) is not None:
            self._heard(server_date, now)
        return result

    def _exchanged(
        self, request: Request, reply: Reply | Unknown, result: object, seconds: float
    ) -> Exchanged:
        judged = "an answer"
        if isinstance(result, Unknown):
            judged = f"{result.failure.value}: {clean(result.message, self._secrets)}"
        elif isinstance(result, Unchanged):
            judged = "the same answer as before"
        came = reply if isinstance(reply, Reply) else None
        return Exchanged(
            request.verb,
            clean(request.url, self._secrets),
            came.status if came else None,
            len(came.body) if came else None,
            clean(came.content_type, self._secrets) if came else None,
            seconds,
            judged,
        )

    def _asked(self, read: Read[SeenT], base_url: str) -> Request:
        url = base_url + read.target
        return Request("GET", url, self._headers, largest=read.largest, more_time=read.more_time)

    def _request(self, method: str, params: Mapping[str, Json], base_url: str) -> Request:
        if method in POSTED:
            body = json.dumps(params, allow_nan=False).encode()
            return Request(
                "POST", base_url + method, {**self._headers, "content-type": "application/json"}, body
            )
        return Request("GET", base_url + target(method, params), self._headers)


def _folder(url: str) -> str:
    """The address with a slash at its end. A name and password in it would replace our header."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("base_url: expected http:// or https:// and a host")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("base_url: expected no user, query or fragment")
    return url.rstrip("/") + "/"


def _headers(access: Access) -> dict[str, str]:
    headers = {
        "accept": "application/json",
        "accept-encoding": "gzip, deflate",
        "user-agent": f"yemotd/{__version__}",
    }
    token = _header_safe("token", access.token.value)
    if access.authorization == "token":
        return {**headers, "authorization": token}
    if access.switch_id is None:
        raise ValueError("switch_id: needed where authorization is bearer")
    switch_id = _header_safe("switch_id", access.switch_id)
    return {**headers, "authorization": f"Bearer {token}", "switch-id": switch_id}


def _header_safe(key: str, value: str) -> str:
    reason = unfit(value)
    if reason:
        raise ValueError(f"{key}: {reason}")
    return value


def _secrets(token: str) -> list[str]:
    """Forms in which a server may echo the token, longest first."""
    password = token.partition(":")[2]
    forms = {token, *([password] if len(password) >= MIN_PASSWORD else [])}
    return sorted(
        {spelled for form in forms for spelled in (form, quote(form, safe=""))}, key=len, reverse=True
    )
