"""The standard streams of a verb: what they meet breaks it nowhere in the middle.

A verb does what it is asked for and says so. Whether somebody reads that, and whether it fits on the disk
behind, its exit code says at the end; so a command that was carried out is never answered by a traceback.
"""

import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STANDARD = (0, 1, 2)


class Output(io.FileIO):
    """What is behind standard output."""

    def __init__(self, number: int, *, is_closed: bool) -> None:
        super().__init__(number, "w", closefd=False)
        self.failure: OSError | None = None
        """Why something that was written is nowhere."""
        self._is_closed = is_closed
        self._is_left = False

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write, or throw away: all of it is taken."""
        size = memoryview(data).nbytes
        if self._is_left or self.failure:
            return size
        try:
            if self._is_closed:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            return self._written(data)
        except (BrokenPipeError, ConnectionResetError):
            self._is_left = True  # it has seen enough, which is no fault
        except KeyboardInterrupt:
            self._is_left = True  # nobody can say whether this was written: it is not written twice
            raise
        except OSError as error:
            self.failure = error
        return size

    def is_read(self) -> bool:
        """Whether it makes sense to go on with what is written only to be read."""
        if self._is_left or self.failure:
            return False
        waiting = select.poll()
        waiting.register(self.fileno(), 0)
        return not any(found & (select.POLLERR | select.POLLHUP) for _, found in waiting.poll(0))

    def _written(self, data: "ReadableBuffer") -> int:
        while (taken := super().write(data)) is None:  # type: ignore[redundant-expr, unused-ignore] # see FileIO
            select.select([], [self], [])  # somebody made the stream non-blocking
        return taken


def take_over() -> None:
    """Make the streams such. A number that nobody opened is opened: the next file, which may be the database,
    would get it, and with it what is meant for a terminal."""
    closed = [_open(number) for number in STANDARD]
    if sys.stderr is None:
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), errors="backslashreplace")
    if sys.stdout is sys.__stdout__:
        sys.stdout = _text(sys.stdout, Output(1, is_closed=closed[1]))


def is_read() -> bool:
    """Whether somebody may still read what is printed."""
    output = _output()
    return output is None or output.is_read()


def failure() -> str | None:
    """Why not all of what was printed has arrived; None where it has, or nobody wanted it."""
    sys.stdout.flush()
    output = _output()
    return output.failure.strerror if output is not None and output.failure else None


def _open(number: int) -> bool:
    """Whether it had to be."""
    try:
        os.fstat(number)
    except OSError:
        os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, which is this one
        return True
    return False


def _text(before: TextIO | None, output: Output) -> TextIO:
    """What cannot be encoded is spelled out."""
    return io.TextIOWrapper(
        io.BufferedWriter(output),
        encoding=before.encoding if before is not None else "utf-8",
        errors="backslashreplace",
        line_buffering=output.isatty(),
    )


def _output() -> Output | None:
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw if isinstance(raw, Output) else None
