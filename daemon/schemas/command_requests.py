"""Requests for commands as models: what each type takes, checked before anything is queued.

The same for HTTP and the command line. Each fault names its field. What may stand in a field is the matter of
`command_fields.py` and `phone_numbers.py`; what the configuration has to say of a request is not asked here.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationInfo,
    field_validator,
)

from daemon.core.commands import texts
from daemon.core.commands.campaigns import MOST_NUMBERS, estimate
from daemon.core.commands.command import OnHoliday
from daemon.core.model import Json
from daemon.core.watches.sms import MAX_LIMIT
from daemon.schemas.command_fields import (
    Agent,
    CallId,
    Goto,
    IvrPath,
    LocalDate,
    Params,
    Path,
    SmsSender,
    SmsText,
    no_boolean,
    unlike,
)
from daemon.schemas.fields import Moment
from daemon.schemas.phone_numbers import Phone, Phones, Recipients

LONGEST_RINGING = 35
"""Seconds: the most that `callsTimeOut` of CallExtensionBridging takes."""
MOST_CALLS = 500
"""Ours. Of one kick; more than wait in any queue."""


LARGEST_ID = 2**53
"""Ours. What JSON's numbers hold to the last digit everywhere."""


class NoParams(Params):
    """This command takes none."""


class QueueKick(Params):
    """QueueManagement, action `kick`: callers who wait are dropped, or sent to another extension."""

    queue_path: Path = Field(examples=["/5"])
    call_ids: Annotated[list[CallId], Field(min_length=1, max_length=MOST_CALLS), AfterValidator(unlike)]
    goto: Goto | None = Field(None, description="The extension to send them to", examples=["/1"])


class QueuePause(Params):
    """QueueManagement, actions `pause` and `unpause`."""

    queue_path: Path = Field(examples=["/5"])
    agent: Agent = Field(description="As GetQueueRealTime shows it", examples=["SIP-0773137770-3"])


class CallbackRemove(Params):
    """QueueCallBack, action `removeNumber`: takes a request out of the platform's call-back list."""

    request_id: Annotated[int, Field(ge=1, le=LARGEST_ID), BeforeValidator(no_boolean)] = Field(
        description="As `GET /api/v1/missed` shows it", examples=[4711]
    )


