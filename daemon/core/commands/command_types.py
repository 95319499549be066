"""What may be asked of a phone system: each type of command by its word. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

CAMPAIGN, SMS_SEND_NAME = "campaign.bridge", "sms.send"
"""The types that cost money."""
BUDGETS = {CAMPAIGN: "campaign_units_per_day", SMS_SEND_NAME: "sms_units_per_day"}
"""The settings of a system without which it takes none of them: what they may cost in a day."""


class Nature(Enum):
    """What a command does when it is sent twice."""

    READ = "read"
    REPEATABLE = "repeatable"
    """The second time finds done what the first has done."""
    ONCE = "once"
    """It acts again, and costs again."""


@dataclass(frozen=True)
class CommandType:
    """What may be asked for by one word."""

    name: str
    nature: Nature
    check: str | None = None
    """What to look at where the outcome is not known; None: a read, of which nothing comes."""


_SHOWS_AGENTS = "read queue.state: it shows which agents are paused"
_SHOWS_REGISTRATION = "read pirsumphone.status"

QUEUE_KICK = CommandType(
    "queue.kick",
    Nature.REPEATABLE,
    "read queue.state: a call that it does not show is gone, by this command or by itself",
)
QUEUE_PAUSE = CommandType("queue.pause", Nature.REPEATABLE, _SHOWS_AGENTS)
QUEUE_UNPAUSE = CommandType("queue.unpause", Nature.REPEATABLE, _SHOWS_AGENTS)
QUEUE_CALLBACK_REMOVE = CommandType(
    "queue.callback.remove",
    Nature.REPEATABLE,
    "look whether the platform's call-back list still has the request",
)
PIRSUMPHONE_REGISTER = CommandType("pirsumphone.register", Nature.REPEATABLE, _SHOWS_REGISTRATION)
PIRSUMPHONE_UNREGISTER = CommandType("pirsumphone.unregister", Nature.REPEATABLE, _SHOWS_REGISTRATION)
PIRSUMPHONE_STATUS = CommandType("pirsumphone.status", Nature.READ)
CAMPAIGN_BRIDGE = CommandType(
    CAMPAIGN,
    Nature.ONCE,
    "look at the campaigns and the units in the platform's own management before it is started anew: "
    "it may be dialling",
)
CAMPAIGN_STATUS = CommandType("campaign.status", Nature.READ)
CAMPAIGN_STOP = CommandType(
    "campaign.stop",
    Nature.REPEATABLE,
    "read campaign.status, and look at the campaigns in the platform's own management: it may be dialling",
)
SIP_CONTEXTS = CommandType("sip.contexts", Nature.READ)
SIP_ACCOUNTS = CommandType("sip.accounts", Nature.READ)
SMS_LOG = CommandType("sms.log", Nature.READ)
SMS_SEND = CommandType(
    SMS_SEND_NAME,
    Nature.ONCE,
    "look at the log of sent SMS in the platform's own management before it is sent anew: it may have "
    "arrived",
)
QUEUE_STATE = CommandType("queue.state", Nature.READ)
DIRECTORY_STATS = CommandType("directory.stats", Nature.READ)

TYPES: Mapping[str, CommandType] = {
    one.name: one
    for one in (
        QUEUE_KICK,
        QUEUE_PAUSE,
        QUEUE_UNPAUSE,
        QUEUE_CALLBACK_REMOVE,
        PIRSUMPHONE_REGISTER,
        PIRSUMPHONE_UNREGISTER,
        PIRSUMPHONE_STATUS,
        CAMPAIGN_BRIDGE,
        CAMPAIGN_STATUS,
        CAMPAIGN_STOP,
        SIP_CONTEXTS,
        SIP_ACCOUNTS,
        SMS_LOG,
        SMS_SEND,
        QUEUE_STATE,
        DIRECTORY_STATS,
    )
}
"""Every type by its name; how each is carried out stands in `wiring/commands.py`."""
READS = tuple(one.name for one in TYPES.values() if one.nature is Nature.READ)
