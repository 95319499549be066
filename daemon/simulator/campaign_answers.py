"""Methods about a campaign that has begun: GetCampaignStatus, CampaignAction, ViewCampaignReports.

Which of them take the ids that CallExtensionBridging gives is not documented, so that can be switched.
"""

from typing import Any

from daemon.simulator.api_refusals import ApiRefusal, optional_text, required_text
from daemon.simulator.dialling import DIALLING_PRICE, Dialling, Entry
from daemon.simulator.spelling import local
from daemon.simulator.system import ApiRequest, Campaign, SimulatedSystem

NOT_FOUND = 106
"""Its `messageCode`, by the platform's list of them."""
PREFIX = "YA-"
COUNTERS = {"pendingEntries": Entry.PENDING, "doneEntries": Entry.DONE, "failedEntries": Entry.FAILED}


def status(system: SimulatedSystem, request: ApiRequest) -> dict[str, Any]:
    """GetCampaignStatus; while counters lie, nobody is to be called any more."""
    campaign, dialling = _found(system, required_text(request, "campaignId"))
    shown = _shown(system, campaign, dialling)
    return {
        "campaign": {**shown, "entries": _entries(dialling) if optional_text(request, "entries") else None}
    }


def action(system: SimulatedSystem, request: ApiRequest) -> dict[str, Any]:
    """CampaignAction, of which `stop` and `setPaused` are played."""
    campaign, dialling = _found(system, required_text(request, "campaignId"))
    name, value = required_text(request, "action"), optional_text(request, "value")
    if name not in ("stop", "setPaused"):
        raise ApiRefusal(f"unknown action: {name}")
    if system.switches.obeys_actions and dialling.ended is None:
        if name == "stop":
            dialling.end("STOPPED", system.now())
        else:
            dialling.word = "PAUSED" if value == "1" else "RUNNING"
    shown = _shown(system, campaign, dialling)
    return {"campaign": shown, "action": name, "value": value, "data": None}


def report(system: SimulatedSystem, request: ApiRequest) -> dict[str, Any]:
    """ViewCampaignReports, as JSON: by its documents for an id without `YA-`."""
    name = required_text(request, "CampaignId")
    is_bare = not name.startswith(PREFIX)
    takes = system.switches.reports
    if takes is None or is_bare != (takes == "bare"):
        raise ApiRefusal("campaign not found", code=NOT_FOUND)
    campaign, dialling = _known(system, name if not is_bare else PREFIX + name)
    at = local(campaign.at).isoformat(sep=" ", timespec="seconds")
    return {
        "CampaignData": {"CampaignId": campaign.id, "Time": at},
        "report": {
            phone: {"Phone": phone, "Status": entry.value} for phone, entry in dialling.entries.items()
        },
    }


def _found(system: SimulatedSystem, campaign: str) -> tuple[Campaign, Dialling]:
    if not system.switches.knows_campaigns:
        raise ApiRefusal("campaign not found", code=NOT_FOUND)
    return _known(system, campaign)


def _known(system: SimulatedSystem, campaign: str) -> tuple[Campaign, Dialling]:
    found = next((one for one in system.campaigns if one.id == campaign), None)
    if found is None:
        raise ApiRefusal("campaign not found", code=NOT_FOUND)
    return found, system.dialling(found.id)


def _entries(dialling: Dialling) -> list[dict[str, Any]]:
    return [
        {
            "phone": phone,
            "name": None,
            "moreinfo": None,
            "entryStatus": entry.value,
            "duration": None,
            "bridgedDuration": None,
            "bridged": entry is Entry.DONE,
            "startTime": None,
            "currentPrice": 0.0 if entry is Entry.PENDING else DIALLING_PRICE,
            "redials": [],
        }
        for phone, entry in dialling.entries.items()
    ]


def _shown(system: SimulatedSystem, campaign: Campaign, dialling: Dialling) -> dict[str, Any]:
    is_lying = system.switches.lying_counters > 0
    system.switches.lying_counters -= is_lying
    counters = {name: 0 if is_lying else dialling.count(entry) for name, entry in COUNTERS.items()}
    until = dialling.ended or system.now()
    price: float | str = dialling.price
    return {
        "campaignId": campaign.id,
        "campaignStatus": dialling.word,
        "templateId": 0,
        "who": "127.0.0.1",
        "callerId": campaign.caller_id,
        **counters,
        "activeEntries": 0,
        "bridgedEntries": 0,
        "redialEntries": 0,
        "blockedEntries": 0,
        "totalEntries": len(dialling.entries),
        "totalDialed": dialling.dialled,
        "totalSuccessful": dialling.answered,
        "totalBridged": dialling.answered,
        "totalFailed": dialling.count(Entry.FAILED),
        "totalIncoming": 0,
        "totalIncomingBridged": 0,
        "maxActiveChannels": 10,
        "maxBridgedChannels": 10,
        "maxDialAttempts": 1,
        "redialWait": 0,
        "redialPolicy": "NONE",
        "vmDetect": False,
        "playPrivateMsg": False,
        "runTime": (until - dialling.began).total_seconds(),
        "currentPrice": f"{price:.2f}" if system.switches.prices_as_text else price,
        "paused": dialling.word == "PAUSED",
        "entries": None,
    }