class CampaignBridge(Params):
    """CallExtensionBridging: calls numbers, and puts whoever answers through to an extension."""

    phones: Phones = Field(
        description="Numbers between colons, a stored list (`tpl:12`, `tzl:3`), or a list of numbers, of "
        "`{phone, caller_id}` or of `{phones, caller_id}`",
        examples=[["0501234567", "0501234568"]],
    )
    ivr_path: IvrPath = Field(description="Where to put them through", examples=["ivr2:/1/100"])
    caller_id: Phone | None = None
    calls_timeout: Annotated[int, Field(ge=1, le=LONGEST_RINGING), BeforeValidator(no_boolean)] | None = (
        Field(None, description="How long it rings, in seconds; the API's default is 30")
    )
    tzintuk_lists: Annotated[list[CallId], Field(max_length=MOST_NUMBERS), AfterValidator(unlike)] = Field(
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


class CampaignId(Params):
    """GetCampaignStatus, and what is asked where it does not know the campaign; CampaignAction, action
    `stop`."""

    campaign_id: CallId = Field(
        description="The platform's, as `campaign.bridge` answers it",
        examples=["YA-1-0773137770-Yemot-1795395723456000"],
    )


class SipContexts(Params):
    """SipGetContexts."""

    account_number: Annotated[int, Field(ge=1, le=100_000), BeforeValidator(no_boolean)] | None = Field(
        None, description="1, 2, …: no user name; without it, the first account"
    )


class SmsLog(Params):
    """GetSmsIncomingLog, or its successor where the system's `[systems.sms]` says so."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT), BeforeValidator(no_boolean)] = 100
    start_date: LocalDate | None = Field(None, examples=["2026-11-23 18:00:00"])
    end_date: LocalDate | None = None

    @field_validator("end_date")
    @classmethod
    def _is_not_before_the_start(cls, value: str | None, info: ValidationInfo) -> str | None:
        start = info.data.get("start_date")
        if start and value and value < start:
            raise ValueError("is before start_date")
        return value


class SmsSend(Params):
    """SendSms: a message to one number or several."""

    to: Recipients = Field(
        description=f"Numbers, {texts.MOST_NUMBERS} at most; one alone may stand without a list",
        examples=[["0501234567"]],
    )
    text: SmsText = Field(
        description=f"At most {texts.MOST_PARTS} parts of {texts.PART} characters", examples=["On our way"]
    )
    sender: SmsSender | None = Field(
        None, alias="from", description="An approved number or name; without it, the system's own number"
    )


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


class CallbackRemoveRequest(CommandFields):
    type: Literal["queue.callback.remove"]
    params: CallbackRemove


class PirsumPhoneRequest(CommandFields):
    type: Literal["pirsumphone.register", "pirsumphone.unregister", "pirsumphone.status"]
    params: NoParams = NoParams()


class CampaignRequest(CommandFields):
    type: Literal["campaign.bridge"]
    params: CampaignBridge
    on_holiday: OnHoliday = Field(
        OnHoliday.FAIL, description="What becomes of it where it is refused on Shabbat or a holiday (104)"
    )


class CampaignIdRequest(CommandFields):
    type: Literal["campaign.status", "campaign.stop"]
    params: CampaignId


class SipContextsRequest(CommandFields):
    type: Literal["sip.contexts"]
    params: SipContexts = Field(default_factory=lambda: SipContexts(account_number=None))


class SipAccountsRequest(CommandFields):
    type: Literal["sip.accounts"]
    params: NoParams = NoParams()


class SmsLogRequest(CommandFields):
    type: Literal["sms.log"]
    params: SmsLog = Field(default_factory=lambda: SmsLog(limit=100, start_date=None, end_date=None))


class SmsSendRequest(CommandFields):
    type: Literal["sms.send"]
    params: SmsSend


class QueueStateRequest(CommandFields):
    type: Literal["queue.state"]
    params: QueueState


class DirectoryStatsRequest(CommandFields):
    type: Literal["directory.stats"]
    params: DirectoryStats


Request: TypeAlias = (
    KickRequest
    | PauseRequest
    | CallbackRemoveRequest
    | PirsumPhoneRequest
    | CampaignRequest
    | CampaignIdRequest
    | SipContextsRequest
    | SipAccountsRequest
    | SmsLogRequest
    | SmsSendRequest
    | QueueStateRequest
    | DirectoryStatsRequest
)
AnyRequest = Annotated[Request, Field(discriminator="type")]
"""A request for a command of any type."""
REQUESTS: Mapping[str, type[CommandFields]] = {
    name: model for model in get_args(Request) for name in get_args(model.model_fields["type"].annotation)
}
"""The model of the requests of each type."""
PARAMS: Mapping[str, type[Params]] = {
    name: annotation
    for name, model in REQUESTS.items()
    if isinstance(annotation := model.model_fields["params"].annotation, type)
}
"""The model of the parameters of each type."""
TAGS = frozenset({"list", "as_text", "number", "one", "group", *PARAMS})
"""What pydantic adds to the path of a field to say which model of several it was read by."""
_ADAPTER: TypeAdapter[Request] = TypeAdapter(AnyRequest)


def parse(document: Mapping[str, Json]) -> Request:
    """A request out of JSON; raises pydantic's ValidationError, which `wording.py` puts into words."""
    return _ADAPTER.validate_python(document)


def params_of(request: Request) -> dict[str, Json]:
    """The parameters as they are kept: in their final form, and without those that are not given."""
    dumped: dict[str, Json] = request.params.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {key: value for key, value in dumped.items() if value != []}


def units_of(request: Request) -> float | None:
    """What a request counts against the budget, at most as far as that is known; None: nothing."""
    if isinstance(request, SmsSendRequest):
        return texts.estimate(params_of(request)).units
    return estimate(params_of(request)).units if isinstance(request, CampaignRequest) else None
