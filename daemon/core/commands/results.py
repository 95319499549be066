"""What the telephony API gave back to commands.

Pure. A call that failed is none of these but `Unknown`. An overall OK does not mean that each item of a
command succeeded, so results name every item; what was asked for and is not in the answer stands beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from daemon.core.commands.following import Glance, Progress
from daemon.core.model import Json
from daemon.core.watches import directories, queues, sms

KICKED = "ok"
"""The status of a call that was kicked, in lower case; anything else is a reason."""


@dataclass(frozen=True)
class Kicked:
    """QueueManagement, action `kick`."""

    statuses: Mapping[str, str | None]
    """By call id, every one that was asked for: "OK", a reason, or None where the answer is silent."""

    @property
    def failed(self) -> tuple[str, ...]:
        """Call ids that the API names a reason for: the caller was gone already."""
        return tuple(
            call_id
            for call_id, status in self.statuses.items()
            if status is not None and status.lower() != KICKED
        )

    @property
    def unconfirmed(self) -> tuple[str, ...]:
        """Call ids of which the answer says nothing."""
        return tuple(call_id for call_id, status in self.statuses.items() if status is None)


@dataclass(frozen=True)
class Paused:
    """QueueManagement, actions `pause` and `unpause`: the API confirms the whole, and gives no details."""

    agent: str
    paused: bool
    message: str | None


@dataclass(frozen=True)
class Removed:
    """QueueCallBack, action `removeNumber`."""

    request_id: int
    answer: str | None
    """`OK`; None: the answer is silent."""


@dataclass(frozen=True)
class Registration:
    """PirsumPhoneManagement, actions `Registration` and `UnRegistration`."""

    results: Json
    """`results` as the API gave it: its form is not documented. None where it was absent."""


@dataclass(frozen=True)
class Bridged:
    """CallExtensionBridging. None: missing or unreadable; the campaign was accepted all the same."""

    campaign_id: str | None
    calls_count: int | None
    """`callsCount`: numbers that are being dialled."""
    errors: Mapping[str, str] | None
    """Reason by number that is not dialled, in the API's words (`not Vaild`); empty: all are."""
    module: str | None
    caller_id: str | None
    billing_per_call: float | None
    """`bilingPerCall`: the API's estimate, in units."""
    calls_timeout: int | None
    """`callsTimeout`, seconds of ringing."""


@dataclass(frozen=True)
class CampaignRead:
    """GetCampaignStatus; where that does not know the campaign, what else was found."""

    campaign: str
    glance: Glance
    report: Json = None
    """ViewCampaignReports as it came, where it is small: its fields are not described."""


@dataclass(frozen=True)
class CampaignStopped:
    """CampaignAction, action `stop`: the platform took it, and this is how the campaign stands since."""

    campaign: str
    progress: Progress | None
    """None: that could not be read."""
    why: str | None = None
    """Why not."""


@dataclass(frozen=True)
class Texted:
    """SendSms. None: missing or unreadable; the request was accepted all the same."""

    oks: tuple[str, ...] | None
    """Numbers that it goes to, as the API spells them."""
    errors: Mapping[str, str]
    """Reason by number that it does not go to, in the API's words."""
    count: int | None
    """`sendCount`: to how many numbers it goes."""
    billing: float | None
    """`Billing`: what it cost, in units."""
    sender: str | None
    message: str | None


@dataclass(frozen=True)
class MessagesRead:
    """GetSmsIncomingLog, or its successor."""

    seen: sms.Observation
    zone: tzinfo
    """Of the times in it, which do not name theirs."""
    read_at: datetime


@dataclass(frozen=True)
class QueueRead:
    """GetQueueRealTime."""

    path: str
    seen: queues.Observation


@dataclass(frozen=True)
class DirectoryRead:
    """GetIVR2DirStats."""

    path: str
    seen: directories.Observation
