"""`yemotd alerts`: what is wrong now, and whom it was told; from the store."""

import typer

from daemon.cli.output import ConfigOption, JsonOption, clock_time, load, open_store, print_json
from daemon.core.model import Json
from daemon.core.timestamps import iso
from daemon.endpoints import interests
from daemon.store import ledger, views
from daemon.store.views import AlertView

app = typer.Typer(help="What is wrong now.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_alerts(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Every alert that is pending, firing or recovering, the longest first, with whom it was told."""
    endpoints = [one.endpoint for one in interests(load(config).config)]
    store = open_store(config)
    with store.read() as db:
        found = views.alerts(db)
        lines = ledger.load(db, endpoints)
    store.close()
    for alert in found:
        told = {
            endpoint: _standing(line.standing.value, line.held_by.value if line.held_by else None)
            for (incident, endpoint), line in lines.items()
            if incident == alert.incident
        }
        if as_json:
            print_json(_document(alert, told))
        else:
            print(_line(alert, told))
    if not found and not as_json:
        print("Nothing is wrong.")


def _standing(standing: str, held_by: str | None) -> str:
    return standing + (f", held: {held_by}" if held_by else "")


def _line(alert: AlertView, told: dict[str, str]) -> str:
    blind = ", not seen at present" if alert.is_blind else ""
    to = "; ".join(f"{endpoint}: {how}" for endpoint, how in told.items()) or "told to nobody yet"
    return (
        f"{clock_time(alert.started_at)}  {alert.system}  {alert.severity:<8} {alert.phase}{blind}  "
        f"{alert.type} {alert.subject}  {alert.incident or '-'}  ({to})"
    )


def _document(alert: AlertView, told: dict[str, str]) -> Json:
    return {
        "system": alert.system,
        "type": alert.type,
        "subject": alert.subject,
        "phase": alert.phase,
        "severity": alert.severity,
        "is_blind": alert.is_blind,
        "incident": alert.incident,
        "started_at": iso(alert.started_at) if alert.started_at else None,
        "told": told,
    }
