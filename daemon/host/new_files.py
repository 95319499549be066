"""New files that appear together, or not at all, and replace nothing.

    staged      each is written whole into a folder of ours beside the last one, and synced
    placed      each is linked into its place, which fails where anything is; the last one makes all count
    cleared     the folder goes

Whatever ends the process in between (a kill, the power) leaves the folder with the files in it. They are
the same files as those that were placed already, so that whoever comes next knows which are ours: without the
last one, they are taken away again (`recovered`).
"""

import errno
import fcntl
import os
import secrets
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PREFIX = ".yemotd-init-"
"""Of the name of the folder."""
PLACES = "places"
"""Of the file in it that says where each one belongs."""
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
OWN, OF_GROUP = 0o600, 0o640


class NewFilesError(Exception):
    """Not one of the files is there; says why, in words."""


@dataclass(frozen=True)
class NewFile:
    """A file that is to be."""

    path: Path
    """Absolute."""
    content: str
    group: int | None = None
    """Whose members may read it, too; None: its owner alone."""


def make(files: Sequence[NewFile], *, replaced: "Replaced | None" = None) -> None:
    """Make them all, the last one at the very end; folders that are missing are made, for the owner alone.

    Raises `NewFilesError` where anything stands in the way or fails, with nothing left. `replaced`: of the
    last one, what may stand there. Signals that end the process wait until it is over, one way or the other.
    """
    with _unbroken():
        recovered(files[-1].path.parent)
        folders = _made_folders(files)
        try:
            with _staging(files[-1].path.parent) as folder:
                _place(files, _staged(files, folder), replaced)
        except OSError as error:
            _remove_folders(folders)
            raise NewFilesError(_worded(error)) from None
        except NewFilesError:
            _remove_folders(folders)
            raise


@dataclass(frozen=True)
class Replaced:
    """A file that stands in the place of the last one and may go, since it is kept under another name."""

    content: bytes
    """What it must hold."""
    kept_as: Path


def recovered(folder: Path) -> None:
    """Take away what a run left that was ended in the middle of it. One that still lives is left alone.

    Raises `NewFilesError` where that cannot be."""
    try:
        for left in sorted(folder.glob(f"{PREFIX}*")):
            with suppress(FileNotFoundError), _held(left) as is_ours:
                if is_ours:
                    _undo(left)
    except OSError as error:
        raise NewFilesError(_worded(error)) from None


def _undo(left: Path) -> None:
    """Where the last one stands in its place, the others count; else those that were placed go."""
    places = _places(left)
    is_whole = bool(places) and _is_same(left / str(len(places) - 1), places[-1])
    for number, path in enumerate(places[:-1]):
        if not is_whole and _is_same(left / str(number), path):
            path.unlink()
    _clear(left)


def _places(left: Path) -> list[Path]:
    """Where the files of a folder belong; nowhere, if it did not come to that."""
    try:
        return [Path(line) for line in (left / PLACES).read_text(encoding="utf-8").split("\0") if line]
    except FileNotFoundError:
        return []


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.samestat(one.lstat(), other.lstat())
    except FileNotFoundError:
        return False


@contextmanager
def _staging(beside: Path) -> Iterator[Path]:
    """A folder of our own, which is gone afterwards."""
    folder = beside / f"{PREFIX}{secrets.token_hex(8)}"
    folder.mkdir(mode=0o700)
    with _held(folder):
        try:
            yield folder
        finally:
            _clear(folder)


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Whether the folder is ours while this lasts: a process that lives holds its own."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)


def _staged(files: Sequence[NewFile], folder: Path) -> list[Path]:
    """Each file, whole and on the disk, in the folder."""
    staged = [folder / str(number) for number in range(len(files))]
    for one, path in zip(files, staged, strict=True):
        _write(path, one.content, one.group)
    # Whole or not there: it is read where nothing else of this run is known any more.
    _write(folder / f"{PLACES}.new", "\0".join(str(one.path) for one in files), None)
    os.rename(folder / f"{PLACES}.new", folder / PLACES)
    _sync(folder)
    return staged


def _write(path: Path, content: str, group: int | None) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, OWN), "wb") as file:
        if group is not None:
            os.fchown(file.fileno(), -1, group)
        os.fchmod(file.fileno(), OWN if group is None else OF_GROUP)  # whatever the umask
        file.write(content.encode())
        file.flush()
        os.fsync(file.fileno())


def _place(files: Sequence[NewFile], staged: Sequence[Path], replaced: Replaced | None) -> None:
    placed: list[Path] = []
    try:
        for one, path in zip(files[:-1], staged, strict=False):
            _link(path, one.path)
            placed.append(one.path)
            _sync(one.path.parent)
        last = files[-1].path
        if replaced is None:
            _link(staged[-1], last)
        else:
            _replace(staged[-1], last, replaced)
    except (OSError, NewFilesError):
        for path in placed:
            path.unlink()
        raise
    with suppress(OSError):  # all of them are there
        _sync(last.parent)


def _link(staged: Path, path: Path) -> None:
    try:
        os.link(staged, path)  # unlike a rename it replaces nothing
    except FileExistsError:
        raise NewFilesError(f"{path} is there already, and nothing is overwritten") from None
    except OSError as error:
        if error.errno in (errno.EPERM, errno.EOPNOTSUPP, errno.EXDEV, errno.EMLINK):
            said = "its file system cannot link files, which is how all of them appear at once"
            raise NewFilesError(f"{path}: {said}; choose another folder") from None
        raise


def _replace(staged: Path, path: Path, replaced: Replaced) -> None:
    """Put a file in the place of one that stays under another name, and is still what it was."""
    with suppress(FileExistsError):
        os.link(path, replaced.kept_as)
    if not replaced.content == path.read_bytes() == replaced.kept_as.read_bytes():
        said = f"{path} or {replaced.kept_as} was changed meanwhile, and nothing is overwritten"
        raise NewFilesError(said)
    os.link(staged, staged.with_suffix(".last"))  # `_undo` knows by it that all of it counts
    os.rename(staged.with_suffix(".last"), path)


def _made_folders(files: Sequence[NewFile]) -> list[Path]:
    """The folders that were missing, the inner ones first."""
    made: list[Path] = []
    try:
        for folder in dict.fromkeys(one.path.parent for one in files):
            for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
                missing.mkdir(mode=0o700)
                made.insert(0, missing)
    except OSError as error:
        _remove_folders(made)
        raise NewFilesError(_worded(error)) from None
    return made


def _remove_folders(made: Sequence[Path]) -> None:
    for folder in made:
        with suppress(OSError):
            folder.rmdir()


def _clear(folder: Path) -> None:
    for one in folder.iterdir():
        one.unlink()
    folder.rmdir()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _unbroken() -> Iterator[None]:
    """Signals that end the process come when this is over. In the main thread, whose matter they are."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {one: signal.getsignal(one) for one in ENDS}
    for one, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(one, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        if came:
            signal.raise_signal(came[0])


def _worded(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"
