"""The simulated system's state as answers of the API: each method's fields, spelled as the API spells them.

No HTTP and no tokens here. A request is answered under the system's lock, so an answer is of one instant.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from daemon.simulator import campaign_answers, campaigns, customer, file_answers, outgoing, tree
from daemon.simulator.api_refusals import (
    ApiRefusal,
    optional_count,
    optional_date,
    optional_text,
    required_text,
)
from daemon.simulator.extensions import CallbackRequest, SimulatedQueue
from daemon.simulator.spelling import (
    JAVA_CORE,
    NEWER,
    SimulationError,
    dated,
    extension,
    international,
    local,
)
from daemon.simulator.system import ApiRequest, Contact, Message, SimulatedSystem, SipAccount

Answer = dict[str, Any]
"""The JSON object of an answer."""

DEFAULT_LIMIT = 100
MOST_ROWS = 3000
"""The `limit` of GetIncomingSms, by its documents: without one, and at most."""
KEEP_ALIVE = timedelta(seconds=30)
"""Ours. How often a phone renews its registration; it lasts twice as long."""
GOTO = "GOTO:/"
"""What `moreData` of a kick begins with."""
LAST_OF_DAY = time(23, 59, 59)
"""Of an `endDate` without a time."""
NOT_SUPPORTED: Answer = {
    "responseStatus": "ERROR",
    "message": "שרת זה אינו תומך במערכת SIP",
    "yAfastVersion": "any",
}


def answer(system: SimulatedSystem, request: ApiRequest) -> Answer | file_answers.Content:
    """The API's answer to one request whose token is good; for commands, what they do is done."""
    known = METHODS.get(request.method)
    if known is None:
        return ApiRefusal(f"service not found: {request.method}").envelope
    envelope, method = known
    try:
        with system.lock:
            found = method(system, request)
            return found if isinstance(found, file_answers.Content) else {**envelope, **found}
    except ApiRefusal as refused:
        return refused.envelope
    except SimulationError as error:
        return ApiRefusal(str(error)).envelope


def session(system: SimulatedSystem, request: ApiRequest) -> Answer:
    """GetSession: the balance, among things that nobody should be sent."""
    return {
        "name": "מערכת לדוגמה",
        "units": system.units,
        "unitsExpireDate": system.units_expire_on.isoformat(),
        "email": "office@example.org",
        "organization": "Example",
        "contactName": "ישראל ישראלי",
        "phones": "0501234567",
        "invoiceName": "Example",
        "invoiceAddress": "invoices@example.org",
        "fax": "",
        "accessPassword": "simulated-access-password",
        "recordPassword": "simulated-record-password",
        "creditFile": "",
        "username": system.number,
    }


def sms_log(system: SimulatedSystem, request: ApiRequest) -> Answer:
    """GetSmsIncomingLog. Without a `limit`, which is not documented to have a default, a hundred rows."""
    style = system.switches.style

    def phone(number: str) -> str | int:
        spelled = international(number)
        return int(spelled) if style.numbers_as_ints and spelled.isdecimal() else spelled

    def date(at: datetime) -> str:
        day, _, clock = dated(at).partition(" ")
        return f"{clock} {day}" if style.time_first else f"{day} {clock}"

    rows = [
        {
            "dest": phone(message.recipient),
            "phone": phone(message.sender),
            "message": json.dumps(message.text)[1:-1] if style.escaped_texts else message.text,
            "server_date": date(message.at),
        }
        for message in _window(system, request, optional_count(request, "limit") or DEFAULT_LIMIT)
    ]
    return {"rows": rows}


def incoming_sms(system: SimulatedSystem, request: ApiRequest) -> Answer:
    """GetIncomingSms, the successor."""
    limit = min(optional_count(request, "limit") or DEFAULT_LIMIT, MOST_ROWS)
    rows = [
        {
            "source": international(message.sender),
            "destination": international(message.recipient),
            "message": message.text,
            "receive_date": dated(message.at),
        }
        for message in _window(system, request, limit)
    ]
    return {"rows": rows}


