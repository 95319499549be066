"""What the workers need to know of the endpoints, out of the configuration."""

from daemon.config import Config
from daemon.core.model import Secret
from daemon.core.routing import Interest
from daemon.senders.webhook import Target
from daemon.workers.dispatcher import Route


def interests(config: Config) -> list[Interest]:
    """Which endpoint wants to be told what."""
    return [Interest(one.name, one.events, one.systems) for one in config.webhooks]


def targets(config: Config) -> dict[str, Target]:
    """Where each webhook's messages go."""
    return {
        one.name: Target(one.url, one.secrets, one.timeout, one.connect_timeout, one.allow)
        for one in config.webhooks
    }


def routes(config: Config) -> dict[str, Route]:
    """How each endpoint's deliveries are tried."""
    return {one.name: Route(one.max_in_flight, one.timeout, one.retries) for one in config.webhooks}


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
