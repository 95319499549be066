"""Whatever a file says, it is loaded or refused by `ConfigError`, in words of this program."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.config.load import ConfigError, load
from daemon.config.reading import secrets_of
from daemon.config.secrets import WAYS
from tests.support.config_files import ENVIRON, tables

MODELS = frozenset(tables())
KEYS = sorted(
    {str(field.validation_alias or name) for model in MODELS for name, field in model.model_fields.items()}
    | {held.key + way for model in MODELS for held in secrets_of(model) for way in WAYS}
    | {"evry", "", "a b"}
)
WORDS = st.sampled_from(
    [
        *(
            "main",
            "5s",
            "1ms",
            "99999999999999d",
            "error",
            "emit",
            "TOKEN",
            "SIGNING",
            "/5",
            ".",
            "..",
            "*",
            "",
        ),
        *(
            "http://[",
            "http://a:b/",
            "https://a.b/",
            "http://[::1]",
            "//",
            "::1:5",
            "[1]:5",
            "a:99999",
            "a:1",
        ),
        *(
            "Asia/Jerusalem",
            "America",
            "/etc",
            "../..",
            "a@b.c",
            "a\0b",
            "a\nb",
            "10.0.0.0/8",
            "א",
            "sqlite://[a@b",
        ),
    ]
)
SCALARS = (
    st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.sampled_from([0.5, -1.0])
    | WORDS
    | st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=8),
    max_leaves=40,
)
SYSTEMS = st.lists(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=12), max_size=3)
DOCUMENTS = st.dictionaries(st.sampled_from(KEYS), VALUES) | st.fixed_dictionaries(
    {"systems": SYSTEMS}, optional={"webhooks": SYSTEMS, "emails": SYSTEMS, "http": VALUES, "smtp": VALUES}
)


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def judge(path: Path) -> str:
    """What people see of a file, be it good or bad."""
    try:
        return "\n".join(load(path, ENVIRON).warnings)
    except ConfigError as error:
        return str(error)


@given(DOCUMENTS)
def test_any_document_is_loaded_or_refused(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, object]
) -> None:
    path = tmp_path_factory.getbasetemp() / "document.toml"
    path.write_text(
        "".join(f"{json.dumps(key)} = {toml(value)}\n" for key, value in document.items()), encoding="utf-8"
    )

    told = judge(path)

    assert "is not TOML" not in told
    for foreign in ("pydantic", "Input should", "type=", "Value error", "cannot be used"):
        assert foreign not in told


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_loaded_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.toml"
    path.write_bytes(content)

    assert judge(path)
