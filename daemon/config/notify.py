"""`[[notify]]`, as a frozen model: a webhook with `format = "apprise"`, by a shorter name."""

from datetime import timedelta
from typing import Literal

from daemon.config.endpoints import EndpointSettings, Repeat
from daemon.config.secrets import AppriseUrl
from daemon.config.values import Timeout, Wait
from daemon.config.webhooks import RETRIES, Webhook
from daemon.core.durations import HOUR
from daemon.core.rendering.formats import Format


class Notify(EndpointSettings):
    """`[[notify]]`: an endpoint behind Apprise: Pushover, Signal, an SMS gateway, …"""

    url: AppriseUrl
    """Apprise's; it holds the service's tokens."""
    language: Literal["he", "en"] = "en"
    repeat: Repeat = 4 * HOUR
    timeout: Timeout = timedelta(seconds=30)
    retries: tuple[Wait, ...] = RETRIES

    @property
    def webhook(self) -> Webhook:
        """The webhook that it means. All of it was judged here."""
        said = {name: getattr(self, name) for name in type(self).model_fields}
        return Webhook.model_construct(**said, format=Format.APPRISE)