def sip_accounts(system: SimulatedSystem, request: ApiRequest) -> Answer:
    """GetSipAccountsRegisteredStatus."""
    if system.switches.is_refusing_sip:
        return NOT_SUPPORTED
    accounts = [
        {
            "userName": account.user_name,
            "createdDate": dated(account.created_at),
            "registered": account.registered,
        }
        for account in system.accounts
    ]
    return {"accounts": accounts}


def sip_contexts(system: SimulatedSystem, request: ApiRequest) -> Answer:
    """SipGetContexts: one account's registrations, by its number from 1."""
    if system.switches.is_refusing_sip:
        return NOT_SUPPORTED
    number = optional_count(request, "accountNumber") or 1
    accounts = system.accounts
    if number > len(accounts):
        raise ApiRefusal(f"account not found: {number}")
    account = accounts[number - 1]
    contacts = account.contacts if account.registered else ()
    return {"contexts": [_context(system, account, contact) for contact in contacts]}


def queue_real_time(system: SimulatedSystem, request: ApiRequest) -> Answer:
    """GetQueueRealTime."""
    path = required_text(request, "queuePath")
    queue = system.queues.get(extension(path))
    if queue is None:
        raise ApiRefusal(f"queue not found: {path}")
    return queue.shown()


def queue_management(system: SimulatedSystem, request: ApiRequest) -> Answer:
    """QueueManagement, which takes an array and so JSON only."""
    if request.verb != "POST" or not request.is_json:
        raise ApiRefusal("this service accepts POST with a JSON body only")
    path, action = required_text(request, "queuePath"), required_text(request, "action")
    queue = system.queues.get(extension(path))
    if queue is None:
        raise ApiRefusal(f"queue not found: {path}")
    if action in ("pause", "unpause"):
        queue.set_agent(required_text(request, "agent"), paused=action == "pause")
        return {}
    if action != "kick":
        raise ApiRefusal(f"unknown action: {action}")
    call_ids = request.params.get("callIds")
    if not isinstance(call_ids, list):
        raise ApiRefusal("missing parameter: callIds")
    more_data = optional_text(request, "moreData")
    if more_data is not None and not more_data.startswith(GOTO):
        raise ApiRefusal("invalid parameter: moreData")
    statuses = {
        str(call_id): "OK" if queue.kick(str(call_id), more_data) else "Call not found"
        for call_id in call_ids
    }
    return {"status": statuses}


def directory_stats(system: SimulatedSystem, request: ApiRequest) -> Answer:
    """GetIVR2DirStats."""
    path = extension(required_text(request, "path"))
    known = system.folders
    if path not in known:
        raise ApiRefusal("folder does not exist")
    inner = {name.removeprefix(f"{path}/") for name in known if not path or name.startswith(f"{path}/")}
    return {
        "type": system.type_of(path) or ("queue" if path in system.queues else "menu"),
        "thisPath": f"ivr2:/{path}",
        "parentPath": f"ivr2:/{path.rpartition('/')[0]}",
        "dirsCount": len({name.split("/")[0] for name in inner if name}),
        **system.directory(path).shown(),
    }


def pirsumphone(system: SimulatedSystem, request: ApiRequest) -> Answer:
    """PirsumPhoneManagement, its three actions."""
    action = required_text(request, "action")
    if action == "GetRegistrationStatus":
        return {"registrationStatus": system.pirsumphone}
    if action not in ("Registration", "UnRegistration"):
        raise ApiRefusal(f"unknown action: {action}")
    system.pirsumphone = action == "Registration"
    return {"results": "OK"}


