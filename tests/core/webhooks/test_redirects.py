"""What a redirect may lead to, however it is spelled: below the prefix, or nowhere."""

import posixpath
import re
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.webhooks.redirects import below, host, location, prefix
from tests.support.examples import examples

BASE = "https://script.google.com/macros/s/AKfy/exec"
ANSWERS = "https://script.googleusercontent.com/"
DEEP = "https://good.example:8443/answers/of/"

PIECES = [
    *("https://", "http://", "HTTPS://", "https:", "//", "/", "\\", "\\\\", "///"),
    *(
        "good.example",
        "GOOD.example",
        "good.example.",
        "evil.example",
        "good.example.evil.example",
        "127.0.0.1",
    ),
    *("@", ":", ":8443", ":443", ":08443", ":99999", "user:pw@", "good.example:8443@", "[::1]", "[", "]"),
    *(
        "/answers/of/",
        "answers",
        "of",
        "..",
        ".",
        "..;x",
        "%2e%2e",
        "%2E.",
        "%252e%252e",
        "%2f",
        "%5c",
        "%00",
    ),
    *("?", "#", "?a=/../", "#/answers/of/", "a", "א", " ", "\t", "\n", "\x00", "%", "%zz", ";"),
]
"""What a hostile Location is made of."""


@pytest.mark.parametrize(
    ("accepted", "where", "asked"),
    [
        (ANSWERS, "https://script.googleusercontent.com/macros/echo?user_content_key=a-b_c&lib=M1", None),
        (ANSWERS, "HTTPS://Script.GoogleUserContent.com:443/macros/echo", ANSWERS + "macros/echo"),
        (ANSWERS, "https://script.googleusercontent.com?key=a", ANSWERS + "?key=a"),
        (ANSWERS, ANSWERS + "a#fragment", ANSWERS + "a"),
        (DEEP, "https://good.example:8443/answers/of/1", None),
        ("https://script.google.com/answers/", "/answers/1?k=v", "https://script.google.com/answers/1?k=v"),
        (
            "https://script.google.com/answers/",
            "//script.google.com/answers/1",
            "https://script.google.com/answers/1",
        ),
        ("http://127.0.0.1:8090/", "HTTP://127.0.0.1:8090/a", "http://127.0.0.1:8090/a"),
        ("http://localhost/", "http://localhost:80/a", "http://localhost/a"),
        ("https://[2001:db8::1]/", "https://[2001:DB8::1]/a", "https://[2001:db8::1]/a"),
    ],
)
def test_what_is_below_is_asked_as_it_was_judged(accepted: str, where: str, asked: str | None) -> None:
    found = below(BASE, where, prefix(accepted))

    assert found is not None
    assert found.url == (asked or where)


@pytest.mark.parametrize(
    "where",
    [
        *("", "x", "?x", "#x", "/", "mailto:a@good.example", "javascript:alert(1)"),
        "http://good.example:8443/answers/of/1",
        "http://good.example/answers/of/1",
        "https://good.example/answers/of/1",
        "https://good.example:8443/answers/of",
        "https://good.example:8443/answers/off/1",
        "https://good.example:8443/answers/of/../../login",
        "https://good.example:8443/answers/of/%2e%2e/%2E./login",
        "https://good.example:8443/answers/of/..;/login",
        "https://good.example:8443/answers/of/..%2flogin",
        "https://good.example:8443/answers/of/..%5clogin",
        "https://good.example:8443/answers/of/..\\login",
        "https://good.example:8443/answers/of/%252e%252e/login",
        "https://good.example:8443/ANSWERS/of/1",
        "https://good.example.:8443/answers/of/1",
        "https://good.example:8443@evil.example/answers/of/1",
        "https://evil.example/https://good.example:8443/answers/of/1",
        "https://evil.example?https://good.example:8443/answers/of/1",
        "https://evil.example\\@good.example:8443/answers/of/1",
        "https://evil.example#@good.example:8443/answers/of/1",
        "https:good.example:8443/answers/of/1",
        "https:///good.example:8443/answers/of/1",
        "https:\\\\good.example:8443\\answers\\of\\1",
        " https://good.example:8443/answers/of/1",
        "https://good.example:8443/answers/of/1\r\nX: y",
        "https://good.example:8443/answers/of/%",
        "https://good.example:8443/answers/of/א",
        "https://good.example:0/answers/of/1",
        "https://good.example:8443/answers/of/" + "a" * 9000,
        "https://accounts.google.com/ServiceLogin?continue=https://good.example:8443/answers/of/1",
    ],
)
def test_whatever_else_it_says_is_another_place(where: str) -> None:
    assert below(BASE, where, prefix(DEEP)) is None


