"""QueueCallBack: which queues have call-back, who is in the list of one, and taking somebody out."""

from collections.abc import Mapping

from daemon.core.model import Failure, Json, Unknown
from daemon.core.watches.callbacks import Observation, Request, asked_at
from daemon.yemot.answers import Data
from daemon.yemot.reads import Read
from daemon.yemot.scalars import Fields, count, identity, integer, listed, name

METHOD = "QueueCallBack"
LIST = "callbackList"


def queues_with() -> Read[Mapping[str, int]]:
    """`getQueues`: the ids of the queues that have call-back, by the extension of each."""
    return Read("QueueCallBack", {"action": "getQueues"}, _queues)


def requests_of(queue: int) -> Read[Observation]:
    """`getList`: who is in the list of a queue, by its id."""
    return Read("QueueCallBack", {"action": "getList", "id": queue}, _requests)


def remove(request: int) -> dict[str, Json]:
    """`removeNumber`; `request`: the id of one."""
    return {"action": "removeNumber", "id": request}


def removal_answer(data: Mapping[str, object]) -> str | None:
    """What the platform says of it: `OK`."""
    return name(data.get(LIST))


def extension(path: str) -> str:
    """A queue's extension, however it is spelled."""
    return path.removeprefix("ivr2:").strip("/.")


def _queues(data: Data) -> Mapping[str, int] | Unknown:
    entries = listed(data.get(LIST)) if LIST in data else None
    if entries is None:
        return Unknown(Failure.MALFORMED, f"{LIST}: no list")
    found: dict[str, int] = {}
    for entry in entries:
        if isinstance(entry, Mapping) and (queue := integer(entry.get("id"))) is not None:
            for key in ("queue_path", "path"):
                if (path := name(entry.get(key))) is not None:
                    found.setdefault(extension(path), queue)
    return found


def _requests(data: Data) -> Observation | Unknown:
    """One without an id makes the list unreadable: somebody would seem to be gone."""
    entries = listed(data.get(LIST)) if LIST in data else None
    if entries is None:
        return Unknown(Failure.MALFORMED, f"{LIST}: no list")
    fields, found = Fields(), []
    for entry in entries:
        request = fields.take(f"{LIST}[].", entry, "id", identity)
        phone = fields.take(f"{LIST}[].", entry, "calling_number", name)
        at = fields.take_optional(f"{LIST}[].", entry, "date_time", name)
        tries = fields.take_optional(f"{LIST}[].", entry, "attempts", count)
        if request is not None:
            found.append(Request(request, phone or "", asked_at(at), tries))
    if fields.missing[f"{LIST}[].id"] or fields.unreadable[f"{LIST}[].id"]:
        return Unknown(Failure.MALFORMED, "; ".join(fields.problems()))
    return Observation(tuple(found), fields.problems())
