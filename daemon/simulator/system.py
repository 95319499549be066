"""A simulated phone system: its state, and what may happen to it.

Driven from Python, by scenarios and over the control API; safe from any thread. How the state is shown as
answers of the API stands in `answers`; there is no HTTP here.
"""

from bisect import insort
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from threading import RLock
from types import MappingProxyType

from daemon.core.model import Json
from daemon.simulator.extensions import Ground, SimulatedDirectory, SimulatedQueue
from daemon.simulator.spelling import SimulationError, Style, extension

REMEMBERED = 10_000
"""Requests kept for `requests`; the counts go on."""
DEFAULT_UNITS = 250.0
UNITS_LAST = timedelta(days=365)
"""What a new system begins with, by our choice."""
DIALLING_PRICE = 0.1
"""Units for every number that is dialled."""
MINUTE_PRICE = 1.0
LEAST_CALL_PRICE = 0.5
"""Units for a call that is answered. All three by the documents of CallExtensionBridging."""


@dataclass(frozen=True)
class Message:
    """An SMS that was received."""

    sender: str
    """A number, or a name."""
    recipient: str
    text: str
    at: datetime


@dataclass(frozen=True)
class Contact:
    """From where a SIP account is registered."""

    address: str
    port: int = 5060
    user_agent: str = "Yealink SIP-T29G"


@dataclass(frozen=True)
class SipAccount:
    """A phone's account."""

    user_name: str
    created_at: datetime
    registered: bool
    contacts: tuple[Contact, ...]
    """Where it is, or would be, registered from. More than one: several phones use the account."""


@dataclass(frozen=True)
class Campaign:
    """A CallExtensionBridging that was accepted."""

    id: str
    phones: tuple[str, ...]
    ivr_path: str
    caller_id: str
    calls_timeout: int
    """Seconds."""
    at: datetime


@dataclass(frozen=True)
class ApiRequest:
    """One request to the API as it came, for whoever wants to know what a client did."""

    method: str
    params: Mapping[str, Json]
    """Without the token, and without passwords."""
    at: datetime
    verb: str = "GET"
    is_json: bool = False
    """The parameters came as a JSON body."""


@dataclass
class Switches:
    """What may be turned on a system at any time, besides what happens to it."""

    is_holiday: bool = False
    """Campaigns are refused (code 104)."""
    is_refusing_sip: bool = False
    """This server does not support SIP, for good."""
    caller_ids: frozenset[str] | None = None
    """Caller ids that campaigns may show (code 120); None: any."""
    style: Style = field(default_factory=Style)


