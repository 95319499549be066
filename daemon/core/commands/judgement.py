"""What the API answered to a command, item by item, as its result. Pure.

An overall OK does not mean that each item succeeded, and a call that is not found may have been kicked by an
attempt whose answer was lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from daemon.core.commands import campaigns, texts
from daemon.core.commands.command import Command, Done, Status
from daemon.core.commands.following import Progress, Traces
from daemon.core.commands.results import (
    KICKED,
    Bridged,
    CampaignRead,
    CampaignStopped,
    DirectoryRead,
    Kicked,
    MessagesRead,
    Paused,
    QueueRead,
    Registration,
    Removed,
    Texted,
)
from daemon.core.model import Json
from daemon.core.phones import key
from daemon.core.watches import queues, registrations, sip, sms
from daemon.core.watches.pirsumphone import Observation as PirsumPhone

NO_FIGURES: Mapping[str, Json] = dict.fromkeys(
    ("numbers", "pending", "active", "redial", "done", "failed", "blocked", "dialled", "answered", "price")
)
"""What is shown of a campaign, where nothing of it is known."""
SENT, REJECTED, UNCONFIRMED = "sent", "rejected", "unconfirmed"
"""What became of each number of a message."""
STOPPED_WORDS = ("STOPPING", "STOPPED", "FINISHED")


def judge_kick(command: Command, answer: Kicked) -> Done:
    """Of each call: kicked, not_found, unconfirmed; or gone, where an earlier attempt may have kicked it."""
    items = [
        {"call_id": call_id, "status": _kick(status, command), "message": status}
        for call_id, status in answer.statuses.items()
    ]
    found = {item["status"] for item in items}
    result: Json = {"calls": items, "is_partial": "kicked" in found and len(found) > 1}
    if "kicked" in found:
        return Done(result)
    if found == {"not_found"}:
        return Done(result, Status.FAILED, "no call was kicked")
    why = "an earlier attempt may have kicked them" if "gone" in found else "the answer says nothing of them"
    return Done(result, Status.UNKNOWN, f"the calls: {why}")


def judge_pause(_command: Command, answer: Paused) -> Done:
    """The API confirms the whole, and gives no details."""
    return Done({"agent": answer.agent, "paused": answer.paused, "message": answer.message})


def judge_removal(_command: Command, answer: Removed) -> Done:
    """Removed where the platform says `OK`; anything else may mean that it was not in the list."""
    result: Json = {"request_id": answer.request_id, "answer": answer.answer}
    if (answer.answer or "").lower() == KICKED:
        return Done(result)
    return Done(result, Status.UNKNOWN, "the answer does not say that it was removed")


def judge_registration(_command: Command, answer: Registration) -> Done:
    """`results` as the API gave it."""
    return Done({"results": answer.results})


def judge_campaign(command: Command, answer: Bridged) -> Done:
    """What is dialled, and of each number that is not, why; `rejected` None: some are not, and unreadable."""
    rejected: list[Json] | None = None
    if answer.errors is not None:
        rejected = [{"phone": phone, "reason": reason} for phone, reason in answer.errors.items()]
    result: Json = {
        "campaign_id": answer.campaign_id,
        "calls_count": answer.calls_count,
        "rejected": rejected,
        "is_partial": rejected != [] and answer.calls_count != 0,
        "caller_id": answer.caller_id,
        "calls_timeout": answer.calls_timeout,
        "billing_per_call": answer.billing_per_call,
        "module": answer.module,
    }
    if answer.calls_count == 0:
        return Done(result, Status.FAILED, "no number is dialled")
    units = None if answer.calls_count is None else campaigns.cost(answer.calls_count)
    return Done(result, units=min(units, command.units) if units is not None else None)


def judge_text(command: Command, answer: Texted) -> Done:
    """Of each number: sent, rejected, and why; or unconfirmed, where the answer is silent about it."""
    to = texts.recipients(command.params)
    statuses = text_statuses(answer, to)
    items: list[Json] = [
        {"phone": phone, "status": status, "reason": reason} for phone, (status, reason) in statuses.items()
    ]
    sent = sum(status == SENT for status, _ in statuses.values())
    unclear = sum(status == UNCONFIRMED for status, _ in statuses.values())
    parts = texts.parts(str(command.params["text"]))
    result: Json = {
        "numbers": items,
        "is_partial": 0 < sent < len(to),
        "parts": parts,
        "from": answer.sender,
        "billing": answer.billing,
        "message": answer.message,
    }
    if not sent and not unclear:
        return Done(result, Status.FAILED, "no number is sent the SMS")
    if not sent:
        return Done(result, Status.UNKNOWN, "the answer says nothing of the numbers")
    return Done(result, units=texts.billed(parts, sent + unclear, answer.billing))


def text_statuses(answer: Texted, to: Sequence[str]) -> dict[str, tuple[str, str | None]]:
    """What the answer says of each of these numbers, and why not."""
    errors = {key(phone): reason for phone, reason in answer.errors.items()}
    oks = {key(phone) for phone in answer.oks or ()}
    # Where the numbers are not named, their count may say that it is all of them.
    are_all = not errors and not oks and answer.count == len(to)

    def status(phone: str) -> tuple[str, str | None]:
        if key(phone) in errors:
            return REJECTED, errors[key(phone)]
        if key(phone) in oks or are_all:
            return SENT, None
        is_none = answer.count == 0 and answer.oks is not None
        return (REJECTED, None) if is_none else (UNCONFIRMED, None)

    return {phone: status(phone) for phone in to}


def judge_campaign_status(_command: Command, answer: CampaignRead) -> Done:
    """Its figures; None: unreadable. Where its status cannot be had, `status` is None, and what else knows of
    it stands beside that: its report, and what the balance was charged."""
    if isinstance(answer.glance, Traces):
        found = answer.glance
        if found.listed is None and found.price is None:
            return Done(None, Status.FAILED, found.why)
        traces: Json = {"why": found.why, "numbers": found.listed, "price": found.price}
        nothing = {"id": answer.campaign, "status": None, **NO_FIGURES}
        return Done({"campaign": {**nothing, "traces": traces}, "report": answer.report})
    return _read({"campaign": _figures(answer.campaign, answer.glance)}, answer.glance.problems)


def judge_campaign_stop(_command: Command, answer: CampaignStopped) -> Done:
    """Done is what was seen to be: that the platform takes it says little of campaigns of this kind."""
    seen = answer.progress
    result: Json = {"campaign": None if seen is None else _figures(answer.campaign, seen)}
    if seen is None:
        return Done(result, Status.UNKNOWN, f"the campaign: {answer.why or 'its status says nothing'}")
    if is_stopped(seen):
        return Done(result)
    return Done(result, Status.UNKNOWN, f"the campaign: its status is {seen.word or 'unreadable'} yet")


def is_stopped(seen: Progress) -> bool:
    """Whether a campaign calls nobody any more, or is about to."""
    return seen.word in STOPPED_WORDS or (seen.busy == 0 and not seen.is_void)


def judge_sms_log(_command: Command, answer: MessagesRead) -> Done:
    """Newest first, as the API gives them."""
    messages: list[Json] = [
        sms.told(row, answer.zone, between=(None, answer.read_at)) for row in answer.seen.rows
    ]
    return _read({"messages": messages}, answer.seen.problems)


def judge_sip_accounts(_command: Command, seen: sip.Observation) -> Done:
    """Of each account whether it is registered; None: unreadable."""
    accounts: list[Json] = [seen.account(name) for name in seen.registered]
    return _read({"accounts": accounts}, seen.problems)


def judge_sip_contexts(_command: Command, seen: registrations.Observation) -> Done:
    """None: the list was unreadable."""
    contexts: Json = None if seen.contexts is None else [asdict(one) for one in seen.contexts]
    return _read({"contexts": contexts}, seen.problems)


def judge_queue_state(_command: Command, answer: QueueRead) -> Done:
    """Every metric, who waits and who serves; None: unreadable."""
    seen = answer.seen
    queue: dict[str, Json] = {
        "path": answer.path,
        **queues.metrics(seen),
        "completed": seen.completed,
        "talk_seconds": seen.talk_seconds,
        "strategy": seen.strategy,
        "callers": _each(seen.callers),
        "agents": _each(seen.agents),
    }
    return _read({"queue": queue}, seen.problems)


def judge_directory_stats(_command: Command, answer: DirectoryRead) -> Done:
    """Counts, and the lowest and highest recording."""
    found = {key: value for key, value in asdict(answer.seen).items() if key != "problems"}
    return _read({"directory": {"path": answer.path, **found}}, answer.seen.problems)


def judge_pirsumphone(_command: Command, seen: PirsumPhone) -> Done:
    """None: unreadable."""
    return _read({"pirsumphone": {"registered": seen.registered}}, seen.problems)


def _kick(status: str | None, command: Command) -> str:
    if status is None:
        return "unconfirmed"
    if status.lower() == KICKED:
        return "kicked"
    return "gone" if command.is_doubtful else "not_found"


def _figures(campaign: str, seen: Progress) -> dict[str, Json]:
    found = asdict(seen)
    return {"id": campaign, "status": seen.word, **{name: found[name] for name in NO_FIGURES}}


def _read(result: Mapping[str, Json], problems: Sequence[str]) -> Done:
    """A read with what could not be understood in it."""
    return Done({**result, **({"problems": list(problems)} if problems else {})})


def _each(items: Sequence[queues.Caller | queues.Agent] | None) -> Json:
    return None if items is None else [asdict(one) for one in items]
