"""A host's name becomes addresses, within a deadline.

The resolver of the C library takes none: it answers when it does, up to half a minute later. So it is asked
in a thread of its own, one for each name however many wait for it, and whoever waited for long enough goes.
"""

import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

MOST_LOOKUPS = 32
"""Ours. Names that are looked up at once; a resolver that hangs keeps a thread for each."""

Wait = Callable[[float], float]
"""How long may be waited now, of the seconds that one would like to. Raises OSError where it is over."""


class Address(NamedTuple):
    """Where a name leads."""

    family: int
    protocol: int
    where: tuple[Any, ...]
    """As `socket.connect` takes it."""

    @property
    def spelled(self) -> str:
        """For people, with the port."""
        return f"{self.where[0]}:{self.where[1]}"


Resolve = Callable[[str, int, Wait], Sequence[Address]]
"""The addresses of a name, the best first. Raises OSError: `socket.gaierror`, or what `Wait` raises."""
Ask = Callable[[str, int, int], Sequence[Address]]
"""The same from the C library, by flags; it may take its time."""


class SlowNameError(TimeoutError):
    """The deadline passed before the name was resolved."""


class _Lookup:
    """One name, asked for at present."""

    def __init__(self) -> None:
        self.is_over = threading.Event()
        self.addresses: Sequence[Address] = ()
        self.error: OSError | None = None


class Resolver:
    """Safe to use from any thread."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._lookups: dict[tuple[str, int], _Lookup] = {}
        self._lock = threading.Lock()

    def __call__(self, host: str, port: int, wait: Wait) -> Sequence[Address]:
        """The addresses of a name, as `Resolve` says."""
        try:
            return self._ask(host, port, socket.AI_NUMERICHOST)
        except socket.gaierror:  # a name
            pass
        lookup = self._lookup(host, port)
        try:
            while not lookup.is_over.wait(wait(1.0)):
                pass
        except TimeoutError as error:
            raise SlowNameError("the host's name was not resolved in time") from error
        if lookup.error is not None:
            # Each who waited raises an error of his own: a traceback grows where it is raised.
            raise type(lookup.error)(*lookup.error.args)
        return lookup.addresses

    def _lookup(self, host: str, port: int) -> _Lookup:
        key = host, port
        with self._lock:
            lookup = self._lookups.get(key)
            if lookup is not None:
                return lookup
            if len(self._lookups) >= MOST_LOOKUPS:
                raise socket.gaierror(socket.EAI_AGAIN, "too many names are looked up and not answered")
            lookup = self._lookups[key] = _Lookup()
        # A daemon: a resolver that hangs must not keep the process.
        thread = threading.Thread(target=self._run, args=(key, lookup), name="resolver", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the process may have no more threads
            self._end(key, lookup, socket.gaierror(socket.EAI_AGAIN, str(error)))
        return lookup

    def _run(self, key: tuple[str, int], lookup: _Lookup) -> None:
        failure: OSError | None = None
        try:
            lookup.addresses = self._ask(*key, 0)
        except OSError as error:
            failure = error
        finally:
            self._end(key, lookup, failure)

    def _end(self, key: tuple[str, int], lookup: _Lookup, failure: OSError | None) -> None:
        lookup.error = failure
        with self._lock:
            del self._lookups[key]
        lookup.is_over.set()


def _ask(host: str, port: int, flags: int) -> Sequence[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    except UnicodeError as error:  # a name that nobody can have
        raise socket.gaierror(socket.EAI_NONAME, str(error)) from error
    return [Address(family, protocol, where) for family, _, protocol, _, where in found]


look_up = Resolver(_ask)
"""By the resolver of the C library."""
