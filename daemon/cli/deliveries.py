"""`yemotd deliveries`: what was sent to whom, every attempt of it, and once more."""

from collections.abc import Iterator
from typing import Annotated

import typer

from daemon.cli import completing
from daemon.cli.names import beside
from daemon.cli.opening import look
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import clock_time, counted, print_json, refusals, say
from daemon.cli.place import Place
from daemon.cli.sources import asked
from daemon.core.delivery.outcome import Status
from daemon.core.numbers import shown as number
from daemon.core.timestamps import from_iso
from daemon.operations import deliveries
from daemon.schemas.documents import Attempt, Delivery, SentText
from daemon.store import clock_steps, history
from daemon.store.history import LAST_ID, Wanted

app = typer.Typer(
    help="What was sent to whom, and what was given up.", no_args_is_help=True, rich_markup_mode=None
)
LISTED = "`yemotd deliveries list` shows those there are"
DeliveryArgument = Annotated[
    int,
    typer.Argument(
        max=LAST_ID,
        help="Its number, as `deliveries list` shows it.",
        autocompletion=completing.DELIVERIES,
    ),
]


@app.command("list")
def list_deliveries(
    config: ConfigOption = None,
    *,
    endpoint: Annotated[
        str | None, typer.Option(help="Of this endpoint only.", autocompletion=completing.ENDPOINTS)
    ] = None,
    status: Annotated[Status | None, typer.Option(help="Only these; dead are the dead letters.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="Of the event; a glob such as sms.*")] = None,
    before: Annotated[int | None, typer.Option(max=LAST_ID, help="Only those with a smaller number.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=LAST_ID, help="At most so many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Deliveries, the newest first."""
    query = {"endpoint": endpoint, "status": status and status.value, "type": type_, "before": before}

    def here(place: Place) -> list[Delivery]:
        with place.store.read() as db:
            return [
                Delivery.of(one) for one in history.read(db, Wanted(endpoint, status, type_, before, limit))
            ]

    with asked("deliveries list", config) as daemon:
        found = daemon.many(Delivery, here, query=query, limit=limit)
        for one in found:
            if as_json:
                print_json(one.model_dump())
            else:
                say(_line(one))
    if not found and not as_json:
        say("There is no such delivery.")


@app.command("show")
def show(delivery: DeliveryArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """One delivery with every attempt: what it met, where, and how long each part took."""

    def here(place: Place) -> Delivery:
        with refusals(LISTED), place.store.read() as db:
            return deliveries.whole(db, deliveries.find_delivery(db, delivery))

    with asked("deliveries show", config) as daemon:
        found = daemon.one(Delivery, here, words={"delivery": str(delivery)})
        if as_json:
            print_json(found.model_dump())
            return
        sms = text_lines(found.text) if found.text else ()
        say(*[_line(found), *sms, *(line for one in found.attempts for line in attempt_lines(one))])


@app.command("retry")
def retry(
    delivery: DeliveryArgument,
    config: ConfigOption = None,
    *,
    with_history: Annotated[
        bool, typer.Option("--history", help="Also what is not true any more, such as an alert that is over.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Send one delivery once more, with the id that it had."""

    def here(place: Place) -> Delivery:
        with refusals(LISTED), place.store.write() as db:
            now = clock_steps.now(db, look(db))
            return Delivery.of(deliveries.retry(db, delivery, now, with_history=with_history))

    with asked("deliveries retry", config) as daemon:
        words, query = {"delivery": str(delivery)}, {"history": with_history}
        found = daemon.one(Delivery, here, words=words, query=query)
        if as_json:
            print_json(found.model_dump())
            return
        say(f"Delivery {delivery} is sent to {found.endpoint} again.")
        daemon.say_when_it_goes()


def text_lines(one: SentText) -> Iterator[str]:
    """The SMS that a delivery came to, for people."""
    yield f"  SMS  {' '.join(one.message.split())}"
    report = f"; the carrier says {one.report}" if one.report else ""
    why = f" ({one.reason})" if one.reason else ""
    state = "not known whether it left" if one.state == "unknown" else one.state
    yield f"    {counted(one.parts, 'part')}, {number(one.units)} units, {state}{why}{report}"


def attempt_lines(one: Attempt) -> Iterator[str]:
    """One attempt for people."""
    why = one.error or (f"HTTP {one.http_status}" if one.http_status else "")
    where = f" at {one.address}" if one.address else ""
    phases = one.microseconds
    what = f"{one.outcome} {why}{where} ({phases.total / 1000:.0f} ms)"
    yield f"  attempt {one.number}  {clock_time(from_iso(one.started_at))}  {what}"
    reached = {
        "name": phases.resolved,
        "connected": phases.connected,
        "TLS": phases.secured,
        "first byte": phases.answered,
    }
    parts = [f"{part} {microseconds / 1000:.1f} ms" for part, microseconds in reached.items() if microseconds]
    if parts:
        yield "    " + ", ".join(parts)
    if one.response_head:
        yield "    answer: " + " ".join(one.response_head.split())[:200]


def _line(one: Delivery) -> str:
    ended_at, due_at = from_iso(one.ended_at), from_iso(one.due_at)
    when = f"{clock_time(ended_at)}" if ended_at else f"due {clock_time(due_at)}"
    why = f"  ({one.error})" if one.error else ""
    return (
        f"{one.id:>7}  {one.endpoint}  {one.status:<10} {when}  {one.type} {beside(one.subject)}  "
        f"{one.event}  {counted(one.tries, 'attempt')}{why}"
    )
