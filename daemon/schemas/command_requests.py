"""Requests for commands as models: what each type takes, checked before anything is queued.

The same for HTTP and the command line. Phone numbers come out in the national form, and each fault names
its field. What the configuration has to say of a request is not asked here.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    TypeAdapter,
    ValidationInfo,
    field_validator,
)

from daemon.core.commands.campaigns import LISTS, MOST_NUMBERS, estimate
from daemon.core.commands.command import OnHoliday
from daemon.core.model import Json
from daemon.core.phones import normalise
from daemon.core.watches.sms import MAX_LIMIT

LONGEST_RINGING = 35
"""Seconds; the API takes no more."""
MOST_CALLS = 500
"""Of one kick; more than wait in any queue."""
FIRST_YEAR, LAST_YEAR = 2000, 2200
COUNTRY = 972
"""A whole number that begins with it has lost no zero."""

IVR = "ivr2:"

_NUMBER = re.compile(r"\+?[0-9]{3,15}")
_LARGEST_NUMBER = 10**15
_CALL_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_WRITTEN = re.compile(r"[\s().-]")
_PATH = re.compile(r"\.|/|/?[^\s/]+(?:/[^\s/]+)*/?")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_LIST = re.compile(r"(?:tpl|tzl):[A-Za-z0-9_-]{1,64}")
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?))?")


def _path(value: str) -> str:
    # Not printable are also the marks of direction that come along when Hebrew text is copied.
    if not _PATH.fullmatch(value) or not value.isprintable() or ".." in value.split("/"):
        raise ValueError('expected the path of an extension, such as "/5" or "/1/2"; "." is the main one')
    return value


def _ivr_path(value: str) -> str:
    bare = value.removeprefix(IVR)
    if bare.startswith(IVR):
        raise ValueError(f'"{IVR}" is given twice')
    return IVR + _path(bare)


def _call_id(value: str) -> str:
    if not _CALL_ID.fullmatch(value):
        raise ValueError("expected letters, digits, dots, dashes and underscores, at most 64")
    return value


def _text(value: str) -> str:
    if not value.strip() or any(not one.isprintable() for one in value):
        raise ValueError("expected text, on one line")
    return value.strip()


def idempotency_key(value: str) -> str:
    """The key as it is; raises ValueError for one that HTTP cannot carry."""
    if not _KEY.fullmatch(value):
        raise ValueError("expected 1 to 255 ASCII letters, digits and signs, without blanks")
    return value


def _phone(value: object) -> str:
    """A number in the national form. A whole number has lost the zero that a national number begins with."""
    if isinstance(value, int) and not isinstance(value, bool):
        # The bound first: Python refuses to write out an int of thousands of digits.
        if not 0 < value < _LARGEST_NUMBER or not str(value).startswith(str(COUNTRY)):
            raise ValueError("expected a number as text: as a figure it loses its first zero")
        value = str(value)
    if not isinstance(value, str):
        raise ValueError("expected a phone number, as text")
    digits = _WRITTEN.sub("", value)
    national = normalise(digits)
    # What is kept is read again when the command is carried out, so it has to be a number itself.
    if not _NUMBER.fullmatch(digits) or not _NUMBER.fullmatch(national):
        raise ValueError("expected a phone number, of 3 to 15 digits")
    return national


def _phones_text(value: str) -> str:
    """A stored list by its name, or numbers between colons."""
    stripped = value.strip()
    if stripped == "tzl:" or _LIST.fullmatch(stripped):
        return stripped
    if stripped.startswith(LISTS):
        raise ValueError('expected the name of a list, such as "tpl:12" or "tzl:3"')
    try:
        return ":".join(map(_phone, stripped.split(":")))
    except ValueError as error:
        raise ValueError(f'{error}; several are written "0501234567:0501234568"') from None


def _opened(value: object) -> object:
    """The API takes its JSON forms as text, too."""
    if not isinstance(value, str | list):
        raise ValueError("expected numbers: text with colons between them, or a list")
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError("begins as JSON, and is none") from None
    return value


def _local_date(value: str) -> str:
    """`YYYY-MM-DD HH:MM:SS`, as the API takes it, of a date that exists."""
    written = _DATE.fullmatch(value.strip())
    try:
        at = datetime.fromisoformat(" ".join(filter(None, written.groups()))) if written else None
    except ValueError:
        at = None
    if at is None or not FIRST_YEAR <= at.year < LAST_YEAR:
        raise ValueError('expected a local time such as "2026-11-23 18:00:00"')
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _moment(value: datetime) -> datetime:
    if not FIRST_YEAR <= value.year < LAST_YEAR:
        raise ValueError(f"expected a time between {FIRST_YEAR} and {LAST_YEAR}")
    return value


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("expected a whole number")
    return value


def _unlike(values: list[str]) -> list[str]:
    twice = next((value for value, many in Counter(values).items() if many > 1), None)
    if twice is not None:
        raise ValueError(f"{twice} is given twice")
    return values


Path = Annotated[str, StringConstraints(max_length=200), AfterValidator(_path)]
IvrPath = Annotated[str, StringConstraints(max_length=200), AfterValidator(_ivr_path)]
CallId = Annotated[
    str, AfterValidator(_call_id), Field(json_schema_extra={"pattern": f"^{_CALL_ID.pattern}$"})
]
IdempotencyKey = Annotated[
    str, AfterValidator(idempotency_key), Field(json_schema_extra={"pattern": f"^{_KEY.pattern}$"})
]
Agent = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_text)]
Phone = Annotated[str, BeforeValidator(_phone, json_schema_input_type=str | int)]
LocalDate = Annotated[str, StringConstraints(max_length=32), AfterValidator(_local_date)]
Moment = Annotated[AwareDatetime, AfterValidator(_moment)]


class Params(BaseModel):
    """What all parameters share."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoParams(Params):
    """This command takes none."""


