"""The page on events is what the code says today: `make events` writes it."""

import json

from daemon.core.event_types import EVENT_TYPES, PARTS
from tests.support.event_page import PAGE, TITLES, laid_out, page


def test_the_page_is_what_the_code_makes_of_it() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "`make events` writes it anew"


def test_every_type_has_its_place_and_every_part_its_title() -> None:
    said = page()

    assert [name for name in EVENT_TYPES if f"\n### `{name}`\n" not in said] == []
    assert len(TITLES) == len(PARTS)


def test_an_example_is_laid_out_as_the_same_document() -> None:
    deep = {"a": [{"b": "x" * 60, "c": None}, {"d": ["y" * 60, 2.5, True]}], "e": {}, "f": []}

    assert json.loads(laid_out(deep)) == deep
    assert max(map(len, laid_out(deep).splitlines())) <= 110
