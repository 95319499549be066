"""Commands in the API's spelling, and its answers to them as results.

Pure. Nothing is sent here. The API may say OK to the whole and no to each item, so results name the items.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from daemon.core.commands.campaigns import MOST_NUMBERS
from daemon.core.commands.results import Bridged, Kicked, Paused, Registration
from daemon.core.model import Json
from daemon.yemot.scalars import count, json_of, name, number, text

Phones: TypeAlias = str | Sequence[str | int | Mapping[str, Json]]
"""A string in the API's forms (`0510000:0510001`, `tpl:12`, `tzl:12`), or a list of numbers,
`{"phone", "caller_id"?}` or `{"phones": […], "caller_id"?}`."""


class CommandFault(ValueError):
    """A command that cannot be put into the API's words; nothing was sent. The caller's fault."""


def kick(queue_path: str, call_ids: Sequence[str], goto: str | None) -> dict[str, Json]:
    """QueueManagement, action `kick`. `goto`: the extension to send the callers to, `/1`."""
    params: dict[str, Json] = {"queuePath": queue_path, "action": "kick", "callIds": list(call_ids)}
    if goto:
        params["moreData"] = "GOTO:" + goto.removeprefix("GOTO:")
    return params


def campaign(
    phones: Phones,
    ivr_path: str,
    *,
    caller_id: str | None,
    calls_timeout: int | None,
    tzintuk_lists: Sequence[str],
) -> dict[str, Json]:
    """CallExtensionBridging. `ivr_path`: `ivr2:/1/100`; `calls_timeout`: seconds. Raises CommandFault."""
    params: dict[str, Json] = {"phones": _phones(phones), "ivrPath": ivr_path}
    if caller_id is not None:
        params["callerId"] = caller_id
    if calls_timeout is not None:
        params["callsTimeOut"] = calls_timeout
    if tzintuk_lists:
        params["tzintukLists"] = list(tzintuk_lists)
    return params


def kick_answer(data: Mapping[str, object], call_ids: Sequence[str]) -> Kicked:
    """The result of a kick, for each call that was asked for."""
    statuses = data.get("status")
    return Kicked(
        {call: name(statuses.get(call)) if isinstance(statuses, Mapping) else None for call in call_ids}
    )


def pause_answer(data: Mapping[str, object], agent: str, *, is_paused: bool) -> Paused:
    """The result of a pause or its end."""
    return Paused(agent, is_paused, name(data.get("message")))


def registration_answer(data: Mapping[str, object]) -> Registration:
    """The result of a registration to PirsumPhone, or of its end."""
    return Registration(json_of(data.get("results")))


def campaign_answer(data: Mapping[str, object]) -> Bridged:
    """The result of a campaign: what it dials, what it does not and why."""
    return Bridged(
        campaign_id=name(data.get("campaignId")),
        calls_count=count(data.get("callsCount")),
        errors=_reasons(data.get("errors")),
        module=name(data.get("module")),
        caller_id=name(data.get("callerId")),
        billing_per_call=number(data.get("bilingPerCall")),
        calls_timeout=count(data.get("callsTimeout")),
    )


def _reasons(errors: object) -> dict[str, str] | None:
    """None where it is neither an object nor empty: some numbers are not dialled, and who knows which."""
    if isinstance(errors, Mapping):
        return {phone: text(reason) or "" for phone, reason in errors.items()}
    return {} if errors in (None, "", []) else None


def _phones(phones: Phones) -> Json:
    if isinstance(phones, str):
        if not phones.strip():
            raise CommandFault("phones: empty")
        is_list = phones.startswith(("tpl:", "tzl:"))
        _limit(0 if is_list else len(phones.split(":")))
        return phones
    if not phones:
        raise CommandFault("phones: empty")
    spelled = [_entry(entry, f"phones[{index}]") for index, entry in enumerate(phones)]
    _limit(sum(numbers for _, numbers in spelled))
    return [entry for entry, _ in spelled]


def _entry(entry: object, place: str) -> tuple[Json, int]:
    """The entry in the API's spelling, and how many numbers it holds."""
    if not isinstance(entry, Mapping):
        return _number(entry, place), 1
    unknown = entry.keys() - {"phone", "phones", "caller_id"}
    if unknown or ("phone" in entry) == ("phones" in entry):
        raise CommandFault(f"{place}: expected phone or phones, and caller_id")
    caller = entry.get("caller_id")
    caller_id = {} if caller is None else {"callerId": _number(caller, f"{place}.caller_id")}
    if "phone" in entry:
        return {"phone": _number(entry["phone"], f"{place}.phone"), **caller_id}, 1
    group = entry["phones"]
    if not isinstance(group, list | tuple) or not group:
        raise CommandFault(f"{place}.phones: expected a list of numbers")
    return {"phones": [_number(one, f"{place}.phones") for one in group], **caller_id}, len(group)


def _number(value: object, place: str) -> str:
    spelled = name(value)
    if spelled is None:
        raise CommandFault(f"{place}: expected a number")
    return spelled


def _limit(numbers: int) -> None:
    if numbers > MOST_NUMBERS:
        raise CommandFault(f"phones: {numbers} numbers; a campaign takes at most {MOST_NUMBERS}")
