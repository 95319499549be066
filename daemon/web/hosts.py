"""By which name it is asked. A page of a stranger's name that was made to lead here (DNS rebinding) is, to a
browser, of the same origin as what we answer: so whatever a person's browser opens asks for a name of ours.

An address is none that anybody could lead elsewhere, and loopback's names are this machine's own.
"""

import ipaddress
from collections.abc import Callable
from urllib.parse import urlsplit

from fastapi import Request

from daemon.web.problems import Problem

Hosts = Callable[[], frozenset[str]]
"""The names of the configuration in force, in lower case."""


def check_host(request: Request, hosts: Hosts) -> None:
    """Raises `Problem` for a request that was sent to a name which is not known to be ours."""
    named = request.headers.get("host", "")
    if not is_ours(name_of(named), hosts()):
        detail = 'Set [http] url to how it is reached from outside, such as "https://phones.example.org".'
        raise Problem(421, "It is not known by this name", detail)


def is_ours(name: str, hosts: frozenset[str]) -> bool:
    """Whether a name without a port leads here for certain."""
    return name in hosts or name == "localhost" or name.endswith(".localhost") or _is_address(name)


def name_of(host: str) -> str:
    """The name or address in a Host header, in lower case and without the port; "" for what is none."""
    if "@" in host or "/" in host:
        return ""
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return "%" not in name  # what follows may be any text
