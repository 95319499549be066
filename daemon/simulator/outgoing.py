"""SendSms, and GetSmsOutLog, which shows what came of each message. The order of the checks is ours."""

import math
import re
from typing import Any

from daemon.simulator.api_refusals import ApiRefusal, optional_count, optional_text, required_text
from daemon.simulator.campaigns import CALLER_ID_REFUSED, NO_VALID_PHONES, NOT_ENOUGH_UNITS, NUMBER
from daemon.simulator.spelling import dated
from daemon.simulator.system import ApiRequest, SentSms, SimulatedSystem

PART = 70
PRICE = 0.1
"""Units for each 70 characters and number, by the documents of SendSms."""
NOT_VALID = "not valid"
_SENDER = re.compile(r"\+?[0-9]{3,15}|[A-Za-z0-9 ]{1,11}")


def send(system: SimulatedSystem, request: ApiRequest) -> dict[str, Any]:
    """SendSms. Numbers stand between colons; with commas the whole text is one bad number."""
    named = [one.strip() for one in required_text(request, "phones").split(":")]
    message = required_text(request, "message")
    sender = optional_text(request, "from") or system.number
    errors = {one: why for one in named if (why := _objection(system, one)) is not None}
    good = [one for one in named if one not in errors]
    units = round(PRICE * math.ceil(len(message.encode("utf-16-le", "surrogatepass")) / 2 / PART), 2)
    with system.lock:
        _permit(system, good, sender, units)
        system.send_sms(good, message, sender=sender, units=units)
    bill: float | str = round(units * len(good), 2)
    return {
        "message": "Ready",
        "from": sender,
        "sendCount": len(good),
        "Billing": f"{bill:.2f}" if system.switches.prices_as_text else bill,
        **({"oks": good} if system.switches.is_naming_oks else {}),
        "errors": errors or [],
    }


def sent_log(system: SimulatedSystem, request: ApiRequest) -> dict[str, Any]:
    """GetSmsOutLog, newest first; without a `limit` all there ever was."""
    sent = system.sent if system.switches.has_sent_log else ()
    limit = optional_count(request, "limit") or len(sent)
    return {"rows": [_row(one) for one in reversed(sent)][:limit]}


def _objection(system: SimulatedSystem, phone: str) -> str | None:
    return NOT_VALID if not NUMBER.fullmatch(phone) else system.objection(phone)


def _permit(system: SimulatedSystem, good: list[str], sender: str, units: float) -> None:
    allowed = system.switches.sms_senders
    if not good:
        raise ApiRefusal("all Phone not is valid", code=NO_VALID_PHONES)
    if sender != system.number and (allowed is None and not _SENDER.fullmatch(sender)):
        raise ApiRefusal("caller id is not approved", code=CALLER_ID_REFUSED)
    if sender != system.number and allowed is not None and sender not in allowed:
        raise ApiRefusal("caller id is not approved", code=CALLER_ID_REFUSED)
    if system.units < units * len(good):
        raise ApiRefusal("not enough units", code=NOT_ENOUGH_UNITS)


def _row(one: SentSms) -> dict[str, Any]:
    return {
        "CallerId": one.sender,
        "To": one.recipient,
        "Message": one.text,
        "RunBy": "API",
        "Time": dated(one.at),
        "Billing": one.units,
        "DeliveryReport": one.report,
    }
