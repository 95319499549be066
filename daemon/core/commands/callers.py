"""What commands did to those who call: whom they put out of a queue, and whom they dialled. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from daemon.core.commands.command import Command, Status
from daemon.core.commands.command_types import CAMPAIGN, QUEUE_KICK
from daemon.core.phones import phone


def kicked(command: Command) -> frozenset[str]:
    """The calls that a command put out of a queue, by the platform's own word; none of another command."""
    if command.type != QUEUE_KICK.name or command.status is not Status.SUCCEEDED:
        return frozenset()
    calls = command.result.get("calls") if isinstance(command.result, Mapping) else None
    return frozenset(
        str(one["call_id"])
        for one in _listed(calls)
        if isinstance(one, Mapping) and one.get("status") == "kicked" and one.get("call_id")
    )


def maybe_kicked(command: Command) -> frozenset[str]:
    """The calls that a command may have put out, or may be putting out just now."""
    if command.type != QUEUE_KICK.name or command.status in (Status.QUEUED, Status.CANCELLED):
        return frozenset()
    return frozenset(map(str, _listed(command.params.get("call_ids"))))


def called(command: Command) -> frozenset[str]:
    """The phones that a campaign dials, each by its key; none of another command. What a list of the platform
    holds (`tpl:`, `tzl:`) is not known here."""
    if command.type != CAMPAIGN or command.status is not Status.SUCCEEDED:
        return frozenset()
    result = command.result if isinstance(command.result, Mapping) else {}
    if result.get("rejected", []) is None:
        return frozenset()  # some are not dialled, and nobody knows which
    rejected = {
        phone(str(one.get("phone"))) for one in _listed(result.get("rejected")) if isinstance(one, Mapping)
    }
    found = {phone(one) for one in _numbers(command.params.get("phones"))}
    return frozenset(one for one in found - rejected if one is not None)


def _numbers(given: object) -> Iterator[str]:
    """The numbers of `phones`, in whichever of its forms."""
    if isinstance(given, str):
        if not given.startswith(("tpl:", "tzl:")):
            yield from given.split(":")
    elif isinstance(given, Mapping):
        yield from _numbers(given.get("phone"))
        yield from _numbers(given.get("phones"))
    else:
        for one in _listed(given):
            yield from _numbers(one)


def _listed(given: object) -> Sequence[object]:
    return given if isinstance(given, list | tuple) else ()
