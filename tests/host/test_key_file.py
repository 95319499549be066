"""The key of an installation: made once, by whoever is first; kept for its owner alone; refused in words."""

import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from daemon.host import key_file
from daemon.host.key_file import SALT, Key, KeyFileError, described, take

GOOD = bytes(range(32))
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "yemotd.key"


@pytest.fixture
def seen_by_all() -> Iterator[Path]:
    """In a folder that everybody may enter, unlike pytest's."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "yemotd.key"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o377])
def test_one_is_made_for_its_owner_alone_whatever_the_umask(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        made = take(path)
    finally:
        os.umask(before)

    assert (made.is_new, made.key.is_kept, mode(path)) == (True, True, 0o600)
    assert os.listdir(path.parent) == [path.name]


def test_it_is_the_same_for_the_next_daemon(path: Path) -> None:
    made, found = take(path), take(path)

    assert not found.is_new
    assert found.key == made.key


def test_two_that_start_at_once_have_the_same(path: Path) -> None:
    many = 16
    together = Barrier(many)

    def start(_number: int) -> key_file.Taken:
        together.wait()
        return take(path)

    with ThreadPoolExecutor(many) as pool:
        taken = list(pool.map(start, range(many)))

    assert len({one.key.content for one in taken}) == 1
    assert [one.is_new for one in taken].count(True) == 1
    assert os.listdir(path.parent) == [path.name]


def test_who_comes_second_takes_what_the_first_has_made(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first: list[Key] = []
    link = os.link

    def after_another(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "link", link)
        first.append(take(path).key)
        link(source, target)

    monkeypatch.setattr(os, "link", after_another)

    second = take(path)

    assert (second.key, second.is_new) == (first[0], False)
    assert os.listdir(path.parent) == [path.name]


def test_a_disk_that_is_full_leaves_nothing_behind_and_the_daemon_has_a_key(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    taken = take(path)

    assert (taken.key.is_kept, taken.not_made) == (False, "No space left on device")
    assert taken.key.content != take(path).key.content
    assert os.listdir(path.parent) == []


@pytest.mark.parametrize("folder", ["nowhere", "/proc"])
def test_where_none_can_be_made_the_daemon_has_one_all_the_same(tmp_path: Path, folder: str) -> None:
    path = tmp_path / folder / "yemotd.key"

    taken = take(path)

    assert not taken.key.is_kept
    assert taken.not_made
    assert len(taken.key.content) == 32
    assert not path.exists()
    assert str(path) in described(path)


@pytest.mark.parametrize("wide", [0o640, 0o604, 0o666, 0o770])
def test_one_that_others_can_read_is_narrowed_and_told(path: Path, wide: int) -> None:
    path.write_bytes(GOOD)
    path.chmod(wide)
    assert "others can read" in described(path)
    assert mode(path) == wide

    taken = take(path)

    assert (taken.was, taken.not_narrowed, mode(path)) == (wide, None, 0o600)


def test_one_that_cannot_be_narrowed_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(GOOD)
    path.chmod(0o644)

    def refused(_descriptor: int, _mode: int) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "fchmod", refused)

    taken = take(path)

    assert (taken.key.content, taken.was, taken.not_narrowed) == (GOOD, 0o644, "Read-only file system")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "holds 0 bytes"),
        (GOOD[:31], "holds 31 bytes"),
        (bytes(32), "over and over"),
        (b"abcdefg" * 10, "over and over"),
        (GOOD * 200, "another file"),
        (b"-----BEGIN PRIVATE KEY-----\n" + GOOD, "another file"),
    ],
)
def test_what_is_no_key_is_refused_and_left_as_it_is(path: Path, content: bytes, why: str) -> None:
    path.write_bytes(content)
    path.chmod(0o600)

    for use in (take, described):
        with pytest.raises(KeyFileError, match=why) as error:
            use(path)
        assert "; " in str(error.value)  # the way out
    assert path.read_bytes() == content


def folder(path: Path) -> None:
    path.mkdir()


def link(path: Path) -> None:
    path.with_name("elsewhere").write_bytes(GOOD)
    path.symlink_to("elsewhere")


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "why"),
    [(folder, "is a folder"), (link, "is a link"), (dangling, "is a link"), (pipe, "of the usual kind")],
)
def test_what_is_no_file_is_refused(path: Path, make: object, why: str) -> None:
    assert callable(make)
    make(path)
    before = sorted(os.listdir(path.parent))

    for use in (take, described):
        with pytest.raises(KeyFileError, match=why):
            use(path)
    assert sorted(os.listdir(path.parent)) == before


@needs_root
def test_what_another_user_has_put_there_is_refused(seen_by_all: Path) -> None:
    path = seen_by_all
    path.write_bytes(GOOD)
    path.chmod(0o644)
    os.chown(path, 65534, 65534)
    os.seteuid(12345)
    try:
        with pytest.raises(KeyFileError, match="belongs to another user"):
            take(path)
    finally:
        os.seteuid(0)


@needs_root
def test_one_that_may_not_be_read_is_a_fault_at_the_start_and_not_seen_by_a_check(
    seen_by_all: Path,
) -> None:
    path = seen_by_all
    path.write_bytes(GOOD)
    path.chmod(0o600)
    os.seteuid(12345)
    try:
        with pytest.raises(KeyFileError, match="cannot be read"):
            take(path)
        assert "cannot be seen from here" in described(path)
    finally:
        os.seteuid(0)


@given(st.binary(min_size=32, max_size=4096), st.text(st.characters(codec="utf-8")))
def test_what_is_derived_is_hkdf_by_another_hand(content: bytes, purpose: str) -> None:
    theirs = HKDF(SHA256(), 32, SALT, purpose.encode()).derive(content)

    assert Key(content, is_kept=True).derived(purpose) == theirs


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_no_two_purposes_have_the_same(one: str, other: str) -> None:
    key = Key(GOOD, is_kept=True)

    assert (key.derived(one) == key.derived(other)) == (one == other)


def test_no_one_sees_it_by_chance(path: Path) -> None:
    taken = take(path)

    assert path.read_text().strip() not in repr(taken)
