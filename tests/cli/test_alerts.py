"""What is wrong, why somebody was told or not, and what is muted: asked in a terminal."""

import json
import os
from pathlib import Path

import pytest

from daemon.core.delivery.outcome import Outcome
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import Quiet
from tests.cli.conftest import Call
from tests.support.config_files import SYSTEM, WEBHOOK
from tests.support.story import Story

MUTED = WEBHOOK.replace("crm", "ops") + 'after = "1h"\n'


@pytest.fixture
def story(call: Call) -> Story:
    """A phone that dropped off, in the store of the directory: "crm" was told after a failed attempt."""
    path = Path("config.toml")
    path.touch(mode=0o600)
    path.write_text(SYSTEM + "[systems.sip]\n" + WEBHOOK + MUTED, encoding="utf-8")
    interests = [Interest("crm", ("*",), None), Interest("ops", ("sip.account.registered",), None)]
    one = Story(Path("yemotd.db"), interests=interests)
    one.phone("077", (10, 10_000))
    one.phone("088", (170, 10_000))
    one.endpoint_says(Outcome.UNREACHABLE, 0, 72)
    one.run(until=200)
    one.database.close()
    return one


def test_what_is_wrong_is_listed_with_whom_it_was_told(call: Call, story: Story) -> None:
    code, out, _ = call("alerts", "list")

    told, pending = out.splitlines()
    assert code == 0
    assert "firing" in told
    assert "sip.account.unregistered sip/077" in told
    assert "crm: firing; ops: untold, held: unwanted" in told
    assert "pending" in pending
    assert "told to nobody yet" in pending


def test_what_holds_it_back_is_said_in_words_until_when(call: Call) -> None:
    path = Path("config.toml")
    path.touch(mode=0o600)
    always = '[[windows]]\nname = "always"\nfrom = "00:00"\nto = "24:00"\nbreak_through = "critical"\n'
    office = (
        '[[windows]]\nname = "office"\ndays = ["sun"]\nfrom = "08:00"\nto = "17:00"\nexcept = ["holidays"]\n'
    )
    sip = '[systems.sip]\nactive = "office"\nignore = ["0770000000=9"]\n'
    text = always + office + SYSTEM + sip + WEBHOOK + 'quiet = ["always"]\n' + MUTED
    path.write_text(text, encoding="utf-8")
    asleep = Interest("crm", ("*",), None, quiet=(Quiet(lambda _at: True),))
    one = Story(Path("yemotd.db"), interests=[asleep, Interest("ops", ("*",), None)])
    one.phone("077", (10, 10_000))
    one.run(until=200)
    one.database.close()

    quiet = "quiet with no end in sight, always: every day 00:00 to 00:00"
    assert f"crm: untold, held: {quiet}; ops: firing" in call("alerts", "list")[1]
    assert f"  now  held: {quiet}" in call("explain", "inc_1")[1]
    waits = f"{quiet}; 1 waits; critical alerts and worse break through"
    assert "crm  healthy" in call("endpoints", "list")[1]
    assert f"  {waits}" in call("endpoints", "list")[1]
    assert f"endpoint  crm: {waits}" in call("status")[1]
    checked = call("check")[1]
    assert "  quiet   always: every day 00:00 to 00:00; now until" in checked
    assert "active office: Sun 08:00 to 17:00, except Yom Tov in Jerusalem; n" in checked
    assert "ignores 0770000000=9" in checked


def test_nothing_wrong_is_said_in_words(call: Call) -> None:
    Path("config.toml").touch(mode=0o600)
    Path("config.toml").write_text(SYSTEM, encoding="utf-8")
    Story(Path("yemotd.db")).database.close()

    assert call("alerts", "list") == (0, "Nothing is wrong.\n", "")
    assert call("alerts", "list", "--json") == (0, "", "")
    assert call("silence", "list") == (0, "Nothing is silenced.\n", "")


def test_an_incident_is_explained_from_the_observation_to_the_attempts(call: Call, story: Story) -> None:
    code, out, _ = call("explain", "inc_1")

    lines = [line.strip() for line in out.splitlines()]
    order = [
        "incident",
        "observed",
        "pending",
        "firing, after 1m observed",
        "told: first",
        "attempt 1",
        "attempt 2",
        "held: unwanted",
    ]
    at = [next(n for n, line in enumerate(lines) if word in line) for word in order]
    assert code == 0
    assert at == sorted(at)
    assert "unreachable" in lines[at[5]]
    assert "accepted" in lines[at[6]]


