"""What the workers need to know of the endpoints, out of the configuration."""

from zoneinfo import ZoneInfo

from daemon.config import Config
from daemon.configuration.endpoints import DAYS
from daemon.configuration.endpoints import Quiet as QuietWindow
from daemon.core.model import Secret
from daemon.core.quiet import Quiet, Weekly
from daemon.core.routing import Interest
from daemon.holydays import HolyDays, Place
from daemon.senders.webhook import Target
from daemon.workers.dispatcher import Route


def interests(config: Config) -> list[Interest]:
    """Which endpoint wants to be told what."""
    zone = config.daemon.timezone
    return [
        Interest(
            one.name,
            one.events,
            one.systems,
            min_severity=one.min_severity,
            after=one.after,
            repeat=one.repeat,
            quiet=tuple(_quiet(window, zone) for window in one.quiet),
        )
        for one in config.webhooks
    ]


def _quiet(window: QuietWindow, default_zone: str) -> Quiet:
    zone = ZoneInfo(window.timezone or default_zone)
    if window.start is not None and window.end is not None:
        days = frozenset(DAYS.index(day) for day in window.days)
        return Quiet(Weekly(days, window.start, window.end, zone).covers, window.break_through)
    latitude, longitude, candles = window.sun
    holy_days = HolyDays(
        Place(latitude, longitude, zone),
        candles,
        window.nightfall_degrees,
        window.nightfall,
        is_israel=window.israel,
    )
    return Quiet(holy_days.covers, window.break_through)


def targets(config: Config) -> dict[str, Target]:
    """Where each webhook's messages go."""
    return {
        one.name: Target(one.url, one.secrets, one.timeout, one.connect_timeout, one.allow)
        for one in config.webhooks
    }


def routes(config: Config) -> dict[str, Route]:
    """How each endpoint's deliveries are tried."""
    quiet = {one.endpoint: one.quiet for one in interests(config)}
    return {
        one.name: Route(one.max_in_flight, one.timeout, one.retries, quiet[one.name])
        for one in config.webhooks
    }


def secrets(config: Config) -> list[str]:
    """Every secret of a configuration, for the log's second wall."""
    smtp = [config.smtp.password] if config.smtp and config.smtp.password else []
    held: list[Secret] = [
        *(system.token for system in config.systems),
        *(token.token for token in config.http.tokens),
        *(secret for webhook in config.webhooks for secret in webhook.secrets),
        *smtp,
    ]
    return [secret.value for secret in held]
