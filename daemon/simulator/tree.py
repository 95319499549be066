"""GetIVR2Dir, simulated: the tree of extensions, folder by folder, spelled as the API spells it.

What no document shows is ours: the form of `thisPath`, and the wording of a refusal but for that of a
missing extension.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from typing import Any

from daemon.simulator.api_refusals import ApiRefusal, optional_text, required_text
from daemon.simulator.files import PAGES, SETTINGS, SimulatedFile
from daemon.simulator.spelling import extension
from daemon.simulator.system import ApiRequest, SimulatedSystem

MALFORMED = {
    "responseStatus": "EXCEPTION",
    "exceptionClass": "IllegalArgumentException",
    "exceptionMessage": "the path is malformed",
}
"""Without a `message`, as the methods of this family were seen to say it."""
ORDERS: dict[str, Callable[[SimulatedFile], Any]] = {
    "name": lambda one: one.name,
    "mtime": lambda one: _minute(one.changed_at),
    "date": lambda one: _minute(one.at),
    "size": lambda one: len(one.content),
    "source": lambda one: str(one.meta.get("source", "Phone")),
}
"""`orderBy`, and what it goes by."""


def folder(system: SimulatedSystem, request: ApiRequest) -> dict[str, Any]:
    """GetIVR2Dir: the folders in one folder, and its recordings. `extType` only where one is an extension."""
    path = extension(required_text(request, "path"))
    if ".." in path.split("/"):
        return MALFORMED
    known = system.folders
    if path not in known:
        raise ApiRefusal("extension does not exist")
    own, _ = known[path]
    above = f"{path}/" if path else ""
    inner = sorted(name for name in known if name.startswith(above) and name != path)
    return {
        "extIni": {"type": own} if own else [],
        "thisPath": f"ivr2:/{path}",
        "parentPath": f"ivr2:/{path.rpartition('/')[0]}",
        "dirs": [_shown(system, name, known[name]) for name in inner if "/" not in name.removeprefix(above)],
        "files": _files(system, path, request),
        "ini": _others(system, path, SETTINGS),
        "messages": [],
        "html": _others(system, path, PAGES),
        "msgDescriptions": {},
    }


def _files(system: SimulatedSystem, path: str, request: ApiRequest) -> list[dict[str, Any]]:
    """`filesLimit` is where they end, not how many they are, by its page; that it leaves folders alone is
    ours, and so is the order of equal ones: as good as none."""
    shown = [one for one in system.files.of(path) if one.suffix not in SETTINGS | PAGES]
    shown.sort(key=lambda one: blake2b(one.path.encode()).digest())
    if not system.switches.is_unsorted:
        order = ORDERS.get(optional_text(request, "orderBy") or "", ORDERS["name"])
        shown.sort(key=order, reverse=optional_text(request, "orderDir") == "desc")
    listed = shown[_place(request, "filesFrom") or 0 : _place(request, "filesLimit")]
    return [one.shown(system.number) for one in listed]


def _others(system: SimulatedSystem, path: str, suffixes: frozenset[str]) -> list[dict[str, Any]]:
    return [one.shown(system.number) for one in system.files.of(path) if one.suffix in suffixes]


def _minute(moment: datetime) -> datetime:
    """As exact as the API shows it."""
    return moment.replace(second=0, microsecond=0)


def _place(request: ApiRequest, name: str) -> int | None:
    text = optional_text(request, name)
    if text is not None and not text.isdecimal():
        raise ApiRefusal(f"invalid parameter: {name}")
    return None if text is None else int(text[:9])


def _shown(system: SimulatedSystem, path: str, is_what: tuple[str | None, str]) -> dict[str, Any]:
    kind, title = is_what
    return {
        "exists": True,
        "name": path.rpartition("/")[2],
        "uniqueId": blake2b(f"{system.number}/{path}".encode(), digest_size=16).hexdigest(),
        "what": f"ivr2:/{path}",
        "fileType": "DIR",
        **({"extType": kind, "extTitle": title} if kind else {}),
    }
