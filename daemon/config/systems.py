"""`[[systems]]`: a customer's account, and what is watched of it."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    ValidationInfo,
    field_validator,
)

from daemon.config.approvals import CallerIdsWatch, SmsUnitsWatch
from daemon.config.callbacks import CallbackWatch
from daemon.config.expectations import ExpectationSettings
from daemon.config.reports import ReportWatch
from daemon.config.secrets import Token
from daemon.config.values import (
    BaseUrl,
    BesideConfig,
    HeaderText,
    Name,
    Number,
    Rate,
    Settings,
    Timeout,
    Wait,
    Word,
)
from daemon.config.watches import (
    ApiWatch,
    DirectoryWatch,
    PirsumPhoneWatch,
    QueueWatch,
    SipWatch,
    SmsWatch,
    UnitsWatch,
    WatchSettings,
)
from daemon.core.commands.command_types import READS
from daemon.core.commands.policy import Policy
from daemon.core.durations import SECOND
from daemon.yemot.base_urls import BASE_URL, FALLBACK_URL


class SystemSettings(Settings):
    """`[[systems]]`: one customer's account, and what is watched of it."""

    name: Name
    token: Token
    base_url: BaseUrl = BASE_URL
    """Ends with "/"."""
    fallback_url: Annotated[BaseUrl | None, Field(validate_default=True)] = None
    """Where reads go when `base_url` fails. By default the twin of the default base; "" is none."""
    authorization: Literal["token", "bearer"] = "token"
    """The header: the bare token, or `Bearer` before it (the newer gateway)."""
    switch_id: Annotated[HeaderText | None, Field(validate_default=True)] = None
    """The newer gateway's `switch-id` header."""
    ca_file: BesideConfig | None = None
    """Certificate authorities (PEM) to trust beside the machine's own."""
    connect_timeout: Timeout = 5 * SECOND
    read_timeout: Timeout = 10 * SECOND
    deadline: Timeout = 20 * SECOND
    """For a whole call."""
    commands: tuple[Word, ...] = READS
    """Globs of the commands that this system takes, and no others."""
    commands_expire: Wait = Policy.expires
    """After so long a command that says nothing of it itself is not carried out any more."""
    commands_rate: Rate = Policy.rate
    """A second."""
    campaign_units_per_day: Annotated[Number, Field(ge=0)] | None = None
    """What campaigns may cost by their estimate; None: they are refused."""
    sms_units_per_day: Annotated[Number, Field(ge=0)] | None = None
    """What SMS may cost that are sent, by commands and by `[[texts]]` together; None: they are refused."""
    api: ApiWatch = ApiWatch()
    sms: SmsWatch | None = None
    sip: SipWatch | None = None
    queues: tuple[QueueWatch, ...] = ()
    callbacks: tuple[CallbackWatch, ...] = ()
    directories: tuple[DirectoryWatch, ...] = ()
    pirsumphone: PirsumPhoneWatch | None = None
    reports: tuple[ReportWatch, ...] = ()
    units: UnitsWatch | None = None
    sms_units: SmsUnitsWatch | None = None
    caller_ids: CallerIdsWatch | None = None
    expectations: tuple[ExpectationSettings, ...] = ()
    """What it has to show now and then."""

    def watches(self) -> Iterator[tuple[tuple[str | int, ...], WatchSettings]]:
        """What is watched of it, each with its place in the table."""
        for key in type(self).model_fields:
            value = getattr(self, key)
            if isinstance(value, WatchSettings):
                yield (key,), value
            elif isinstance(value, tuple):
                yield from (
                    ((key, at), one) for at, one in enumerate(value) if isinstance(one, WatchSettings)
                )

    @field_validator("switch_id")
    @classmethod
    def _goes_with_a_bearer(cls, switch_id: str | None, info: ValidationInfo) -> str | None:
        if switch_id is None and info.data.get("authorization") == "bearer":
            raise ValueError(
                'needed with authorization = "bearer": the id of the system at the newer gateway'
            )
        return switch_id

    @field_validator("fallback_url", mode="before")
    @classmethod
    def _falls_back_to_the_twin(cls, url: Any, info: ValidationInfo) -> Any:
        if url is None and info.data.get("base_url") == BASE_URL:
            return FALLBACK_URL
        return None if url == "" else url
