"""What another user may do with files, tried by a process that is that user for a moment: access lists,
groups and folders on the way count as they do for him. Only root can ask."""

import json
import os
import pwd
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

FAILED = 1


def refused(user: pwd.struct_passwd, read: Iterable[Path], write: Iterable[Path] = ()) -> dict[Path, str]:
    """Which of these files a user cannot read, or cannot write, and why. What is not there is not refused.

    Nothing is changed by it, nor opened that waits for somebody else, as a pipe does. Raises OSError where it
    cannot be tried.
    """
    wanted = [(os.fspath(path), os.O_RDONLY) for path in read]
    wanted += [(os.fspath(path), os.O_RDWR) for path in write]
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(user, wanted, into)
    os.close(into)
    with os.fdopen(out, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status):
        raise PermissionError(f"only root can try what {user.pw_name} may do")
    return {Path(path): why for path, why in json.loads(said).items()}


def _answer(user: pwd.struct_passwd, wanted: list[tuple[str, int]], into: int) -> None:
    """In the child, which ends here whatever happens: what its parent has is not to be cleaned up twice."""
    code = FAILED
    try:
        os.initgroups(user.pw_name, user.pw_gid)
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        found = {path: why for path, mode in wanted if (why := _why_not(path, mode))}
        with os.fdopen(into, "wb") as pipe:
            pipe.write(json.dumps(found).encode())
        code = 0
    finally:
        os._exit(code)


def _why_not(path: str, mode: int) -> str | None:
    """None: it can be opened so, or is not there."""
    with suppress(FileNotFoundError, NotADirectoryError):
        try:
            if os.path.isdir(path):
                os.listdir(path)
            else:
                os.close(os.open(path, mode | os.O_NONBLOCK | os.O_CLOEXEC))
        except FileNotFoundError:
            raise
        except OSError as error:
            return error.strerror or str(error)
    return None
