"""What an event was recorded with stays: what is sent again is the same, whoever was renamed since."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.core.contacts import Contacts
from daemon.core.delivery.outcome import Message, Outcome
from daemon.core.model import Fact
from daemon.core.rendering.formats import Shape, render
from tests.support import stores
from tests.support.dispatching import Setting

NAMED = {"sms/0541234567": "Dana", "0541234567": "Dana"}
FACT = Fact("sms.received", "sms/0541234567", {"sms": {"from": "0541234567", "text": "hello"}})


class Office(Setting):
    """A daemon whose book a test writes."""

    book = Contacts.of([("0541234567", "Dana")])

    def happen(self, *, keeps: bool = True) -> None:
        recorder = replace(self.recorder, contacts=lambda: self.book) if keeps else self.recorder
        with self.database.write() as db:
            recorder.record(db, "main", [FACT], self.clock.at)


@pytest.fixture
def office(engine: str, tmp_path: Path) -> Iterator[Office]:
    database = stores.at(tmp_path / "one.db")
    yield Office(database)
    database.close()


def sent(office: Office) -> list[Message]:
    return [one for one in office.receivers.sent if one.endpoint == "crm"]


def test_a_retry_after_a_rename_is_the_same_to_the_byte(office: Office) -> None:
    office.receivers.answers["crm"] = Outcome.FAILED
    office.happen()
    office.run()
    office.book = Contacts.of([("0541234567", "Rami")])
    office.another()
    del office.receivers.answers["crm"]
    office.run(after=60)
    first, *_, again = sent(office)

    assert json.loads(str(first.names)) == json.loads(str(again.names)) == NAMED
    shape = Shape(has_names=True)
    assert render(first.body, shape, names=first.names) == render(again.body, shape, names=again.names)


def test_the_body_that_is_stored_has_no_name_in_it(office: Office) -> None:
    office.happen()
    office.happen(keeps=False)
    office.run()

    assert all(b"Dana" not in one.body for one in sent(office))
    assert {one.names is None for one in sent(office)} == {True, False}
