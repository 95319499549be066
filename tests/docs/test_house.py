"""The map of the house, the way of a poll, the words and the recipes: what the pages say is where it is."""

import ast
import re
import tomllib
from functools import cache

import pytest

from tests.support.paths import ROOT

DAEMON = ROOT / "daemon"
README = (ROOT / "README.md").read_text(encoding="utf-8")
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
MAP, POLL, COMMAND, RELOAD = re.findall(r"```\n(.*?)```", README[README.index("## The house") :], re.DOTALL)[
    :4
]
WAYS = pytest.mark.parametrize("way", [POLL, COMMAND, RELOAD], ids=["poll", "command", "reload"])
STATION = re.compile(r"( *)([a-z_/]+\.py)( \*)? +([\w.]+)")


@cache
def tree(path: str) -> ast.Module:
    return ast.parse((DAEMON / path).read_text(encoding="utf-8"))


def named_by(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.Assign):
        return [one.id for one in statement.targets if isinstance(one, ast.Name)]
    return [getattr(statement, "name", "")]


def defines(path: str, name: str) -> bool:
    """Whether a file defines a function, a class, a constant, or a method of a class (`Class.method`)."""
    found: list[ast.stmt] = tree(path).body
    for part in name.split("."):
        one = next((each for each in found if part in named_by(each)), None)
        if one is None:
            return False
        found = getattr(one, "body", [])
    return True


def imports(path: str) -> set[str]:
    """The files of the daemon that a file imports, or imports from."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("daemon"):
            module = node.module.removeprefix("daemon").removeprefix(".").replace(".", "/")
            found |= {f"{module}.py", *(f"{module}/{one.name}.py".lstrip("/") for one in node.names)}
    return found


def layers() -> list[set[str]]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (one,) = (each for each in contracts["contracts"] if each["name"] == "layers")
    return [set(re.split(r" [|:] ", row)) for row in one["layers"]]


def test_the_map_names_every_folder_in_the_order_of_the_layers() -> None:
    told = re.findall(r"^(\w+) ", MAP, re.MULTILINE)
    floors = [next(number for number, row in enumerate(layers()) if name in row) for name in told]

    assert sorted(told) == sorted(one.name for one in DAEMON.iterdir() if (one / "__init__.py").exists())
    assert floors == sorted(floors)


def test_no_module_lies_loose_at_the_root() -> None:
    assert {one.name for one in DAEMON.glob("*.py")} == {"__init__.py", "__main__.py"}


@WAYS
def test_each_station_is_where_the_drawing_says(way: str) -> None:
    stations = STATION.findall(way)

    assert len(stations) == len(way.strip().splitlines())
    assert [f"{path} {name}" for _, path, _, name in stations if not defines(path, name)] == []


@WAYS
def test_the_way_runs_by_imports_or_by_what_is_handed_in(way: str) -> None:
    above: dict[int, str] = {}
    wrong = []
    for indent, path, is_handed_in, _ in STATION.findall(way):
        above[len(indent)] = path
        user = above.get(len(indent) - 2)
        if user is not None and bool(is_handed_in) == (path in imports(user)):
            wrong.append(f"{user} -> {path}")

    assert wrong == []


@pytest.mark.parametrize("page", [GLOSSARY, CONTRIBUTING], ids=["glossary", "contributing"])
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    named = {one for one in re.findall(r"`([\w/]+\.py)`", page) if "/" in one}

    assert named
    assert [one for one in named if not (DAEMON / one).exists() and not (ROOT / one).exists()] == []


@pytest.mark.parametrize("title", ["A new kind of watch", "A new kind of endpoint"])
def test_the_recipes_are_counted(title: str) -> None:
    recipe = CONTRIBUTING[CONTRIBUTING.index(f"## {title}") :].split("\n## ")[0]
    all_of_them, of_daemon, of_tests = map(
        int, re.findall(r"(\d+) files: (\d+) of the daemon, .* and (\d+) of tests", recipe)[0]
    )
    named = {one for one in re.findall(r"`([\w/<>]+\.(?:py|toml))`", recipe) if "/" in one or "toml" in one}
    tests = {one for one in named if one.startswith("tests/")}

    assert len(named) == all_of_them
    assert len(tests) == of_tests
    assert len(named - tests - {"config.toml"}) == of_daemon