class QueueKick(Params):
    """QueueManagement, action `kick`: callers who wait are dropped, or sent to another extension."""

    queue_path: Path = Field(examples=["/5"])
    call_ids: Annotated[list[CallId], Field(min_length=1, max_length=MOST_CALLS), AfterValidator(_unlike)]
    goto: Path | None = Field(None, description="The extension to send them to", examples=["/1"])


class QueuePause(Params):
    """QueueManagement, actions `pause` and `unpause`."""

    queue_path: Path = Field(examples=["/5"])
    agent: Agent = Field(description="As GetQueueRealTime shows it", examples=["SIP-0773137770-3"])


class OnePhone(Params):
    """A number, and the caller id that it is to see."""

    phone: Phone
    caller_id: Phone | None = None


class PhoneGroup(Params):
    """Numbers, and the caller id that they are to see."""

    phones: Annotated[list[Phone], Field(min_length=1)]
    caller_id: Phone | None = None


def _form(value: object) -> str:
    if isinstance(value, Mapping):
        return "group" if "phones" in value else "one"
    return "one" if isinstance(value, OnePhone) else "group" if isinstance(value, PhoneGroup) else "number"


Entry = Annotated[
    Annotated[Phone, Tag("number")] | Annotated[OnePhone, Tag("one")] | Annotated[PhoneGroup, Tag("group")],
    Discriminator(_form),
]


def _forms(value: list[Any]) -> list[Any]:
    if len({_form(one) for one in value}) > 1:
        raise ValueError("mixes numbers, objects with phone and objects with phones; give all in one form")
    return value


def _can_be_dialled(phones: Any) -> Any:
    numbers = list(_numbers(phones))
    if len(numbers) > MOST_NUMBERS:
        raise ValueError(f"{len(numbers)} numbers; a campaign takes at most {MOST_NUMBERS}")
    _unlike(numbers)
    return phones


Phones = Annotated[
    Annotated[str, StringConstraints(max_length=20_000), AfterValidator(_phones_text), Tag("text")]
    | Annotated[list[Entry], Field(min_length=1), AfterValidator(_forms), Tag("list")],
    Discriminator(lambda value: "list" if isinstance(value, list) else "text"),
    BeforeValidator(_opened),
    AfterValidator(_can_be_dialled),
]


class CampaignBridge(Params):
    """CallExtensionBridging: calls numbers, and puts whoever answers through to an extension."""

    phones: Phones = Field(
        description="Numbers between colons, a stored list (`tpl:12`, `tzl:3`), or a list of numbers, of "
        "`{phone, caller_id}` or of `{phones, caller_id}`",
        examples=[["0501234567", "0501234568"]],
    )
    ivr_path: IvrPath = Field(description="Where to put them through", examples=["ivr2:/1/100"])
    caller_id: Phone | None = None
    calls_timeout: Annotated[int, BeforeValidator(_no_boolean), Field(ge=1, le=LONGEST_RINGING)] | None = (
        Field(None, description="How long it rings, in seconds; the API's default is 30")
    )
    tzintuk_lists: Annotated[list[CallId], Field(max_length=MOST_NUMBERS), AfterValidator(_unlike)] = Field(
        default_factory=list, description='Several lists, where `phones` is `"tzl:"`', validate_default=True
    )

    @field_validator("tzintuk_lists")
    @classmethod
    def _goes_with_its_phones(cls, value: list[str], info: ValidationInfo) -> list[str]:
        phones = info.data.get("phones")
        if phones == "tzl:" and not value:
            raise ValueError('must name the lists that phones "tzl:" speaks of')
        if value and phones not in ("tzl:", None):
            raise ValueError('goes with phones "tzl:" only')
        return value


