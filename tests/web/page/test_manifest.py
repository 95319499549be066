"""The page as an app: what a browser needs to install it."""

import re
import struct
from pathlib import Path

import pytest

from daemon.web.page.frame import GROUNDS
from daemon.web.page.static import FILES
from daemon.web.reach import Reach
from daemon.web.server import Server
from tests.support.chromium import Chromium
from tests.support.http_app import Setting

MAIN = "/manifest.webmanifest"


@pytest.mark.parametrize("prefix", ["", "/yemotd"])
def test_it_starts_and_stays_below_the_prefix(setting: Setting, prefix: str) -> None:
    below = Setting(setting.database, prefix=prefix, reach=Reach)
    answer = below.browser().get(prefix + MAIN)
    document = answer.json()

    assert answer.headers["content-type"] == "application/manifest+json"
    assert document["start_url"] == document["scope"] == document["id"] == prefix + "/"
    assert document["display"] == "standalone"
    for icon in document["icons"]:
        got = below.browser().get(icon["src"])
        assert (got.status_code, got.headers["content-type"]) == (200, icon["type"])
        assert icon["src"].startswith(prefix + "/static/")
        if icon["type"] == "image/png":
            assert "{}x{}".format(*struct.unpack(">II", got.content[16:24])) == icon["sizes"]


def test_there_are_icons_of_both_sizes_and_some_that_may_be_cut(setting: Setting) -> None:
    icons = setting.browser().get(MAIN).json()["icons"]

    assert {one["sizes"] for one in icons if one["purpose"] == "any"} == {"any", "192x192", "512x512"}
    assert {one["sizes"] for one in icons if one["purpose"] == "maskable"} == {"192x192", "512x512"}


def test_its_name_is_in_the_language_of_who_asks(setting: Setting) -> None:
    english = setting.browser().get(MAIN).json()
    browser = setting.browser()
    browser.cookies.set("language", "he")
    hebrew = browser.get(MAIN).json()

    assert (english["lang"], english["dir"], hebrew["lang"], hebrew["dir"]) == ("en", "ltr", "he", "rtl")
    assert english["name"] != hebrew["name"]
    assert setting.browser().get(MAIN, headers={"accept-language": "he"}).json() == hebrew


def test_every_page_leads_to_it_and_has_the_colours_of_the_style(setting: Setting) -> None:
    page = setting.browser().get("/sign-in").text

    assert f'<link rel="manifest" href="{MAIN}" crossorigin="use-credentials">' in page
    assert 'rel="apple-touch-icon" href="/static/' in page
    assert re.findall(r'name="theme-color" content="(#\w+)"', page) == list(GROUNDS.values())
    style = FILES["page.css"].decode()
    assert set(re.findall(r"--ground: (#\w+);", style)) == set(GROUNDS.values())
    browser = setting.browser()
    browser.cookies.set("theme", "dark")
    assert re.findall(r'name="theme-color" content="(#\w+)">', browser.get("/sign-in").text) == [
        GROUNDS["dark"]
    ]


@pytest.mark.slow
@pytest.mark.needs("chromium")
@pytest.mark.parametrize("prefix", ["", "/yemotd"])
def test_a_browser_can_install_it(setting: Setting, prefix: str, tmp_path: Path) -> None:
    below = Setting(setting.database, prefix=prefix, reach=Reach)
    server = Server(below.app, "127.0.0.1", 0)
    server.start()
    with Chromium(tmp_path / "browser") as browser:
        browser.open(f"http://127.0.0.1:{server.port}{prefix}/sign-in")
        manifest = browser.ask("Page.getAppManifest")
        errors = browser.ask("Page.getInstallabilityErrors")["installabilityErrors"]
    server.stop(timeout=10)

    assert manifest["errors"] == []
    assert manifest["url"].endswith(prefix + MAIN)
    assert [one for one in errors if one["errorId"] != "in-incognito"] == []