def queue_call_back(system: SimulatedSystem, request: ApiRequest) -> Answer:
    """QueueCallBack, its three actions. A queue's id is its place among the queues."""
    action, offering = required_text(request, "action"), _with_callback(system)
    if action == "getQueues":
        return {"callbackList": [_shown_callbacks(number, queue) for number, queue in offering.items()]}
    number = optional_count(request, "id")
    if action == "getList":
        if number not in offering:
            raise ApiRefusal(f"queue not found: {number}")
        return {"callbackList": [_shown_request(one) for one in offering[number].callbacks.values()]}
    if action != "removeNumber" or number is None:
        raise ApiRefusal(f"unknown action: {action}")
    for queue in offering.values():
        if number in queue.callbacks:
            queue.remove_callback(number)
            return {"callbackList": "OK"}
    raise ApiRefusal(f"request not found: {number}")


METHODS: dict[str, tuple[Answer, Callable[[SimulatedSystem, ApiRequest], Answer | file_answers.Content]]] = {
    "GetSession": (JAVA_CORE, session),
    "GetSmsIncomingLog": (NEWER, sms_log),
    "GetIncomingSms": (NEWER, incoming_sms),
    "SendSms": (NEWER, outgoing.send),
    "GetSmsOutLog": (NEWER, outgoing.sent_log),
    "GetSipAccountsRegisteredStatus": (NEWER, sip_accounts),
    "SipGetContexts": (NEWER, sip_contexts),
    "GetQueueRealTime": (NEWER, queue_real_time),
    "QueueManagement": (NEWER, queue_management),
    "QueueCallBack": (NEWER, queue_call_back),
    "GetIVR2DirStats": (JAVA_CORE, directory_stats),
    "GetIVR2Dir": (JAVA_CORE, tree.folder),
    "DownloadFile": (JAVA_CORE, file_answers.download),
    "GetTextFile": (JAVA_CORE, file_answers.text_file),
    "RenderYMGRFile": (JAVA_CORE, file_answers.rendered),
    "PirsumPhoneManagement": (NEWER, pirsumphone),
    "CallExtensionBridging": (NEWER, campaigns.bridge),
    "GetCampaignStatus": (JAVA_CORE, campaign_answers.status),
    "CampaignAction": (JAVA_CORE, campaign_answers.action),
    "ViewCampaignReports": (NEWER, campaign_answers.report),
    "GetCustomerData": (NEWER, customer.data),
    "GetApprovedCallerIDs": (NEWER, customer.approved),
    "GetTransactions": (NEWER, customer.transactions),
}
"""Which of the platform's two backends answers a method, and how."""


def _with_callback(system: SimulatedSystem) -> dict[int, SimulatedQueue]:
    return {number: queue for number, queue in enumerate(system.queues.values(), 1) if queue.has_callback}


def _shown_callbacks(number: int, queue: SimulatedQueue) -> Answer:
    return {
        "id": number,
        "path": f"/{extension(queue.path)}",
        "queue_path": queue.path,
        "caller_id": "",
        "callback_times": "",
        "max_waiting_time": 60,
        "max_waiting_customers": 100,
        "waiting_customers": len(queue.callbacks),
        "open": 1,
    }


def _shown_request(one: CallbackRequest) -> Answer:
    return {
        "id": one.id,
        "calling_number": one.phone,
        "status": "waiting",
        "date_time": one.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "attempts": 0,
        "last_attempt": None,
    }


def _window(system: SimulatedSystem, request: ApiRequest, limit: int) -> list[Message]:
    """The latest messages between the dates, newest first."""
    start = optional_date(request, "startDate", at=time.min)
    end = optional_date(request, "endDate", at=LAST_OF_DAY)
    found = [
        message
        for message in reversed(system.messages)
        if (start is None or local(message.at) >= start) and (end is None or local(message.at) <= end)
    ]
    return found[:limit]


def _context(system: SimulatedSystem, account: SipAccount, contact: Contact) -> dict[str, str]:
    now = system.now()
    renewed_at = now - (now - account.created_at) % KEEP_ALIVE
    return {
        "expiration_time": dated(renewed_at + 2 * KEEP_ALIVE),
        "uri": f"sip:{account.user_name}@{contact.address}:{contact.port}",
        "user_agent": contact.user_agent,
        "via_addr": contact.address,
        "via_port": str(contact.port),
        "endpoint": account.user_name,
    }
