"""huey on SQLite: its defaults, with one thread as the worker."""

from huey import SqliteHuey

from bench.peers.task import DIRECTORY, MANY, body, new_session, post

queue = SqliteHuey(filename=str(DIRECTORY / "huey.db"), results=False)
_session = new_session()


@queue.task()
def deliver(text: str) -> None:
    """One delivery."""
    post(_session, text)


def fill() -> None:
    """Put all of it into the queue."""
    for number in range(MANY):
        deliver(body(number))
