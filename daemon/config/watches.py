"""The watches of a system as values: one frozen model for each table below `[[systems]]`."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from daemon.config.values import Duration, Every, Number, Seen, Settings, Text, Whole, Word, once
from daemon.config.windows import Active, WindowSettings
from daemon.core import missed
from daemon.core.durations import HOUR, MINUTE, NOTHING, SECOND
from daemon.core.model import ALL, EventTypes, Rule, Severity
from daemon.core.watches import callers, directories, pirsumphone, queues, registrations, sip, sms, units
from daemon.core.watches.sms import MAX_LIMIT

Initial = Literal["baseline", "emit"]
Metric = Literal[
    "calls_waiting",
    "longest_wait_seconds",
    "agents_available",
    "agents_paused",
    "calls_per_agent",
    "hold_seconds",
    "abandoned_per_hour",
    "answered_per_hour",
    "longest_wait_today",
    "abandoned",
]


class ApiWatch(Settings):
    """`[systems.api]`: when failures of the API itself become an alert."""

    hold: Duration = Field(default=MINUTE, validation_alias="for")
    keep: Duration = Field(default=NOTHING, validation_alias="keep_firing")
    severity: Severity = Severity.ERROR


class WatchSettings(Settings):
    """What every watch says."""

    gives: ClassVar[tuple[EventTypes, ...]]
    """The event types that come of it alone."""
    every: Every

    @property
    def intervals(self) -> dict[str, timedelta]:
        """How often the API is asked, by the key that says so."""
        return {"every": self.every}

    @property
    def hours(self) -> dict[str, tuple[WindowSettings, ...]]:
        """The windows in which its alerts count, by the key of their condition, and under `ALL` of the
        others; (): at all hours, or as `ALL` says."""
        return {ALL: getattr(self, "active", ())}


class SmsWatch(WatchSettings):
    """`[systems.sms]`."""

    gives = (sms.EVENTS,)
    every: Every = 15 * SECOND
    limit: Annotated[int, Field(strict=True, ge=1, le=MAX_LIMIT)] = 100
    """Rows asked for; the window grows by itself where that was not enough."""
    method: Literal["GetSmsIncomingLog", "GetIncomingSms"] = "GetSmsIncomingLog"
    initial: Initial = "baseline"


class SipWatch(WatchSettings):
    """`[systems.sip]`."""

    gives = (sip.EVENTS, registrations.EVENTS)
    every: Every = 30 * SECOND
    hold: Duration = Field(default=MINUTE, validation_alias="for")
    keep: Duration = Field(default=MINUTE, validation_alias="keep_firing")
    severity: Severity = Severity.ERROR
    initial: Initial = "baseline"
    many: Annotated[int, Field(strict=True, ge=2)] = 3
    many_share: Annotated[Number, Field(gt=0, le=1)] = 0.3
    """So many unregistered accounts, and this share of all, are told as one incident."""
    flapping: Duration = 10 * MINUTE
    """The time that is looked at to call an account flapping; 0 is off."""
    contexts: Annotated[tuple[Annotated[Whole, Field(ge=1)], ...], AfterValidator(once)] = ()
    """SipGetContexts' account numbers (1, 2, …, no user names) whose registrations are watched."""
    contexts_every: Every = 5 * MINUTE
    active: Active = ()
    """When its alerts count; (): always."""
    ignore: Annotated[tuple[Seen, ...], AfterValidator(once)] = ()
    """Accounts of which nothing is told, such as spare phones, by their user names."""

    @property
    def intervals(self) -> dict[str, timedelta]:
        own = super().intervals
        return own | {"contexts_every": self.contexts_every} if self.contexts else own


