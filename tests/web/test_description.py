"""The page of the API: everything that the description has, nothing that runs, and nothing from elsewhere."""

import base64
import hashlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from daemon.web import reference
from tests.support import stores
from tests.support.http_app import Setting


class Page(HTMLParser):
    """What a browser would find."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, attribute: str) -> list[str]:
        return [found for _, attrs in self.tags if (found := attrs.get(attribute))]


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    one = Setting(stores.in_memory())
    yield one
    one.database.close()


@pytest.fixture(scope="module")
def text(setting: Setting) -> str:
    answer = setting.anybody.get("/docs")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    return answer.text


def test_nothing_runs_and_nothing_comes_from_elsewhere(text: str) -> None:
    page = Page(text)

    assert not {tag for tag, _ in page.tags} & {
        "script",
        "iframe",
        "object",
        "embed",
        "form",
        "input",
        "base",
    }
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on") or name == "style"]
    assert page.all("src") == []
    assert {one for one in page.all("href") if not one.startswith("#")} == {"openapi.json"}
    assert "@import" not in text
    assert "url(" not in text


def test_its_policy_lets_in_its_own_style_and_nothing_else(setting: Setting, text: str) -> None:
    policy = setting.anybody.get("/docs").headers["content-security-policy"]
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    assert policy.split("; ") == [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        f"style-src 'sha256-{digest}'",
    ]


def test_every_link_leads_somewhere_and_no_place_is_there_twice(text: str) -> None:
    page = Page(text)
    places = page.all("id")

    assert len(places) == len(set(places))
    assert {one.removeprefix("#") for one in page.all("href") if one.startswith("#")} <= set(places)


def test_it_has_every_operation_parameter_field_and_example(setting: Setting, text: str) -> None:
    described = setting.anybody.get("/openapi.json").json()
    words = {one.strip() for one in Page(text).words}
    operations = [one for methods in described["paths"].values() for one in methods.values()]
    schemas = described["components"]["schemas"]

    assert set(described["paths"]) <= words
    assert {one["name"] for each in operations for one in each.get("parameters", ())} <= words
    assert {name for one in schemas.values() for name in one.get("properties", {})} <= words
    assert "A maintenance" in words
    assert all(f"document-{name}" in Page(text).all("id") for name in schemas)


def test_what_stands_in_the_description_cannot_break_out_of_the_page() -> None:
    odd = "<script>alert(1)</script>\"'&"
    described = {
        "info": {"title": odd, "version": odd, "description": odd},
        "paths": {
            "/x": {
                "get": {
                    "tags": [odd],
                    "summary": odd,
                    "parameters": [{"name": odd, "in": "query", "schema": {"type": odd, "default": odd}}],
                    "requestBody": {
                        "content": {
                            "application/json": {
                                "schema": {"$ref": f"#/components/schemas/{odd}"},
                                "examples": {odd: {"value": odd}},
                            }
                        }
                    },
                    "responses": {odd: {"description": odd, "content": {odd: {"schema": {"enum": [odd]}}}}},
                }
            }
        },
        "components": {"schemas": {odd: {"description": odd, "properties": {odd: {"const": odd}}}}},
    }

    assert "script" not in {tag for tag, _ in Page(reference.page(described)).tags}
