"""procrastinate on PostgreSQL: its defaults (one job at a time)."""

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

from bench.peers.task import MANY, SERVICE, body, new_session, post

BATCH = 500
app = App(connector=PsycopgConnector(conninfo=SERVICE))
_session = new_session()


@app.task(name="deliver", retry=True)
def deliver(text: str) -> None:
    """One delivery."""
    post(_session, text)


def fill() -> None:
    """Put all of it into the queue."""
    with app.replace_connector(SyncPsycopgConnector(conninfo=SERVICE)) as filling, filling.open():
        filling.schema_manager.apply_schema()
        for start in range(0, MANY, BATCH):
            texts = [{"text": body(number)} for number in range(start, min(start + BATCH, MANY))]
            filling.tasks["deliver"].batch_defer(*texts)
