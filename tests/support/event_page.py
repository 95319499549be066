"""`docs/events.md`, made of the rows of the event types and of bodies that the daemon's own code wrote:
`python -m tests.support.event_page`; and these bodies themselves, which templates are judged by. A test
compares."""

import json
from collections.abc import Iterator
from typing import Any

from daemon.config import event_examples
from daemon.core.alert_shape import ALERT
from daemon.core.event_types import PARTS
from daemon.core.model import EventTypes
from daemon.schemas.event_schemas import EventType, Line, event_types, fields_of, lines
from tests.support.event_examples import examples
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "events.md"
WIDTH = 110
INTRO = """\
# Events: every type, what it says, and when it comes

This page is made of the code that writes events: `make events` writes it, and a test compares. The same is
at hand for programs: as JSON Schemas in the `webhooks` of `/openapi.json` (OpenAPI 3.1), and one a line from
`yemotd events types --json`; for people in a terminal, `yemotd events types 'sip.*'`. How events are sent,
signed and tried again is in [delivery](delivery.md); when an alert is told to whom, in [alerts](alerts.md).

A body is the same for webhooks, `GET /api/v1/events`, the stream and `yemotd events --json`. An endpoint's
own wishes change its copy alone: `redact` puts `[redacted]` in place of values, `payload = "thin"` leaves
content out, `names` adds `data.names`. More fields may come with a later version, so let a receiver pass over
what it does not know.

**null is a third value.** Where a field may be null, nobody knows it: the answer did not say it, or it could
not be read. It means neither no nor zero. What may be missing altogether says so.

## What every event says

{common}

An **alert** lasts, and gives a pair of events: one when it fires, one when it is over, of one `incident`. Its
`data.alert`:

{alert}

What is not an alert is a **fact**: it stands alone.
"""
TITLES = (
    "SMS",
    "SMS that are sent",
    "Phones",
    "Where phones are",
    "Queues",
    "Who waits in queues",
    "Who is to be called back",
    "Folders",
    "Reports",
    "PirsumPhone",
    "Units",
    "Units for SMS",
    "Caller ids",
    "What is expected",
    "The platform's API",
    "Commands",
    "Campaigns",
    "About alerts",
    "Endpoints",
    "The daemon's life",
    "Several daemons",
    "The daemon's machine",
    "Digests",
    "Quiet windows",
    "A test",
)
"""Of the parts, in the order of `PARTS`."""


def page() -> str:
    """All of it."""
    types = {one.name: one for one in event_types()}
    blocks = [INTRO.format(common=_table(_common()), alert=_table(_of_alerts()))]
    titles = [*TITLES, *(f"Part {n}" for n in range(len(TITLES), len(PARTS)))]
    for title, part in zip(titles, PARTS, strict=False):
        blocks += [f"## {title}\n", *_part(part, types)]
    return "\n".join(blocks).rstrip() + "\n"


def _part(part: EventTypes, types: dict[str, EventType]) -> Iterator[str]:
    shown: dict[str, str] = {}
    paired = [name for kind in part.alerts for name in (kind.fires, kind.resolves)]
    for name in (*paired, *part.facts):
        if name not in types:
            continue
        one = types[name]
        told = [f"### `{name}`\n", f"{_kind(one)} {one.row.when}\n"]
        table = _table(fields_of(one.row))
        if table in shown:
            told.append(f"Its fields are those of `{shown[table]}`.\n")
        else:
            shown[table] = name
            told.append(f"{table}\n")
        yield "\n".join([*told, f"```json\n{laid_out(examples()[name])}\n```\n"])


def _kind(one: EventType) -> str:
    words = []
    if one.kind is None:
        words.append("A fact")
    elif one.name == one.kind.fires:
        words.append(f"An alert, which `{one.counterpart}` ends")
    else:
        words.append(f"The end of `{one.counterpart}`")
    if not one.is_by_default:
        words.append("only for endpoints whose `events` name it, and not by a bare `*`")
    return f"*{'; '.join(words)}.*"


def _common() -> list[Line]:
    any_fact = next(one for one in event_types() if one.kind is None)
    schema = any_fact.schema()
    own = {*any_fact.row.data, *any_fact.row.optional}
    data = schema["properties"]["data"]
    shared = {name: one for name, one in data["properties"].items() if name not in own}
    top = {name: one for name, one in schema["properties"].items() if name != "data"}
    top["type"] = {"type": "string", "description": "One of those below."}
    return lines(top, schema["required"]) + lines(shared, data["required"], "data.")


def _of_alerts() -> list[Line]:
    properties: Any = ALERT["properties"]
    required: Any = ALERT["required"]
    return lines(properties, required)


def _table(found: list[Line]) -> str:
    rows = ["| field | is | |", "|---|---|---|"]
    for one in found:
        missing = "; may be missing" if one.is_optional else ""
        rows.append(f"| `{one.path}` | {one.type}{missing} | {one.says} |")
    return "\n".join(rows)


def laid_out(value: Any, indent: int = 0, *, before: int = 0) -> str:
    """JSON for people: on one line what has room there."""
    flat = json.dumps(value, ensure_ascii=False)
    is_long = indent + before + len(flat) > WIDTH
    if not is_long or not isinstance(value, dict | list) or not value:
        return flat
    inner = " " * (indent + 2)
    if isinstance(value, list):
        told = [inner + laid_out(one, indent + 2) for one in value]
        return "[\n" + ",\n".join(told) + "\n" + " " * indent + "]"
    told = []
    for name, one in value.items():
        key = json.dumps(name, ensure_ascii=False) + ": "
        told.append(inner + key + laid_out(one, indent + 2, before=len(key)))
    return "{\n" + ",\n".join(told) + "\n" + " " * indent + "}"


def bodies() -> str:
    """The examples, one on each line."""
    told = (json.dumps({name: body}, ensure_ascii=False)[1:-1] for name, body in examples().items())
    return "{\n" + ",\n".join(told) + "\n}\n"


def main() -> None:
    """Write them."""
    PAGE.write_text(page(), encoding="utf-8")
    event_examples.FILE.write_text(bodies(), encoding="utf-8")


if __name__ == "__main__":
    main()
