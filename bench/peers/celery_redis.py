"""celery on Redis: acknowledged after the task, else as it comes (a process for each core)."""

from celery import Celery

from bench.peers.task import MANY, SERVICE, body, new_session, post

app = Celery("peer", broker=SERVICE)
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
