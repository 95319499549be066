"""All senders as one: what one of them cannot do is not lost on the others."""

from collections.abc import Sequence

import pytest

from daemon.core.delivery.outcome import Attempted, Message, Outcome
from daemon.core.wishes import Kind, Wishes
from daemon.senders.all import Senders
from daemon.senders.webhook import WebhookSender
from tests.support.fakes import START


class Scripted:
    """A sender with threads of its own, whose attempts end at once."""

    patience: Sequence[float] = ()

    def __init__(self) -> None:
        self.ended: list[Attempted] = []
        self.is_broken = False

    @property
    def is_idle(self) -> bool:
        return not self.ended

    def start(self, message: Message) -> None:
        self.ended.append(Attempted(message, Outcome.ACCEPTED, START))

    def in_flight(self, endpoint: str) -> int:
        return sum(one.message.endpoint == endpoint for one in self.ended)

    def finished(self) -> list[Attempted]:
        if self.is_broken:
            raise ZeroDivisionError
        ended, self.ended = self.ended, []
        return ended

    def close(self) -> None:
        pass


@pytest.mark.parametrize("broken", ["webhooks", "the next one"])
def test_what_ended_is_told_by_the_next_call_where_one_sender_raises(
    monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def raises(_timeout: float) -> list[Attempted]:
        raise ZeroDivisionError

    webhooks = WebhookSender({}, now=lambda: START, monotonic=lambda: 0.0)
    mails, notices = Scripted(), Scripted()
    guards = {"nobody": Wishes().guard(Kind.ENDPOINT, "nobody")}
    senders = Senders(webhooks, mails, notices, by_endpoint={"ops": mails}, guards=guards, now=lambda: START)
    senders.start(Message(1, "lease_1", "ops", "main/a", "evt_1", "sms.received", b"{}", 1))
    senders.start(Message(2, "lease_1", "nobody", "main/b", "evt_2", "sms.received", b"{}", 1))
    with monkeypatch.context() as patch:
        if broken == "webhooks":
            patch.setattr(webhooks, "finished", raises)
        notices.is_broken = broken != "webhooks"
        with pytest.raises(ZeroDivisionError):
            senders.finished(0)
    assert (senders.in_flight("ops"), senders.in_flight("nobody"), senders.is_idle) == (1, 1, False)
    notices.is_broken = False
    ended = senders.finished(60)
    senders.close()

    assert {one.message.delivery: one.outcome for one in ended} == {1: Outcome.ACCEPTED, 2: Outcome.FAILED}
    assert senders.is_idle
