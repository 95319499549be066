"""`docs/platform.md`: the methods, hosts and prices that it names are those of the code."""

import re
from urllib.parse import urlsplit

from daemon.core.commands import campaigns
from daemon.core.commands.command_types import TYPES, Nature
from daemon.core.inventory import WORDS
from daemon.core.model import Failure
from daemon.yemot import callbacks, customer, files, reads, reports
from daemon.yemot.base_urls import BASE_URL, FALLBACK_URL, GATEWAY_URL
from daemon.yemot.reads import Read
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "platform.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXT = " ".join(PAGE.split())
YEMOT = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "daemon/yemot").glob("*.py")))
DOWNLOAD = "DownloadFile"
METHOD = r"[A-Z]\w+[a-z0-9][A-Z]\w+"


def cells(title: str) -> dict[str, str]:
    rows = PAGE.split(f"| {title} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return dict([cell.strip() for cell in row.strip("|").split(" | ")][:2] for row in rows)


def named(text: str) -> set[str]:
    return set(re.findall(rf"`({METHOD})`", text))


def method(*asked: Read[object]) -> set[str]:
    return {one.method for one in asked}


def test_a_watch_needs_the_methods_that_it_asks() -> None:
    told = {re.findall(r"`(.+?)`", what)[0]: named(methods) for what, methods in cells("what").items()}
    unasked = method(reads.incoming_sms(1), reads.directory_stats("/"), reads.sip_contexts())

    assert told.pop("yemotd init") == unasked | {DOWNLOAD}
    assert f'"{WORDS[Failure.REFUSED]}"' in TEXT
    assert told == {
        "[systems.sms]": method(reads.sms_log(1), reads.incoming_sms(1)),
        "[systems.sip]": method(reads.sip_accounts(), reads.sip_contexts()),
        "[[systems.queues]]": {"GetIVR2Dir", reports.RENDER, reports.RAW} | method(reads.queue_state("/")),
        "[[systems.callbacks]]": method(callbacks.queues_with()),
        "[[systems.directories]]": {*method(files.listing("/"), reads.directory_stats("/")), DOWNLOAD},
        "[[systems.reports]]": method(files.listing("/"), reports.rendered("/1"), reports.lying("/1")),
        "[systems.pirsumphone]": method(reads.pirsumphone_status()),
        "[systems.units]": method(reads.units()),
        "[systems.sms_units]": method(customer.sms_units()),
        "[systems.caller_ids]": method(customer.caller_ids(), customer.approved_caller_ids()),
    }


def test_no_method_of_the_code_is_left_out() -> None:
    asked = set(re.findall(rf'(?:Read|_command|stream)\(\s*"({METHOD})"', YEMOT))

    assert asked
    assert asked == {one for one in named(PAGE) if f'"{one}"' in YEMOT}
    assert "Login" not in re.findall(r'"(\w+)"', YEMOT)


def test_every_command_is_in_one_row() -> None:
    title = "commands (`commands = […]`; by default those that read)"
    rows = [re.findall(r"`([a-z_.]+)`", what) for what in cells(title)]
    told = [name for row in rows for name in row]

    assert sorted(told) == sorted(TYPES)
    assert {*rows[-1]} == {name for name, one in TYPES.items() if one.nature is Nature.READ}


def test_the_hosts_and_prices_are_those_of_the_code() -> None:
    hosts = {urlsplit(url).hostname for url in (BASE_URL, FALLBACK_URL, GATEWAY_URL)}

    assert {one.strip("`") for one in cells("host")} == hosts
    assert f'`base_url = "{GATEWAY_URL}"`' in PAGE
    for page in (TEXT, " ".join(README.split())):
        assert f"{campaigns.DIALLING:g} unit for every number" in page
        assert f"{campaigns.MINUTE_OF_CALL:g} unit a minute" in page
        assert f"{campaigns.LEAST_CALL:g} at least" in page
