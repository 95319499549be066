"""A sender for each test."""

from collections.abc import Iterator

import pytest

from daemon.host import clock
from daemon.senders.webhook import WebhookSender


@pytest.fixture
def sender() -> Iterator[WebhookSender]:
    one = WebhookSender({}, now=clock.utcnow, monotonic=clock.monotonic)
    yield one
    one.close()
