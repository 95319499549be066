"""The key of this installation: made once, kept in a file that only its owner can read, and nowhere else.

Whatever needs a key of its own (sessions, links, secrets that are stored) derives one for its purpose, so
that none of them tells anything of another, nor of the file. It is never in the database nor in a copy of it:
who has either of them can sign in nowhere.
"""

import errno
import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

LEAST = 32
"""Bytes: as many as what is derived by SHA-256 has."""
MOST = 4096
"""Bytes. A file that holds more is some other file."""
KINDS = 8
"""Of bytes, at least: a file that a power cut left full of zeros is no key."""
PEM = b"-----BEGIN"
"""How the key of a certificate begins; whoever has that for another purpose would have ours, too."""
OWN = 0o600
SALT = b"yemotd key file"
READABLE = "the user that the daemon runs as has to be able to"
LASTS_NOT = "who signs in does so until the daemon ends"
ANOTHER = "remove the file, and another is made at the next start: everybody signs in once more"


class KeyFileError(ValueError):
    """There is such a file, and it cannot be used. Says why, and the way out; never what is in it."""


@dataclass(frozen=True)
class Key:
    """What is known to this installation alone."""

    content: bytes = field(repr=False)
    is_kept: bool
    """Whether the next daemon will have it, too. By one that is not, nothing is locked that outlives it."""

    def derived(self, purpose: str) -> bytes:
        """32 bytes for one purpose; the same whenever they are asked for. HKDF with SHA-256 (RFC 5869)."""
        extracted = hmac.digest(SALT, self.content, hashlib.sha256)
        return hmac.digest(extracted, purpose.encode() + b"\x01", hashlib.sha256)


@dataclass(frozen=True)
class Taken:
    """The key, and what was met on the way to it."""

    key: Key
    is_new: bool = False
    was: int | None = None
    """The mode of a file that others could read."""
    not_narrowed: str | None = None
    """Why they still can."""
    not_made: str | None = None
    """Why there is no file, and the key ends with this process."""


def take(path: Path) -> Taken:
    """The key in a file; where there is none, it is made, for its owner alone.

    Where none can be made (the folder is read-only, or the disk full) the key is one of this process. Raises
    `KeyFileError` for a file that cannot be used.
    """
    try:
        return _taken(path, is_new=False)
    except PermissionError as error:
        raise KeyFileError(f"cannot be read: {error.strerror}; {READABLE}") from None
    except FileNotFoundError:
        pass
    try:
        return _taken(path, is_new=_make(path))
    except OSError as error:
        reason = error.strerror or str(error)
        return Taken(Key(secrets.token_bytes(LEAST), is_kept=False), not_made=reason)


def described(path: Path) -> str:
    """What a daemon that starts now would do with the file; nothing is changed. Raises `KeyFileError`."""
    where = path.absolute()
    try:
        with _opened(path) as descriptor:
            _content(descriptor)
            mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
    except PermissionError as error:
        return f"{where}, which cannot be seen from here: {error.strerror}"
    except FileNotFoundError:
        can_be = os.access(where.parent, os.W_OK | os.X_OK)
        return f"{where}, made at the start" if can_be else f"{where}, which cannot be made: {LASTS_NOT}"
    return f"{where}, which others can read: chmod 600" if mode & 0o077 else str(where)


def _taken(path: Path, *, is_new: bool) -> Taken:
    with _opened(path) as descriptor:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        key = Key(_content(descriptor), is_kept=True)
        if not mode & 0o077:
            return Taken(key, is_new)
        try:
            os.fchmod(descriptor, OWN)
        except OSError as error:
            return Taken(key, is_new, mode, error.strerror)
        return Taken(key, is_new, mode)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A descriptor of the file itself. Raises FileNotFoundError and PermissionError, or `KeyFileError`."""
    # A pipe would wait for somebody who writes.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except (FileNotFoundError, PermissionError):
        raise
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise KeyFileError("is a link; give the name of the file that it leads to") from None
        raise KeyFileError(f"cannot be read: {error.strerror}") from None
    try:
        _check(os.fstat(descriptor))
        yield descriptor
    finally:
        os.close(descriptor)


def _check(found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise KeyFileError("is a folder; give the name of a file in it")
    if not stat.S_ISREG(found.st_mode):
        raise KeyFileError("is no file of the usual kind; give the name of one, or of one to be made")
    # Who has put it there knows what is in it. Root trusts whom it will.
    us = os.geteuid()
    if us and found.st_uid not in (us, 0):
        raise KeyFileError(f"belongs to another user ({found.st_uid}), who knows the key; {ANOTHER}")


def _content(descriptor: int) -> bytes:
    try:
        found = os.read(descriptor, MOST + 1)
    except OSError as error:
        raise KeyFileError(f"cannot be read: {error.strerror}; {ANOTHER}") from None
    if len(found) > MOST or found.startswith(PEM):
        raise KeyFileError("is another file, by what is in it; give the name of one that is for this alone")
    if len(found) < LEAST:
        raise KeyFileError(f"holds {len(found)} bytes, and a key has {LEAST} or more; {ANOTHER}")
    if len(set(found)) < KINDS:
        raise KeyFileError(f"holds the same bytes over and over, which is no key; {ANOTHER}")
    return found


def _make(path: Path) -> bool:
    """Make the file, whole or not at all; whether it was us: somebody else may be doing the same. OSError."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(beside, flags, OWN)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, OWN)  # whatever the umask
            file.write(secrets.token_hex(LEAST).encode() + b"\n")
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):
            os.link(beside, path)  # unlike a rename it replaces nothing
            _sync_folder(path.absolute().parent)
            return True
        return False
    finally:
        with suppress(OSError):
            beside.unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
