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
from daemon.core.phones import key
from daemon.simulator.dialling import DIALLING_PRICE, LEAST_CALL_PRICE, MINUTE_PRICE, Dialling, Entry
from daemon.simulator.extensions import Ground, SimulatedDirectory, SimulatedQueue
from daemon.simulator.files import SimulatedFiles
from daemon.simulator.spelling import SimulationError, Style, extension

REMEMBERED = 10_000
"""Requests kept for `requests`; the counts go on."""
DEFAULT_UNITS = 250.0
DEFAULT_SMS_UNITS = 500.0
UNITS_LAST = timedelta(days=365)
"""What a new system begins with, by our choice."""


@dataclass(frozen=True)
class Message:
    """An SMS that was received."""

    sender: str
    """A number, or a name."""
    recipient: str
    text: str
    at: datetime


@dataclass(frozen=True)
class SentSms:
    """A message that SendSms took, to one number."""

    recipient: str
    text: str
    sender: str
    at: datetime
    units: float
    report: str | None = None
    """`DeliveryReport`: the carrier's last word."""


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
class ChargeRow:
    """A row of the balance's transactions."""

    id: int
    at: datetime
    units: float
    description: str
    balance: float
    """What was left then."""
    campaign: str | None = None


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
    is_missing_an_envelope: bool = False
    """DownloadFile of a missing file is HTTP 200 with an error in JSON, in place of a 404."""
    is_unsorted: bool = False
    """GetIVR2Dir does not heed `orderBy`."""
    caller_ids: frozenset[str] | None = None
    """Caller ids that campaigns may show (code 120); None: any."""
    sms_senders: frozenset[str] | None = None
    """Senders that SendSms takes (code 120) beside the system's own number; None: any."""
    is_naming_oks: bool = True
    """SendSms names the numbers that it goes to; else only how many."""
    has_sent_log: bool = True
    """GetSmsOutLog shows what was sent; else it stays empty."""
    knows_campaigns: bool = True
    """GetCampaignStatus and CampaignAction take the ids of CallExtensionBridging; else not found (code
    106)."""
    obeys_actions: bool = True
    """CampaignAction does what it says it does."""
    reports: str | None = "bare"
    """The ids that ViewCampaignReports takes: "bare", without `YA-`; "whole"; None: neither."""
    charges_name_campaigns: bool = True
    """Transactions fill `campaignId`; that each has its text is always so."""
    lying_counters: int = 0
    """For so many more times GetCampaignStatus says that there is nobody left to call."""
    prices_as_text: bool = False
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
        self.files = SimulatedFiles(number, now, self.lock)
        """Of every folder: recordings, logs."""
        self._directories: dict[str, SimulatedDirectory] = {}
        self.directory("")
        self._extensions: dict[str, tuple[str | None, str]] = {"": ("menu", "")}
        self._units = DEFAULT_UNITS
        self._units_expire_on = (now() + UNITS_LAST).date()
        self._pirsumphone = True
        self._campaigns: list[Campaign] = []
        self._sent: list[SentSms] = []
        self._bad_numbers: dict[str, str] = {}
        self._dialling: dict[str, Dialling] = {}
        self.charges: list[ChargeRow] = []
        """The balance's transactions, oldest first."""
        self.sms_units: float | None = DEFAULT_SMS_UNITS
        """What is left for SMS; None: this system is not told."""
        self.caller_ids: dict[str, datetime | None] = {}
        """Caller ids that are approved, and until when; None: for good."""
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
            return self._queues.setdefault(
                extension(path), SimulatedQueue(path, self._ground, self.files.append)
            )

    def directory(self, path: str) -> SimulatedDirectory:
        """The folder at this path; a new and empty one if there was none."""
        name = extension(path)
        with self.lock:
            return self._directories.setdefault(name, SimulatedDirectory(name, self._ground, self.files))

    def set_extension(self, path: str, kind: str | None, title: str = "") -> None:
        """Say what an extension is (`extType`, such as "queue") and what it is called. None: a folder of
        data that is no extension. What lies above it is there, too, as a menu."""
        name = extension(path)
        with self.lock:
            self._extensions[name] = (kind, title)
            if kind == "queue":
                self.queue(path)

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
            self._dialling[campaign_id] = Dialling(dict.fromkeys(phones, Entry.PENDING), now)
            self._pay(DIALLING_PRICE * len(phones), f"Start-{campaign_id}", campaign_id)
            return campaign

    def send_sms(self, phones: Sequence[str], text: str, *, sender: str, units: float) -> None:
        """A message leaves for these numbers, and is paid. Whether it may is decided before."""
        with self.lock:
            now = self.now()
            self._sent += [SentSms(one, text, sender, now, units) for one in phones]
            self._pay(units * len(phones))

    def report_sms(self, report: str, *, phone: str | None = None) -> None:
        """The carrier says what became of the last message, or of the last to a number. Raises
        SimulationError where there is none."""
        with self.lock:
            for at in range(len(self._sent) - 1, -1, -1):
                if phone is None or key(self._sent[at].recipient) == key(phone):
                    self._sent[at] = replace(self._sent[at], report=report)
                    return
            raise SimulationError(f"no SMS was sent to {phone}" if phone else "no SMS was sent")

    def refuse_number(self, phone: str, reason: str) -> None:
        """SendSms refuses a number from now on, for a reason."""
        with self.lock:
            self._bad_numbers[key(phone)] = reason

    def objection(self, phone: str) -> str | None:
        """Why SendSms refuses a number; None: it does not."""
        with self.lock:
            return self._bad_numbers.get(key(phone))

    @property
    def sent(self) -> tuple[SentSms, ...]:
        """What SendSms took, oldest first."""
        with self.lock:
            return tuple(self._sent)

    def dialling(self, campaign: str) -> Dialling:
        """How a campaign goes on, by its id."""
        with self.lock:
            return self._dialling[campaign]

    def call_of_campaign(
        self, *, answered: bool, seconds: int = 30, phone: str | None = None, campaign: str | None = None
    ) -> None:
        """A campaign calls its next number, or this one; the newest campaign, or the one of this id. Raises
        SimulationError where it has none left."""
        with self.lock:
            dialling = self._found_dialling(campaign)
            talk = dialling.called(answered=answered, seconds=seconds, now=self.now(), phone=phone)
            self._pay(talk)

    def end_campaign(self, word: str = "FINISHED", *, campaign: str | None = None) -> None:
        """A campaign calls nobody any more."""
        with self.lock:
            self._found_dialling(campaign).end(word, self.now())

    def _found_dialling(self, campaign: str | None) -> Dialling:
        name = campaign or (self._campaigns[-1].id if self._campaigns else None)
        if name is None or name not in self._dialling:
            raise SimulationError(f"no campaign {campaign}" if campaign else "there is no campaign")
        return self._dialling[name]

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
    def folders(self) -> Mapping[str, tuple[str | None, str]]:
        """Every folder of the tree by path, as queues: its type, None where it is no extension, and title."""
        with self.lock:
            own: dict[str, tuple[str | None, str]] = {name: (None, "") for name in self.files.folders}
            own |= {name: ("record", "") for name in self._directories}
            own |= {name: ("queue", "") for name in self._queues}
            own |= self._extensions
            above = {"/".join(name.split("/")[:end]) for name in own for end in range(name.count("/") + 1)}
            return MappingProxyType({**{name: ("menu", "") for name in above}, **own})

    def type_of(self, path: str) -> str | None:
        """What somebody said that an extension is; None: nobody did."""
        with self.lock:
            return self._extensions.get(extension(path), (None, ""))[0]

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

    def _pay(self, units: float, description: str = "", campaign: str | None = None) -> None:
        self._units = round(self._units - units, 2)
        if campaign is not None:
            number = len(self.charges) + 1
            paid = ChargeRow(number, self.now(), round(units, 2), description, self._units, campaign)
            self.charges.append(paid)

    def _account(self, user_name: str) -> SipAccount:
        if user_name not in self._accounts:
            raise SimulationError(f"no sip account {user_name}")
        return self._accounts[user_name]
