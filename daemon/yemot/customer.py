"""GetCustomerData and GetApprovedCallerIDs: the questions, and how their answers are read. Pure.

The first holds both passwords of the system in clear, and personal details. What is not asked for is dropped
while its bytes become JSON, before anybody can look at it: so nothing else of it is kept, logged or held.
"""

from collections.abc import Mapping

from daemon.core.model import Failure, Unknown
from daemon.core.watches import caller_ids as approvals
from daemon.core.watches import sms_units as balance_of_sms
from daemon.core.watches.caller_ids import Approval
from daemon.yemot.bounded_json import Decode, decode
from daemon.yemot.reads import Read
from daemon.yemot.scalars import Fields, calendar_date, listed, name, number

ENVELOPE = frozenset(
    {"responseStatus", "message", "messageCode", "exceptionMessage", "success", "error", "yAfastVersion"}
)
"""What says whether it is an answer."""
SMS_UNITS = ("smsUnits", "smsUnitsExpireDate")
CALLER_IDS = ("callerIds",)


def sms_units() -> Read[balance_of_sms.Observation]:
    """GetCustomerData, two of its fields: the rest of it is dropped while it is read."""
    return Read("GetCustomerData", {}, sms_balance, only(*SMS_UNITS))


def caller_ids() -> Read[approvals.Observation]:
    """GetCustomerData, one of its fields, as `sms_units`."""
    return Read("GetCustomerData", {}, approved_until, only(*CALLER_IDS))


def approved_caller_ids() -> Read[tuple[str, ...]]:
    """GetApprovedCallerIDs."""
    return Read("GetApprovedCallerIDs", {}, still_approved)


def only(*fields: str) -> Decode:
    """What makes JSON of an answer's bytes, with these fields of it and no others."""
    kept = ENVELOPE.union(fields)

    def narrowed(body: bytes) -> object:
        data = decode(body)
        return {key: data[key] for key in kept & data.keys()} if isinstance(data, dict) else data

    return narrowed


def sms_balance(data: Mapping[str, object]) -> balance_of_sms.Observation | Unknown:
    """GetCustomerData, the balance for SMS; that there is none is no fault."""
    fields = Fields()
    balance = fields.take_optional("", data, "smsUnits", number)
    expires_on = fields.take_optional("", data, "smsUnitsExpireDate", calendar_date)
    is_given = data.get("smsUnits") not in (None, "", [], {})
    return balance_of_sms.Observation(balance, expires_on, is_given, fields.problems())


def approved_until(data: Mapping[str, object]) -> approvals.Observation | Unknown:
    """GetCustomerData, its caller ids. A list that is absent or unreadable is not an empty one."""
    fields = Fields()
    rows = listed(data["callerIds"]) if "callerIds" in data else None
    if rows is None:
        fields.remark("callerIds: missing" if "callerIds" not in data else "callerIds: no list")
        return approvals.Observation(None, None, fields.problems())
    found = [_approval(fields, row) for row in rows]
    if None in found:
        return approvals.Observation(None, None, fields.problems())
    return approvals.Observation(
        approvals.approvals(one for one in found if one is not None), None, fields.problems()
    )


def still_approved(data: Mapping[str, object]) -> tuple[str, ...] | Unknown:
    """GetApprovedCallerIDs: all that calls may show, as the platform spells it here."""
    call = data.get("call")
    rows = listed(call.get("callerIds")) if isinstance(call, Mapping) and "callerIds" in call else None
    if not isinstance(call, Mapping) or rows is None:
        return Unknown(Failure.MALFORMED, "call.callerIds: missing")
    numbers = [name(one) for one in (call.get("mainDid"), *(listed(call.get("secondaryDids")) or ()), *rows)]
    return tuple(one for one in numbers if one is not None)


def _approval(fields: Fields, row: object) -> Approval | None:
    """None: nobody knows which number it is."""
    where = "callerIds[]."
    number_ = fields.take(where, row, "callerId", name)
    expires_on = fields.take_optional(where, row, "expiryDate", calendar_date)
    if number_ is None:
        return None
    raw = row.get("expiryDate") if isinstance(row, Mapping) else None
    return Approval(number_, expires_on, is_readable=expires_on is not None or raw in (None, "", False))
