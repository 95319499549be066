"""`[[notify]]`, as a frozen model."""

from datetime import timedelta
from typing import Literal

from daemon.config.endpoints import EndpointSettings, Repeat
from daemon.config.secrets import AppriseUrl
from daemon.config.values import Timeout, Wait
from daemon.config.webhooks import RETRIES
from daemon.core.durations import HOUR


class Notify(EndpointSettings):
    """`[[notify]]`: an endpoint behind Apprise: Telegram, ntfy, Pushover, …"""

    url: AppriseUrl
    """Apprise's; it holds the service's tokens."""
    language: Literal["he", "en"] = "en"
    repeat: Repeat = 4 * HOUR
    timeout: Timeout = timedelta(seconds=30)
    retries: tuple[Wait, ...] = RETRIES
