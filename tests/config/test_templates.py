"""`[templates]` and the webhooks that name them: what is wrong is said at once, before anything is sent."""

from pathlib import Path

import pytest

from daemon.config import event_examples, template_trials
from daemon.config.event_examples import variants
from daemon.config.load import ConfigError, Loaded, load
from daemon.config.secrets import held
from daemon.core.event_types import EVENT_TYPES
from daemon.wiring.described import digests, fingerprint, parts
from daemon.wiring.senders import target
from tests.support.config_files import ENVIRON, QUIET, SMS, SYSTEM, written
from tests.support.event_page import bodies

CHAT = 'content-type: application/json\n\n{"text": "{{ title }}: {{ text }}"}\n'
HOOK = '[[webhooks]]\nname = "chat"\nurl = "http://127.0.0.1:9/x"\ntemplate = "chat"\n'
TABLE = '[templates]\nchat = "chat.txt"\n'


def load_with(directory: Path, text: str, **files: str) -> Loaded:
    for name, content in files.items():
        (directory / f"{name}.txt").write_text(content, encoding="utf-8")
    return load(written(directory, QUIET + SYSTEM + SMS + text), ENVIRON)


def faults(directory: Path, text: str, **files: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as refused:
        load_with(directory, text, **files)
    return refused.value.faults


def test_a_webhook_names_a_template_and_needs_no_signing_secret(tmp_path: Path) -> None:
    found = load_with(tmp_path, TABLE + HOOK, chat=CHAT)

    assert found.config.templates.text_of(found.config.webhooks[0]) == CHAT
    assert found.warnings == ()
    assert tmp_path / "chat.txt" in found.files


def test_the_examples_are_what_the_code_says_today() -> None:
    assert event_examples.FILE.read_text(encoding="utf-8") == bodies(), "`make events` writes them anew"
    assert tuple(event_examples.examples()) == EVENT_TYPES


def test_of_every_type_there_is_what_may_be_missing_and_what_may_be_unknown() -> None:
    fired = {about: body["data"]["alert"] for about, body in variants("sip.account.registered")}
    bare, unknown = list(fired)[1:]

    assert "ended_at" in fired[""]
    assert "ended_at" not in fired[bare]
    assert "started_at" in fired[bare]
    (_, _, (_, queue)) = variants("queue.threshold.crossed")
    assert queue["data"]["queue"]["longest_wait_seconds"] is None
    assert unknown


def test_every_fault_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    text = (
        '[templates]\nchat = "chat.txt"\nodd = "odd.txt"\ngone = "gone.txt"\nnumber = 5\n"a b" = "chat.txt"\n'
        + HOOK
        + HOOK.replace('"chat"', '"two"').replace('template = "two"', 'template = "caht"')
        + HOOK.replace('"chat"', '"three"').replace(
            'template = "three"', 'template = "chat"\nformat = "slack"'
        )
    )

    assert faults(tmp_path, text, chat=CHAT, odd="content-type: text/plain\n\n{% if %}") == (
        "[templates] odd = 'odd.txt': line 3: Expected an expression, got 'end of statement block'",
        "[templates] gone = 'gone.txt': cannot be read: No such file or directory",
        "[templates] number = 5: expected the path of a file",
        "[templates] \"a b\" = 'chat.txt': "
        'expected letters, digits, "_", "." and "-", a letter or digit first',
        "[webhooks \"two\"] template = 'caht': "
        'no template in [templates] has this name; did you mean "chat"?',
        '[webhooks "three"] has "format" and "template": give one of them',
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{{ data.sms.text }}", 'cannot tell sip.account.added: line 3: there is no "sms"'),
        ("{{ data.alert.ended_at }}", 'line 3: there is no "alert"'),
        ('{"a": {{ text }}', "what it makes is not JSON"),
    ],
)
def test_a_template_has_to_tell_whatever_may_come(tmp_path: Path, content: str, said: str) -> None:
    kind = "application/json" if content.startswith('{"') else "text/plain"

    found = faults(tmp_path, TABLE + HOOK, chat=f"content-type: {kind}\n\n{content}")

    assert any(said in one for one in found), found
    assert len(found) == 6
    assert found[-1].endswith("more types")


def test_what_may_be_missing_or_unknown_counts_as_well(tmp_path: Path) -> None:
    hook = HOOK + 'events = ["sip.account.unregistered"]\n'
    for content, about in (
        ("{{ data.alert.ended_at }}", "there is no"),
        ("{{ data.account.created_date|upper ~ data.account.created_date[0] }}", "null"),
    ):
        found = faults(tmp_path, TABLE + hook, chat=f"content-type: text/plain\n\n{content}")
        assert any(about in one for one in found), found