def test_a_subject_that_is_pending_is_explained_with_its_timer(call: Call, story: Story) -> None:
    code, out, _ = call("explain", "sip/088")

    assert code == 0
    assert "pending since" in out
    assert "20s of it observed; not told to anybody yet" in out


@pytest.mark.parametrize("spelling", ["972773137770", "+972-77-313 77 70", "0773137770"])
def test_a_phone_is_explained_by_any_spelling_of_it(call: Call, spelling: str) -> None:
    path = Path("config.toml")
    path.touch(mode=0o600)
    path.write_text(SYSTEM + "[systems.sip]\n" + WEBHOOK, encoding="utf-8")
    story = Story(Path("yemotd.db"), interests=[Interest("crm", ("*",), None)])
    story.phone("0773137770", (10, 10_000))
    story.run(until=60)
    pending = call("explain", f"sip/{spelling}")
    story.run(until=120)
    fired = call("explain", f"sip/{spelling}")
    story.database.close()

    assert pending[0] == fired[0] == 0
    assert "sip.account.unregistered sip/0773137770 on main" in pending[1]
    assert "told: first" in fired[1]


def test_an_event_is_explained_with_who_did_not_get_it(call: Call, story: Story) -> None:
    code, out, _ = call("explain", "evt_1", "--json")
    document = json.loads(out)

    assert code == 0
    assert document["event"]["data"]["alert"]["incident"] == document["incidents"][0]["id"] == "inc_1"
    assert [(one["endpoint"], one["status"]) for one in document["deliveries"]] == [("crm", "delivered")]
    assert [one["outcome"] for one in document["deliveries"][0]["attempts"]] == ["unreachable", "accepted"]
    assert "not sent to ops: see below" in call("explain", "evt_1")[1]


@pytest.mark.parametrize("what", ["evt_0", "inc_0", "sip/000"])
def test_what_the_store_does_not_know_is_said(call: Call, story: Story, what: str) -> None:
    code, out, err = call("explain", what)

    assert (code, out) == (os.EX_DATAERR, "")
    assert repr(what) in err


def test_a_silence_is_added_listed_and_ended(call: Call, story: Story) -> None:
    code, out, _ = call("silence", "add", "--subject", "sip/077", "--for", "2h", "--comment", "new phone")
    assert code == 0
    assert "it mutes sip.account.unregistered sip/077 of main" in out

    (listed,) = [json.loads(line) for line in call("silence", "list", "--json")[1].splitlines()]
    assert (listed["subject"], listed["comment"], listed["expired_at"]) == ("sip/077", "new phone", None)
    assert call("silence", "expire", listed["id"]) == (0, "", "")
    assert call("silence", "list") == (0, "Nothing is silenced.\n", "")
    assert "ended" in call("silence", "list", "--all")[1]
    assert call("silence", "expire", listed["id"])[0] == os.EX_DATAERR


def test_a_silence_that_comes_back_says_when(call: Call, story: Story) -> None:
    add = ("silence", "add", "--subject", "sip/*", "--comment", "maintenance", "--every", "sun, wednesday")
    code, out, err = call(*add, "--from", "02:00", "--to", "04:00")
    assert (code, err) == (0, "")
    assert "Sun, Wed 02:00 to 04:00; n" in out

    (listed,) = [json.loads(line) for line in call("silence", "list", "--json")[1].splitlines()]
    assert listed["weekly"] == {
        "days": ["sun", "wed"],
        "from": "02:00",
        "to": "04:00",
        "timezone": "Asia/Jerusalem",
    }
    assert "Sun, Wed 02:00 to 04:00; n" in call("silence", "list")[1]
    assert call("silence", "expire", listed["id"]) == (0, "", "")
    assert call("silence", "list") == (0, "Nothing is silenced.\n", "")


@pytest.mark.parametrize("until", ["23:59", "tomorrow", "tomorrow 08:00", "2h"])
def test_its_end_is_given_as_people_say_it(call: Call, story: Story, until: str) -> None:
    code, out, err = call(
        "silence", "add", "--subject", "sip/*", "--until", until, "--comment", "-", "--json"
    )

    assert (code, err) == (0, "")
    assert json.loads(out)["ends_at"] > json.loads(out)["starts_at"]


