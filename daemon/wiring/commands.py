"""From a system's configuration to what it takes: one row for each type of command, with its five parts.

The request's model comes from `schemas/command_requests.py`; the nature, and what to check where the outcome
is not known, from `core/commands/command_types.py`; the judgement of the result from
`core/commands/judgement.py`. The call of the API stands here.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Generic, Literal, Protocol, TypeVar
from zoneinfo import ZoneInfo

import structlog
from pydantic import ValidationError

from daemon.config.settings import Config
from daemon.config.systems import SystemSettings
from daemon.core.commands import command_types, judgement
from daemon.core.commands.command import Command, Done
from daemon.core.commands.command_types import TYPES, CommandType
from daemon.core.commands.following import Progress
from daemon.core.commands.policy import HALF_AN_HOUR, Policy
from daemon.core.commands.results import (
    Bridged,
    CampaignRead,
    CampaignStopped,
    DirectoryRead,
    Kicked,
    MessagesRead,
    Paused,
    QueueRead,
    Registration,
    Removed,
    Texted,
)
from daemon.core.model import Failure, Unknown
from daemon.core.watches import registrations, sip
from daemon.core.watches.pirsumphone import Observation as PirsumPhone
from daemon.host import clock
from daemon.schemas import command_requests
from daemon.schemas.command_fields import Params
from daemon.schemas.command_requests import (
    CallbackRemove,
    CampaignBridge,
    CampaignId,
    DirectoryStats,
    NoParams,
    QueueKick,
    QueuePause,
    QueueState,
    SipContexts,
    SmsLog,
    SmsSend,
)
from daemon.schemas.phone_numbers import OnePhone, PhoneGroup
from daemon.schemas.wording import faults
from daemon.wiring import campaigns
from daemon.workers import commander
from daemon.yemot import campaigns as platform_campaigns
from daemon.yemot import reads
from daemon.yemot.client import Client
from daemon.yemot.commands import Phones

log = structlog.get_logger()

ParamsT = TypeVar("ParamsT", bound=Params)
AnswerT = TypeVar("AnswerT")

LOOKS_AT_A_STOP, BETWEEN_LOOKS = 3, 1.0
"""How often a campaign is looked at after it was to be stopped, and seconds from one to the other."""
NOT_LOOKED = Unknown(Failure.OURS, "it was not looked at")
SAID = 5
"""Faults of kept parameters that an error repeats."""


@dataclass(frozen=True)
class Platform:
    """One phone system, as its commands are carried out there."""

    client: Client
    sms_method: Literal["GetSmsIncomingLog", "GetIncomingSms"]
    zone: ZoneInfo
    """Of the times in its answers."""
    now: Callable[[], datetime]
    rest: Callable[[float], object] = threading.Event().wait
    """Waits for so many seconds."""


class Carrier(Protocol):
    """A row, whatever its parameters and its answer are."""

    @property
    def kind(self) -> CommandType: ...
    @property
    def model(self) -> type[Params]: ...
    def carry_out(self, platform: Platform, command: Command) -> Done | Unknown: ...


@dataclass(frozen=True)
class Row(Generic[ParamsT, AnswerT]):
    """One type of command."""

    kind: CommandType
    """Its name, its nature, and what to check."""
    model: type[ParamsT]
    call: Callable[[Platform, ParamsT], AnswerT | Unknown]
    judge: Callable[[Command, AnswerT], Done]

    def carry_out(self, platform: Platform, command: Command) -> Done | Unknown:
        """One call of the API. REFUSED without a code where another version kept parameters that this one
        does not take: nothing was sent."""
        try:
            params = self.model.model_validate(command.params)
        except ValidationError as error:
            return _not_sent(f"its parameters are not what this version takes: {_told(error)}")
        answer = self.call(platform, params)
        return answer if isinstance(answer, Unknown) else self.judge(command, answer)


def systems_of(config: Config, clients: list[Client]) -> dict[str, commander.System]:
    """Each system with what it allows and how its commands are carried out; `clients` in their order."""
    allowed, zone = policies(config), ZoneInfo(config.daemon.timezone)
    return {
        system.name: commander.System(
            allowed[system.name], partial(_carry_out, _platform(system, client, zone))
        )
        for system, client in zip(config.systems, clients, strict=True)
    }


def policies(config: Config) -> dict[str, Policy]:
    """What each system allows."""
    zone = ZoneInfo(config.daemon.timezone)
    return {
        one.name: Policy(
            one.commands,
            one.campaign_units_per_day,
            one.commands_expire,
            one.commands_rate,
            zone,
            _holiday_end,
            one.sms_units_per_day,
        )
        for one in config.systems
    }


def _holiday_end(now: datetime) -> datetime:
    from daemon.wiring.hebrew_calendar import holiday_end  # noqa: PLC0415 - few campaigns wait

    try:
        return holiday_end(now)
    except Exception:  # the platform knows when it is over: it is asked again before long
        log.exception("holiday.not_known")
        return now + HALF_AN_HOUR


def _platform(system: SystemSettings, client: Client, zone: ZoneInfo) -> Platform:
    method = "GetSmsIncomingLog" if system.sms is None else system.sms.method
    return Platform(client, method, zone, clock.utcnow)


def _carry_out(platform: Platform, command: Command) -> Done | Unknown:
    row = ROWS.get(command.type)
    if row is None:
        return _not_sent(f"this version knows no command {command.type!r}")
    return row.carry_out(platform, command)


def _not_sent(why: str) -> Unknown:
    return Unknown(Failure.REFUSED, f"nothing was sent: {why}", is_unsent=True)


def _told(error: ValidationError) -> str:
    found = faults(error.errors(), command_requests.TAGS)[:SAID]
    return "; ".join(f"params.{place}: {reason}" for place, reason in found)


def _kick(platform: Platform, params: QueueKick) -> Kicked | Unknown:
    return platform.client.queue_kick(params.queue_path, params.call_ids, goto=params.goto)


def _pause(platform: Platform, params: QueuePause) -> Paused | Unknown:
    return platform.client.queue_pause(params.queue_path, params.agent)


def _unpause(platform: Platform, params: QueuePause) -> Paused | Unknown:
    return platform.client.queue_unpause(params.queue_path, params.agent)


def _remove_callback(platform: Platform, params: CallbackRemove) -> Removed | Unknown:
    return platform.client.callback_remove(params.request_id)


def _register(platform: Platform, _params: NoParams) -> Registration | Unknown:
    return platform.client.pirsumphone_register()


def _unregister(platform: Platform, _params: NoParams) -> Registration | Unknown:
    return platform.client.pirsumphone_unregister()


def _read_pirsumphone(platform: Platform, _params: NoParams) -> PirsumPhone | Unknown:
    return platform.client.read(reads.pirsumphone_status())


def _bridge(platform: Platform, params: CampaignBridge) -> Bridged | Unknown:
    return platform.client.campaign_bridge(
        _spelled(params.phones),
        params.ivr_path,
        caller_id=params.caller_id,
        calls_timeout=params.calls_timeout,
        tzintuk_lists=params.tzintuk_lists,
    )


def _read_campaign(platform: Platform, params: CampaignId) -> CampaignRead | Unknown:
    found = campaigns.look(platform.client, params.campaign_id, None, platform.zone)
    return (
        found if isinstance(found, Unknown) else CampaignRead(params.campaign_id, found.glance, found.report)
    )


def _stop_campaign(platform: Platform, params: CampaignId) -> CampaignStopped | Unknown:
    """Its effect is read back, more than once: it may take a moment."""
    refused = platform.client.campaign_stop(params.campaign_id)
    if refused is not None:
        return refused
    seen: Progress | Unknown = NOT_LOOKED
    for look in range(LOOKS_AT_A_STOP):
        if look:
            platform.rest(BETWEEN_LOOKS)
        seen = platform.client.read(platform_campaigns.campaign_status(params.campaign_id))
        if isinstance(seen, Unknown) or judgement.is_stopped(seen):
            break
    if isinstance(seen, Unknown):
        return CampaignStopped(params.campaign_id, None, seen.message)
    return CampaignStopped(params.campaign_id, seen)


def _spelled(phones: str | list[str | OnePhone | PhoneGroup]) -> Phones:
    if isinstance(phones, str):
        return phones
    return [one if isinstance(one, str) else one.model_dump(exclude_none=True) for one in phones]


def _read_sip_contexts(platform: Platform, params: SipContexts) -> registrations.Observation | Unknown:
    return platform.client.read(reads.sip_contexts(params.account_number))


def _read_sip_accounts(platform: Platform, _params: NoParams) -> sip.Observation | Unknown:
    return platform.client.read(reads.sip_accounts())


def _read_messages(platform: Platform, params: SmsLog) -> MessagesRead | Unknown:
    ask = reads.sms_log if platform.sms_method == "GetSmsIncomingLog" else reads.incoming_sms
    seen = platform.client.read(ask(params.limit, params.start_date, params.end_date))
    return seen if isinstance(seen, Unknown) else MessagesRead(seen, platform.zone, platform.now())


def _send_sms(platform: Platform, params: SmsSend) -> Texted | Unknown:
    return platform.client.send_sms(params.to, params.text, sender=params.sender)


def _read_queue(platform: Platform, params: QueueState) -> QueueRead | Unknown:
    seen = platform.client.read(reads.queue_state(params.queue_path))
    return seen if isinstance(seen, Unknown) else QueueRead(params.queue_path, seen)


def _read_directory(platform: Platform, params: DirectoryStats) -> DirectoryRead | Unknown:
    seen = platform.client.read(reads.directory_stats(params.path))
    return seen if isinstance(seen, Unknown) else DirectoryRead(params.path, seen)


def table(rows: Sequence[Carrier]) -> Mapping[str, Carrier]:
    """The rows by the name of their type.

    Raises ValueError unless each type has exactly one, with the model that a request for it has.
    """
    names = [row.kind.name for row in rows]
    if sorted(names) != sorted(TYPES):
        odd = sorted(name for name in {*TYPES, *names} if name not in TYPES or names.count(name) != 1)
        raise ValueError(f"each type of command has one row: {', '.join(odd)}")
    for row in rows:
        if row.model is not command_requests.PARAMS[row.kind.name]:
            raise ValueError(
                f"a request for {row.kind.name} does not have the parameters {row.model.__name__}"
            )
    return dict(zip(names, rows, strict=True))


# Not written into the call: seen as a `Carrier`, a row would not be checked for types that fit each other.
_ROWS = (
    Row(command_types.QUEUE_KICK, QueueKick, _kick, judgement.judge_kick),
    Row(command_types.QUEUE_PAUSE, QueuePause, _pause, judgement.judge_pause),
    Row(command_types.QUEUE_UNPAUSE, QueuePause, _unpause, judgement.judge_pause),
    Row(command_types.QUEUE_CALLBACK_REMOVE, CallbackRemove, _remove_callback, judgement.judge_removal),
    Row(command_types.PIRSUMPHONE_REGISTER, NoParams, _register, judgement.judge_registration),
    Row(command_types.PIRSUMPHONE_UNREGISTER, NoParams, _unregister, judgement.judge_registration),
    Row(command_types.PIRSUMPHONE_STATUS, NoParams, _read_pirsumphone, judgement.judge_pirsumphone),
    Row(command_types.CAMPAIGN_BRIDGE, CampaignBridge, _bridge, judgement.judge_campaign),
    Row(command_types.CAMPAIGN_STATUS, CampaignId, _read_campaign, judgement.judge_campaign_status),
    Row(command_types.CAMPAIGN_STOP, CampaignId, _stop_campaign, judgement.judge_campaign_stop),
    Row(command_types.SIP_CONTEXTS, SipContexts, _read_sip_contexts, judgement.judge_sip_contexts),
    Row(command_types.SIP_ACCOUNTS, NoParams, _read_sip_accounts, judgement.judge_sip_accounts),
    Row(command_types.SMS_LOG, SmsLog, _read_messages, judgement.judge_sms_log),
    Row(command_types.SMS_SEND, SmsSend, _send_sms, judgement.judge_text),
    Row(command_types.QUEUE_STATE, QueueState, _read_queue, judgement.judge_queue_state),
    Row(command_types.DIRECTORY_STATS, DirectoryStats, _read_directory, judgement.judge_directory_stats),
)
ROWS = table(_ROWS)
"""How each type of command is carried out."""
