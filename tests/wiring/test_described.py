"""What lies between two configurations, by name; and that no secret is in what is kept of one."""

import json
from pathlib import Path

import pytest

from daemon.core.differences import Difference, difference
from daemon.wiring.described import digests, fingerprint, parts
from tests.support.config_files import ENVIRON, QUEUE, SIGNING, SYSTEM, WEBHOOK, config, loaded

MAILS = """
[smtp]
host = "mail.example.org"
from = "alerts@example.org"
[[emails]]
name = "ops"
to = ["a@example.org", "b@example.org"]
"""
WHOLE = SYSTEM + "[systems.sms]\n[systems.sip]\ncontexts = [1]\n" + WEBHOOK + MAILS


def between(directory: Path, before: str, after: str) -> dict[str, dict[str, list[str]]]:
    """What was found, of what there is anything to say; in the store it is the same."""
    old, new = parts(config(directory, before)), parts(config(directory, after))
    found = difference(old, new)
    assert difference(digests(old), digests(new)) == found
    assert bool(found) == bool(list(found.lines()))
    return {
        how: {kind: list(names) for kind, names in by_kind.items() if names}
        for how, by_kind in (("added", found.added), ("removed", found.removed), ("changed", found.changed))
        if any(by_kind.values())
    }


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (WHOLE, {}),
        (WHOLE + "\n# a comment\n", {}),
        (WHOLE.replace("[systems.sms]\n", "[systems.sms]\nevery = '15s'\n"), {}),  # as by default
        (WHOLE.replace("[systems.sms]\n", ""), {"removed": {"watches": ["main/sms"]}}),
        (
            WHOLE.replace("contexts = [1]", "contexts = [2]"),
            {
                "added": {"watches": ["main/sip/2"]},
                "removed": {"watches": ["main/sip/1"]},
                "changed": {"watches": ["main/sip"]},
            },
        ),
        (WHOLE.replace('"b@', '"c@'), {
            "added": {"endpoints": ["ops/c@example.org"]},
            "removed": {"endpoints": ["ops/b@example.org"]},
            "changed": {"endpoints": ["ops/a@example.org"]},
        }),
        (WHOLE.replace(WEBHOOK, ""), {"removed": {"endpoints": ["crm"]}}),
        (WHOLE.replace(WEBHOOK, WEBHOOK + 'events = ["sms.*"]\n'), {"changed": {"endpoints": ["crm"]}}),
        (WHOLE.replace(SYSTEM, SYSTEM + 'deadline = "9s"\n'), {"changed": {"systems": ["main"]}}),
        (WHOLE.replace("mail.example", "mx.example"), {"changed": {"settings": ["smtp"]}}),
        ("[daemon]\nfree_mib = 1\n" + WHOLE, {"changed": {"settings": ["daemon"]}}),
        (SYSTEM.replace("main", "other"), {
            "added": {"systems": ["other"]},
            "removed": {
                "endpoints": ["crm", "ops/a@example.org", "ops/b@example.org"],
                "watches": ["main/sip", "main/sip/1", "main/sms"],
                "systems": ["main"],
                "settings": ["smtp"],
            }
        }),
    ],
)  # fmt: skip
def test_a_difference_names_what_was_added_removed_and_changed(
    tmp_path: Path, after: str, expected: dict[str, dict[str, list[str]]]
) -> None:
    found = between(tmp_path, WHOLE, after)

    assert found == expected


def test_a_threshold_that_changed_is_its_watch_s(tmp_path: Path) -> None:
    with_limit = QUEUE + '[[systems.queues.thresholds]]\nmetric = "calls_waiting"\nabove = 5\n'

    assert between(tmp_path, QUEUE, with_limit) == {"changed": {"watches": ["main/queue/5"]}}


def test_a_reload_sees_that_a_secret_changed_and_the_store_does_not_know_it(tmp_path: Path) -> None:
    old = parts(config(tmp_path, WHOLE))
    new = parts(loaded(tmp_path, WHOLE, {**ENVIRON, "TOKEN": "0773137770:another"}).config)

    assert difference(old, new).changed["systems"] == ("main",)
    assert digests(old) == digests(new)


def test_what_is_kept_is_names_and_digests(tmp_path: Path) -> None:
    secretive = WHOLE.replace(WEBHOOK, WEBHOOK + 'headers = { Authorization = "Bearer hidden" }\n')
    kept = digests(parts(config(tmp_path, secretive)))
    other = digests(parts(config(tmp_path, secretive.replace("hidden", "changed"))))

    text = json.dumps(kept)
    assert not any(secret in text for secret in ("secret-of-the-system", SIGNING, "hidden"))
    assert kept == other, "a header's value may be a credential"
    assert {len(one) for by_name in kept.values() for one in by_name.values()} == {16}


def test_lines_name_a_few_and_count_the_rest() -> None:
    many = {"watches": tuple(f"main/{number:02}" for number in range(25))}

    (line,) = Difference({}, many, {}).lines()

    assert line.startswith("removed watches: main/00, main/01")
    assert line.endswith("main/19 and 5 more")


KEY = b"a key that they share"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('[daemon]\nmember = "north"\n', '[daemon]\nmember = "south"\n'),
        ('[daemon]\nkey_file = "a.key"\n', '[daemon]\nkey_file = "b.key"\n'),
        ('[daemon]\ndatabase = "sqlite:///a.db"\n', '[daemon]\ndatabase = "sqlite:///b.db"\n'),
        ('[http]\nlisten = "127.0.0.1:1"\n', '[http]\nlisten = "127.0.0.1:2"\n'),
        ("# a comment\n", ""),
        ("[daemon]\nfree_mib = 500\n", ""),  # as by default
    ],
)
def test_what_each_of_several_daemons_has_for_itself_makes_no_other_fingerprint(
    tmp_path: Path, one: str, other: str
) -> None:
    token = '[[http.tokens]]\nname = "t"\nscopes = ["read"]\ntoken = "a token of the http side"\n'
    found = [fingerprint(config(tmp_path, text + token + WHOLE), KEY) for text in (one, other)]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "after",
    [
        WHOLE.replace("[systems.sms]", '[systems.sms]\nevery = "20s"'),
        WHOLE.replace("contexts = [1]", "contexts = [2]"),
        WHOLE.replace('secret_env = "SIGNING"', f'secret = "whsec_{"B" * 43}="'),
        WHOLE.replace("a@example.org", "c@example.org"),
        WHOLE + '[[http.tokens]]\nname = "t"\nscopes = ["read"]\ntoken = "a token of the http side"\n',
        '[daemon]\ntimezone = "UTC"\n' + WHOLE,
    ],
)
def test_what_they_have_to_agree_on_does_secrets_included(tmp_path: Path, after: str) -> None:
    assert after != WHOLE
    before, then = (config(tmp_path, text) for text in (WHOLE, after))
    assert fingerprint(before, KEY) != fingerprint(then, KEY)
    assert fingerprint(before, KEY) != fingerprint(before, KEY + b"!")


def test_a_header_s_value_counts_and_no_secret_is_in_it(tmp_path: Path) -> None:
    """In what is shown of a configuration it does not: there a header's name is all."""
    text = WHOLE + '[webhooks.headers]\nX-Key = "{}"\n'
    one, other = (config(tmp_path, text.format(value)) for value in ("a secret", "another"))
    assert fingerprint(one, KEY) != fingerprint(other, KEY)
    assert len(fingerprint(one, KEY)) == 24