def test_only_what_may_come_counts(tmp_path: Path) -> None:
    content = "content-type: text/plain\n\n{{ data.sms.text }}"

    found = load_with(tmp_path, TABLE + HOOK + 'events = ["sms.received"]\n', chat=content)

    (warning,) = found.warnings
    assert "cannot tell test.ping, so `yemotd endpoints test` fails" in warning


def test_who_is_told_by_other_ways_has_to_be_told(tmp_path: Path) -> None:
    more = '[[escalations]]\nname = "night"\nevents = ["sip.*"]\nafter = "10m"\nto = ["chat"]\n'
    config = load_with(tmp_path, TABLE + HOOK + 'events = ["sms.received"]\n' + more, chat=CHAT).config
    quiet = HOOK + 'events = ["sip.*"]\n[[webhooks.quiet]]\nfrom = "22:00"\nto = "06:00"\n'
    silent = load_with(tmp_path, TABLE + quiet, chat=CHAT).config

    reached = template_trials.reaching(config, config.webhooks[0])
    assert "sip.account.unregistered" in reached
    assert "alert.acknowledged" in reached
    assert "quiet.ended" in template_trials.reaching(silent, silent.webhooks[0])


def test_a_template_that_nobody_names_is_a_warning(tmp_path: Path) -> None:
    (warning,) = load_with(tmp_path, TABLE, chat=CHAT).warnings

    assert warning.startswith("[templates] chat: no webhook has it")


@pytest.mark.parametrize("name", ["webhook-id", "Host", "content-length", "yemotd-event", "ce-id", "te"])
def test_no_header_of_ours_is_a_templates(tmp_path: Path, name: str) -> None:
    found = faults(tmp_path, TABLE, chat=CHAT.replace("\n\n", f"\n{name}: x\n\n", 1))

    assert found == (f"[templates] chat = 'chat.txt': line 2: \"{name}\" is set by yemotd itself",)


def test_a_header_stands_in_one_place(tmp_path: Path) -> None:
    hook = HOOK + '[webhooks.headers]\n"X-Team" = "a"\n'

    found = faults(tmp_path, TABLE + hook, chat=CHAT.replace("\n\n", "\nx-team: b\n\n", 1))

    assert 'has the header "x-team", which stands in [webhooks.headers] as well' in found[0]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", "to=1\npassword=hunter2222\n"),
        ("application/json", '{"api_key": "hunter2222"}'),
        ("text/xml", "<a><Password>hunter2222</Password></a>"),
        ("text/plain\nauthorization: Bearer hunter2222", "x"),
    ],
)
def test_a_secret_does_not_stand_in_a_template(tmp_path: Path, kind: str, body: str) -> None:
    (found,) = faults(tmp_path, TABLE, chat=f"content-type: {kind}\n\n{body}")

    assert "no secret may stand in a template" in found
    assert "hunter2222" not in found


def test_its_values_may_be_secrets_which_nobody_is_shown(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("hunter2222\n", encoding="utf-8")
    (tmp_path / "pw").chmod(0o600)
    fields = "user={{ values.user }}\npassword={{ values.password }}"
    content = f"content-type: application/x-www-form-urlencoded\n\n{fields}"
    hook = HOOK + '[webhooks.values]\nuser = "office"\npassword_file = "pw"\n'
    config = load_with(tmp_path, TABLE + hook, chat=content).config
    (webhook,) = config.webhooks

    assert webhook.given_values == (("user", "office"), ("password", "hunter2222"))
    assert "hunter2222" in held(webhook)
    assert "hunter2222" in target(webhook).hidden
    assert "hunter2222" not in repr(config) + repr(digests(parts(config)))


def test_values_have_names_that_a_template_can_say_and_are_for_templates(tmp_path: Path) -> None:
    assert "is no name that a template can say" in "".join(
        faults(tmp_path, TABLE + HOOK + '[webhooks.values]\n"a-b" = "x"\n', chat=CHAT)
    )
    plain = HOOK.replace('template = "chat"\n', 'secret_env = "SIGNING"\n')
    assert '"values" goes with "template"' in "".join(
        faults(tmp_path, plain + '[webhooks.values]\na = "x"\n')
    )


def test_members_agree_on_what_templates_say_and_a_changed_one_changes_its_webhook(tmp_path: Path) -> None:
    one = load_with(tmp_path, TABLE + HOOK, chat=CHAT).config
    other = load_with(tmp_path, TABLE + HOOK, chat=CHAT.replace(": {{", " - {{")).config

    assert fingerprint(one, b"k" * 32) != fingerprint(other, b"k" * 32)
    assert digests(parts(one))["endpoints"] != digests(parts(other))["endpoints"]