def test_a_silence_until_it_is_over_needs_something_that_fires(call: Call, story: Story) -> None:
    add = ("silence", "add", "--until-resolved", "--comment", "-")

    assert call(*add, "--subject", "sip/077")[0] == 0
    assert call(*add, "--subject", "sip/000")[0] == os.EX_DATAERR


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--for", "2h"), "give --type, --system or --subject"),
        (("--subject", "sip/*"), "one of --for, --until and --until-resolved"),
        (("--subject", "sip/*", "--for", "2h", "--until-resolved"), "one of --for"),
        (("--subject", "sip/*", "--for", "soon"), "expected a duration"),
        (("--subject", "sip/*", "--until", "some day"), "expected a time such as"),
        (("--subject", "sip/*", "--every", "sun"), "--every goes with --from and --to"),
        (
            ("--subject", "sip/*", "--every", "sonntag", "--from", "02:00", "--to", "04:00"),
            "days such as sun,wed",
        ),
        (("--subject", "sip/*", "--from", "02:00"), "--from and --to go together"),
        (("--subject", "sip/*", "--from", "2", "--to", "04:00"), "expected a time of day"),
        (
            ("--subject", "sip/*", "--for", "2h", "--from", "02:00", "--to", "04:00"),
            "goes on until --until, or until it is ended by hand",
        ),
        (("--subject", "sip/*", "--until", "2001-01-01T00:00"), "over before it begins"),
        (("--subject", "sip/*", "--until", "2999-01-01T00:00"), "it would last more than 3650d"),
        (("--subject", "sip/*", "--for", "2h", "--start", "2999-01-01T00:00"), "--start is more than 3650d"),
        (("--subject", "sip/*", "--until", "0001-01-01T00:00+23:00"), "expected a time between"),
    ],
)
def test_a_silence_that_is_not_one_is_refused(
    call: Call, story: Story, options: tuple[str, ...], said: str
) -> None:
    code, out, err = call("silence", "add", *options, "--comment", "-")

    assert (code, out) == (os.EX_USAGE, "")
    assert said in err


def test_check_says_how_soon_each_thing_is_told(call: Call, story: Story) -> None:
    assert "unregistered: told within 1m to 1m30s" in call("check")[1]
    (system,) = json.loads(call("check", "--json")[1])["systems"]
    assert system["watches"][0]["told_within_seconds"] == {"unregistered": [60, 90]}


def test_an_alert_is_taken_on_once_and_shown_with_who_has_it(call: Call, story: Story) -> None:
    code, out, _ = call("alerts", "ack", "inc_1", "--by", "Dana", "--note", "on my way")
    assert code == 0
    assert "sip.account.unregistered sip/077 of main: Dana has it since" in out
    assert "(on my way); the others are told" in out
    assert "No daemon runs on this database" in out

    again = json.loads(call("alerts", "ack", "inc_1", "--by", "Dana", "--json")[1])
    assert (again["by"], again["is_new"]) == ("Dana", False)
    assert "Dana has it since" in call("alerts", "list")[1].splitlines()[0]
    assert "in hand" in call("explain", "inc_1")[1]


def test_what_cannot_be_taken_on_is_refused_in_words_of_the_command_line(call: Call, story: Story) -> None:
    call("alerts", "ack", "inc_1", "--by", "Dana")

    code, _, said = call("alerts", "ack", "inc_1", "--by", "Moshe")
    assert (code, "--take-over takes it over" in said) == (os.EX_DATAERR, True)
    code, _, said = call("alerts", "ack", "inc_9")
    assert code == os.EX_DATAERR
    assert "there is no incident 'inc_9'; `yemotd alerts list` shows those there are" in said
    for words in (["--for", "x"], ["--until", "x"], ["--for", "1h", "--until", "tomorrow"]):
        assert call("alerts", "ack", "inc_1", "--by", "Dana", *words)[0] == os.EX_USAGE


def test_it_may_last_until_an_hour_that_people_name(call: Call, story: Story) -> None:
    said = json.loads(call("alerts", "ack", "inc_1", "--until", "tomorrow 08:00", "--json")[1])

    assert said["until"].endswith(":00:00.000Z")
