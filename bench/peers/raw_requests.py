"""requests.Session in a loop: nothing is durable. A line to compare with, and no peer."""

from bench.peers.task import MANY, body, new_session, post


def work() -> None:
    """Send all, one after the other."""
    session = new_session()
    for number in range(MANY):
        post(session, body(number))
