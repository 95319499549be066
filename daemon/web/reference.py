"""The page that shows the API to people, from the description that programs read.

It has no script and asks nothing: nobody types a token into it, and there is nothing of a foreign network.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from daemon.core.model import Json
from daemon.web.protection import NOTHING

TEMPLATES = Path(__file__).with_name("templates")
STYLE = (TEMPLATES / "reference.css").read_text(encoding="utf-8")
_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"{NOTHING}; style-src 'sha256-{_DIGEST}'"
"""The page's own style and nothing else."""
LIMITS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "minItems": "at least {} of them",
    "maxItems": "at most {} of them",
    "format": "{}",
}
"""What bounds a value, in words; a pattern is for programs."""

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """One row: a parameter, or a field of a document."""

    name: str
    place: str
    type: Markup
    is_required: bool
    default: str
    description: str


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked for."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    needs_token: bool
    parameters: list[Field]
    body: Markup | None
    examples: list[tuple[str, str]]
    answers: list[tuple[str, str, Markup]]


def page(description: Mapping[str, Any]) -> str:
    """The page, of an OpenAPI document."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    groups: dict[str, list[Operation]] = {}
    for path, methods in description["paths"].items():
        for method, one in methods.items():
            groups.setdefault(one["tags"][0], []).append(_operation(method, path, one))
    schemas = description.get("components", {}).get("schemas", {})
    documents = [
        (name, one.get("description", ""), _fields(one), _type(one)) for name, one in schemas.items()
    ]
    return environment.get_template("reference.html").render(
        info=description["info"], groups=groups, documents=documents, style=STYLE
    )


def _operation(method: str, path: str, one: Mapping[str, Any]) -> Operation:
    content = one.get("requestBody", {}).get("content", {}).get("application/json", {})
    examples = content.get("examples", {})
    return Operation(
        id=f"{method}{path}".replace("/", "-").translate({ord(sign): None for sign in "{}."}),
        method=method.upper(),
        path=path,
        summary=one.get("summary", ""),
        description=one.get("description", ""),
        needs_token="security" in one,
        parameters=[_parameter(each) for each in one.get("parameters", ())],
        body=_type(content["schema"]) if content else None,
        examples=[(name, _shown(each["value"])) for name, each in examples.items()],
        answers=[(status, each["description"], _content(each)) for status, each in one["responses"].items()],
    )


def _parameter(one: Mapping[str, Any]) -> Field:
    schema = one["schema"]
    told = one.get("description", schema.get("description", ""))
    return Field(
        one["name"], one["in"], _type(schema), one.get("required", False), _default(schema), description=told
    )


def _fields(schema: Schema) -> list[Field]:
    required = schema.get("required", ())
    return [
        Field(name, "", _type(one), name in required, _default(one), description=one.get("description", ""))
        for name, one in schema.get("properties", {}).items()
    ]


def _content(answer: Mapping[str, Any]) -> Markup:
    return Markup(", ").join(
        escape(kind) + (Markup(": ") + _type(one["schema"]) if one.get("schema") else Markup())
        for kind, one in answer.get("content", {}).items()
    )


def _type(schema: Schema) -> Markup:
    """What a value may be, in words, with a link to each document that has a name."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return Markup('<a href="#document-{0}">{0}</a>').format(name)
    for word in ("anyOf", "oneOf"):
        if word in schema and "properties" not in schema:
            return Markup(" or ").join(dict.fromkeys(map(_type, schema[word])))
    if "enum" in schema or "const" in schema:
        return escape(" or ".join(_shown(one) for one in schema.get("enum", [schema.get("const")])))
    if schema.get("type") == "array":
        return Markup("list of ") + _type(schema.get("items", {})) + escape(_limits(schema))
    kind = schema.get("type", "anything")
    return escape((" or ".join(kind) if isinstance(kind, list) else kind) + _limits(schema))


def _limits(schema: Schema) -> str:
    return "".join(f", {words.format(schema[key])}" for key, words in LIMITS.items() if key in schema)


def _default(schema: Schema) -> str:
    return _shown(schema["default"]) if "default" in schema else ""


def _shown(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2 if isinstance(value, dict) else None)
