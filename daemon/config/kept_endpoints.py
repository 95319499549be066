"""Endpoints that are kept in the store beside those of the file: the same model, and where both have a name,
the file's counts."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import field_validator

from daemon.config.reading import secrets_of
from daemon.config.secrets import check_url, revealed
from daemon.config.settings import Config
from daemon.config.webhooks import Webhook
from daemon.config.windows import CONTEXT
from daemon.core.model import Secret
from daemon.core.rendering.formats import Format

SMTP = "smtp"
"""Stands for the mail server in the events about endpoints."""


class KeptWebhook(Webhook):
    """A webhook that is kept in the store."""

    trusts_host: ClassVar[bool] = False

    @field_validator("url")
    @classmethod
    def _is_of_http(cls, url: Secret | str) -> Secret | str:
        """Judged here and not with its format, so that it is told with all else that is wrong."""
        check_url(revealed(url))
        return url

    @field_validator("format")
    @classmethod
    def _is_guarded(cls, format: Format) -> Format:
        """Apprise makes requests of its own, to wherever its URL says: no guard of addresses stands before
        them, and some of its services are this machine's own."""
        if not format.wire.is_http:
            raise ValueError(f'"{format.value}" is for the configuration file: it cannot be given over HTTP')
        return format


@dataclass(frozen=True)
class Opened:
    """What is kept of one: settings as they were given, and secrets, the newest first."""

    settings: Mapping[str, Any] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    asked: str = ""
    """The fingerprint of the request that made it."""

    def to_bytes(self) -> bytes:
        """As it is sealed."""
        said = {"settings": self.settings, "secrets": self.secrets, "asked": self.asked}
        return json.dumps(said, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Opened":
        """The same, read. Raises ValueError or KeyError for what is none."""
        said = json.loads(content)
        return cls(said["settings"], tuple(said["secrets"]), said["asked"])


def of_file(config: Config) -> Config:
    """A configuration without what is kept in the store."""
    if not any(isinstance(one, KeptWebhook) for one in config.webhooks):
        return config
    return config.model_copy(
        update={"webhooks": tuple(one for one in config.webhooks if not isinstance(one, KeptWebhook))}
    )


def effective(config: Config, kept: Sequence[KeptWebhook]) -> Config:
    """The file's endpoints, and of those that are kept the ones whose name the file has not taken."""
    file = of_file(config)
    names = names_of_file(file)
    added = tuple(one for one in kept if one.name not in names)
    return file.model_copy(update={"webhooks": (*file.webhooks, *added)}) if added else file


def names_of_file(config: Config) -> frozenset[str]:
    """The names that only the file gives."""
    return frozenset({SMTP, *(one.name for _, one in of_file(config).endpoints())})


def made(opened: Opened, config: Config) -> KeptWebhook:
    """What is kept as an endpoint, under a configuration. Raises pydantic's ValidationError or ValueError."""
    settings = _for_model(opened.settings)
    secrets = [Secret(one) for one in opened.secrets]
    values = {**settings, "secret": secrets, "allow": config.http.endpoints_allow}
    return KeptWebhook.model_validate(values, context={CONTEXT: {one.name: one for one in config.windows}})


def _for_model(settings: Mapping[str, Any]) -> dict[str, Any]:
    """With what the model takes for a secret as one: it is shown nowhere."""
    found = dict(settings)
    for held in secrets_of(KeptWebhook):
        value = found.get(held.key)
        if isinstance(value, str):
            with suppress(ValueError):  # the model says what is wrong
                held.kind.check(value)
                found[held.key] = Secret(value)
    return found
