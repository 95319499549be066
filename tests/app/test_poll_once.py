"""One poll without a daemon, on a store that something before it has left: what waits there is sent by the
clock as it stands, and to whom the configuration names now."""

import json
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from daemon.app.poll_once import poll_once
from daemon.config.load import load
from daemon.config.settings import Config
from daemon.core.durations import DAY, NOTHING
from daemon.core.model import Fact
from daemon.core.ownership import Member
from daemon.host import clock
from daemon.pipeline.events import Recorder
from daemon.store import ownership
from daemon.store.location import DatabaseError
from daemon.wiring.endpoints import interests
from tests.support import stores
from tests.support.engines import ON_POSTGRESQL, USED, engine
from tests.support.fakes import Receiver

__all__ = ["engine"]

CONFIGURATION = """\
[daemon]
database = "{database}"
drain = "3s"
[http]
listen = ""
[[systems]]
name = "main"
token = "0771234567:123456"
base_url = "http://127.0.0.1:9/ym/api/"
[systems.sms]
[[webhooks]]
name = "crm"
url = "{url}"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
events = {events}
"""


def configured(folder: Path, receiver: Receiver, *events: str) -> Config:
    path = folder / "config.toml"
    path.touch(mode=0o600)
    database = stores.url_at(folder / "yemotd.db")
    path.write_text(CONFIGURATION.format(database=database, url=receiver.url, events=json.dumps(events)))
    return load(path, {}).config


def left_behind(config: Config, folder: Path, ahead: timedelta) -> None:
    """An SMS that waits, written by a clock that was so far ahead."""
    store = stores.at(folder / "yemotd.db")
    with store.write() as db:
        recorder = Recorder(interests(config), clock.new_id)
        recorder.record(db, "main", [Fact("sms.received", "sms/050", {"sms": {}})], clock.utcnow() + ahead)
    store.close()


def sent(receiver: Receiver) -> list[str]:
    return [json.loads(one.body)["type"] for one in receiver.received]


@USED
@pytest.mark.parametrize("ahead", [NOTHING, 5 * DAY])
def test_what_waits_is_sent_whatever_the_clock_said(
    tmp_path: Path, receiver: Receiver, ahead: timedelta
) -> None:
    config = configured(tmp_path, receiver, "sms.*")
    left_behind(config, tmp_path, ahead)
    poll_once(config, system=None, watch=None)

    assert sent(receiver) == ["sms.received"]


def test_what_is_not_for_an_endpoint_any_more_is_not_sent(tmp_path: Path, receiver: Receiver) -> None:
    left_behind(configured(tmp_path, receiver, "sms.*"), tmp_path, NOTHING)
    poll_once(configured(tmp_path, receiver, "sip.*"), system=None, watch=None)

    assert sent(receiver) == []


@ON_POSTGRESQL
@USED
def test_beside_a_daemon_it_does_nothing(tmp_path: Path, receiver: Receiver) -> None:
    """Which would be done twice, or moved under it; as on SQLite, where the file is locked."""
    config = configured(tmp_path, receiver, "sms.*")
    left_behind(config, tmp_path, NOTHING)
    now = clock.utcnow()
    member = Member("one", "mem_1", 7, 0, now, "1", "", now, "")
    with closing(stores.at(tmp_path / "yemotd.db")) as store, closing(store.session()) as session:
        assert session.hold(member.lock)
        with store.write() as db:
            ownership.join(db, member)
        with pytest.raises(DatabaseError, match="daemons run"):
            poll_once(config, system=None, watch=None)

    assert sent(receiver) == []
