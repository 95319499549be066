"""`yemotd deliveries`: what was sent to whom, every attempt of it, and once more."""

from collections.abc import Iterator
from typing import Annotated

import typer

from daemon.cli.opening import load, open_store, say_when_it_goes
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import clock_time, counted, print_json, refusals, say
from daemon.core.delivery.outcome import Status
from daemon.core.timeline import Look
from daemon.host import clock
from daemon.operations import deliveries
from daemon.schemas.documents import Delivery
from daemon.store import clock_steps, history
from daemon.store.history import LAST_ID, AttemptView, DeliveryView, Wanted

app = typer.Typer(
    help="What was sent to whom, and what was given up.", no_args_is_help=True, rich_markup_mode=None
)
LISTED = "`yemotd deliveries list` shows those there are"
DeliveryArgument = Annotated[
    int, typer.Argument(max=LAST_ID, help="Its number, as `deliveries list` shows it.")
]


@app.command("list")
def list_deliveries(
    config: ConfigOption = None,
    *,
    endpoint: Annotated[str | None, typer.Option(help="Of this endpoint only.")] = None,
    status: Annotated[Status | None, typer.Option(help="Only these; dead are the dead letters.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="Of the event; a glob such as sms.*")] = None,
    before: Annotated[int | None, typer.Option(max=LAST_ID, help="Only those with a smaller number.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=LAST_ID, help="At most so many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Deliveries, the newest first."""
    store = open_store(load(config).config)
    with store.read() as db:
        found = history.read(db, Wanted(endpoint, status, type_, before, limit))
    store.close()
    for one in found:
        if as_json:
            print_json(Delivery.of(one).model_dump())
        else:
            say(_line(one))
    if not found and not as_json:
        say("There is no such delivery.")


@app.command("show")
def show(delivery: DeliveryArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """One delivery with every attempt: what it met, where, and how long each part took."""
    store = open_store(load(config).config)
    with refusals(LISTED), store.read() as db:
        found = deliveries.find_delivery(db, delivery)
    store.close()
    if as_json:
        print_json(Delivery.of(found).model_dump())
        return
    say(*[_line(found), *(line for one in found.attempts for line in attempt_lines(one))])


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
    loaded = load(config).config
    store = open_store(loaded)
    with refusals(LISTED), store.write() as db:
        now = clock_steps.now(db, Look(*clock.look()))
        found = deliveries.retry(db, delivery, now, with_history=with_history)
    store.close()
    say(f"Delivery {delivery} is sent to {found.endpoint} again.")
    say_when_it_goes(loaded)


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


def _line(one: DeliveryView) -> str:
    when = f"{clock_time(one.ended_at)}" if one.ended_at else f"due {clock_time(one.due_at)}"
    why = f"  ({one.error})" if one.error else ""
    return (
        f"{one.id:>7}  {one.endpoint}  {one.status.value:<10} {when}  {one.type} {one.subject}  "
        f"{one.event}  {counted(one.tries, 'attempt')}{why}"
    )
