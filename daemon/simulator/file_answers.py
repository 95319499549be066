"""DownloadFile and GetTextFile, simulated.

What no document shows is ours: how a missing file is worded, and that a folder is no file.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from daemon.simulator.api_refusals import ApiRefusal, optional_text, required_text
from daemon.simulator.spelling import SimulationError
from daemon.simulator.system import ApiRequest, SimulatedSystem

HEBREW = {"Phone": "טלפון", "Date": "תאריך", "Time": "שעה", "Folder": "שלוחה", "DID": "מספר מערכת"}
"""Ours. What columns are called in a rendered file, unless they are asked for as they are."""
ANY_FILE = "application/octet-stream"
"""Of whatever kind it is, as it was seen."""


@dataclass(frozen=True)
class Content:
    """An answer that is no JSON: a file's bytes, or the page that says that there is none."""

    body: bytes
    content_type: str = ANY_FILE
    status: HTTPStatus = HTTPStatus.OK


def download(system: SimulatedSystem, request: ApiRequest) -> Content:
    """DownloadFile: the whole file. A missing one is a 404, or an envelope in a 200 where
    `switches.is_missing_an_envelope`; both were seen."""
    try:
        return Content(system.files.get(required_text(request, "path")).body)
    except SimulationError as error:
        if system.switches.is_missing_an_envelope:
            raise ApiRefusal(str(error)) from None
        return Content(b"File not found", "text/plain", HTTPStatus.NOT_FOUND)


def rendered(system: SimulatedSystem, request: ApiRequest) -> dict[str, Any] | Content:
    """RenderYMGRFile: the rows of a file. By default its columns have Hebrew names."""
    file = system.files.get(required_text(request, "wath"))
    kind = optional_text(request, "convertType") or "json"
    rows = [_row(line) for line in file.body.decode("utf-8", "replace").splitlines() if line]
    if optional_text(request, "notLoadLang") != "1":
        rows = [{HEBREW.get(name, name): value for name, value in row.items()} for row in rows]
    if kind == "json":
        return {"yALogsVersion": "2.1", "data": rows}
    if kind == "csv":
        lines = [",".join(f'"{value}"' for value in row.values()) for row in rows]
        return Content("\n".join(lines).encode(), "text/csv")
    raise ApiRefusal(f"invalid parameter: convertType {kind}")


def _row(line: str) -> dict[str, str]:
    """`Name#value%Name#value`; what has no name is lost, as it may be there."""
    parts = (part.partition("#") for part in line.split("%"))
    return {name: value for name, mark, value in parts if mark}


def text_file(system: SimulatedSystem, request: ApiRequest) -> dict[str, Any]:
    """GetTextFile: what a file says, as text."""
    file = system.files.get(required_text(request, "what"))
    return {"contents": file.body.decode("utf-8", "replace"), "file": file.shown(system.number)}
