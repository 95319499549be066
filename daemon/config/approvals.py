"""Watches of what GetCustomerData tells beside passwords: the balance for SMS, and approvals of caller
ids."""

from pydantic import Field

from daemon.config.values import Duration, Every, Number
from daemon.config.watches import WatchSettings
from daemon.config.windows import Active
from daemon.core.durations import DAY, HOUR, NOTHING
from daemon.core.model import Severity
from daemon.core.watches import caller_ids, sms_units


class SmsUnitsWatch(WatchSettings):
    """`[systems.sms_units]`."""

    gives = (sms_units.EVENTS,)
    every: Every = HOUR
    below: Number
    hold: Duration = Field(default=NOTHING, validation_alias="for")
    keep: Duration = Field(default=NOTHING, validation_alias="keep_firing")
    severity: Severity = Severity.WARNING
    active: Active = ()
    """When its alert counts; (): always."""


class CallerIdsWatch(WatchSettings):
    """`[systems.caller_ids]`."""

    gives = (caller_ids.EVENTS,)
    every: Every = 6 * HOUR
    expires_within: Duration = 30 * DAY
    hold: Duration = Field(default=NOTHING, validation_alias="for")
    keep: Duration = Field(default=NOTHING, validation_alias="keep_firing")
    severity: Severity = Severity.WARNING
    active: Active = ()
    """When its alerts count; (): always."""