def _numbers(phones: Any) -> Iterator[str]:
    """Every number that is named, in the national form."""
    if isinstance(phones, str):
        yield from [] if phones.startswith(LISTS) else phones.split(":")
        return
    for one in phones:
        yield from one.phones if isinstance(one, PhoneGroup) else [getattr(one, "phone", one)]


class SipContexts(Params):
    """SipGetContexts."""

    account_number: Annotated[int, BeforeValidator(_no_boolean), Field(ge=1, le=100_000)] | None = Field(
        None, description="1, 2, …: no user name; without it, the first account"
    )


class SmsLog(Params):
    """GetSmsIncomingLog, or its successor where the system's `[systems.sms]` says so."""

    limit: Annotated[int, BeforeValidator(_no_boolean), Field(ge=1, le=MAX_LIMIT)] = 100
    start_date: LocalDate | None = Field(None, examples=["2026-11-23 18:00:00"])
    end_date: LocalDate | None = None

    @field_validator("end_date")
    @classmethod
    def _is_not_before_the_start(cls, value: str | None, info: ValidationInfo) -> str | None:
        start = info.data.get("start_date")
        if start and value and value < start:
            raise ValueError("is before start_date")
        return value


class QueueState(Params):
    """GetQueueRealTime."""

    queue_path: Path = Field(examples=["/5"])


class DirectoryStats(Params):
    """GetIVR2DirStats."""

    path: Path = Field(examples=["/2"])


class CommandFields(BaseModel):
    """What every request for a command may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(examples=["main"])
    not_before: Moment | None = Field(None, description="It is not carried out earlier")
    expires_at: Moment | None = Field(
        None, description="It is not carried out later; default: `commands_expire` of the system"
    )

    @field_validator("expires_at")
    @classmethod
    def _is_after_its_beginning(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        begin = info.data.get("not_before")
        if begin and value and value <= begin:
            raise ValueError("is not after not_before")
        return value


class KickRequest(CommandFields):
    type: Literal["queue.kick"]
    params: QueueKick


class PauseRequest(CommandFields):
    type: Literal["queue.pause", "queue.unpause"]
    params: QueuePause


class PirsumPhoneRequest(CommandFields):
    type: Literal["pirsumphone.register", "pirsumphone.unregister", "pirsumphone.status"]
    params: NoParams = NoParams()


class CampaignRequest(CommandFields):
    type: Literal["campaign.bridge"]
    params: CampaignBridge
    on_holiday: OnHoliday = Field(
        OnHoliday.FAIL, description="What becomes of it where it is refused on Shabbat or a holiday (104)"
    )


class SipContextsRequest(CommandFields):
    type: Literal["sip.contexts"]
    params: SipContexts = Field(default_factory=lambda: SipContexts(account_number=None))


class SipAccountsRequest(CommandFields):
    type: Literal["sip.accounts"]
    params: NoParams = NoParams()


class SmsLogRequest(CommandFields):
    type: Literal["sms.log"]
    params: SmsLog = Field(default_factory=lambda: SmsLog(limit=100, start_date=None, end_date=None))


class QueueStateRequest(CommandFields):
    type: Literal["queue.state"]
    params: QueueState


class DirectoryStatsRequest(CommandFields):
    type: Literal["directory.stats"]
    params: DirectoryStats


Request: TypeAlias = (
    KickRequest
    | PauseRequest
    | PirsumPhoneRequest
    | CampaignRequest
    | SipContextsRequest
    | SipAccountsRequest
    | SmsLogRequest
    | QueueStateRequest
    | DirectoryStatsRequest
)
AnyRequest = Annotated[Request, Field(discriminator="type")]
"""A request for a command of any type."""
PARAMS: Mapping[str, type[Params]] = {
    name: model.model_fields["params"].annotation
    for model in get_args(Request)
    for name in get_args(model.model_fields["type"].annotation)
}
"""The model of the parameters of each type."""
TAGS = frozenset({"list", "text", "number", "one", "group", *PARAMS})
"""What pydantic adds to the path of a field to say which model of several it was read by."""
_ADAPTER: TypeAdapter[Request] = TypeAdapter(AnyRequest)


def parse(document: Mapping[str, Json]) -> Request:
    """A request out of JSON; raises pydantic's ValidationError, which `wording.py` puts into words."""
    return _ADAPTER.validate_python(document)


def params_of(request: Request) -> dict[str, Json]:
    """The parameters as they are kept: in their final form, and without those that are not given."""
    dumped: dict[str, Json] = request.params.model_dump(mode="json", exclude_none=True)
    return {key: value for key, value in dumped.items() if value != []}


def units_of(request: Request) -> float | None:
    """What a request counts against the budget, at most as far as that is known; None: nothing."""
    return estimate(params_of(request)).units if isinstance(request, CampaignRequest) else None
