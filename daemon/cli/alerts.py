"""`yemotd alerts`: what is wrong now, and whom it was told; from the store."""

import typer

from daemon.cli.opening import load, open_store
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import clock_time, print_json, say
from daemon.core.timestamps import from_iso
from daemon.schemas.documents import Alert
from daemon.store import views
from daemon.wiring.endpoints import interests

app = typer.Typer(help="What is wrong now.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_alerts(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Every alert that is pending, firing or recovering, the longest first, with whom it was told."""
    loaded = load(config).config
    endpoints = [one.endpoint for one in interests(loaded)]
    store = open_store(loaded)
    with store.read() as db:
        found = [Alert.with_told(one) for one in views.told_alerts(db, endpoints)]
    store.close()
    for alert in found:
        if as_json:
            print_json(alert.model_dump())
        else:
            say(_line(alert))
    if not found and not as_json:
        say("Nothing is wrong.")


def _line(alert: Alert) -> str:
    blind = ", not seen at present" if alert.is_blind else ""
    since = clock_time(from_iso(alert.started_at))
    to = "; ".join(f"{endpoint}: {how}" for endpoint, how in alert.told.items()) or "told to nobody yet"
    return (
        f"{since}  {alert.system}  {alert.severity:<8} {alert.phase}{blind}  "
        f"{alert.type} {alert.subject}  {alert.incident or '-'}  ({to})"
    )
