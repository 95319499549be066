"""The dashboard for Grafana: that it is what Grafana takes, and that it names no place of ours.

What its queries come to is tried in `tests/process/test_graphs.py`.
"""

import json
import re
from collections import Counter
from itertools import combinations
from typing import Any

from tests.support.paths import ROOT

PATH = ROOT / "packaging" / "monitoring" / "yemotd-dashboard.json"
TEXT = PATH.read_text(encoding="utf-8")
BOARD: dict[str, Any] = json.loads(TEXT)
PANELS: list[dict[str, Any]] = BOARD["panels"]
DRAWN = [one for one in PANELS if one["type"] != "row"]
WIDTH = 24
KINDS = {"row", "stat", "timeseries", "state-timeline"}
"""Each is part of Grafana itself since its release 8."""
UNITS = {"short", "s", "d", "percentunit", "reqps"}
METRICS = set(re.findall(r"^\| `(\w+)", (ROOT / "docs" / "monitoring.md").read_text("utf-8"), re.MULTILINE))


def test_it_has_what_grafana_asks_of_a_dashboard() -> None:
    assert BOARD["schemaVersion"] >= 36
    assert BOARD["id"] is None  # else it would take the place of another
    assert re.fullmatch(r"[\w-]{1,40}", BOARD["uid"])
    assert BOARD["title"]
    assert {"from", "to"} == BOARD["time"].keys()
    assert {one["type"] for one in PANELS} == KINDS


def test_each_panel_has_an_id_a_title_and_an_explanation_of_its_own() -> None:
    for what in ("id", "title"):
        assert [one for one, many in Counter(panel[what] for panel in PANELS).items() if many > 1] == []
    assert all(isinstance(one["id"], int) and one["id"] > 0 for one in PANELS)
    assert all(one["description"].endswith(".") for one in DRAWN)
    assert {one["fieldConfig"]["defaults"]["unit"] for one in DRAWN} <= UNITS


def test_no_panel_lies_on_another() -> None:
    def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
        at = panel["gridPos"]
        return {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}

    assert all(0 <= x < WIDTH for one in PANELS for x, _ in cells(one))
    assert [(a["title"], b["title"]) for a, b in combinations(PANELS, 2) if cells(a) & cells(b)] == []


def test_all_that_is_asked_goes_to_the_source_that_is_chosen() -> None:
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    asked = [target for panel in DRAWN for target in panel["targets"]]

    assert all(one["datasource"] == chosen for one in (*DRAWN, *asked))
    assert [one["name"] for one in BOARD["templating"]["list"]] == ["datasource", "system"]
    assert BOARD["templating"]["list"][0]["type"] == "datasource"
    assert BOARD["templating"]["list"][1]["datasource"] == chosen
    assert "http" not in TEXT


def test_each_query_has_a_name_and_asks_for_what_the_page_lists() -> None:
    for panel in DRAWN:
        names = [target["refId"] for target in panel["targets"]]
        assert names == ["A", "B", "C"][: len(names)] != []
        for target in panel["targets"]:
            expression = target["expr"]
            assert target["legendFormat"]
            assert set(re.findall(r"yemotd_\w+", expression)) <= METRICS
            assert set(re.findall(r"\$\w+", expression)) <= {"$system", "$__rate_interval"}
            kept = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", expression)[:1])))
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= kept


def test_what_each_of_several_daemons_tells_is_not_added_up() -> None:
    """Of what the store has, each member says the same: it is taken once before it is added."""
    of_each = {"yemotd_polls_total", "yemotd_attempts_total"}
    for panel in DRAWN:
        for target in panel["targets"]:
            for metric in set(re.findall(r"yemotd_\w+", target["expr"])) - of_each:
                before = re.findall(rf"(\w+)(?: by \([^)]*\) )?\((?:increase\()?{metric}", target["expr"])
                assert set(before) <= {"max", "min"}, target["expr"]
                assert before, target["expr"]
