"""The API's questions that change nothing: the method, its parameters, and how its answer is read.

One value for each, so that who asks cannot read the answer of another question.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Generic, TypeVar
from urllib.parse import urlencode

from daemon.core.durations import NOTHING
from daemon.core.model import Json, Unknown
from daemon.core.watches import directories, queues, registrations, sip, sms
from daemon.core.watches.pirsumphone import Observation as PirsumPhone
from daemon.core.watches.units import Observation as Units
from daemon.yemot import answers
from daemon.yemot.answers import Data
from daemon.yemot.bounded_json import MAX_BODY, Decode, decode

SeenT_co = TypeVar("SeenT_co", covariant=True)


@dataclass(frozen=True)
class Read(Generic[SeenT_co]):
    """One question, and how its answer becomes an observation."""

    method: str
    params: Mapping[str, str | int]
    parse: Callable[[Data], SeenT_co | Unknown]
    decode: Decode = decode
    """What makes JSON of its bytes."""
    largest: int = MAX_BODY
    """Bytes of an answer that is taken. Above `MAX_BODY` it is `decode` that has to count what is in it."""
    more_time: timedelta = NOTHING
    """Beside the deadline of a call, where the answer is known to be large."""

    @cached_property
    def target(self) -> str:
        """The method with its parameters, as they stand in an address; the same is asked for years."""
        return target(self.method, self.params)


def target(method: str, params: Mapping[str, Json]) -> str:
    """A method with its parameters, as they stand in an address; what is no text is spelled as JSON."""
    spelled = [(name, one if isinstance(one, str) else json.dumps(one)) for name, one in params.items()]
    query = urlencode(spelled, errors="surrogatepass")
    return f"{method}?{query}" if query else method


def sms_log(
    limit: int, start_date: str | None = None, end_date: str | None = None, decode: Decode = decode
) -> Read[sms.Observation]:
    """GetSmsIncomingLog: the latest `limit` messages, of the dates (`YYYY-MM-DD HH:MM:SS`) if given.
    `decode`: what `answers.known_sms_log` gave remembers the rows."""
    given = _given(limit=limit, startDate=start_date, endDate=end_date)
    return Read("GetSmsIncomingLog", given, lambda data: answers.sms_log(data, limit), decode)


def incoming_sms(
    limit: int, start_date: str | None = None, end_date: str | None = None, decode: Decode = decode
) -> Read[sms.Observation]:
    """GetIncomingSms, its successor; `limit` as in `core.watches.sms.MAX_LIMIT`, `decode` as in `sms_log`."""
    given = _given(limit=limit, startDate=start_date, endDate=end_date)
    return Read("GetIncomingSms", given, lambda data: answers.incoming_sms(data, limit), decode)


def sip_accounts() -> Read[sip.Observation]:
    """GetSipAccountsRegisteredStatus."""
    return Read("GetSipAccountsRegisteredStatus", {}, answers.sip_accounts)


def sip_contexts(account_number: int | None = None) -> Read[registrations.Observation]:
    """SipGetContexts: an account by its number from 1, not by its name; None is the first."""
    return Read("SipGetContexts", _given(accountNumber=account_number), answers.sip_contexts)


def queue_state(path: str) -> Read[queues.Observation]:
    """GetQueueRealTime: `.` is the main extension, `/1/2` an inner one."""
    return Read("GetQueueRealTime", {"queuePath": path}, answers.queue_state)


def directory_stats(path: str) -> Read[directories.Observation]:
    """GetIVR2DirStats: `/` is the main extension, `1` or `ext/1` an inner one."""
    return Read("GetIVR2DirStats", {"path": path}, answers.directory)


def pirsumphone_status() -> Read[PirsumPhone]:
    """PirsumPhoneManagement, action GetRegistrationStatus."""
    return Read("PirsumPhoneManagement", {"action": "GetRegistrationStatus"}, answers.pirsumphone)


def units() -> Read[Units]:
    """GetSession. The answer holds passwords in clear; `answers.units` reads past them."""
    return Read("GetSession", {}, answers.units)


def _given(**params: str | int | None) -> dict[str, str | int]:
    return {name: value for name, value in params.items() if value is not None}
