"""What another user may do with files, by asking the kernel as that user."""

import os
import pwd
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from daemon.host.as_user import refused

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
NOBODY = pwd.getpwnam("nobody")


@pytest.fixture
def folder() -> Path:  # type: ignore[misc]
    with TemporaryDirectory() as name:  # not below pytest's own, which only we may pass
        path = Path(name)
        path.chmod(0o755)
        yield path


def made(path: Path, mode: int) -> Path:
    path.touch()
    path.chmod(mode)
    return path


def test_what_he_cannot_read_is_named_with_the_reason(folder: Path) -> None:
    closed, opened = made(folder / "closed", 0o600), made(folder / "open", 0o644)
    behind = folder / "hidden"
    behind.mkdir(mode=0o700)
    within = made(behind / "file", 0o644)

    assert refused(NOBODY, [closed, opened, within, behind]) == {
        closed: "Permission denied",
        within: "Permission denied",
        behind: "Permission denied",
    }


def test_to_write_is_more_than_to_read(folder: Path) -> None:
    one = made(folder / "one", 0o644)

    assert refused(NOBODY, [one]) == {}
    assert refused(NOBODY, [], [one]) == {one: "Permission denied"}


def test_his_groups_count(folder: Path) -> None:
    one = made(folder / "one", 0o640)
    os.chown(one, 0, NOBODY.pw_gid)

    assert refused(NOBODY, [one]) == {}


def test_what_is_not_there_or_never_ends_is_not_waited_for(folder: Path) -> None:
    pipe = folder / "pipe"
    os.mkfifo(pipe, 0o644)
    pipe.chmod(0o644)

    assert refused(NOBODY, [folder / "away", folder / "away" / "more", pipe]) == {}


def test_we_stay_who_we_are(folder: Path) -> None:
    before = (os.geteuid(), os.getegid(), os.getgroups())
    refused(NOBODY, [made(folder / "one", 0o600)])

    assert (os.geteuid(), os.getegid(), os.getgroups()) == before
