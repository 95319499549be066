"""Whatever a request says, what is wrong with it is said in words of this program."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from daemon.core.wording import WITHOUT_WORDS
from daemon.schemas import command_requests, requests
from daemon.schemas.wording import MOST, faults
from tests.support import nonsense

VALUES = (*nonsense.JSON, "\ud800", {"\ud800": 1})
BODIES = (requests.SilenceRequest, requests.ReplayRequest)
COMMANDS = {
    kind: model
    for model in get_args(command_requests.Request)
    for kind in get_args(model.model_fields["type"].annotation)
}


def keys(model: type[BaseModel]) -> list[str]:
    """The keys of a body, and one that is none."""
    return [*(one.alias or name for name, one in model.model_fields.items()), "frm"]


def commands(kind: str) -> Iterator[Any]:
    """Requests for a command with one value each that is wrong, in its parameters or beside them."""
    model = COMMANDS[kind]
    good = {"type": kind, "system": "main"}
    for value in VALUES:
        yield value
        yield from (good | {key: value} for key in keys(model))
        for key in keys(model.model_fields["params"].annotation):
            inner = (value, [value], [{"phone": value}], [{"phones": value}])
            yield from (good | {"params": {key: one}} for one in inner)


def assert_worded(error: ValidationError) -> None:
    found = error.errors()[:MOST]
    ours = [reason for _, reason in faults(found, command_requests.TAGS)]
    assert WITHOUT_WORDS not in ours, found
    assert not [one["msg"] for one, reason in zip(found, ours, strict=True) if one["msg"] in reason]


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_command_that_is_wrong_is_refused_in_our_words(kind: str) -> None:
    many = 0
    for document in commands(kind):
        try:
            command_requests.parse(document)
        except ValidationError as error:
            many += 1
            assert_worded(error)
    assert many > len(VALUES)


@pytest.mark.parametrize("model", BODIES)
def test_a_body_that_is_wrong_is_refused_in_our_words(model: type[BaseModel]) -> None:
    many = 0
    for document in [*VALUES, *({key: value} for key in keys(model) for value in VALUES)]:
        try:
            model.model_validate(document)
        except ValidationError as error:
            many += 1
            assert_worded(error)
    assert many > len(VALUES)
