"""CallExtensionBridging: who is to be called, and whether that may be.

Every form of `phones` that is documented or seen; the order of the checks is ours, the codes the platform's.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daemon.simulator.api_refusals import ApiRefusal, optional_count, optional_text, required_text
from daemon.simulator.dialling import DIALLING_PRICE
from daemon.simulator.spelling import extension
from daemon.simulator.system import ApiRequest, SimulatedSystem

MOST_NUMBERS = 500
"""Of one campaign, by the documents of CallExtensionBridging."""
DEFAULT_TIMEOUT = 30
LONGEST_TIMEOUT = 35
"""Seconds of ringing, by the documents of its `callsTimeOut`; a larger figure is taken as this one."""
NO_VALID_PHONES = 102
NOT_ENOUGH_UNITS = 103
HOLIDAY = 104
CALLER_ID_REFUSED = 120
"""Its `messageCode`, by the platform's list of them."""
PRICE_ESTIMATE = 1
"""Units; what `bilingPerCall` shows."""

NUMBER = re.compile(r"(?:0|\+?972)[2-9][0-9]{7,8}")
CALLER_ID = re.compile(r"\+?[0-9]{3,15}")
IVR_PATH = re.compile(r"ivr2:/(?:[^\s/]+(?:/[^\s/]+)*/?)?")
"""The form that its documents show: from the main extension on."""
LISTS = ("tpl:", "tzl:")


@dataclass(frozen=True)
class Callee:
    """A number that a request names, and the caller id that it is to see (None: the request's)."""

    phone: str
    caller_id: str | None = None


def bridge(system: SimulatedSystem, request: ApiRequest) -> dict[str, Any]:
    """Start a campaign. Raises ApiRefusal."""
    ivr_path = _extension(system, request)
    caller_id = optional_text(request, "callerId") or system.number
    timeout = optional_count(request, "callsTimeOut")
    callees = _callees(system, request)
    if len(callees) > MOST_NUMBERS:
        raise ApiRefusal(f"{len(callees)} phones, maximum {MOST_NUMBERS} phones")
    valid = [callee for callee in callees if NUMBER.fullmatch(callee.phone)]
    with system.lock:
        _permit(system, valid, caller_id)
        campaign = system.start_campaign(
            [callee.phone for callee in valid],
            ivr_path,
            caller_id=caller_id,
            calls_timeout=min(timeout or DEFAULT_TIMEOUT, LONGEST_TIMEOUT),
        )
    return {
        "module": "menu",
        "callerId": campaign.caller_id,
        "callsCount": len(campaign.phones),
        "bilingPerCall": PRICE_ESTIMATE,
        "errors": {callee.phone: "not Vaild" for callee in callees if callee not in valid},
        "callsTimeout": campaign.calls_timeout,
        "campaignId": campaign.id,
    }


def _extension(system: SimulatedSystem, request: ApiRequest) -> str:
    """Where calls go. Any number may be an extension, whether the simulation has more of it or not."""
    path = required_text(request, "ivrPath")
    if not IVR_PATH.fullmatch(path):
        raise ApiRefusal("invalid parameter: ivrPath")
    name = extension(path)
    if name not in {*system.directories, *system.queues} and not name.replace("/", "").isdecimal():
        raise ApiRefusal("extension does not exist")
    return path


def _permit(system: SimulatedSystem, valid: list[Callee], caller_id: str) -> None:
    allowed = system.switches.caller_ids
    shown = {caller_id, *(callee.caller_id for callee in valid if callee.caller_id)}
    if system.switches.is_holiday:
        raise ApiRefusal("not available on Shabbat and holidays", code=HOLIDAY)
    if not valid:
        raise ApiRefusal("no valid phones", code=NO_VALID_PHONES)
    if allowed is None:
        allowed = frozenset(one for one in shown if CALLER_ID.fullmatch(one))
    if not shown <= {*allowed, system.number}:
        raise ApiRefusal("caller id is not approved", code=CALLER_ID_REFUSED)
    if system.units < DIALLING_PRICE * len(valid):
        raise ApiRefusal("not enough units", code=NOT_ENOUGH_UNITS)


def _callees(system: SimulatedSystem, request: ApiRequest) -> list[Callee]:
    phones = request.params.get("phones")
    if isinstance(phones, list) and request.is_json:
        return [callee for entry in phones for callee in _entry(entry)]
    text = required_text(request, "phones")
    if text == "tzl:":
        named = request.params.get("tzintukLists")
        if not isinstance(named, list):
            raise ApiRefusal("missing parameter: tzintukLists")
        return _listed(system, [f"tzl:{name}" for name in named])
    if text.startswith(LISTS):
        return _listed(system, [text])
    return [Callee(phone.strip()) for phone in text.split(":")]


def _listed(system: SimulatedSystem, names: Sequence[str]) -> list[Callee]:
    with system.lock:
        unknown = [name for name in names if name not in system.lists]
        if unknown:
            raise ApiRefusal(f"list not found: {', '.join(unknown)}", code=NO_VALID_PHONES)
        return [Callee(phone) for name in names for phone in system.lists[name]]


def _entry(entry: object) -> list[Callee]:
    if isinstance(entry, str | int) and not isinstance(entry, bool):
        return [Callee(str(entry))]
    if not isinstance(entry, Mapping):
        raise ApiRefusal("invalid parameter: phones")
    caller = entry.get("callerId")
    caller_id = None if caller is None else str(caller)
    if "phone" in entry:
        return [Callee(str(entry["phone"]), caller_id)]
    group = entry.get("phones")
    if not isinstance(group, list):
        raise ApiRefusal("invalid parameter: phones")
    return [Callee(str(phone), caller_id) for phone in group]