@settings(max_examples=examples(3000))
@given(st.data(), st.sampled_from([DEEP, "https://good.example/", "http://127.0.0.1/"]))
def test_however_it_is_spelled_it_stays_below(data: st.DataObject, text: str) -> None:
    pieces = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
    starts = [
        text,
        text.rstrip("/"),
        text.removesuffix("of/"),
        text.partition("://")[0] + "://",
        "//",
        "/",
        "",
    ]
    where = data.draw(st.sampled_from(starts)) + data.draw(pieces)
    accepted = prefix(text)
    found = below(BASE, where, accepted)
    if found is None:
        return

    assert found.url.startswith(text)
    read = urlsplit(found.url)
    port = read.port or {"https": 443, "http": 80}[read.scheme]
    assert (read.scheme, read.hostname, port) == (accepted.scheme, accepted.host, accepted.port)
    assert (read.username, read.fragment) == (None, "")
    path = read.path
    for _ in range(3):  # for servers that decode more than once
        path = unquote(path)
    assert (posixpath.normpath(path.replace("\\", "/")) + "/").startswith(accepted.path)


@settings(max_examples=examples(500))
@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=30), st.text(max_size=20))
def test_of_a_redirect_no_more_than_a_host_is_told(before: str, secret: str) -> None:
    told = host(BASE, f"https://{before}/{secret}?{secret}")

    assert told == "a place that is no URL" or re.fullmatch(r"[a-z0-9.-]+|\[[0-9a-f:.]+\]", told)


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("https://accounts.google.com/ServiceLogin?continue=secret", "accounts.google.com"),
        ("https://user:pw@Login.example:8443/x", "login.example"),
        ("/login", "script.google.com"),
        ("//login.example/x", "login.example"),
        ("http://[::1]/x", "[::1]"),
        ("login?secret", "a place that is no URL"),
        (None, "a place that is no URL"),
        ("https://<script>/", "a place that is no URL"),
    ],
)
def test_a_place_is_told_by_its_host(where: str | None, told: str) -> None:
    assert host(BASE, where) == told


@pytest.mark.parametrize(
    ("head", "found"),
    [
        ([b"HTTP/1.1 302 Found\r\n", b"Location: https://a/\r\n", b"\r\n"], "https://a/"),
        ([b"HTTP/1.1 302\r\n", b"LOCATION:https://a/\t\r\n", b"\r\n"], "https://a/"),
        ([b"HTTP/1.1 103\r\n", b"Location: https://b/\r\n", b"\r\n", b"HTTP/1.1 302\r\n", b"\r\n"], None),
        ([b"HTTP/1.1 302\r\n", b"Location: https://a/\r\n", b"location: https://b/\r\n"], None),
        ([b"HTTP/1.1 302\r\n", b"Location: https://a/\r\n", b"location: https://a/\r\n"], "https://a/"),
        ([b"HTTP/1.1 302\r\n", b"Content-Location: https://a/\r\n"], None),
        ([], None),
    ],
)
def test_it_leads_where_the_last_head_says_and_only_there(head: list[bytes], found: str | None) -> None:
    assert location(head) == found


@pytest.mark.parametrize(
    "text",
    [
        *(
            "https://good.example",
            "http://good.example/",
            "https://good.example/a",
            "https://good.example/a/?b/",
        ),
        *(
            "https://good.example/#/",
            "https://a@good.example/",
            "https://good.example/../",
            "good.example/",
            "",
        ),
        *("https://good.example/%2e%2e/", "https:///", "https://good.example:99999/"),
    ],
)
def test_a_prefix_is_a_place_with_a_slash_behind_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"https URL that ends|must end with a"):
        prefix(text)
