"""What is refused is said in the visitor's words, with what they can do about it."""

import ast
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import daemon.web
from daemon.core.refusals import Why
from daemon.core.wording import WRONG
from daemon.schemas import command_requests, requests, wording
from daemon.schemas.wording import faults
from daemon.web.page.faults import by_field, said, worded
from daemon.web.page.refused import ANY, WHY, key_of
from daemon.web.page.visitors import LANGUAGES
from daemon.web.page.words import ALL, Words
from daemon.web.page.words.faults import WORDS as FAULTS
from daemon.web.problems import REFUSALS, ProblemDocument
from tests.schemas.test_wording import COMMANDS, VALUES, commands, keys
from tests.support.http_app import Setting
from tests.web.page.test_frame import unclosed

CODE = Path(daemon.__file__).parent
ENGLISH, HEBREW = Words("en"), Words("he")


def statuses() -> set[int]:
    """Those that stand in the code of the HTTP side."""
    found: set[int] = set()
    for path in sorted((CODE / "web").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Problem", "answer", "raw"):
                given = [*node.args, *(one.value for one in node.keywords)]
                found |= {
                    one.value for one in given if isinstance(one, ast.Constant) and type(one.value) is int
                }
    return {one for one in found | {status for status, _ in REFUSALS.values()} if one >= 400}


def test_every_status_has_words_and_a_way_out() -> None:
    wanted = {f"problems.{one}{way}" for one in statuses() | {500} for way in ("", ".way")}

    assert {400, 401, 403, 404, 405, 409, 413, 415, 422, 503} <= statuses()
    assert sorted(wanted - set(ALL)) == []


@pytest.mark.parametrize("why", Why)
def test_every_refusal_has_words_and_a_way_out(why: Why) -> None:
    status, title = REFUSALS[why]
    key = key_of(ProblemDocument(title=title, status=status))

    assert {f"problems.why.{why.value}", f"problems.why.{why.value}.way"} <= set(ALL)
    assert key in (f"problems.why.{why.value}", f"problems.{status}")
    assert title in WHY or why is Why.WRONG


@given(st.integers(), st.text())
def test_any_problem_has_words(status: int, title: str) -> None:
    key = key_of(ProblemDocument(title=title, status=status))

    assert {key, f"{key}.way", ANY} <= set(ALL)


def wrong(kind: str) -> Iterator[str]:
    """Everything that is found wrong with nonsense of a type of command."""
    for document in commands(kind):
        try:
            command_requests.parse(document)
        except ValidationError as error:
            yield from (reason for _, reason in faults(error.errors(), command_requests.TAGS))


@pytest.mark.parametrize("kind", COMMANDS)
def test_whatever_is_wrong_with_a_command_has_hebrew(kind: str) -> None:
    assert sorted({one for one in wrong(kind) if said(HEBREW, one) is None}) == []


def test_whatever_is_wrong_with_a_silence_has_hebrew() -> None:
    found: set[str] = set()
    model = requests.SilenceRequest
    for document in [*VALUES, *({key: value} for key in keys(model) for value in VALUES)]:
        try:
            model.model_validate(document)
        except ValidationError as error:
            found |= {reason for _, reason in faults(error.errors())}

    assert sorted(one for one in found if said(HEBREW, one) is None) == []


def sentences(node: ast.AST) -> Iterator[str]:
    """Texts of the code, with `7` for what is put into them; of two joined ones, the whole."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(one.value) if isinstance(one, ast.Constant) else "7" for one in node.values)


def raised(folder: str, name: str, place: int) -> Iterator[str]:
    """What is said where the code raises this."""
    for path in sorted((CODE / folder).rglob("*.py")):
        tree = ast.parse(path.read_text())
        said_of = {
            node.targets[0].id: list(sentences(node.value))
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == name and len(node.args) > place:
                given = node.args[place]
                yield from said_of.get(given.id, []) if isinstance(given, ast.Name) else sentences(given)


def test_what_the_models_say_is_what_is_put_into_hebrew() -> None:
    templates = [
        re.sub(r"{\w+}", "7", one) for one in {**wording._WORDING, **WRONG}.values() if one != WRONG["enum"]
    ]
    checks = chain(
        raised("schemas", "ValueError", 0), ["at most 7", 'expected a duration such as "30s" or "5m"']
    )
    refusals = chain(raised("core/routing", "Refused", 1), raised("operations", "Refused", 1))
    ours = [*templates, *checks, *refusals]

    assert len(ours) > 60
    assert [one for one in ours if said(HEBREW, one) is None] == []


def test_every_sentence_is_found_by_itself() -> None:
    for key, (english, hebrew) in FAULTS.items():
        values = {name: "7" for name in re.findall(r"{(\w+)}", english)}
        reason = english.format(**values)
        assert re.sub("<[^>]+>", "", worded(ENGLISH, reason)) == reason, key
        assert re.sub("<[^>]+>", "", worded(HEBREW, reason)) == hebrew.format(**values), key


@given(st.text())
def test_what_is_not_known_stays_as_it_was_said(reason: str) -> None:
    shown = str(worded(HEBREW, reason))

    assert "<script" not in shown.lower()
    assert said(HEBREW, reason) is not None or shown.startswith('<span lang="en" dir="ltr">')


@given(st.text(), st.lists(st.sampled_from(["params.a", "params.a.b", "a", ""])))
def test_every_fault_is_shown_somewhere(path: str, known: list[str]) -> None:
    found = by_field(ENGLISH, [(path, "is missing"), ("params.a.3.x", "is missing")], known)

    assert sum(map(len, found.values())) == 2
    assert set(found) <= {*known, ""}


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_may_not_is_told_which_scope_is_missing_and_whom_to_ask(setting: Setting, language: str) -> None:
    answer = setting.visitor("reader", language=language).get("/commands/new")
    text = re.sub("<[^>]+>", "", answer.text)

    assert answer.status_code == 403
    wanted = {
        "en": "Your token reader lacks the scope command",
        "he": "לאסימון reader שאיתו נכנסת חסרה ההרשאה command",
    }
    assert wanted[language] in text
    assert "[http]" in text


@pytest.mark.parametrize(
    "path", ["/commands/cmd_none", "/nowhere", "/commands?nonsense=1", "/commands?system=%00"]
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_problem_is_in_the_visitors_language(setting: Setting, language: str, path: str) -> None:
    answer = setting.visitor(language=language).get(path)
    (title,) = re.findall("<h1>(.*?)</h1>", answer.text)

    assert answer.status_code in (404, 422)
    assert bool(re.search("[א-ת]", title)) == (language == "he")
    assert unclosed(answer.text) == []


def test_hostile_words_of_a_problem_are_text(setting: Setting) -> None:
    answer = setting.visitor(language="he").get("/commands/<script>alert(1)<%2Fscript>%E2%80%AE")

    assert "<script>alert" not in answer.text
    assert "\u202e" not in answer.text[: answer.text.index("<footer>")]


def test_sends_of_a_form_that_is_none(setting: Setting) -> None:
    browser: Any = setting.visitor(language="he")

    assert "לא נשלח טופס" in browser.post("/commands/new", json={}).text
    assert "אין לך הרשאה לכך" in browser.post("/commands/new", data={"x": "y"}).text
