"""`[[notify]]`: what reaches the sender, and what is refused without showing a token."""

from dataclasses import replace
from pathlib import Path

import pytest

from daemon.config.load import load
from daemon.config.secrets import held
from daemon.core.routing.plan import Order
from daemon.core.wishes import UNGUARDED
from daemon.senders import notify
from daemon.wiring.endpoints import interests, routes
from daemon.wiring.senders import notices, targets, tells_names
from tests.support.config_files import ENVIRON, SYSTEM, config, faults, written

URL = "ntfy://secrettoken@ntfy.example.org/topic"
NOTIFY = SYSTEM + '[[notify]]\nname = "phone"\nurl_env = "NOTIFY"\n'
HERE = {**ENVIRON, "NOTIFY": URL}


def test_a_service_is_an_endpoint_like_others(tmp_path: Path) -> None:
    loaded = load(written(tmp_path, NOTIFY + 'language = "he"\nafter = "5m"\n'), HERE).config
    notice = notices(loaded)["phone"]

    assert (notice.url.value, notice.shape.language) == (URL, "he")
    assert [one.endpoint for one in interests(loaded)] == list(routes(loaded)) == ["phone"]
    assert routes(loaded)["phone"].max_in_flight == 1
    assert URL in held(loaded)
    assert "secrettoken" not in repr(loaded)


HOOK = SYSTEM + '[[webhooks]]\nname = "phone"\nformat = "apprise"\nurl_env = "NOTIFY"\n'


def test_a_webhook_means_the_same_and_says_more(tmp_path: Path) -> None:
    short = NOTIFY + 'language = "he"\nafter = "5m"\nredact = ["sms.text"]\n'
    long = HOOK + 'language = "he"\nafter = "5m"\nredact = ["sms.text"]\nrepeat = "4h"\ntimeout = "30s"\n'
    first = load(written(tmp_path, short), HERE).config
    other = load(written(tmp_path, long), HERE).config

    assert notices(first) == notices(other)
    assert routes(first) == routes(other)
    assert [replace(one, guard=UNGUARDED) for one in interests(first)] == [
        replace(one, guard=UNGUARDED) for one in interests(other)
    ]
    assert targets(first) == targets(other) == {}
    assert tells_names(first)
    assert URL in held(other)
    assert "secrettoken" not in repr(other)

    more = 'order = "latest"\nrate = 2\npayload = "thin"\nnames = true\n'
    found = load(written(tmp_path, HOOK + more + '[[webhooks.schedules]]\nevents = ["sms.*"]\n'), HERE).config
    route = routes(found)["phone"]
    assert (route.order, route.rate, len(route.schedules), route.max_in_flight) == (Order.LATEST, 2, 2, 1)
    assert notices(found)["phone"].shape.is_thin


@pytest.mark.parametrize("setting", ["secret_env", "headers", "proxy", "allow", "max_in_flight", "topic"])
def test_what_apprise_has_no_use_for_is_a_fault(tmp_path: Path, setting: str) -> None:
    values = {
        "secret_env": '"SIGNING"',
        "headers": '{ "X-A" = "b" }',
        "proxy": '"http://proxy.example.org:1"',
        "allow": '["10.0.0.0/8"]',
    }
    environ = {**HERE, "SIGNING": "whsec_" + "QUJD" * 8}
    (line,) = faults(tmp_path, HOOK + f"{setting} = {values.get(setting, 3)}\n", environ)

    assert line == f'[webhooks] "{setting.removesuffix("_env")}" is not for format = "apprise"'


@pytest.mark.parametrize("url", ["nosuch://secrettoken", "secrettoken"])
def test_a_webhook_s_url_is_judged_by_its_format(tmp_path: Path, url: str) -> None:
    (line,) = faults(tmp_path, HOOK, {**ENVIRON, "NOTIFY": url})
    assert "secrettoken" not in line

    (line,) = faults(tmp_path, HOOK.replace("apprise", "slack"), HERE)
    assert "expected a URL that starts with" in line
    assert "secrettoken" not in line


def test_a_secret_that_cannot_be_had_is_one_fault(tmp_path: Path) -> None:
    for form in ("apprise", "slack", "ntfy", "telegram"):
        more = 'token_env = "NONE"\nchat_id = 7\n' if form == "telegram" else ""
        lines = faults(tmp_path, HOOK.replace("apprise", form) + more, ENVIRON)
        assert all("is not set" in one for one in lines), lines


def test_what_apprise_does_not_know_is_refused_and_not_shown(tmp_path: Path) -> None:
    (line,) = faults(tmp_path, NOTIFY, {**ENVIRON, "NOTIFY": "nosuch://secrettoken"})

    assert "is no URL that Apprise knows" in line
    assert "secrettoken" not in line


def test_without_the_extra_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "is_available", lambda: False)
    (line,) = faults(tmp_path, NOTIFY, HERE)

    assert 'pip install "yemotd[apprise]"' in line


def test_no_two_endpoints_have_one_name(tmp_path: Path) -> None:
    lines = faults(tmp_path, NOTIFY + NOTIFY.removeprefix(SYSTEM), HERE)

    assert any("another endpoint has this name" in line for line in lines)


def test_without_any_there_is_none(tmp_path: Path) -> None:
    assert notices(config(tmp_path, SYSTEM)) == {}
