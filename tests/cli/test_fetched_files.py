"""`yemotd recordings fetch`: the file is there once it is whole, and takes nobody's place."""

import os
from pathlib import Path
from typing import NoReturn

import pytest

from daemon.cli.output import Fatal
from daemon.cli.recordings import _written as written

CONTENT = b"RIFF"


def fails(path: Path) -> str:
    with pytest.raises(Fatal) as found:
        written(path, "", lambda into: into.write(CONTENT))
    return str(found.value)


def no_links(*_: object) -> NoReturn:
    raise PermissionError(1, "Operation not permitted")


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_is_whole_and_nothing_stands_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    if not has_links:
        monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "one.wav"
    written(path, "", lambda into: into.write(CONTENT))

    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("one.wav", CONTENT)]


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_that_appears_meanwhile_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    if not has_links:
        monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "one.wav"
    with pytest.raises(Fatal, match=r"one\.wav: File exists"):
        written(path, "", lambda _into: path.write_bytes(b"theirs"))

    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("one.wav", b"theirs")]


def test_what_stands_there_already_is_named(tmp_path: Path) -> None:
    path, part = tmp_path / "one.wav", tmp_path / "one.wav.part"
    part.write_bytes(b"")
    assert fails(path).startswith(f"{part}: another fetch writes it")
    assert part.exists(), "it may be another's"
    path.symlink_to("nowhere")
    assert fails(path) == f"{path}: there is such a file already"
    assert "No such file" in fails(tmp_path / "none" / "one.wav")


def test_a_fetch_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(_into: object) -> NoReturn:
        raise Fatal("the platform does not give it", os.EX_UNAVAILABLE)

    with pytest.raises(Fatal, match="does not give it"):
        written(tmp_path / "one.wav", "", fail)
    assert list(tmp_path.iterdir()) == []
