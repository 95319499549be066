"""How a campaign is looked at: GetCampaignStatus, and where that does not know it, what else may, in the
order in which the platform's documents lead to it. The last of them knows no end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from daemon.config.settings import Config
from daemon.core.commands.following import Glance, Progress, Traces
from daemon.core.durations import DAY
from daemon.core.model import Failure, Json, Unknown
from daemon.workers.follower import Ask
from daemon.yemot import campaigns as platform_campaigns
from daemon.yemot.campaigns import CHARGES_AT_ONCE, Charge
from daemon.yemot.client import Client

PREFIX = "YA-"
"""Of the ids that CallExtensionBridging gives; reports want them without it."""
SAYS_NO = frozenset({Failure.REFUSED, Failure.MALFORMED})
"""Failures in which the platform has answered: another look would bring no other answer."""
MOST_PAGES = 5
"""Ours. Of charges, the newest first by what was seen: a thousand."""
SLACK = DAY
"""How much older than a campaign a charge may seem: whose clock its time is by, nobody says."""


@dataclass(frozen=True)
class Found:
    """What can be learned of a campaign now."""

    glance: Glance
    report: Json = None
    """ViewCampaignReports as it came, where its status cannot be had."""


def asks_of(config: Config, clients: list[Client]) -> Mapping[str, Ask]:
    """How each system is asked; `clients` in their order."""
    zone = ZoneInfo(config.daemon.timezone)

    def ask_of(client: Client) -> Ask:
        def ask(campaign: str, started_at: datetime) -> Glance | Unknown:
            found = look(client, campaign, started_at, zone)
            return found if isinstance(found, Unknown) else found.glance

        return ask

    return {system.name: ask_of(client) for system, client in zip(config.systems, clients, strict=True)}


def look(client: Client, campaign: str, started_at: datetime | None, zone: ZoneInfo) -> Found | Unknown:
    """Ask for a campaign, as often as it takes. `started_at`: charges of before are not its own; None: nobody
    knows. Unknown: somebody has not answered, so nothing is known of it this time."""
    status = client.read(platform_campaigns.campaign_status(campaign))
    if isinstance(status, Progress):
        return Found(status)
    if status.failure not in SAYS_NO:
        return status
    report = None
    for name in dict.fromkeys((campaign.removeprefix(PREFIX), campaign)):
        report = client.read(platform_campaigns.campaign_report(name))
        if not isinstance(report, Unknown):
            break
        if report.failure not in SAYS_NO:
            return report
    since = None if started_at is None else (started_at - SLACK).astimezone(zone).replace(tzinfo=None)
    price = _charged(client, campaign, since)
    if isinstance(price, Unknown) and price.failure not in SAYS_NO:
        return price
    units = None if isinstance(price, Unknown) else price
    if report is None or isinstance(report, Unknown):
        return Found(Traces(status.message, None, units))
    return Found(Traces(status.message, report.numbers, units), report.raw)


def _charged(client: Client, campaign: str, since: datetime | None) -> float | Unknown | None:
    """What the balance's transactions say that it cost; None: not one of them is its, or there are too many
    to look at."""
    seen: dict[object, Charge] = {}
    for page in range(MOST_PAGES):
        charges = client.read(platform_campaigns.campaign_charges(page * CHARGES_AT_ONCE))
        if isinstance(charges, Unknown):
            return charges
        # By their ids: rows move on to the next page while they are read.
        seen |= {one.id if one.id is not None else object(): one for one in charges.rows}
        is_past = since is not None and all(one.at is not None and one.at < since for one in charges.rows)
        if not charges.is_full or is_past:
            units = [one.units for one in seen.values() if one.is_of(campaign)]
            return sum(one for one in units if one is not None) if units and None not in units else None
    return None
