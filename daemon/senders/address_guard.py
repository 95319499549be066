"""Where libcurl may connect to: the address is judged when a socket is opened, after the name was resolved,
and again for each request, which may go out by a connection that was opened for another target."""

import socket
from collections.abc import Sequence

import pycurl

from daemon.core.webhooks.addresses import Network, refusal


class AddressGuard:
    """The judge of one URL's host; `refusal` says why it let nothing through, None where it did."""

    def __init__(self, host: str, allow: Sequence[Network], *, is_proxied: bool) -> None:
        """`is_proxied`: which addresses may be asked is then the proxy's matter."""
        self.refusal: str | None = None
        self._host = host
        self._allow = allow
        self._is_proxied = is_proxied
        self._permitted: str | None = None
        """The address that was judged last, and found to be one for this host."""

    def on_open(self, _purpose: int, address: tuple[int, int, int, tuple[str, int]]) -> "_Lent | int":
        """CURLOPT_OPENSOCKETFUNCTION."""
        family, kind, protocol, where = address
        if not self._permits(where[0]):
            return int(pycurl.SOCKET_BAD)
        return _Lent(socket.socket(family, kind, protocol))

    def on_request(self, address: str, *_: object) -> int:
        """CURLOPT_PREREQFUNCTION: the connection may be one that was opened for another target, which may
        go to other addresses."""
        return int(pycurl.PREREQFUNC_OK if self._permits(address) else pycurl.PREREQFUNC_ABORT)

    def _permits(self, address: str) -> bool:
        if self._is_proxied or address == self._permitted:
            self.refusal = None
        else:
            self.refusal = refusal(self._host, address, self._allow)
            self._permitted = None if self.refusal else address
        return self.refusal is None


class _Lent:
    """A new socket, of which pycurl makes its own copy; ours ends with this object, in silence."""

    def __init__(self, opened: socket.socket) -> None:
        self._opened = opened

    def fileno(self) -> int:
        return self._opened.fileno()

    def __del__(self) -> None:
        self._opened.close()
