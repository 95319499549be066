"""`[smtp]` and `[[emails]]`, as frozen models."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    Field,
    ValidationInfo,
    field_validator,
)

from daemon.config.endpoints import EndpointSettings, Repeat
from daemon.config.secrets import AnySecret
from daemon.config.values import (
    BesideConfig,
    Duration,
    Host,
    Mailbox,
    Port,
    Settings,
    Text,
    Timeout,
    Wait,
    some,
)
from daemon.core.durations import HOUR, MINUTE
from daemon.core.mail_addresses import parse
from daemon.core.model import Secret

MAIL_RETRIES = (MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, *[HOUR] * 47)
"""Waits before the second, third, … attempt: two days in all, as mail servers do it."""

MOST_MAILINGS = 3600
"""Ours, an hour: each is remembered for that long."""


class Smtp(Settings):
    """`[smtp]`: the server that takes the mails."""

    host: Host
    port: Port = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Text | None = None
    password: Annotated[AnySecret | None, Field(validate_default=True)] = None
    sender: Mailbox = Field(validation_alias="from")
    ca_file: BesideConfig | None = None
    """Certificate authorities (PEM) in the place of the machine's."""
    timeout: Timeout = timedelta(seconds=60)
    """For one mail, from the first command to the last answer."""
    connect_timeout: Timeout = timedelta(seconds=15)
    templates: BesideConfig | None = None
    """A folder of templates in the place of ours of the same names."""

    @field_validator("password")
    @classmethod
    def _goes_with_a_username(cls, password: Secret | None, info: ValidationInfo) -> Secret | None:
        if "username" in info.data and (info.data["username"] is None) != (password is None):
            raise ValueError('"username" and "password" go together')
        return password


def _once(mailboxes: tuple[str, ...]) -> tuple[str, ...]:
    addresses = [parse(one).wire.address.casefold() for one in mailboxes]
    twice = next((at for at, one in enumerate(addresses) if addresses.count(one) > 1), None)
    if twice is not None:
        raise ValueError(f"{parse(mailboxes[twice]).address.casefold()} is given twice")
    return mailboxes


class Email(EndpointSettings):
    """`[[emails]]`: an endpoint that gets mails."""

    to: Annotated[tuple[Mailbox, ...], AfterValidator(some), AfterValidator(_once)]
    """Each is told for itself: what one address refuses, the others get all the same."""
    language: Literal["he", "en"] = "en"
    repeat: Repeat = 4 * HOUR
    group_wait: Duration = timedelta(seconds=15)
    """How long a mail waits for more to tell. An alert that is over by then is not told."""
    group_interval: Duration = timedelta(minutes=1)
    """The least time from one mailing to the next."""
    most_per_hour: Annotated[int, Field(strict=True, ge=1, le=MOST_MAILINGS)] = 30
    """Mailings; what comes beyond waits, and comes together."""
    retries: tuple[Wait, ...] = MAIL_RETRIES
