"""`yemotd contacts`, and names in what verbs print for people."""

import json
import os
from pathlib import Path

import pytest

from daemon.core.model import Fact
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState
from daemon.store import contacts, events, subjects
from tests.cli.conftest import Call
from tests.support import stores
from tests.support.config_files import SYSTEM
from tests.support.fakes import START, Ids
from tests.support.hostile import OBEYED, REFUSED, SHOWN


@pytest.fixture
def configured(call: Call) -> None:
    configure("")


def configure(more: str) -> None:
    path = Path("config.toml")
    path.touch(mode=0o600)
    path.write_text(SYSTEM + more, encoding="utf-8")


def happen(subject: str) -> None:
    database = stores.on_file(Path("yemotd.db"))
    with database.write() as db:
        queue = Subject("queue/5", SubjectKind.QUEUE, SubjectState.UP, "מכירות")
        subjects.save(db, ("main", "queue/5"), [queue], START, None)
        sms = {"from": "0541234567", "to": "0773137770", "text": "hello"}
        events.record(db, "main", [Fact("sms.received", subject, {"sms": sms})], START, Ids())
    database.close()


@pytest.mark.usefixtures("configured")
def test_a_name_is_added_listed_and_removed(call: Call) -> None:
    happen("sms/0541234567")
    assert call("contacts", "add", "054-1234567", "Dana") == (0, "054-1234567 is Dana.\n", "")
    assert call("contacts", "add", "+972541234567", "Rami")[1] == "+972541234567 is Rami, which was Dana.\n"
    listed = call("contacts", "list")[1]
    assert listed.startswith("+972541234567    Rami  (")
    (one,) = map(json.loads, call("contacts", "list", "--json")[1].splitlines())
    assert (one["key"], one["name"], one["source"]) == ("0541234567", "Rami", "store")
    assert call("contacts", "list", "--name", "rami")[1] == listed
    assert call("contacts", "list", "--name", "x") == (0, "Nobody has this name.\n", "")
    assert call("contacts", "remove", "0541234567") == (0, "+972541234567 is Rami no more.\n", "")
    assert call("contacts", "remove", "0541234567")[0] == os.EX_DATAERR
    assert call("contacts", "list") == (0, "Nobody has a name.\n", "")


def test_a_name_that_does_not_show_is_said(call: Call) -> None:
    configure('[contacts]\n"0541234567" = "D. Levi"\n')
    happen("sms/0541234567")
    said = call("contacts", "add", "0541234567", "Dana")[1]

    assert said.splitlines()[1] == "It does not show: [contacts] calls this number D. Levi, and that counts."
    assert "shows as D. Levi, by [contacts]" in call("contacts", "list")[1]


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("name", [one for one in REFUSED if "\0" not in one])
def test_a_hostile_name_is_refused(call: Call, name: str) -> None:
    happen("sms/0541234567")
    code, out, err = call("contacts", "add", "0541234567", name)

    assert (code, out) == (os.EX_USAGE, "")
    assert not any(one in err for one in OBEYED)


@pytest.mark.usefixtures("configured")
def test_a_file_is_brought_in_or_every_fault_is_told(call: Call) -> None:
    happen("sms/0541234567")
    Path("book.csv").write_text("0541234567,Dana\n,x\n541234567,y\n", encoding="utf-8")
    code, out, err = call("contacts", "import", "book.csv")
    assert (code, out) == (os.EX_DATAERR, "")
    assert ["line 2" in err, "line 3" in err] == [True, True]

    Path("book.csv").write_text("0541234567,Dana\n0521111111,Rami\n", encoding="utf-8")
    assert call("contacts", "import", "book.csv")[1] == "2 names added, 0 changed, 0 as before.\n"
    assert json.loads(call("contacts", "import", "book.csv", "--json")[1])["same"] == 2
    assert call("contacts", "import", "nowhere.csv")[0] == os.EX_DATAERR


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("name", ["Dana", "דנה", *SHOWN])
def test_a_name_stands_beside_its_number_and_json_has_none(call: Call, name: str) -> None:
    happen("sms/0541234567")
    call("contacts", "add", "0541234567", name)

    (line,) = call("events", "list")[1].splitlines()
    assert f"{name} (sms/0541234567)" in line
    assert name not in json.loads(call("events", "list", "--json")[1])["data"].values()
    assert f"{name} (sms/0541234567)" in call("explain", "evt_1")[1]
    assert call("silence", "add", "--subject", "sms/0541234567", "--for", "1h", "--comment", "x")[0] == 0
    assert f"{name} (sms/0541234567)" in call("silence", "list")[1]


@pytest.mark.usefixtures("configured")
def test_a_subject_is_given_by_its_name(call: Call) -> None:
    happen("queue/5")
    assert "queue/5" in call("events", "list", "--subject", "queue/מכירות")[1]
    silence = call("silence", "add", "--subject", "queue/מכירות", "--for", "1h", "--comment", "x", "--json")[
        1
    ]
    assert json.loads(silence)["subject"] == "queue/5"
    call("contacts", "add", "0541111111", "Dana")
    call("contacts", "add", "0542222222", "dana")
    code, _, err = call("events", "list", "--subject", "sms/Dana")
    assert code == os.EX_DATAERR
    assert "sms/0541111111, sms/0542222222; say which" in err
    assert call("explain", "sms/Dana")[0] == os.EX_DATAERR


@pytest.mark.usefixtures("configured")
def test_of_very_many_names_each_is_looked_up_by_itself(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.cli.names.FEW", 1)
    happen("sms/0541234567")
    call("contacts", "add", "0541234567", "Dana")
    call("contacts", "add", "0521111111", "Rami")

    def load(_: object) -> dict[str, str]:
        raise AssertionError("all were read")

    monkeypatch.setattr(contacts, "load", load)
    assert "Dana (sms/0541234567)" in call("events", "list")[1]
