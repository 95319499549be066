"""However hostile a value is, it is a value in the end, and no part of the document around it."""

import json
import xml.etree.ElementTree as ET
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.templates import spelling
from daemon.core.templates.budget import MOST_OUTPUT
from daemon.core.templates.faults import TemplateFault, TooMuch
from daemon.core.templates.source import Kind
from daemon.core.templates.values import Written
from tests.support.examples import examples

TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    [
        '"',
        "\\",
        '","x":"',
        "\r\nwebhook-id: x",
        "&to=1",
        "%26",
        "]]>",
        "<a/>",
        "&amp;",
        "\0",
        "\u2028",
        "שלום",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda one: st.lists(one, max_size=3) | st.dictionaries(TEXTS, one, max_size=3), max_leaves=8
)


@settings(max_examples=examples(300))
@given(VALUES, TEXTS)
def test_a_value_stands_in_json_as_itself_and_within_quotes_as_text(value: object, text: str) -> None:
    words = ('{"a":', ',"b":"x ', ' y","c":["', '"]}')

    made = json.loads(spelling.body(Kind.JSON, words, [value, text, text]))

    assert made == {"a": value, "b": f"x {text} y", "c": [text]}


@settings(max_examples=examples(300))
@given(TEXTS)
def test_a_backslash_of_the_template_never_opens_a_string_to_a_value(text: str) -> None:
    made = json.loads(spelling.body(Kind.JSON, ('["\\\\', '","\\"', '"]'), [text, text]))

    assert made == ["\\" + text, '"' + text]
    with pytest.raises(TemplateFault):
        spelling.body(Kind.JSON, ('["\\', '"]'), [text])


@settings(max_examples=examples(300))
@given(TEXTS, TEXTS)
def test_a_value_of_a_form_is_one_field_whatever_is_in_it(first: str, second: str) -> None:
    made = spelling.body(Kind.FORM, ("to=054\n\n text=שלום ", "\nmore=", "&last=1"), [first, second])

    assert made.isascii()
    assert parse_qsl(made.decode(), keep_blank_values=True) == [
        ("to", "054"),
        ("text", "שלום " + first if first else "שלום"),
        ("more", second),
        ("last", "1"),
    ]


@settings(max_examples=examples(300))
@given(TEXTS)
def test_a_value_of_an_xml_document_is_text(text: str) -> None:
    made = spelling.body(Kind.XML, ('<a b="', '">', "</a>"), [text, text])
    root = ET.fromstring(made.decode())  # noqa: S314 - it is our own

    assert len(root) == 0
    assert set(root.attrib) == {"b"}
    # Line ends are read as one kind (XML 1.0, section 2.11), and what XML cannot hold is replaced.
    told = "".join(
        sign if sign in "\t\n" or sign >= " " else "\ufffd"
        for sign in text.replace("\r\n", "\n").replace("\r", "\n")
    )
    assert (root.text or "") == told.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")


@settings(max_examples=examples(300))
@given(TEXTS)
def test_no_value_ends_a_header_or_leaves_ascii(text: str) -> None:
    made = spelling.header(("a ", ""), [text[:200]])

    assert all(" " <= sign <= "~" for sign in made)


def test_json_that_is_none_is_told_by_its_place_and_without_its_content() -> None:
    with pytest.raises(TemplateFault) as told:
        spelling.body(Kind.JSON, ('{"a":', ",}"), ["a secret text"])

    assert "line 1 of the body" in str(told.value)
    assert "secret" not in str(told.value)
    with pytest.raises(TemplateFault):
        spelling.body(Kind.JSON, ("[", "]"), [float("inf")])


def test_what_is_json_already_stands_as_it_is() -> None:
    assert spelling.body(Kind.JSON, ("", ""), [Written('{"a":1}')]) == b'{"a":1}'
    assert json.loads(spelling.body(Kind.JSON, ('["', '"]'), [Written('{"a":1}')])) == ['{"a":1}']


@pytest.mark.parametrize(
    ("kind", "words"),
    [(Kind.FORM, ("text",)), (Kind.FORM, ("=x",)), (Kind.XML, ("<a>",)), (Kind.XML, ("<!DOCTYPE a><a/>",))],
)
def test_what_is_not_what_its_content_type_says_is_refused(kind: Kind, words: tuple[str, ...]) -> None:
    with pytest.raises(TemplateFault):
        spelling.body(kind, words, [])


def test_a_body_is_no_larger_than_it_may_be() -> None:
    assert len(spelling.body(Kind.TEXT, ("x" * MOST_OUTPUT,), [])) == MOST_OUTPUT
    with pytest.raises(TooMuch):
        spelling.body(Kind.TEXT, ("א" * (MOST_OUTPUT // 2 + 1),), [])
    with pytest.raises(TooMuch):
        spelling.header(("x" * 5000,), [])
