"""Sessions: how long they last, by whichever clock, and that an ended one stays ended."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from daemon.core.durations import DAY, MINUTE, SECOND
from daemon.core.model import Secret
from daemon.store import ended_sessions
from daemon.store.database import Database
from daemon.store.ended_sessions import Ended
from daemon.web import signed_out
from daemon.web.auth import Token
from daemon.web.sessions import AT_MOST, COOKIE, LASTS, Sessions
from daemon.web.signed_out import SignedOut
from tests.support import stores
from tests.support.fakes import START

KEY = bytes(range(32))
OWN = Token("own", Secret("token-of-one"), frozenset({"read"}))
OTHER = Token("other", Secret("token-of-another"), frozenset({"read"}))
YEAR = 365 * DAY


class Time:
    """The clock on the wall, which can be set."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


class Door:
    """Sessions by a clock that the test sets; `restart` is another process on the same store."""

    def __init__(self, database: Database | None = None) -> None:
        self.database = database
        self.time = Time()
        self.tokens = [OWN, OTHER]
        self.restart()

    def restart(self, key: bytes = KEY) -> None:
        self.sessions = Sessions(key, lambda: self.tokens, self.time, SignedOut(self.database))

    def is_open(self, cookie: str) -> bool:
        return self.sessions.read(cookie) is not None

    def end(self, cookie: str) -> bool:
        session = self.sessions.read(cookie)
        assert session
        return self.sessions.end(session)

    def use(self, cookie: str) -> str:
        """The cookie that a browser has after it was used."""
        session = self.sessions.read(cookie)
        return (self.sessions.renewed(session) if session else None) or cookie


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Door]:
    database = stores.on_file(tmp_path / "y.db")
    yield Door(database)
    database.close()


def test_one_that_nobody_uses_ends(door: Door) -> None:
    cookie = door.sessions.begin(OWN)

    door.time.at += LASTS - SECOND
    assert door.is_open(cookie)
    door.time.at += SECOND
    assert not door.is_open(cookie)


def test_one_that_is_used_lasts_and_yet_not_for_ever(door: Door) -> None:
    cookie, first = door.sessions.begin(OWN), START
    while door.is_open(cookie):
        cookie = door.use(cookie)
        door.time.at += 7 * DAY

    assert AT_MOST <= door.time.at - first < AT_MOST + 7 * DAY


def test_a_cookie_is_renewed_once_a_day_and_stays_the_same_session(door: Door) -> None:
    cookie = door.sessions.begin(OWN)
    door.time.at += DAY - SECOND
    assert door.use(cookie) == cookie

    door.time.at += SECOND
    other = door.use(cookie)

    assert other != cookie
    one, same = door.sessions.read(cookie), door.sessions.read(other)
    assert one
    assert same
    assert (one.id, one.begun_at) == (same.id, same.begun_at)
    assert door.sessions.form_of(one) == door.sessions.form_of(same)


def test_a_clock_that_goes_forward_a_year_and_back(door: Door) -> None:
    cookie = door.sessions.begin(OWN)

    door.time.at += YEAR
    assert not door.is_open(cookie)  # as documented
    ahead = door.sessions.begin(OWN)
    door.time.at -= YEAR

    assert door.is_open(cookie)
    assert not door.is_open(ahead)  # begun in a time that has not come


def test_a_clock_that_goes_back_by_minutes_ends_nothing(door: Door) -> None:
    cookie = door.sessions.begin(OWN)
    door.time.at -= 4 * MINUTE
    assert door.is_open(cookie)
    door.time.at -= 2 * MINUTE
    assert not door.is_open(cookie)


@given(st.lists(st.timedeltas(-2 * YEAR, 2 * YEAR), max_size=30))
def test_whatever_the_clock_does_none_is_open_outside_its_time(steps: list[timedelta]) -> None:
    door = Door()
    cookie = door.sessions.begin(OWN)
    for step in steps:
        door.time.at += step
        if door.is_open(cookie):
            assert START - 5 * MINUTE <= door.time.at < START + AT_MOST
        cookie = door.use(cookie)


@given(st.lists(st.timedeltas(-2 * YEAR, 2 * YEAR), max_size=10))
def test_whatever_the_clock_does_an_ended_one_stays_ended(steps: list[timedelta]) -> None:
    door = Door()
    cookie = door.sessions.begin(OWN)
    door.end(cookie)
    for step in steps:
        door.time.at += step
        assert not door.is_open(cookie)
    door.time.at = START
    assert not door.is_open(cookie)


def test_an_ended_one_stays_ended_over_a_restart_with_all_its_cookies(kept: Door) -> None:
    stolen, other, foreign = (kept.sessions.begin(one) for one in (OWN, OWN, OTHER))
    kept.time.at += 2 * DAY
    renewed = kept.use(stolen)
    assert renewed != stolen

    assert kept.end(stolen)

    for _ in range(2):
        assert [kept.is_open(one) for one in (stolen, renewed, other, foreign)] == [False, False, True, True]
        kept.restart()


def test_all_of_a_token_end_at_once_and_later_ones_are_open(kept: Door) -> None:
    before = [kept.sessions.begin(OWN) for _ in range(3)]
    foreign = kept.sessions.begin(OTHER)
    kept.end(before[0])

    assert kept.sessions.end_all(OWN)

    after = kept.sessions.begin(OWN)
    for _ in range(2):
        assert [kept.is_open(one) for one in (*before, foreign, after)] == [False] * 3 + [True, True]
        kept.restart()


