"""Cookies of the page: for this site alone, for no script, and below our path only.

Over TLS the name of a session's cookie begins with `__Host-` or, below a prefix, `__Secure-`: browsers take
such a cookie over TLS only, and the former from this host only, so that nobody on a sibling name or on the
way can plant one. `__Host-` wants the path `/`, where other programs of the host would be shown the
cookie: so it is not for below a prefix.
"""

from collections.abc import Iterator, Sequence

from fastapi import Request, Response

SESSION = "yemotd_session"


def session_name(request: Request) -> str:
    """What the cookie of a session is called by the way that a request takes; no other one is looked at."""
    if not _is_secure(request):
        return SESSION
    return f"__Secure-{SESSION}" if _root(request) else f"__Host-{SESSION}"


def values(request: Request, name: str) -> Iterator[str]:
    """Each cookie of a name: there may be several, of different paths, or planted by a sibling name."""
    for header in request.headers.getlist("cookie"):
        for pair in header.split(";"):
            found, _, value = pair.strip().partition("=")
            if found == name:
                yield value


def put(request: Request, answer: Response, name: str, value: str, *, seconds: int) -> None:
    """Have a browser keep a cookie for so long, in the place of one from before there was a prefix."""
    _forget(request, answer, name, _elsewhere(request, name))
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        path=_root(request) or "/",
        httponly=True,
        samesite="strict",
        secure=_is_secure(request),
    )


def drop(request: Request, answer: Response, name: str) -> None:
    """Have a browser forget a cookie, also one of the time before there was a prefix."""
    _forget(request, answer, name, [_root(request) or "/", *_elsewhere(request, name)])


def _elsewhere(request: Request, name: str) -> list[str]:
    """Where such a cookie may lie beside. Over TLS it has another name there, and is not looked at."""
    return ["/"] if _root(request) and not name.startswith("__") else []


def _forget(request: Request, answer: Response, name: str, paths: Sequence[str]) -> None:
    for path in paths:
        answer.delete_cookie(name, path=path, httponly=True, samesite="strict", secure=_is_secure(request))


def _is_secure(request: Request) -> bool:
    """By TLS of our own, or of a proxy that is trusted (`reach.py`)."""
    return bool(request.scope.get("scheme") == "https")


def _root(request: Request) -> str:
    return str(request.scope.get("root_path", ""))
