"""The door, attacked: for every route of the page and the API that there is."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from httpx2 import Response

from daemon.core.durations import DAY
from daemon.core.model import Secret
from daemon.web.attempts import EACH
from daemon.web.auth import GuardFromAfar, Token
from daemon.web.entrance import _all
from daemon.web.forms import Posted
from daemon.web.page.frame import POLICY, Page
from daemon.web.page.pages import routers
from daemon.web.page.visitors import LANGUAGES
from daemon.web.sessions import COOKIE
from tests.support import stores
from tests.support.fakes import FakeClock
from tests.support.http_app import ADMIN, READER, Setting

SECURE, BELOW = f"__Host-{COOKIE}", f"__Secure-{COOKIE}"
HTML = {"accept": "text/html"}
SAME = {"sec-fetch-site": "same-origin"}


def all_routes() -> list[APIRoute]:
    one = Setting(stores.in_memory())
    (found,) = (each.kwargs["routes"] for each in one.app.user_middleware if "routes" in each.kwargs)
    one.database.close()
    assert isinstance(found, list)
    return found


def page_paths() -> set[str]:
    one = Setting(stores.in_memory())
    page: Page = one.app.state.page
    found = {each.path for router in routers(page) for each in router.routes if isinstance(each, APIRoute)}
    one.database.close()
    return found


ROUTES, PAGES = all_routes(), page_paths()
LINKS = {"/ack/{token}"}
"""Who has such a link needs no session, so there is none that another site could use; nor does it tell where
somebody came from."""
POSTS = sorted(one.path for one in ROUTES if "POST" in (one.methods or ()) and one.path in PAGES)
GETS = sorted(one.path for one in ROUTES if "GET" in (one.methods or ()) and one.path in PAGES)
API = [
    (method, one.path)
    for one in ROUTES
    for method in sorted(one.methods or ())
    if one.path.startswith("/api/") and "stream" not in one.path
]
GUARDED = {one.path for one in ROUTES if any(isinstance(each.call, Posted) for each in _all(one.dependant))}


def asked(path: str) -> str:
    return re.sub(r"\{[\w:]+\}", "0", path)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def setting(tmp_path: Path, clock: FakeClock) -> Iterator[Setting]:
    one = Setting(stores.on_file(tmp_path / "web.db"), now=clock.now, monotonic=clock.monotonic)
    yield one
    one.database.close()


def set_cookies(answer: Response) -> dict[str, str]:
    """Each cookie that an answer sets, with all that is said of it, by its name; a later one counts. None is
    set twice at one path: not everybody on the way keeps their order."""
    paths = [re.sub(r"=.*(Path=[^;]+).*", r" \1", one) for one in answer.headers.get_list("set-cookie")]
    assert len(set(paths)) == len(paths), paths
    return {one.partition("=")[0]: one for one in answer.headers.get_list("set-cookie")}


def browser(setting: Setting, base: str = "http://testserver", **headers: str) -> TestClient:
    return TestClient(
        setting.app,
        base_url=base,
        headers={**HTML, **SAME, **headers},
        raise_server_exceptions=False,
        follow_redirects=False,
    )


def test_there_are_routes_to_attack() -> None:
    assert {"/sign-in", "/sign-out", "/preferences"} <= set(POSTS)
    assert {"/", "/sign-in"} <= set(GETS)
    assert len(API) > 20


FOREIGN: list[dict[str, str]] = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": ""},
    {"sec-fetch-site": "cross-site", "origin": "http://testserver"},
    {"origin": "null"},
    {"origin": ""},
    {"origin": "https://evil.example"},
    {"origin": "http://testserver.evil.example"},
    {"origin": "http://testserver@evil.example"},
    {"origin": "http://evil.example@testserver"},
    {"origin": "http://sub.testserver"},
    {"origin": "http://testserver:8080"},
    {"origin": "file://testserver"},
    {"referer": "http://testserver/"},
    {},
]
OURS: list[dict[str, str]] = [
    {"sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "same-origin", "origin": "null"},
    {"origin": "http://testserver"},
    {"origin": "http://TESTSERVER"},
    {"origin": "http://testserver:80"},
    {"origin": "http://testserver", "host": "testserver:80"},
    {"origin": "https://testserver"},
]


@pytest.mark.parametrize("path", [one for one in POSTS if one not in LINKS])
def test_no_form_of_another_site_does_anything(setting: Setting, path: str) -> None:
    signed_in = setting.visitor()
    data = {"csrf": setting.csrf(signed_in), "token": ADMIN, "language": "he"}
    for headers in FOREIGN:
        one = setting.browser()
        del one.headers["sec-fetch-site"]
        one.cookies.set(COOKIE, signed_in.cookies[COOKIE])
        answer = one.post(asked(path), data=data, headers=headers)

        assert answer.status_code == 403, headers
        assert "set-cookie" not in answer.headers
    assert signed_in.get("/").status_code == 200


def test_who_has_tls_takes_no_form_of_a_page_without(setting: Setting) -> None:
    one = browser(setting, "https://testserver")
    del one.headers["sec-fetch-site"]

    for origin, code in (("http://testserver", 403), ("https://testserver", 303)):
        assert one.post("/sign-in", data={"token": ADMIN}, headers={"origin": origin}).status_code == code


def test_a_form_of_ours_does(setting: Setting) -> None:
    for headers in OURS:
        one = setting.browser()
        del one.headers["sec-fetch-site"]

        assert one.post("/sign-in", data={"token": ADMIN}, headers=headers).status_code == 303, headers


@pytest.mark.parametrize("path", POSTS)
def test_nothing_but_a_plain_form_is_taken(setting: Setting, path: str) -> None:
    signed_in = setting.visitor()
    body = f"csrf={setting.csrf(signed_in)}&token={ADMIN}"
    for media_type in ("text/plain", "multipart/form-data; boundary=x", "application/json", "", "a/b"):
        answer = signed_in.post(asked(path), content=body, headers={"content-type": media_type})

        assert answer.status_code == 415, media_type
    assert signed_in.get("/").status_code == 200


@pytest.mark.parametrize("path", sorted(GUARDED))
def test_no_form_is_taken_without_its_secret(setting: Setting, path: str) -> None:
    signed_in, other = setting.visitor(), setting.visitor("reader")
    right = setting.csrf(signed_in)
    for given in ([], [""], [setting.csrf(other)], [right, "wrong"], [right[:-1]], [right + "x"], [ADMIN]):
        assert signed_in.post(asked(path), data={"csrf": given}).status_code == 403, given
    assert signed_in.post(asked(path) + f"?csrf={right}").status_code in (415, 422)
    assert signed_in.post(asked(path), headers={"x-csrf-token": right}, data={"a": "b"}).status_code == 403
    assert signed_in.get("/").status_code == 200


@pytest.mark.parametrize("path", sorted(GUARDED))
def test_a_cookie_that_was_planted_takes_no_form_of_the_session_before(setting: Setting, path: str) -> None:
    victim, attacker = setting.visitor(), setting.visitor("reader")
    data = {"csrf": setting.csrf(victim)}
    planted = f"{COOKIE}={attacker.cookies[COOKIE]}"
    mine = f"{COOKIE}={victim.cookies[COOKIE]}"
    one = setting.browser()

    for cookies in (planted, f"{planted}; {mine}", f"{mine}; {planted}"):
        answer = one.post(asked(path), data=data, headers={"cookie": cookies})
        assert answer.status_code in (303, 403)
        assert answer.headers.get("location", "/sign-in") == "/sign-in"
    assert victim.get("/").status_code == 200


@pytest.mark.parametrize("path", POSTS)
def test_no_other_method_does_what_post_does(setting: Setting, path: str) -> None:
    signed_in = setting.visitor()
    override = {"x-http-method-override": "POST", "x-http-method": "POST", "x-method-override": "POST"}
    for method in ("HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = signed_in.request(method, asked(path), headers=override)

        assert answer.status_code in ((200, 303, 404, 405) if method == "HEAD" else (405,)), method
        assert "set-cookie" not in answer.headers
    assert signed_in.get(asked(path) + "?_method=POST").status_code in (405, 422)
    assert signed_in.get("/").status_code == 200


@pytest.mark.parametrize("path", sorted(PAGES))
def test_no_page_is_had_by_a_name_of_strangers(setting: Setting, path: str) -> None:
    signed_in = setting.visitor()
    for host in ("evil.example", "testserver.evil.example", "localhost.evil.example:80", ""):
        for method in ("GET", "POST"):
            answer = signed_in.request(method, asked(path), headers={"host": host}, data={"token": ADMIN})
            if answer.status_code != 405:
                assert answer.status_code == 421
                assert "Set [http] url" in answer.text
                assert not any(COOKIE in one for one in answer.headers.get_list("set-cookie"))


@pytest.mark.parametrize(
    "host", ["localhost:8470", "127.0.0.1:8470", "[::1]:8470", "192.168.1.7", "testserver"]
)
def test_the_door_is_had_by_addresses_and_names_of_ours(setting: Setting, host: str) -> None:
    assert setting.browser().get("/sign-in", headers={"host": host}).status_code == 200


def test_by_a_name_of_strangers_a_token_opens_the_api_and_a_session_does_not(setting: Setting) -> None:
    evil = {"host": "evil.example"}

    assert setting.anybody.get("/livez", headers=evil).status_code == 200
    assert setting.client.get("/api/v1/status", headers=evil).status_code == 200
    assert setting.visitor().get("/api/v1/status", headers=evil).status_code == 421


@pytest.mark.parametrize(("method", "path"), API)
def test_a_session_reads_the_api_and_changes_nothing_by_it(setting: Setting, method: str, path: str) -> None:
    by_session = setting.visitor().request(method, asked(path), json={})
    by_token = setting.admin.request(method, asked(path), json={})

    if method == "GET":
        assert by_session.status_code == by_token.status_code
    else:
        assert by_session.status_code == 401
        assert by_session.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"sec-fetch-site": "same-origin"}, 200),
        ({}, 200),
        ({"origin": "http://testserver"}, 200),
        ({"origin": "https://evil.example"}, 401),
        ({"origin": "null"}, 401),
        ({"sec-fetch-site": "cross-site"}, 401),
        ({"sec-fetch-site": "same-site"}, 401),
        ({"sec-fetch-site": "none"}, 401),
        ({"sec-fetch-site": "same-origin", "authorization": "Bearer wrong"}, 401),
        ({"sec-fetch-site": "same-origin", "authorization": ""}, 401),
    ],
    ids=str,
)
def test_only_a_page_of_ours_reads_by_the_session(
    setting: Setting, headers: dict[str, str], code: int
) -> None:
    signed_in = setting.visitor()
    del signed_in.headers["sec-fetch-site"]

    assert signed_in.get("/api/v1/status", headers=headers).status_code == code
    assert signed_in.head("/api/v1/status", headers=headers).status_code == code


def test_a_session_that_is_over_is_as_good_as_a_wrong_token(setting: Setting, clock: FakeClock) -> None:
    signed_in = setting.visitor("reader")
    assert signed_in.get("/api/v1/status").status_code == 200

    clock.advance(timedelta(days=31).total_seconds())

    assert signed_in.get("/api/v1/status").status_code == 401


def test_what_a_session_may_not_read_is_forbidden(setting: Setting) -> None:
    signed_in = setting.visitor("reader")
    setting.tokens = [Token("reader", Secret(READER), frozenset())]

    assert signed_in.get("/api/v1/status").status_code == 403


def test_metrics_from_afar_take_no_session(setting: Setting) -> None:
    (scraped,) = [
        one for one in ROUTES if any(isinstance(each.call, GuardFromAfar) for each in _all(one.dependant))
    ]

    assert scraped.path == "/metrics"
    assert setting.visitor().get("/metrics").status_code == 401
    assert setting.client.get("/metrics").status_code == 200


def test_nothing_that_leads_on_or_is_kept_by_a_browser_has_a_token(setting: Setting) -> None:
    tokens = [one.secret.value for one in setting.tokens]
    one = browser(setting)
    answers = []
    for path in sorted({asked(each.path) for each in ROUTES if "stream" not in each.path}):
        for who in (one, setting.visitor(), setting.admin, setting.anybody):
            answers.append(who.get(path, headers={"authorization": f"Bearer {ADMIN}"}))
            answers.append(who.get(path))
            answers.append(who.post(path, data={"token": ADMIN, "next": f"/?token={READER[:3]}"}))

    led = "".join(str(each.headers) for each in answers)
    assert len(answers) > 200
    assert [token for token in tokens if token in led] == []


def test_every_answer_for_people_lets_a_browser_do_nothing_foreign(setting: Setting) -> None:
    stranger = setting.browser()
    answers: list[Response] = []
    for path in sorted((PAGES | {"/nowhere"}) - {"/manifest.webmanifest"}):  # which is for the browser itself
        signed_in = setting.visitor()
        answers += [who.get(asked(path)) for who in (signed_in, stranger)]
        answers.append(signed_in.get(asked(path) + "?unknown=1"))
        answers.append(signed_in.get(asked(path), headers={"host": "evil.example"}))
        answers += [
            who.post(asked(path), data={"csrf": csrf})
            for csrf in ("wrong", setting.csrf(signed_in))
            for who in (signed_in, stranger)
        ]

    codes = {each.status_code for each in answers}
    assert {200, 303, 403, 404, 405, 421, 422} <= codes
    for each in answers:
        said = each.headers
        assert said.get_list("content-security-policy") == [POLICY], (each.request.url, each.status_code)
        assert said.get_list("cache-control") == ["no-store"]
        assert said.get_list("x-frame-options") == ["DENY"]
        is_link = each.request.url.path.startswith(("/ack/", "/r/"))
        assert set(said.get_list("referrer-policy")) <= {"same-origin", *(["no-referrer"] if is_link else [])}


@pytest.mark.parametrize(
    ("base", "root", "name", "attributes"),
    [
        ("http://testserver", "", COOKIE, {"HttpOnly", "SameSite=strict", "Path=/"}),
        ("https://testserver", "", SECURE, {"HttpOnly", "SameSite=strict", "Path=/", "Secure"}),
        ("http://testserver", "/below", COOKIE, {"HttpOnly", "SameSite=strict", "Path=/below"}),
        ("https://testserver", "/below", BELOW, {"HttpOnly", "SameSite=strict", "Path=/below", "Secure"}),
    ],
)
def test_the_cookie_is_for_us_alone_by_whichever_way(
    setting: Setting, base: str, root: str, name: str, attributes: set[str]
) -> None:
    setting.app._prefix = root  # type: ignore[attr-defined] # of `Api`
    one = browser(setting, base)

    entered = one.post(root + "/sign-in", data={"token": ADMIN})

    said = {each.strip() for each in set_cookies(entered)[name].split(";")[1:]}
    assert {each for each in said if not each.startswith("Max-Age")} == attributes
    assert "Max-Age=2592000" in said
    assert entered.headers["location"] == root + "/"
    assert one.get(root + "/").status_code == 200
    assert one.get(root + "/api/v1/status").status_code == 200
    form = re.findall(r'name="csrf" value="([^"]+)"', one.get(root + "/").text)
    left = one.post(root + "/sign-out", data={"csrf": form[0]})
    assert "Max-Age=0" in set_cookies(left)[name]
    assert left.headers["location"] == root + "/sign-in"
    assert one.get(root + "/").status_code == 303


def test_who_signs_out_leaves_nothing_to_who_has_copied_the_cookie(setting: Setting) -> None:
    signed_in, other = setting.visitor(), setting.visitor()
    thief = setting.browser()
    thief.cookies.set(COOKIE, signed_in.cookies[COOKIE])
    assert thief.get("/").status_code == 200

    left = setting.post(signed_in, "/sign-out")

    assert left.headers["clear-site-data"] == '"cache", "storage"'
    assert thief.get("/").headers["location"] == "/sign-in"
    assert thief.get("/api/v1/status").status_code == 401
    assert other.get("/").status_code == 200
    assert "You are signed out." in signed_in.get("/sign-in").text


def test_who_signs_out_everywhere_ends_every_session_of_the_token(setting: Setting) -> None:
    one, other, foreign = setting.visitor(), setting.visitor(), setting.visitor("reader")
    assert "<bdi>admin</bdi>" in one.get("/sign-out").text

    assert setting.post(one, "/sign-out", everywhere="yes").status_code == 303

    assert [each.get("/").status_code for each in (one, other, foreign)] == [303, 303, 200]
    assert setting.visitor().get("/").status_code == 200


def test_a_cookie_is_renewed_by_use_and_only_by_looking(setting: Setting, clock: FakeClock) -> None:
    one = setting.visitor()
    before = one.cookies[COOKIE]
    assert COOKIE not in set_cookies(one.get("/"))
    clock.advance(1.5 * DAY.total_seconds())
    assert COOKIE not in set_cookies(one.get("/api/v1/status"))
    assert COOKIE not in set_cookies(one.post("/sign-out", data={"csrf": "wrong"}))

    renewed = set_cookies(one.get("/"))[COOKIE]

    assert before not in renewed
    assert "Max-Age=2592000" in renewed
    assert COOKIE not in set_cookies(one.get("/"))
    clock.advance(29.5 * DAY.total_seconds())
    assert one.get("/").status_code == 200


def test_what_is_said_is_said_once(setting: Setting) -> None:
    one = setting.visitor()
    setting.post(one, "/sign-out")

    assert "You are signed out." in one.get("/sign-in").text
    assert "You are signed out." not in one.get("/sign-in").text


def test_nobody_says_what_has_no_words(setting: Setting) -> None:
    for said in ("<script>", "sign_in.out<", "nonsense"):
        answer = setting.browser().get("/sign-in", headers={"cookie": f"said={said}"})
        assert answer.status_code == 200
        assert 'class="said"' not in answer.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_guesses_is_told_when_to_try_again(setting: Setting, clock: FakeClock, language: str) -> None:
    one = setting.browser()
    one.cookies.set("language", language)
    for number in range(EACH.at_once):
        wrong = one.post("/sign-in", data={"token": f"guess {number}"})
        assert (wrong.status_code, 'id="wrong"' in wrong.text) == (401, True)

    refused = one.post("/sign-in", data={"token": ADMIN, "next": "/incidents?a=b"})

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "20")
    assert ("20 s" if language == "en" else "20 שנ׳") in refused.text
    assert 'value="/incidents?a=b"' in refused.text
    assert COOKIE not in refused.headers.get("set-cookie", "")
    clock.advance(20)
    assert one.post("/sign-in", data={"token": ADMIN}).status_code == 303


def test_guesses_at_the_api_and_at_the_door_are_counted_together(setting: Setting, clock: FakeClock) -> None:
    assert setting.client.get("/api/v1/status").status_code == 200
    for number in range(EACH.at_once):
        wrong = {"authorization": f"Bearer guess-{number}"}
        assert setting.anybody.get("/api/v1/status", headers=wrong).status_code == 401

    refused = setting.admin.get("/api/v1/status")

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "20")
    assert refused.json()["detail"] == "None is looked at before that; try again in 20 s."
    assert setting.browser().post("/sign-in", data={"token": ADMIN}).status_code == 429
    assert setting.client.get("/api/v1/status").status_code == 200  # it came from there before
    assert setting.visitor().get("/").status_code == 200
    clock.advance(20)
    assert setting.admin.get("/api/v1/status").status_code == 200


def test_no_wrong_one_is_counted_twice(setting: Setting) -> None:
    one = setting.anybody
    for number in range(EACH.at_once):
        answer = one.post("/api/v1/silences", headers={"authorization": f"Bearer {number}"}, json={})
        assert answer.status_code == 401

    refused = one.get("/api/v1/status", headers={"authorization": "Bearer one more"})
    assert refused.status_code == 429


def test_where_no_token_is_configured_the_door_says_what_to_do(setting: Setting) -> None:
    setting.tokens = []

    page = setting.browser().get("/sign-in")
    posted = setting.browser().post("/sign-in", data={"token": ""})

    for answer in (page, posted):
        assert "Give [http] a token_file" in answer.text
        assert 'name="token"' not in answer.text
    assert posted.status_code == 401


def test_who_is_signed_in_needs_no_door(setting: Setting) -> None:
    answer = setting.visitor().get("/sign-in?next=/incidents%3Fa%3Db")

    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents?a=b")


def test_who_comes_by_a_link_of_another_site_is_asked_once_more_with_the_cookie(setting: Setting) -> None:
    """To a page of another site the cookie is not sent along; to one of ours it is."""
    stranger, afar = setting.browser(), {"sec-fetch-site": "cross-site"}

    led = stranger.get("/sign-in?next=/incidents", headers=afar)

    once_more = led.headers["refresh"].removeprefix("0;url=")
    assert once_more == "/sign-in?next=%2Fincidents&again=true"
    assert 'name="token"' in led.text  # for who does not follow it
    assert "refresh" not in stranger.get(once_more, headers=afar).headers
    assert "refresh" not in stranger.get("/sign-in").headers
    assert setting.visitor().get(once_more).headers["location"] == "/incidents"


@pytest.mark.parametrize(
    "onward",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/" + "a" * 2000,
        "/\r\nx: y",
        "\t/",
    ],
)
def test_the_door_leads_nowhere_else(setting: Setting, onward: str) -> None:
    entered = setting.browser().post("/sign-in", data={"token": ADMIN, "next": onward})
    if len(onward) > 2000:
        assert entered.headers["location"] == "/"
        return
    signed_in = setting.visitor().get("/sign-in", params={"next": onward})
    led = setting.browser().get("/sign-in", params={"next": onward}, headers={"sec-fetch-site": "cross-site"})

    assert entered.headers["location"] == signed_in.headers["location"] == "/"
    assert led.headers["refresh"] == "0;url=/sign-in?next=%2F&again=true"


def test_the_door_helps_a_password_manager_and_says_whether_it_was_wrong(setting: Setting) -> None:
    page = setting.browser().get("/sign-in").text
    field = re.findall(r"<input id=\"token\"[^>]*>", page)[0]

    assert 'type="password"' in field
    assert 'autocomplete="current-password"' in field
    assert "This token is not known." not in page
    assert "This token is not known." in setting.browser().post("/sign-in", data={"token": "x"}).text
    assert "may not read" in setting.browser().post("/sign-in", data={"token": "token-of-a-robot"}).text


def test_no_token_comes_back_in_a_page(setting: Setting) -> None:
    for given in (ADMIN, "token-of-a-robot", "a-mistyped-one"):
        assert given not in setting.browser().post("/sign-in", data={"token": given}).text


def test_head_is_answered_as_get_is(setting: Setting) -> None:
    signed_in, stranger = setting.visitor(), setting.browser()
    for path in map(asked, GETS):
        for who in (signed_in, stranger):
            get, head = who.get(path), who.head(path)
            assert (head.status_code, head.content) == (get.status_code, b"")
            assert head.headers.get("location") == get.headers.get("location")


def test_a_store_that_cannot_be_written_lets_people_out_and_says_what_that_means(
    setting: Setting,
) -> None:
    one = setting.visitor()
    with setting.database.write() as db:
        db.exec_driver_sql("ALTER TABLE ended_sessions RENAME TO away")

    left = setting.post(one, "/sign-out")

    assert left.status_code == 303
    assert "The database cannot be written" in one.get("/sign-in").text
    assert one.get("/").status_code == 303
    with setting.database.write() as db:
        db.exec_driver_sql("ALTER TABLE away RENAME TO ended_sessions")
