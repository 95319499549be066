"""`yemotd status`: what is watched, what is wrong, what waits to be told; from the store."""

from daemon.cli.output import ConfigOption, JsonOption, age, clock_time, load, open_store, print_json
from daemon.core.model import Json
from daemon.core.timestamps import iso
from daemon.host import clock
from daemon.store import database as databases
from daemon.store import views
from daemon.store.views import AlertView, EndpointView, Overview, WatchView
from daemon.wiring.watches import plan


def status(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show what the daemon knows, whether it runs or not."""
    loaded = load(config).config
    holder = databases.holder(loaded.daemon.database)
    store = open_store(config)
    with store.read() as db:
        seen = views.read(db)
    store.close()
    configured = {watch.id for system in loaded.systems for watch in plan(system)}
    watches = [watch for watch in seen.watches if (watch.system, watch.name) in configured]
    if as_json:
        print_json(_document(holder, watches, seen))
        return
    print(
        f"daemon    {f'running, process {holder}' if holder else 'not running'}; {seen.events} events so far"
    )
    for line in (*map(_watch, watches), *map(_alert, seen.alerts), *map(_endpoint, seen.backlog)):
        print(line)


def _watch(watch: WatchView) -> str:
    seen = f"seen {age(watch.observed_at, clock.utcnow())}"
    trouble = f"; {watch.failure}: {watch.failure_message}" if watch.failure else ""
    return f"watch     {watch.system}/{watch.name}: {seen}{trouble}"


def _alert(alert: AlertView) -> str:
    since = f"{alert.phase} since {clock_time(alert.started_at)}"
    blind = ", not seen at present" if alert.is_blind else ""
    return f"alert     {alert.system} {alert.type} {alert.subject}: {since}{blind}"


def _endpoint(endpoint: EndpointView) -> str:
    return f"endpoint  {endpoint.endpoint}: {endpoint.open} to send, {endpoint.dead} given up"


def _document(holder: str | None, watches: list[WatchView], seen: Overview) -> Json:
    return {
        "process": holder,
        "events": seen.events,
        "watches": [
            {
                "system": one.system,
                "watch": one.name,
                "observed_at": iso(one.observed_at) if one.observed_at else None,
                "failure": one.failure,
                "message": one.failure_message,
            }
            for one in watches
        ],
        "alerts": [
            {
                "system": one.system,
                "type": one.type,
                "subject": one.subject,
                "phase": one.phase,
                "severity": one.severity,
                "is_blind": one.is_blind,
                "incident": one.incident,
                "started_at": iso(one.started_at) if one.started_at else None,
            }
            for one in seen.alerts
        ],
        "endpoints": [{"name": one.endpoint, "open": one.open, "dead": one.dead} for one in seen.backlog],
    }
