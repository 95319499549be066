"""How SMS are sent to the phones that are told alerts, and how it is asked what became of them."""

from collections.abc import Callable, Mapping
from functools import partial
from zoneinfo import ZoneInfo

from daemon.config.settings import Config
from daemon.core.commands.results import Texted
from daemon.core.commands.sent_texts import SentLog
from daemon.core.model import Unknown
from daemon.wiring.phones import phones
from daemon.workers.texter import Recipient
from daemon.yemot.client import Client
from daemon.yemot.texts import sent_texts


def recipients(config: Config, clients: list[Client]) -> Mapping[str, Recipient]:
    """Whom texts go to, by endpoint; `clients` in the order of the systems."""
    zone = ZoneInfo(config.daemon.timezone)
    of = {system.name: (system, client) for system, client in zip(config.systems, clients, strict=True)}
    found = {}
    for endpoint, to, text in phones(config):
        system, client = of[text.system]
        found[endpoint] = Recipient(
            endpoint,
            text.name,
            frozenset(f"{text.name}/{number}" for number in text.to),
            text.system,
            to,
            text.sender,
            text.language,
            zone,
            system.deadline,
            system.sms_units_per_day or 0.0,
            text.units_per_day,
            partial(_send, client),
        )
    return found


def _send(client: Client, to: str, message: str, sender: str | None) -> Texted | Unknown:
    return client.send_sms([to], message, sender=sender)


def logs(config: Config, clients: list[Client]) -> Mapping[str, Callable[[int], SentLog | Unknown]]:
    """How each system is asked for the latest so many messages that it sent."""
    return {
        system.name: partial(_read, client) for system, client in zip(config.systems, clients, strict=True)
    }


def _read(client: Client, limit: int) -> SentLog | Unknown:
    return client.read(sent_texts(limit))
