"""A command has one shape, in events, over HTTP and in a terminal, though two files write it down."""

from datetime import timedelta

from daemon.core.commands.command import Command, Error, Status
from daemon.core.timestamps import iso
from daemon.schemas import commands
from tests.support.fakes import START


def test_what_is_told_of_a_command_is_what_http_describes() -> None:
    command = Command(
        "cmd_1",
        "main",
        "campaign.bridge",
        {"phones": "tpl:1"},
        created_by="crm",
        created_at=START,
        not_before=START,
        expires_at=START + timedelta(hours=1),
        due_at=START,
        estimate=1.5,
        status=Status.UNKNOWN,
        error=Error("timeout", "no answer within 20 s", 504),
        ended_at=START,
    )

    told = command.document()

    described = commands.Command.of(command).model_dump()
    assert described.pop("due_at") == iso(START)
    assert (described, list(described)) == (told, list(told))
    assert described["check"]
