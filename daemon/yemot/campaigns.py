"""Campaigns: how one stands, its report, its charges; the questions, and how their answers are read. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from daemon.core.commands.following import Progress
from daemon.core.model import Failure, Json, Unknown
from daemon.core.timestamps import parse_local
from daemon.yemot.reads import Read
from daemon.yemot.scalars import Fields, count, integer, listed, name, number, small_json

CHARGES_AT_ONCE = 200
"""Rows of one GetTransactions: as many as were seen to be served."""
COUNTS = {
    "numbers": "totalEntries",
    "pending": "pendingEntries",
    "active": "activeEntries",
    "redial": "redialEntries",
    "done": "doneEntries",
    "failed": "failedEntries",
    "blocked": "blockedEntries",
    "dialled": "totalDialed",
    "answered": "totalSuccessful",
}
"""Of GetCampaignStatus, by our names."""


@dataclass(frozen=True)
class Report:
    """ViewCampaignReports. Its fields are not described, so none is read by its name."""

    numbers: int
    raw: Json
    """As it came, where that is small; else None."""


@dataclass(frozen=True)
class Charge:
    """One row of GetTransactions."""

    id: int | None
    at: datetime | None
    """Naive, in the platform's zone."""
    units: float | None
    """Without its sign, which is not documented."""
    description: str
    campaign: str | None

    def is_of(self, campaign: str) -> bool:
        """Whether it is a campaign's. That its id stands in `campaignId` is not documented for all families
        of ids; the text is `Start-` and the id."""
        return self.campaign == campaign or self.description == f"Start-{campaign}"


@dataclass(frozen=True)
class Charges:
    """A page of GetTransactions."""

    rows: tuple[Charge, ...]

    @property
    def is_full(self) -> bool:
        """Whether there may be more behind it."""
        return len(self.rows) >= CHARGES_AT_ONCE


def progress(data: Mapping[str, object]) -> Progress | Unknown:
    """GetCampaignStatus. Counters that are missing are unknown, not 0."""
    found = data.get("campaign")
    if not isinstance(found, Mapping):
        return Unknown(Failure.MALFORMED, "campaign: missing")
    fields = Fields()
    word = fields.take("campaign.", found, "campaignStatus", name)
    counts = {ours: fields.take("campaign.", found, theirs, count) for ours, theirs in COUNTS.items()}
    price = fields.take("campaign.", found, "currentPrice", _price)
    return Progress(word.upper() if word else None, **counts, price=price, problems=fields.problems())


def report(data: Mapping[str, object]) -> Report | Unknown:
    """ViewCampaignReports."""
    found = data.get("report")
    rows = found if isinstance(found, Mapping) else listed(found)
    if "report" not in data or rows is None:
        return Unknown(Failure.MALFORMED, "report: missing")
    return Report(len(rows), small_json(found))


def charges(data: Mapping[str, object]) -> Charges | Unknown:
    """GetTransactions."""
    rows = listed(data["transactions"]) if "transactions" in data else None
    if rows is None:
        return Unknown(Failure.MALFORMED, "transactions: missing")
    return Charges(tuple(map(_charge, rows)))


def _charge(row: object) -> Charge:
    fields = Fields()
    units = fields.take("", row, "amount", number)
    return Charge(
        fields.take("", row, "id", integer),
        fields.take("", row, "transactionTime", _local),
        None if units is None else abs(units),
        fields.take("", row, "description", name) or "",
        fields.take_optional("", row, "campaignId", name),
    )


def _price(value: object) -> float | None:
    found = number(value)
    return found if found is not None and found >= 0 else None


def _local(value: object) -> datetime | None:
    return parse_local(value) if isinstance(value, str) else None


def campaign_status(campaign: str) -> Read[Progress]:
    """GetCampaignStatus, without its entries: the numbers that it calls."""
    return Read("GetCampaignStatus", {"campaignId": campaign}, progress)


def campaign_report(campaign: str) -> Read[Report]:
    """ViewCampaignReports. Its documents want the id without `YA-`, of the charge's text."""
    return Read("ViewCampaignReports", {"CampaignId": campaign, "json": 1}, report)


def campaign_charges(first: int) -> Read[Charges]:
    """GetTransactions, of campaigns alone, from a row on."""
    params: dict[str, str | int] = {"from": first, "limit": CHARGES_AT_ONCE, "filter": "campaigns"}
    return Read("GetTransactions", params, charges)
