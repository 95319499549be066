"""`yemotd deliveries`: what was sent to whom, every attempt of it, and once more."""

import os
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from daemon import clock
from daemon.cli.output import (
    ConfigOption,
    Fatal,
    JsonOption,
    clock_time,
    counted,
    open_store,
    print_json,
    say_when_it_goes,
)
from daemon.core.delivery import OPEN, Status
from daemon.core.timestamps import iso
from daemon.store import history, outbox, replay
from daemon.store.history import AttemptView, DeliveryView, Wanted

app = typer.Typer(
    help="What was sent to whom, and what was given up.", no_args_is_help=True, rich_markup_mode=None
)
DeliveryArgument = Annotated[int, typer.Argument(help="Its number, as `deliveries list` shows it.")]


@app.command("list")
def list_deliveries(
    config: ConfigOption = None,
    *,
    endpoint: Annotated[str | None, typer.Option(help="Of this endpoint only.")] = None,
    status: Annotated[Status | None, typer.Option(help="Only these; dead are the dead letters.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="Of the event; a glob such as sms.*")] = None,
    before: Annotated[int | None, typer.Option(help="Only those with a smaller number.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Deliveries, the newest first."""
    store = open_store(config)
    with store.read() as db:
        found = history.read(db, Wanted(endpoint, status, type_, before, limit))
    store.close()
    for one in found:
        if as_json:
            print_json(document(one))
        else:
            print(_line(one))
    if not found and not as_json:
        print("There is no such delivery.")


@app.command("show")
def show(delivery: DeliveryArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """One delivery with every attempt: what it met, where, and how long each part took."""
    store = open_store(config)
    with store.read() as db:
        found = history.find(db, delivery)
    store.close()
    if found is None:
        raise Fatal(_missing(delivery), os.EX_DATAERR)
    if as_json:
        print_json(document(found))
        return
    print("\n".join([_line(found), *(line for one in found.attempts for line in attempt_lines(one))]))


@app.command("retry")
def retry(
    delivery: DeliveryArgument,
    config: ConfigOption = None,
    *,
    with_history: Annotated[
        bool, typer.Option("--history", help="Also what is not true any more, such as an alert that is over.")
    ] = False,
) -> None:
    """Send one delivery once more, with the id that it had."""
    store = open_store(config)
    with store.write() as db:
        found = history.find(db, delivery)
        if found is None:
            raise Fatal(_missing(delivery), os.EX_DATAERR)
        if found.status in OPEN:
            raise Fatal(f"delivery {delivery} has not ended: it is {found.status.value}", os.EX_DATAERR)
        is_outdated = found.status is Status.SUPERSEDED or not replay.may_be_told(
            db, found.event, found.endpoint
        )
        if is_outdated and not with_history:
            raise Fatal(
                f"delivery {delivery} tells what is not true any more: a newer event of it was told since; "
                "--history sends it all the same",
                os.EX_DATAERR,
            )
        outbox.reopen(db, [delivery], clock.utcnow())
    store.close()
    print(f"Delivery {delivery} is sent to {found.endpoint} again.")
    say_when_it_goes(config)


def attempt_lines(one: AttemptView) -> Iterator[str]:
    """One attempt for people."""
    why = one.error or (f"HTTP {one.http_status}" if one.http_status else "")
    where = f" at {one.address}" if one.address else ""
    ms = one.phases.total / 1000
    what = f"{one.outcome.value} {why}{where} ({ms:.0f} ms)"
    yield f"  attempt {one.number}  {clock_time(one.started_at)}  {what}"
    reached = {
        "name": one.phases.resolved,
        "connected": one.phases.connected,
        "TLS": one.phases.secured,
        "first byte": one.phases.answered,
    }
    parts = [f"{part} {microseconds / 1000:.1f} ms" for part, microseconds in reached.items() if microseconds]
    if parts:
        yield "    " + ", ".join(parts)
    if one.response_head:
        yield "    answer: " + " ".join(one.response_head.split())[:200]


def document(one: DeliveryView) -> dict[str, Any]:
    """One delivery for programs."""
    return {
        "id": one.id,
        "event": one.event,
        "type": one.type,
        "system": one.system or None,
        "subject": one.subject,
        "endpoint": one.endpoint,
        "status": one.status.value,
        "created_at": iso(one.created_at),
        "due_at": iso(one.due_at),
        "ended_at": iso(one.ended_at) if one.ended_at else None,
        "error": one.error,
        "superseded": one.superseded,
        "tries": one.tries,
        "attempts": [_attempt(each) for each in one.attempts],
    }


def _attempt(one: AttemptView) -> dict[str, Any]:
    return {
        "number": one.number,
        "started_at": iso(one.started_at),
        "outcome": one.outcome.value,
        "http_status": one.http_status,
        "error": one.error,
        "address": one.address,
        "microseconds": one.phases._asdict(),
        "response_head": one.response_head,
    }


def _line(one: DeliveryView) -> str:
    when = f"{clock_time(one.ended_at)}" if one.ended_at else f"due {clock_time(one.due_at)}"
    why = f"  ({one.error})" if one.error else ""
    return (
        f"{one.id:>7}  {one.endpoint}  {one.status.value:<10} {when}  {one.type} {one.subject}  "
        f"{one.event}  {counted(one.tries, 'attempt')}{why}"
    )


def _missing(delivery: int) -> str:
    return f"there is no delivery {delivery}; `yemotd deliveries list` shows those there are"
