"""What may be done to a simulated system, by name: one table for the control API and for scenarios.

An action is its parameters and a function that does it. Each says what happened, in a line for people.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

from daemon.core import amounts
from daemon.core.durations import show
from daemon.core.model import Json
from daemon.simulator.call_log import Exit
from daemon.simulator.extensions import SimulatedQueue
from daemon.simulator.faults import ALL, FAULTY, Fault, Faults
from daemon.simulator.parameters import (
    Field,
    Problem,
    among,
    boolean,
    count,
    day,
    duration,
    moment,
    number,
    one_of,
    optional,
    read_all,
    suggestion,
    text,
    texts,
)
from daemon.simulator.spelling import SimulationError, extension
from daemon.simulator.system import Contact, SimulatedSystem

Given = Mapping[str, Any]
"""Parameters that were read; those that were left out are absent."""


@dataclass(frozen=True)
class Target:
    """What an action is done to."""

    system: SimulatedSystem
    faults: Faults


@dataclass(frozen=True)
class Done:
    """What an action did."""

    text: str
    """For people."""
    result: Mapping[str, Json] = field(default_factory=dict)
    """What whoever asked for it may need: the id of a call."""


@dataclass(frozen=True)
class Action:
    """One thing that may happen."""

    fields: tuple[Field, ...]
    do: Callable[[Target, Given], Done]
    """Raises ValueError where the system has no such thing."""


@dataclass(frozen=True)
class Prepared:
    """An action whose parameters are sound."""

    name: str
    given: Given

    def do(self, target: Target) -> Done:
        """Do it. Raises ValueError where the system has no such thing."""
        return ACTIONS[self.name].do(target, self.given)


def prepare(name: str, given: Mapping[str, object]) -> Prepared | list[Problem]:
    """The action of this name with these parameters, or everything that is wrong with them."""
    action = ACTIONS.get(name)
    if action is None:
        return [Problem("do", f'no action "{name}"; {suggestion(name, list(ACTIONS))}')]
    values, problems = read_all(action.fields, given)
    return problems or Prepared(name, values)


def _sms(target: Target, given: Given) -> Done:
    times = given.get("times", 1)
    _receive(target, given, [given["text"]] * times)
    again = f", {times} times" if times > 1 else ""
    return Done(f"SMS from {given['sender']}{again}: {given['text']}")


def _sms_burst(target: Target, given: Given) -> Done:
    _receive(target, given, given["texts"])
    return Done(f"{len(given['texts'])} SMS from {given['sender']} in one second")


def _receive(target: Target, given: Given, lines: Sequence[str]) -> None:
    """All with one time, under one lock: no poll sees a part of them."""
    with target.system.lock:
        at = given.get("received_at") or target.system.now()
        for line in lines:
            target.system.receive_sms(given["sender"], line, recipient=given.get("recipient"), at=at)


def _sms_report(target: Target, given: Given) -> Done:
    target.system.report_sms(given["report"], phone=given.get("phone"))
    return Done(f"the carrier says {given['report']} of the last SMS")


def _sms_refuse(target: Target, given: Given) -> Done:
    target.system.refuse_number(given["phone"], given["reason"])
    return Done(f"no SMS is taken to {given['phone']}: {given['reason']}")


def _sip(target: Target, given: Given) -> Done:
    target.system.set_registered(given["user_name"], registered=given["registered"])
    return Done(f"phone {given['user_name']} {'registers' if given['registered'] else 'drops off'}")


def _sip_add(target: Target, given: Given) -> Done:
    target.system.add_sip_account(given["user_name"], registered=given.get("registered", True))
    return Done(f"new SIP account {given['user_name']}")


def _sip_remove(target: Target, given: Given) -> Done:
    target.system.remove_sip_account(given["user_name"])
    return Done(f"SIP account {given['user_name']} is removed")


def _sip_contacts(target: Target, given: Given) -> Done:
    agent = given.get("user_agent", Contact.user_agent)
    contacts = [Contact(address, user_agent=agent) for address in given["addresses"]]
    target.system.set_contacts(given["user_name"], contacts)
    return Done(f"phone {given['user_name']} is registered from {', '.join(given['addresses'])}")


def _queue_add(target: Target, given: Given) -> Done:
    target.system.queue(given["path"])
    return Done(f"new queue {given['path']}")


def _queue_join(target: Target, given: Given) -> Done:
    queue = target.system.queue(given["path"])
    call_id = queue.join(given["phone"])
    return Done(
        f"{given['phone']} calls queue {given['path']}, {_waiting(queue.calls)}", {"call_id": call_id}
    )


def _queue_leave(target: Target, given: Given) -> Done:
    queue = _known_queue(target, given)
    call = queue.leave(given.get("call_id"), answered_by=given.get("answered_by"))
    how = f"is answered by {given['answered_by']}" if "answered_by" in given else "gives up"
    done = f"{call.phone} {how} in queue {given['path']}, {_waiting(queue.calls)}"
    return Done(done, {"call_id": call.call_id})


def _queue_answer(target: Target, given: Given) -> Done:
    queue = _known_queue(target, given)
    call = queue.answer(given["agent"], given.get("call_id"))
    done = f"{given['agent']} answers {call.phone} in queue {given['path']}, {_waiting(queue.calls)}"
    return Done(done, {"call_id": call.call_id})


def _queue_hang_up(target: Target, given: Given) -> Done:
    _known_queue(target, given).hang_up(given["agent"])
    return Done(f"the call of {given['agent']} in queue {given['path']} ends")


def _queue_give_up(target: Target, given: Given) -> Done:
    queue, how = _known_queue(target, given), given.get("how", Exit.HUNG_UP)
    call = queue.give_up(given.get("call_id"), how=how)
    done = f"{call.phone} leaves queue {given['path']} ({how.value}), {_waiting(queue.calls)}"
    return Done(done, {"call_id": call.call_id})


def _queue_callback(target: Target, given: Given) -> Done:
    request = target.system.queue(given["path"]).request_callback(given["phone"])
    done = f"{given['phone']} asks queue {given['path']} to be called back"
    return Done(done, {"request": request})


def _queue_callback_remove(target: Target, given: Given) -> Done:
    _known_queue(target, given).remove_callback(given["request"])
    return Done(f"request {given['request']} leaves the call-back list of queue {given['path']}")


def _queue_add_agent(target: Target, given: Given) -> Done:
    target.system.queue(given["path"]).add_agent(given["name"])
    return Done(f"agent {given['name']} joins queue {given['path']}")


def _queue_set_agent(target: Target, given: Given) -> Done:
    paused, status = given.get("paused"), given.get("status")
    _known_queue(target, given).set_agent(given["name"], paused=paused, status=status)
    states = [] if paused is None else ["pauses" if paused else "is back"]
    states += [] if status is None else [f"has status {status}"]
    return Done(f"agent {given['name']} {' and '.join(states) or 'is as before'}")


def _queue_reset(target: Target, given: Given) -> Done:
    _known_queue(target, given).reset()
    return Done(f"the counters of queue {given['path']} start again")


def _extension(target: Target, given: Given) -> Done:
    kind, title = given["type"], given.get("title", "")
    target.system.set_extension(given["path"], kind, title)
    return Done(f"extension {given['path']} is a {kind}" + (f", {title}" if title else ""))


def _directory(target: Target, given: Given) -> Done:
    seconds = given.get("seconds", 20)
    name = target.system.directory(given["path"]).add_recording(given["phone"], seconds=seconds)
    return Done(f"{given['phone']} records {name} in {given['path']}", {"name": name})


def _directory_remove(target: Target, given: Given) -> Done:
    directory = target.system.directories.get(extension(given["path"]))
    if directory is None:
        raise SimulationError(f"no directory {given['path']}")
    directory.remove_recording(given["name"])
    return Done(f"{given['name']} is removed from {given['path']}")


def _report(target: Target, given: Given) -> Done:
    target.system.files.append(given["path"], f"{given['row']}\n".encode())
    return Done(f"a row is added to {given['path']}: {given['row']}")


def _report_move(target: Target, given: Given) -> Done:
    target.system.files.move(given["path"], given["to"])
    return Done(f"{given['path']} is now {given['to']}")


def _units(target: Target, given: Given) -> Done:
    target.system.set_units(given["units"], expires_on=given.get("expires_on"))
    return Done(f"{amounts.spelled(given['units'])} units are left")


def _sms_units(target: Target, given: Given) -> Done:
    target.system.sms_units = given["units"]
    return Done(f"{amounts.spelled(given['units'])} units are left for SMS")


def _caller_id(target: Target, given: Given) -> Done:
    until = given.get("expires_on")
    target.system.caller_ids[given["number"]] = None if until is None else datetime.combine(until, time())
    how = f"until {until}" if until else "for good"
    return Done(f"caller id {given['number']} is approved {how}")


def _caller_id_remove(target: Target, given: Given) -> Done:
    if target.system.caller_ids.pop(given["number"], NOBODY) is NOBODY:
        raise SimulationError(f"no caller id {given['number']}")
    return Done(f"caller id {given['number']} is approved no more")


def _campaign_call(target: Target, given: Given) -> Done:
    seconds = given.get("seconds", 30)
    target.system.call_of_campaign(
        answered=given["answered"], seconds=seconds, phone=given.get("phone"), campaign=given.get("id")
    )
    return Done(f"the campaign's next call {'is answered' if given['answered'] else 'is not answered'}")


def _campaign_end(target: Target, given: Given) -> Done:
    word = given.get("status", "FINISHED")
    target.system.end_campaign(word, campaign=given.get("id"))
    return Done(f"the campaign is {word}")


def _pirsumphone(target: Target, given: Given) -> Done:
    target.system.pirsumphone = given["registered"]
    return Done(f"PirsumPhone is {'registered' if given['registered'] else 'not registered'}")


def _fault(target: Target, given: Given) -> Done:
    fault, method, times = given["fault"], given.get("method", ALL), given.get("times")
    target.faults.set(method, fault, times=times, delay=given.get("delay"))
    which = "every request" if method == ALL else method
    span = "from now on" if times is None else "once" if times == 1 else f"{times} times"
    late = f" by {show(given['delay'])}" if "delay" in given else ""
    return Done(f"fault {fault.value}{late} for {which}, {span}")


def _fault_clear(target: Target, given: Given) -> Done:
    target.faults.clear(given.get("method"))
    return Done(f"{given.get('method', 'the API')} works again")


def _known_queue(target: Target, given: Given) -> SimulatedQueue:
    queue = target.system.queues.get(extension(given["path"]))
    if queue is None:
        raise SimulationError(f"no queue {given['path']}")
    return queue


def _waiting(calls: tuple[object, ...]) -> str:
    return f"{len(calls)} waiting"


NOBODY = object()
PATH = Field("path", text)
USER_NAME = Field("user_name", text)
SMS_FIELDS = (Field("sender", text), optional("recipient", text), optional("received_at", moment))
FAULT_FIELDS = (
    Field("fault", one_of(Fault)),
    optional("method", among(FAULTY)),
    optional("times", count),
    optional("delay", duration),
)
ACTIONS = {
    "sms": Action((*SMS_FIELDS, Field("text", text), optional("times", count)), _sms),
    "sms.burst": Action((*SMS_FIELDS, Field("texts", texts)), _sms_burst),
    "sip": Action((USER_NAME, Field("registered", boolean)), _sip),
    "sip.add": Action((USER_NAME, optional("registered", boolean)), _sip_add),
    "sip.remove": Action((USER_NAME,), _sip_remove),
    "sip.contacts": Action(
        (USER_NAME, Field("addresses", texts), optional("user_agent", text)), _sip_contacts
    ),
    "queue.add": Action((PATH,), _queue_add),
    "queue.join": Action((PATH, Field("phone", text)), _queue_join),
    "queue.leave": Action((PATH, optional("call_id", text), optional("answered_by", text)), _queue_leave),
    "queue.answer": Action((PATH, Field("agent", text), optional("call_id", text)), _queue_answer),
    "queue.hang_up": Action((PATH, Field("agent", text)), _queue_hang_up),
    "queue.give_up": Action((PATH, optional("call_id", text), optional("how", one_of(Exit))), _queue_give_up),
    "queue.callback": Action((PATH, Field("phone", text)), _queue_callback),
    "queue.callback.remove": Action((PATH, Field("request", count)), _queue_callback_remove),
    "queue.add_agent": Action((PATH, Field("name", text)), _queue_add_agent),
    "queue.set_agent": Action(
        (PATH, Field("name", text), optional("paused", boolean), optional("status", text)), _queue_set_agent
    ),
    "queue.reset": Action((PATH,), _queue_reset),
    "extension": Action((PATH, Field("type", text), optional("title", text)), _extension),
    "directory": Action((PATH, Field("phone", text), optional("seconds", count)), _directory),
    "directory.remove": Action((PATH, Field("name", text)), _directory_remove),
    "report": Action((PATH, Field("row", text)), _report),
    "report.move": Action((PATH, Field("to", text)), _report_move),
    "units": Action((Field("units", number), optional("expires_on", day)), _units),
    "sms_units": Action((Field("units", number),), _sms_units),
    "sms.report": Action((Field("report", text), optional("phone", text)), _sms_report),
    "sms.refuse": Action((Field("phone", text), Field("reason", text)), _sms_refuse),
    "caller_id": Action((Field("number", text), optional("expires_on", day)), _caller_id),
    "caller_id.remove": Action((Field("number", text),), _caller_id_remove),
    "campaign.call": Action(
        (
            Field("answered", boolean),
            optional("seconds", count),
            optional("phone", text),
            optional("id", text),
        ),
        _campaign_call,
    ),
    "campaign.end": Action((optional("status", text), optional("id", text)), _campaign_end),
    "pirsumphone": Action((Field("registered", boolean),), _pirsumphone),
    "fault": Action(FAULT_FIELDS, _fault),
    "fault.clear": Action((optional("method", among(FAULTY)),), _fault_clear),
}
