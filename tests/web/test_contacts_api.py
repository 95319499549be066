"""Contacts over HTTP: who may, what is said of each, and what a name does elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.core.contacts import NOBODY, Configured
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState
from daemon.store import contacts, subjects
from tests.support import stores
from tests.support.fakes import START
from tests.support.hostile import REFUSED, SHOWN
from tests.support.http_app import COMMANDER, Setting

DANA = {"number": "054-1234567", "name": "Dana"}


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    database = stores.on_file(tmp_path / "web.db")
    yield Setting(database)
    database.close()


def test_a_name_is_given_seen_at_once_and_taken_away(setting: Setting) -> None:
    given = setting.admin.post("/api/v1/contacts", json=DANA)
    assert (given.status_code, given.json()["before"], given.json()["key"]) == (201, None, "0541234567")
    assert setting.names.under(NOBODY).name_of("+972541234567") == "Dana"

    again = setting.admin.post("/api/v1/contacts", json={"number": "0541234567", "name": "Rami"})
    assert (again.status_code, again.json()["before"], again.json()["author"]) == (200, "Dana", "admin")
    (one,) = setting.client.get("/api/v1/contacts").json()["contacts"]
    assert (one["name"], one["source"], one["shown_as"]) == ("Rami", "store", None)

    gone = setting.admin.delete("/api/v1/contacts/sip/0541234567")
    assert (gone.status_code, gone.json()["name"]) == (200, "Rami")
    assert setting.names.under(NOBODY).name_of("0541234567") is None
    assert setting.admin.delete("/api/v1/contacts/0541234567").status_code == 404


def test_who_may_read_reads_and_only_an_admin_writes(setting: Setting) -> None:
    for one in (setting.client, setting.holder(COMMANDER)):
        assert one.get("/api/v1/contacts").status_code == 200
        assert one.post("/api/v1/contacts", json=DANA).status_code == 403
        assert one.post("/api/v1/contacts/import", json={"contacts": [DANA]}).status_code == 403
        assert one.delete("/api/v1/contacts/0541234567").status_code == 403
    assert setting.holder("token-of-a-robot").get("/api/v1/contacts").status_code == 403
    assert setting.anybody.get("/api/v1/contacts").status_code == 401
    with setting.database.read() as db:
        assert contacts.book(db).size == 0


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_name_is_refused_whole(setting: Setting, name: str) -> None:
    assert setting.admin.post("/api/v1/contacts", json={**DANA, "name": name}).status_code == 422
    many = {"contacts": [{"number": "/5", "name": "Sales"}, {**DANA, "name": name}]}
    assert setting.admin.post("/api/v1/contacts/import", json=many).status_code == 422
    with setting.database.read() as db:
        assert contacts.book(db).size == 0


@pytest.mark.parametrize("name", SHOWN)
def test_an_odd_name_comes_back_as_it_was_given(setting: Setting, name: str) -> None:
    assert setting.admin.post("/api/v1/contacts", json={**DANA, "name": name}).status_code == 201

    assert setting.client.get("/api/v1/contacts").json()["contacts"][0]["name"] == name


def test_the_configuration_counts_and_all_that_is_known_of_a_number_is_told(setting: Setting) -> None:
    setting.configured = Configured({"0541234567": "D. Levi"}, {"0541234567": "Dana L.", "/5": "Sales"})
    given = setting.admin.post("/api/v1/contacts", json=DANA).json()
    told = setting.client.get(
        "/api/v1/contacts", params={"number": ["+972 54 1234567", "queue/5", "/6"]}
    ).json()

    assert given["shown_as"] == {"name": "D. Levi", "source": "configuration"}
    assert [(one["source"], one["name"]) for one in told["contacts"]] == [
        ("configuration", "D. Levi"),
        ("file", "Dana L."),
        ("store", "Dana"),
        ("file", "Sales"),
    ]
    one = setting.client.get("/api/v1/contacts/sms/0541234567").json()
    assert [each["source"] for each in one["contacts"]] == ["configuration", "file", "store"]
    assert setting.client.get("/api/v1/contacts/0520000000").status_code == 404
    gone = setting.admin.delete("/api/v1/contacts/queue/5")
    assert gone.status_code == 404
    assert "the file has one" in gone.json()["detail"]


def test_pages_lead_through_all(setting: Setting) -> None:
    setting.configured = Configured({"/1": "one", "/2": "two"}, {"/3": "three"})
    many = [{"number": f"054000000{number}", "name": f"N{number}"} for number in range(5)]
    assert setting.admin.post("/api/v1/contacts/import", json={"contacts": many}).json() == {
        "added": 5,
        "changed": 0,
        "same": 0,
        "hidden": 0,
    }
    names: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = setting.client.get("/api/v1/contacts", params={"limit": 3, **after}).json()
        names += [one["name"] for one in page["contacts"]]
        if not page["has_more"]:
            break
        after = {"after": page["next"]}
    assert names == ["one", "two", "three", *(f"N{number}" for number in range(5))]
    assert setting.client.get("/api/v1/contacts", params={"after": "x"}).status_code == 422
    assert [
        one["name"]
        for one in setting.client.get("/api/v1/contacts", params={"name": "n3"}).json()["contacts"]
    ] == ["N3"]


def test_a_queue_is_asked_for_by_its_name(setting: Setting) -> None:
    with setting.database.write() as db:
        for system, path in (("main", "5"), ("other", "7")):
            queue = Subject(f"queue/{path}", SubjectKind.QUEUE, SubjectState.UP, "מכירות")
            subjects.save(db, (system, f"queue/{path}"), [queue], START, None)
    setting.happen("queue.caller.joined", subject="queue/5")
    setting.happen("queue.caller.joined", subject="queue/6")
    main = {"subject": "queue/מכירות", "system": "main"}

    found = setting.client.get("/api/v1/events", params=main).json()["events"]
    assert [one["data"]["subject"] for one in found] == ["queue/5"]
    assert setting.client.get("/api/v1/incidents", params=main).json()["incidents"] == []
    assert setting.client.get("/api/v1/history", params=main).status_code == 200
    silence = {**main, "for": "2h", "comment": "we know"}
    assert setting.admin.post("/api/v1/silences", json=silence).json()["subject"] == "queue/5"
    both = setting.client.get("/api/v1/events", params={"subject": "queue/מכירות"})
    assert both.status_code == 409
    assert "queue/5 (main), queue/7 (other)" in both.json()["detail"]
