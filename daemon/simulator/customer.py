"""The customer's own: GetCustomerData, GetApprovedCallerIDs, GetTransactions. The first holds what nobody
should be sent, and so does this one's."""

from datetime import timedelta
from typing import Any

from daemon.simulator.api_refusals import ApiRefusal, optional_count, optional_text
from daemon.simulator.spelling import international, local
from daemon.simulator.system import ApiRequest, SimulatedSystem

MOST_ROWS = 200
"""Of one GetTransactions; so many were seen to be served."""
AS_TEXT = "%Y-%m-%d %H:%M:%S"


def data(system: SimulatedSystem, request: ApiRequest) -> dict[str, Any]:
    """GetCustomerData."""
    own = {
        "name": "מערכת לדוגמה",
        "email": "office@example.org",
        "organization": "Example",
        "contactName": "ישראל ישראלי",
        "phones": "0501234567",
        "invoiceName": "Example",
        "invoiceAddress": "invoices@example.org",
        "fax": "",
        "accessPassword": "simulated-access-password",
        "recordPassword": "simulated-record-password",
        "mainDid": system.number,
        "secondary_dids": [],
        "callerIds": [
            {"callerId": number, "expiryDate": until and until.strftime(AS_TEXT)}
            for number, until in system.caller_ids.items()
        ],
        "expiredUnits": False,
        "unitsExpireDate": system.units_expire_on.isoformat(),
        "units": str(system.units),
        "resellerCreditFile": "",
        "systemSite": "",
        "pirsumPhoneStatus": system.pirsumphone,
        "ivrType": "regular",
    }
    if system.sms_units is None:
        return own
    expires = (local(system.now()) + timedelta(days=365)).date().isoformat()
    return {**own, "smsUnits": system.sms_units, "smsUnitsExpireDate": expires}


def approved(system: SimulatedSystem, request: ApiRequest) -> dict[str, Any]:
    """GetApprovedCallerIDs: in E.164, unlike the other methods."""
    return {
        "call": {
            "mainDid": f"+{international(system.number)}",
            "secondaryDids": [],
            "callerIds": [f"+{international(number)}" for number in system.caller_ids],
        },
        "sms": {"smsId": None, "allowText": False},
    }


def transactions(system: SimulatedSystem, request: ApiRequest) -> dict[str, Any]:
    """GetTransactions, the newest first, `from` being an offset of rows."""
    given = optional_text(request, "from") or "0"
    if not given.isdecimal():
        raise ApiRefusal("invalid parameter: from")
    first, limit = int(given), min(optional_count(request, "limit") or MOST_ROWS, MOST_ROWS)
    is_narrowed = optional_text(request, "filter") == "campaigns"
    rows = [one for one in reversed(system.charges) if one.campaign is not None or not is_narrowed]
    return {
        "totalCount": len(rows),
        "transactions": [
            {
                "id": one.id,
                "transactionTime": local(one.at).strftime(AS_TEXT),
                "amount": -one.units,
                "description": one.description,
                "who": "127.0.0.1",
                "newBalance": one.balance,
                "expireDate": None,
                "campaignId": one.campaign if system.switches.charges_name_campaigns else None,
            }
            for one in rows[first : first + limit]
        ],
    }