class ThresholdSettings(Settings):
    """`[[systems.queues.thresholds]]`: fires on the bad side of `above` or `below`, resolves at `clear`."""

    metric: Metric
    above: Number | None = None
    below: Annotated[Number | None, Field(validate_default=True)] = None
    clear: Number = Field(default=None, validate_default=True)
    hold: Duration = Field(default=NOTHING, validation_alias="for")
    keep: Duration = Field(default=NOTHING, validation_alias="keep_firing")
    severity: Severity = Severity.WARNING
    active: Active = ()
    """When it counts; (): as its queue says."""

    @field_validator("below")
    @classmethod
    def _is_the_only_direction(cls, below: float | None, info: ValidationInfo) -> float | None:
        if "above" in info.data and (info.data["above"] is None) == (below is None):
            raise ValueError('give exactly one of "above" and "below"')
        return below

    @field_validator("clear", mode="before")
    @classmethod
    def _clears_where_it_fires(cls, clear: Any, info: ValidationInfo) -> Any:
        if clear is not None:
            return clear
        above, below = info.data.get("above"), info.data.get("below")
        # 0 stands in where neither could be read, which is a fault of its own.
        return next((value for value in (above, below) if value is not None), 0.0)

    @field_validator("clear")
    @classmethod
    def _is_on_the_good_side(cls, clear: float, info: ValidationInfo) -> float:
        above, below = info.data.get("above"), info.data.get("below")
        if above is not None and clear > above:
            raise ValueError(f'must not be more than "above", {above:g}')
        if below is not None and clear < below:
            raise ValueError(f'must not be less than "below", {below:g}')
        return clear

    @property
    def threshold(self) -> queues.Threshold:
        rule = Rule(self.hold, self.keep, self.severity)
        return queues.Threshold(self.metric, self.above, self.below, self.clear, rule)


class QueueWatch(WatchSettings):
    """`[[systems.queues]]`."""

    gives = (queues.EVENTS, callers.EVENTS, missed.EVENTS)
    path: Word
    """The extension, exactly as written: the API is asked for it in this form."""
    name: Text = Field(default=None, validate_default=True)
    every: Every = 10 * SECOND
    thresholds: tuple[ThresholdSettings, ...] = ()
    active: Active = ()
    """When its thresholds count; (): always."""
    log: Annotated[bool, Field(strict=True)] = True
    """Whether the platform's log of it says how callers left, where that can be read."""
    initial: Initial = "baseline"

    @field_validator("name", mode="before")
    @classmethod
    def _is_called_by_its_path(cls, name: Any, info: ValidationInfo) -> Any:
        return info.data.get("path", "?") if name is None else name

    @property
    def hours(self) -> dict[str, tuple[WindowSettings, ...]]:
        of_thresholds = {queues.key(self.path, one.threshold): one.active for one in self.thresholds}
        return super().hours | of_thresholds


class DirectoryWatch(WatchSettings):
    """`[[systems.directories]]`."""

    gives = (directories.EVENTS,)
    path: Word
    every: Every = MINUTE
    initial: Initial = "baseline"
    attach: Annotated[bool, Field(strict=True)] = False
    """Whether a new file goes with the mail that tells of it, where it is small enough."""
    keep: Annotated[Duration | None, Field(validate_default=True)] = None
    """For how long a copy of each new file is kept on the disk; None: none is."""
    keep_mib: Annotated[Whole, Field(ge=1)] = 1024
    """What the copies take at most; the oldest go first."""

    @field_validator("keep")
    @classmethod
    def _is_kept_at_all(cls, keep: timedelta | None) -> timedelta | None:
        if keep is not None and keep <= NOTHING:
            raise ValueError('expected a duration such as "30d"; leave it out to keep nothing')
        return keep


class PirsumPhoneWatch(WatchSettings):
    """`[systems.pirsumphone]`."""

    gives = (pirsumphone.EVENTS,)
    every: Every = 5 * MINUTE
    initial: Initial = "baseline"


class UnitsWatch(WatchSettings):
    """`[systems.units]`: the prepaid balance (GetSession)."""

    gives = (units.EVENTS,)
    every: Every = HOUR
    below: Number | None = None
    expires_within: Annotated[Duration | None, Field(validate_default=True)] = None
    hold: Duration = Field(default=NOTHING, validation_alias="for")
    keep: Duration = Field(default=NOTHING, validation_alias="keep_firing")
    severity: Severity = Severity.WARNING
    active: Active = ()
    """When its alerts count; (): always."""

    @field_validator("expires_within")
    @classmethod
    def _watches_something(cls, within: timedelta | None, info: ValidationInfo) -> timedelta | None:
        if within is None and info.data.get("below", 0) is None:
            raise ValueError('give "below", "expires_within" or both')
        return within


def hours_of(watch: WatchSettings) -> Iterator[WindowSettings]:
    """All windows that a watch goes by, its thresholds included."""
    yield from chain.from_iterable(watch.hours.values())
