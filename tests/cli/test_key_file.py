"""What `check` says of the key, and that no copy of the database has it."""

import json
import os
from pathlib import Path

import pytest

from daemon.host import key_file
from daemon.store import database as databases
from tests.cli.conftest import Call
from tests.support.config_files import SYSTEM

WATCHED = f"{SYSTEM}[systems.sip]\n"


def configured(text: str = "", *, http: str = "") -> None:
    path = Path("config.toml")
    path.write_text(f"[daemon]\n{text}\n[http]\n{http}\n{WATCHED}")
    path.chmod(0o600)


def test_check_says_where_the_key_will_be_and_makes_none(call: Call) -> None:
    configured(f'key_file = "{Path.cwd()}/own.key"')

    code, said, _ = call("check")

    assert code == 0
    assert f"key       {Path.cwd()}/own.key, made at the start" in said
    assert json.loads(call("check", "--json")[1])["key_file"] == f"{Path.cwd()}/own.key, made at the start"
    assert not Path("own.key").exists()


def test_check_does_not_take_the_folder_that_it_runs_in_for_that_of_the_daemon(call: Call) -> None:
    configured()
    key_file.take(Path("yemotd.key"))

    said = call("check")[1]

    assert f"key       yemotd.key, from where the daemon starts: here {Path.cwd()}/yemotd.key\n" in said


def test_nobody_needs_a_key_while_http_is_off(call: Call) -> None:
    Path("yemotd.key").mkdir()
    configured(http='listen = ""')

    code, said, _ = call("check")

    assert code == 0
    assert "key" not in said
    assert json.loads(call("check", "--json")[1])["key_file"] is None


def test_a_file_that_is_no_key_is_a_fault_with_its_place(call: Call) -> None:
    configured()
    Path("yemotd.key").write_text("short")

    code, _, said = call("check")

    assert code == os.EX_CONFIG
    assert (
        "[daemon] key_file = 'yemotd.key': holds 5 bytes, and a key has 32 or more; remove the file" in said
    )


@pytest.mark.parametrize("value", ['""', '"keys/"', "7"])
def test_what_names_no_file_is_a_fault(call: Call, value: str) -> None:
    configured(f"key_file = {value}")

    code, _, said = call("check")

    assert (code, "expected the path of a file" in said) == (os.EX_CONFIG, True)


def test_neither_the_database_nor_a_copy_of_it_has_the_key(call: Call) -> None:
    configured()
    databases.open_for_daemon("sqlite:///yemotd.db").close()
    content = key_file.take(Path("yemotd.key")).key.content

    assert call("db", "backup", "copy.db")[0] == 0

    held = b"".join(one.read_bytes() for one in Path().iterdir() if ".db" in one.name)
    assert len(held) > 1000
    for secret in (content, content.strip(), bytes.fromhex(content.decode())):
        assert secret not in held