def test_what_is_held_is_bounded_and_nothing_comes_to_life_by_that(
    kept: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signed_out, "MOST", 5)
    ended = []
    for _ in range(23):
        ended.append(kept.sessions.begin(OWN))
        kept.end(ended[-1])
        assert not any(map(kept.is_open, ended))
    kept.restart()

    assert not any(map(kept.is_open, ended))
    assert kept.is_open(kept.sessions.begin(OWN))
    assert kept.database
    with kept.database.read() as db:
        assert db.scalar(sa.text("SELECT count(*) FROM ended_sessions")) <= 6


def test_what_cannot_be_written_down_is_ended_all_the_same_and_written_with_the_next(kept: Door) -> None:
    door = kept
    assert door.database
    first, second = door.sessions.begin(OWN), door.sessions.begin(OTHER)
    with door.database.write() as db:
        db.execute(sa.text("ALTER TABLE ended_sessions RENAME TO away"))
    assert not door.end(first)
    assert not door.is_open(first)
    with door.database.write() as db:
        db.execute(sa.text("ALTER TABLE away RENAME TO ended_sessions"))

    assert door.end(second)
    door.restart()

    assert not door.is_open(first)
    assert not door.is_open(second)


def test_while_nobody_knows_what_has_ended_none_is_open(kept: Door) -> None:
    cookie = kept.sessions.begin(OWN)
    assert kept.database
    with kept.database.write() as db:
        db.execute(sa.text("ALTER TABLE ended_sessions RENAME TO away"))
    kept.restart()
    assert not kept.is_open(cookie)
    with pytest.raises(sa.exc.OperationalError):
        kept.sessions.begin(OWN)
    with kept.database.write() as db:
        db.execute(sa.text("ALTER TABLE away RENAME TO ended_sessions"))

    assert kept.is_open(kept.sessions.begin(OWN))
    assert kept.is_open(cookie)


def test_another_key_or_another_value_of_the_token_ends_it(door: Door) -> None:
    cookie = door.sessions.begin(OWN)
    door.tokens = [Token("own", Secret("another"), frozenset({"read"})), OTHER]
    assert not door.is_open(cookie)
    door.tokens = [Token("renamed", OWN.secret, frozenset({"read"}))]
    assert not door.is_open(cookie)
    door.tokens = [Token("own", OWN.secret, frozenset())]
    assert door.is_open(cookie)  # what it may do is asked at each request
    door.restart(bytes(32))
    assert not door.is_open(cookie)


def test_neither_the_cookie_nor_the_store_says_the_token(kept: Door) -> None:
    cookie = kept.sessions.begin(OWN)
    kept.end(cookie)
    assert kept.database
    with kept.database.read() as db:
        held = str(list(db.execute(sa.text("SELECT * FROM ended_sessions"))))

    for secret in (OWN.secret.value, KEY.hex(), cookie.split(".")[0]):
        assert secret not in held
    assert OWN.secret.value not in cookie
    assert OWN.name not in cookie


@given(st.integers(0, 150), st.characters(codec="ascii"))
def test_no_cookie_that_was_changed_is_one(at: int, letter: str) -> None:
    door = Door()
    cookie = door.sessions.begin(OWN)
    changed = cookie[:at] + letter + cookie[at + 1 :]

    assert door.is_open(changed) == (changed == cookie)


def asked(*cookies: str, scheme: str = "http", root: str = "") -> Request:
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": root + "/",
            "root_path": root,
            "scheme": scheme,
            "query_string": b"",
            "headers": [(b"cookie", one.encode()) for one in cookies],
        }
    )


def test_a_cookie_that_a_sibling_planted_beside_ours_makes_nobody_somebody_else(door: Door) -> None:
    ours, theirs = door.sessions.begin(OWN), door.sessions.begin(OTHER)
    of = door.sessions.of

    assert of(asked(f"{COOKIE}={ours}"))
    assert of(asked(f"{COOKIE}=nonsense; {COOKIE}={ours}; {COOKIE}={ours}"))
    assert of(asked(f"{COOKIE}={theirs}; {COOKIE}={ours}")) is None
    assert of(asked(f"{COOKIE}={theirs}", f"{COOKIE}={ours}")) is None


@pytest.mark.parametrize(
    ("scheme", "root", "name"),
    [
        ("http", "", COOKIE),
        ("http", "/y", COOKIE),
        ("https", "", f"__Host-{COOKIE}"),
        ("https", "/y", f"__Secure-{COOKIE}"),
    ],
)
def test_over_tls_only_a_cookie_that_no_sibling_can_plant_counts(
    door: Door, scheme: str, root: str, name: str
) -> None:
    cookie = door.sessions.begin(OWN)
    known = (COOKIE, f"__Host-{COOKIE}", f"__Secure-{COOKIE}")

    opened = {one for one in known if door.sessions.of(asked(f"{one}={cookie}", scheme=scheme, root=root))}

    assert opened == {name}


@given(
    st.dictionaries(
        st.sampled_from(["a", "b"]),
        st.builds(Ended, st.integers(0, 5), st.frozensets(st.text("0123456789abcdef", min_size=1))),
    )
)
def test_what_is_written_down_is_what_is_read(marks: dict[str, Ended]) -> None:
    database = stores.in_memory()
    with database.write() as db:
        for mark, ended in marks.items():
            ended_sessions.save(db, mark, Ended(7, frozenset({"other"})))
            ended_sessions.save(db, mark, ended)
    with database.read() as db:
        assert ended_sessions.load(db) == marks
    database.close()