class SimulatedSystem:
    """One customer's phone system."""

    def __init__(
        self,
        number: str = "0770000000",
        *,
        now: Callable[[], datetime],
        style: Style | None = None,
    ) -> None:
        self.number = number
        self.now = now
        self.lock = RLock()
        self.switches = Switches(style=style or Style())
        self.lists: dict[str, tuple[str, ...]] = {}
        """Numbers by list as `phones` names it: `tpl:12`, `tzl:3`."""
        self._ground = Ground(number, now, self.lock)
        self._messages: list[Message] = []
        self._accounts: dict[str, SipAccount] = {}
        self._queues: dict[str, SimulatedQueue] = {}
        self._directories: dict[str, SimulatedDirectory] = {"": SimulatedDirectory("", self._ground)}
        self._units = DEFAULT_UNITS
        self._units_expire_on = (now() + UNITS_LAST).date()
        self._pirsumphone = True
        self._campaigns: list[Campaign] = []
        self._requests: deque[ApiRequest] = deque(maxlen=REMEMBERED)
        self._counts: Counter[str] = Counter()

    def receive_sms(
        self, sender: str, text: str, *, recipient: str | None = None, at: datetime | None = None
    ) -> Message:
        """An SMS arrives. `at`: aware, now if None. `recipient`: the system's number if None."""
        if at is not None and at.tzinfo is None:
            raise SimulationError("at: expected a time with an offset")
        with self.lock:
            message = Message(sender, recipient or self.number, text, at or self.now())
            insort(self._messages, message, key=lambda one: one.at)
            return message

    def add_sip_account(
        self, user_name: str, *, registered: bool = True, contacts: Sequence[Contact] | None = None
    ) -> None:
        """A new account. Raises SimulationError where there is one of this name."""
        with self.lock:
            if user_name in self._accounts:
                raise SimulationError(f"sip account {user_name} is there already")
            given = contacts or (Contact(f"192.168.1.{110 + len(self._accounts) % 100}"),)
            self._accounts[user_name] = SipAccount(user_name, self.now(), registered, tuple(given))

    def remove_sip_account(self, user_name: str) -> None:
        """Raises SimulationError for an unknown account, as the two below."""
        with self.lock:
            del self._accounts[self._account(user_name).user_name]

    def set_registered(self, user_name: str, *, registered: bool) -> None:
        """A phone drops off, or comes back."""
        with self.lock:
            self._accounts[user_name] = replace(self._account(user_name), registered=registered)

    def set_contacts(self, user_name: str, contacts: Sequence[Contact]) -> None:
        """A phone registers from elsewhere, or several with one account."""
        with self.lock:
            self._accounts[user_name] = replace(self._account(user_name), contacts=tuple(contacts))

    def queue(self, path: str) -> SimulatedQueue:
        """The queue at this extension; a new and empty one if there was none."""
        with self.lock:
            return self._queues.setdefault(extension(path), SimulatedQueue(path, self._ground))

    def directory(self, path: str) -> SimulatedDirectory:
        """The folder at this path; a new and empty one if there was none."""
        name = extension(path)
        with self.lock:
            return self._directories.setdefault(name, SimulatedDirectory(name, self._ground))

    def set_units(self, units: float, *, expires_on: date | None = None) -> None:
        """Set the balance; the day it expires stays if None."""
        with self.lock:
            self._units = units
            self._units_expire_on = expires_on or self._units_expire_on

    def set_list(self, name: str, phones: Sequence[str]) -> None:
        """Store a list of numbers under the name that campaigns use: `tpl:12`."""
        with self.lock:
            self.lists[name] = tuple(phones)

    @property
    def pirsumphone(self) -> bool:
        """Whether the system is registered to PirsumPhone."""
        with self.lock:
            return self._pirsumphone

    @pirsumphone.setter
    def pirsumphone(self, registered: bool) -> None:
        with self.lock:
            self._pirsumphone = registered

    def start_campaign(
        self, phones: Sequence[str], ivr_path: str, *, caller_id: str, calls_timeout: int
    ) -> Campaign:
        """Dial these numbers, and pay for the dialling. Whether that may be is decided before."""
        with self.lock:
            now = self.now()
            stamp = int(now.timestamp() * 1_000_000) + len(self._campaigns)
            campaign_id = f"YA-1-{self.number}-Yemot-{stamp}"
            campaign = Campaign(campaign_id, tuple(phones), ivr_path, caller_id, calls_timeout, now)
            self._campaigns.append(campaign)
            self._pay(DIALLING_PRICE * len(phones))
            return campaign

    def answer_call(self, *, seconds: int) -> None:
        """Somebody answered a campaign's call and talked: a unit a minute, at least half a unit."""
        with self.lock:
            self._pay(max(MINUTE_PRICE * seconds / 60, LEAST_CALL_PRICE))

    def record(self, request: ApiRequest) -> None:
        """Remember a request that came in for this system."""
        with self.lock:
            self._requests.append(request)
            self._counts[request.method] += 1

    @property
    def messages(self) -> tuple[Message, ...]:
        """Oldest first."""
        with self.lock:
            return tuple(self._messages)

    @property
    def accounts(self) -> tuple[SipAccount, ...]:
        """In the order of their numbers, which start at 1."""
        with self.lock:
            return tuple(self._accounts.values())

    @property
    def queues(self) -> Mapping[str, SimulatedQueue]:
        """By extension, `5/1`; "" is the main one."""
        with self.lock:
            return MappingProxyType(dict(self._queues))

    @property
    def directories(self) -> Mapping[str, SimulatedDirectory]:
        """By path, as queues."""
        with self.lock:
            return MappingProxyType(dict(self._directories))

    @property
    def units(self) -> float:
        with self.lock:
            return self._units

    @property
    def units_expire_on(self) -> date:
        with self.lock:
            return self._units_expire_on

    @property
    def campaigns(self) -> tuple[Campaign, ...]:
        with self.lock:
            return tuple(self._campaigns)

    @property
    def requests(self) -> tuple[ApiRequest, ...]:
        """The last requests for this system, oldest first."""
        with self.lock:
            return tuple(self._requests)

    @property
    def request_counts(self) -> Counter[str]:
        """How many requests came, by method; never forgets."""
        with self.lock:
            return Counter(self._counts)

    def _pay(self, units: float) -> None:
        self._units = round(self._units - units, 2)

    def _account(self, user_name: str) -> SipAccount:
        if user_name not in self._accounts:
            raise SimulationError(f"no sip account {user_name}")
        return self._accounts[user_name]
