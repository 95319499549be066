"""`docs/first-run.md`, taken at its word: its answers are answers, and its figures the code's."""

import re
import tomllib
from pathlib import Path

from daemon.cli.init_files import KEPT, SECRETS
from daemon.cli.init_system import MOST_TRIES
from daemon.config.answers import Answers, load
from daemon.config.quiet import PLACES
from daemon.wiring.discovery import BUDGET, DEEPEST, GAP
from tests.support.config_files import tables
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "first-run.md").read_text(encoding="utf-8")
(ANSWERS,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
ENVIRON = {"YEMOT_TOKEN": "0773137770:1234", "SMTP_PASSWORD": "a-password"}


def test_the_answers_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(ANSWERS, encoding="utf-8")

    found, warnings = load(path, ENVIRON)

    assert warnings == ()
    assert found.config == tmp_path / "config.toml"
    assert [one.path for one in found.system.queues] == ["/5"]


def test_every_key_is_there() -> None:
    said = set(re.findall(r"^#?([a-z_]+?)(?:_env|_file)? = ", ANSWERS, re.MULTILINE))
    headers = set(re.findall(r"^\[+([a-z.]+)\]", ANSWERS, re.MULTILINE))
    keys = {
        str(field.validation_alias or name)
        for model in tables(Answers)
        for name, field in model.model_fields.items()
    }

    assert said | {one.rpartition(".")[2] for one in headers} | {"ca"} == keys - {"ca_file"} | {"ca"}
    tomllib.loads(ANSWERS)


def test_the_figures_are_those_of_the_code() -> None:
    words = {3: "three", 5: "five"}

    assert f"at most {BUDGET} calls" in PAGE
    assert f"{words[DEEPEST]} steps deep" in PAGE
    assert f"{words[MOST_TRIES]} times at\n   most" in PAGE
    assert GAP.total_seconds() == 0.25
    assert "a quarter of a second" in PAGE
    assert KEPT in PAGE
    assert f"`{SECRETS}/`" in PAGE
    assert all(one in ANSWERS for one in PLACES)
