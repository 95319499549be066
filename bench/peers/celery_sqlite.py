"""celery with its SQLite broker (SQLAlchemy transport): acknowledged after the task, else as it comes."""

from celery import Celery

from bench.peers.task import DIRECTORY, MANY, body, new_session, post

app = Celery("peer", broker=f"sqla+sqlite:///{DIRECTORY}/celery.db")
app.conf.update(task_acks_late=True, task_ignore_result=True, broker_connection_retry_on_startup=True)
_session = new_session()


@app.task(name="deliver")
def deliver(text: str) -> None:
    """One delivery."""
    post(_session, text)


def fill() -> None:
    """Put all of it into the queue."""
    for number in range(MANY):
        deliver.delay(body(number))
