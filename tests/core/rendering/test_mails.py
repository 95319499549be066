"""Mails: which messages go together, in which thread, and what a phone shows of them."""

import json
import re
import shlex
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from daemon.core.alerts.incidents import Incident
from daemon.core.contacts import Contacts
from daemon.core.delivery.outcome import Message
from daemon.core.event_types import ALERT_TYPES, EVENT_TYPES, KINDS
from daemon.core.model import Interval, Json, Severity
from daemon.core.rendering.clock_words import clock_time
from daemon.core.rendering.lasting import duration
from daemon.core.rendering.mail_grouping import compose
from daemon.core.rendering.mail_words import TOPICS
from daemon.core.rendering.mail_writing import LONGEST_SUBJECT, MOST_DOWN, MOST_LISTED, held_back
from daemon.core.rendering.mails import Mail, Style, Surroundings, Tone
from daemon.core.rendering.phrases import END, FIRST_STRONG, RIGHT_TO_LEFT
from daemon.core.watches import sip
from tests.support import event_examples
from tests.support.examples import examples

ENGLISH = Style(
    "ops/anna@example.org",
    "Anna <anna@example.org>",
    "Alerts <alerts@pbx.example>",
    "en",
    ZoneInfo("Asia/Jerusalem"),
)
HEBREW = replace(ENGLISH, language="he")
NOON = datetime(2026, 3, 1, 10, tzinfo=UTC)


def message(
    number: int, event_type: str, subject: str, payload: dict[str, object], attempt: int = 1
) -> Message:
    body = {
        "type": event_type,
        "timestamp": "2026-03-01T10:00:00.000Z",
        "data": {"id": f"evt_{number}", "system": "main", "sequence": number, "subject": subject, **payload},
    }
    raw = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")  # as events are stored
    return Message(
        number, "lease", "ops/anna@example.org", f"l{number}", f"evt_{number}", event_type, raw, attempt
    )


def sms(number: int, text: str, sender: str = "0541234567", attempt: int = 1) -> Message:
    payload: dict[str, object] = {
        "sms": {"from": sender, "to": "0773137770", "text": text, "received_at": "2026-03-01T12:00:00+02:00"}
    }
    return message(number, "sms.received", f"sms/{sender}", payload, attempt)


def phone(
    number: int,
    *,
    is_over: bool = False,
    incident: str = "inc_1",
    name: str = "077",
    severity: str = "error",
    attempt: int = 1,
) -> Message:
    alert: dict[str, object] = {
        "incident": incident,
        "status": "resolved" if is_over else "firing",
        "severity": severity,
        "reason": "resolved" if is_over else "first",
        "started_at": "2026-03-01T10:00:00.000Z",
        "changed_between": ["2026-03-01T09:59:00.000Z", "2026-03-01T10:00:00.000Z"],
    }
    if is_over:
        alert |= {"ended_at": "2026-03-01T10:18:00.000Z"}
    event_type = "sip.account.registered" if is_over else "sip.account.unregistered"
    account = {"user_name": name, "registered": is_over}
    return message(number, event_type, f"sip/{name}", {"account": account, "alert": alert}, attempt)


def carried(mails: Iterable[Mail]) -> list[int]:
    return [one.delivery for mail in mails for one in mail.messages]


def test_an_incident_is_one_thread_whose_subject_never_says_how_it_stands() -> None:
    (fired,) = compose([phone(1)], ENGLISH)
    (ended,) = compose([phone(2, is_over=True)], ENGLISH)

    assert fired.subject == ended.subject == "Phone 077: connection · main"
    assert fired.references == ended.references == "<inc_1@pbx.example>"
    assert fired.message_id != ended.message_id
    assert fired.preheader == "Phone 077 is off the network"
    assert ended.preheader == "Phone 077 is back on the network"


def test_an_alert_says_since_when_and_its_end_how_long() -> None:
    (fired,) = compose([phone(1)], ENGLISH)
    (ended,) = compose([phone(2, is_over=True)], ENGLISH)

    assert fired.parts[0].lines[0] == "Since 2026-03-01 12:00:00 (Israel time)"
    assert fired.parts[0].tone is Tone.BAD
    assert (
        ended.parts[0]
        .lines[0]
        .startswith("It lasted 18 min, from 2026-03-01 12:00:00 to 12:18:00 (Israel time)")
    )
    assert ended.parts[0].tone is Tone.GOOD
    assert ("Phone", "077") in fired.parts[0].details


def test_the_newest_of_an_incident_is_the_headline_and_the_others_stand_below() -> None:
    (mail,) = compose([phone(1), phone(2, is_over=True)], ENGLISH)

    (part,) = mail.parts
    assert part.headline == "Phone 077 is back on the network"
    assert part.lines[-1] == "Before that, 2026-03-01 12:00:00 (Israel time): Phone 077 is off the network"


def test_three_incidents_are_three_mails_and_four_are_one_list() -> None:
    several = [phone(number, incident=f"inc_{number}", name=f"07{number}") for number in range(1, 5)]

    assert len(compose(several[:3], ENGLISH)) == 3
    (mail,) = compose(several, ENGLISH)
    assert mail.subject == "4 alerts: Phone 071 is off the network"
    assert len(mail.parts) == 4
    assert mail.references is None


def test_a_list_begins_with_the_worst_and_ends_with_what_is_over() -> None:
    several = [
        phone(1, incident="inc_1", name="1", is_over=True, severity="critical"),
        phone(2, incident="inc_2", name="2", severity="warning"),
        phone(3, incident="inc_3", name="3", severity="critical"),
        phone(4, incident="inc_4", name="4", severity="error"),
    ]
    (mail,) = compose(several, ENGLISH)

    assert [part.headline.split()[1] for part in mail.parts] == ["3", "4", "2", "1"]


def test_a_long_list_says_how_many_it_leaves_out() -> None:
    many = [phone(n, incident=f"inc_{n}", name=str(n)) for n in range(1, MOST_LISTED + 13)]
    (mail,) = compose(many, ENGLISH)

    assert len(mail.parts) == MOST_LISTED
    assert mail.more == "12 more, the oldest 2026-03-01 12:00:00 (Israel time)"
    assert len(carried([mail])) == MOST_LISTED + 12


def test_sms_are_whole_however_long_and_however_many() -> None:
    texts = [f"{number} " + "word " * 1000 + "\nend" for number in range(60)]
    mails = compose([sms(number, text) for number, text in enumerate(texts)], ENGLISH)

    assert sorted(part.text or "" for mail in mails for part in mail.parts) == sorted(texts)
    assert [part.text for part in mails[0].parts] == texts[: len(mails[0].parts)][::-1]
    assert mails[0].subject == f"{len(mails[0].parts)} SMS, the newest from 0541234567"
    assert 1 < len(mails) < 10, "no mail program shows so much of one"


def test_a_code_is_set_apart_and_shown_by_the_phone() -> None:
    (mail,) = compose(
        [sms(1, "Hello from your bank. To log in to your account, use the code 482913")], ENGLISH
    )

    assert mail.parts[0].code == "482913"
    assert mail.subject.startswith("482913 · SMS from 0541234567: Hello")
    assert mail.preheader.startswith("482913")


def test_attempts_never_share_a_mail_and_an_attempt_makes_the_same_mail_again() -> None:
    """A mail whose fate is unknown goes out as itself, so that the reader's mailbox drops the second."""
    first = compose([sms(1, "a"), sms(2, "b")], ENGLISH)
    later = compose([sms(3, "c"), sms(1, "a", attempt=2), sms(2, "b", attempt=2)], ENGLISH)

    assert [carried([mail]) for mail in later] == [[3], [1, 2]]
    assert later[1].message_id == first[0].message_id
    assert later[1].parts == first[0].parts


def line(incident: str, name: str, status: str = "firing", **more: object) -> dict[str, object]:
    """An incident in a digest."""
    kept: dict[str, object] = {
        "incident": incident,
        "system": "main",
        "type": f"sip.account.{'unregistered' if status == 'firing' else 'registered'}",
        "subject": f"sip/{name}",
        "severity": "error",
        "status": status,
        "started_at": "2026-03-01T09:00:00.000Z",
        "ended_at": None if status == "firing" else "2026-03-01T09:30:00.000Z",
    }
    return kept | more


def digest(number: int, *lines: dict[str, object]) -> Message:
    quiet: dict[str, object] = {"held": len(lines), "incidents": list(lines)}
    return message(number, "quiet.ended", "endpoint/ops", {"quiet": quiet})


def test_the_end_of_a_quiet_window_is_one_mail_in_sentences_and_the_reader_s_language() -> None:
    held = [line(f"inc_{number}", f"07{number}") for number in range(1, 5)]
    told = [phone(number, incident=f"inc_{number}", name=f"07{number}") for number in range(1, 5)]
    (english,) = compose([*told, digest(9, *held)], ENGLISH)
    (hebrew,) = compose([*told, digest(9, *held)], HEBREW)

    assert english.subject == "The quiet time is over; 4 alerts were held back"
    assert hebrew.subject == f"זמן השקט הסתיים; {FIRST_STRONG}4{END} התראות הוחזקו"
    assert [part.headline for part in english.parts[1:]] == [
        f"Phone 07{number} is off the network" for number in range(1, 5)
    ]
    assert [part.headline for part in hebrew.parts[1:]] == [
        f"הטלפון {FIRST_STRONG}07{number}{END} מנותק" for number in range(1, 5)
    ]
    assert english.parts[1].lines == ("Since 2026-03-01 12:00:00 (Israel time)",)
    assert not any("sip.account" in repr(mail.parts) for mail in (english, hebrew))
    assert sorted(carried([english])) == [1, 2, 3, 4, 9]


def test_what_was_over_before_the_quiet_window_ended_is_told_by_its_mail_alone() -> None:
    over = line("inc_2", "088", "resolved", account={"user_name": "088", "registered": True})
    removed = line("inc_3", "099", "resolved", reason="removed")
    (mail,) = compose([digest(1, line("inc_1", "077"), over, removed)], ENGLISH)

    assert [(part.headline, part.tone) for part in mail.parts[1:]] == [
        ("Phone 077 is off the network", Tone.BAD),
        ("Phone 088 is back on the network", Tone.GOOD),
        ("No longer watched: Phone 099", Tone.GOOD),
    ]
    assert mail.parts[2].lines[0].startswith("It lasted 30 min, from 2026-03-01 11:00:00")


def test_an_alert_that_no_quiet_window_held_keeps_its_own_mail() -> None:
    mails = compose([digest(1, line("inc_1", "077")), phone(2, incident="inc_2", name="088")], ENGLISH)

    assert [mail.subject for mail in mails] == [
        "The quiet time is over; one alert was held back",
        "Phone 088: connection · main",
    ]


def test_a_digest_names_nothing_that_is_redacted() -> None:
    style = replace(ENGLISH, redact=("account.user_name",))
    held = line("inc_1", "0773137770", account={"user_name": "0773137770", "registered": False})
    (mail,) = compose([digest(1, held)], style)

    assert "0773137770" not in repr((mail.subject, mail.preheader, mail.parts))


def test_no_subject_says_that_something_answers_which_does_not() -> None:
    error: dict[str, object] = {"class": "timeout", "message": "-"}
    alert: dict[str, object] = {
        "incident": "inc_1",
        "status": "firing",
        "severity": "error",
        "reason": "first",
    }
    told = message(1, "api.unreachable", "api", {"error": error, "watches": ["sms"], "alert": alert})

    assert [compose([told], one)[0].subject for one in (ENGLISH, HEBREW)] == [
        "Yemot HaMashiach: connection · main",
        f"ימות המשיח: חיבור · {FIRST_STRONG}main{END}",
    ]


def test_two_mailboxes_get_different_ids_in_one_thread() -> None:
    other = replace(ENGLISH, endpoint="ops/ben@example.org")

    assert compose([phone(1)], ENGLISH)[0].message_id != compose([phone(1)], other)[0].message_id
    assert compose([phone(1)], ENGLISH)[0].references == compose([phone(1)], other)[0].references


def test_what_is_redacted_stands_nowhere() -> None:
    style = replace(ENGLISH, redact=("sms.text",))
    (mail,) = compose([sms(1, "the code is 482913")], style)

    assert "482913" not in repr((mail.subject, mail.preheader, mail.parts))


def test_hebrew_has_its_own_words_and_isolates_what_is_not_hebrew() -> None:
    (mail,) = compose([phone(1)], HEBREW)

    assert mail.subject == f"טלפון {FIRST_STRONG}077{END}: חיבור · {FIRST_STRONG}main{END}"
    assert mail.parts[0].lines[0] == f"מאז {FIRST_STRONG}01.03.2026 בשעה 12:00:00 (שעון ישראל){END}"
    assert ("טלפון", f"{FIRST_STRONG}077{END}") in mail.parts[0].details or ("טלפון", "077") in mail.parts[
        0
    ].details


def test_a_note_stands_in_the_last_mail() -> None:
    note = held_back(NOON + timedelta(minutes=12), ENGLISH)
    mails = compose([sms(1, "a"), phone(2)], ENGLISH, note=note)

    assert [mail.note for mail in mails] == [None, note]
    assert note.startswith("No more mails are sent until 2026-03-01 12:12:00 (Israel time).")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (59, "59 s"), (1080, "18 min"), (7500, "2 h 5 min"), (180_000, "2 d 2 h")],
)
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds, "en") == shown


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
TYPES = ["sms.received", "sip.account.unregistered", "queue.threshold.crossed", "quiet.ended", "no.such"]
PAYLOADS = st.dictionaries(
    st.sampled_from(["sms", "account", "queue", "alert", "threshold", "error", "quiet"]),
    VALUES | st.fixed_dictionaries({"incidents": st.lists(VALUES, max_size=4)}),
)


@given(
    told=st.lists(st.tuples(st.sampled_from(TYPES), PAYLOADS, st.integers(1, 3)), min_size=1, max_size=8),
    is_hebrew=st.booleans(),
)
def test_every_message_is_in_exactly_one_mail_whatever_it_says(
    told: list[tuple[str, dict[str, object], int]], *, is_hebrew: bool
) -> None:
    messages = [
        message(number, event_type, "x/y", payload, attempt)
        for number, (event_type, payload, attempt) in enumerate(told)
    ]
    mails = compose(messages, HEBREW if is_hebrew else ENGLISH)

    assert sorted(carried(mails)) == list(range(len(told)))
    assert all(len({one.attempt for one in mail.messages}) == 1 for mail in mails)
    assert all("\n" not in mail.subject and len(mail.subject) <= LONGEST_SUBJECT + 8 for mail in mails)
    assert all(mail.subject.count(FIRST_STRONG) == mail.subject.count(END) for mail in mails)
    assert len({mail.message_id for mail in mails}) == len(mails)


OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066\u2067\ud800-\udfff]")


@given(text=st.text(st.characters(codec=None)), is_hebrew=st.booleans())
def test_nothing_that_somebody_wrote_is_obeyed(text: str, *, is_hebrew: bool) -> None:
    alert: dict[str, object] = {"incident": "inc_1", "severity": text, "status": text}
    many: dict[str, object] = {"accounts": {"unregistered": [text, text], "total": text}, "alert": alert}
    told = [
        sms(1, text, text),
        phone(2, name=text),
        message(3, "sip.accounts.unregistered", text, many),
        message(4, text, text, {"error": {"class": text, "message": text}}),
        digest(5, line("inc_9", text, account={"user_name": text}, severity=text)),
    ]
    for mail in compose(told, HEBREW if is_hebrew else ENGLISH):
        shown = [mail.subject, mail.preheader, mail.more or ""]
        for part in mail.parts:
            shown += [
                part.headline,
                *part.lines,
                part.text or "",
                *(one for pair in part.details for one in pair),
            ]
        assert not OBEYED.search("".join(shown))
        assert all(one.count(FIRST_STRONG) == one.count(END) for one in shown)
        assert is_hebrew or RIGHT_TO_LEFT.search(text) or FIRST_STRONG not in "".join(shown)


def test_the_line_breaks_and_tabs_of_an_sms_stay() -> None:
    (mail,) = compose([sms(1, "a\tb\r\n\r\nc\rd\n\x1b[2J\u202e")], ENGLISH)

    assert mail.parts[0].text == "a\tb\n\nc\nd\n⟨U+001B⟩[2J⟨U+202E⟩"


def test_every_kind_of_alert_has_a_topic_in_both_languages() -> None:
    assert {kind.fires for kind in KINDS.values()} <= TOPICS.keys()
    assert {kind.resolves for kind in KINDS.values()} <= TOPICS.keys()


WITH_LINKS = replace(ENGLISH, url="https://pbx.example/yemotd")


def incident(name: str, severity: Severity = Severity.ERROR, minutes: int = 0) -> Incident:
    started = NOON - timedelta(minutes=minutes)
    account: dict[str, Json] = {"account": {"user_name": name, "registered": False, "created_date": None}}
    return Incident(
        f"inc_{name}", "main", f"sip/{name}", "sip", sip.KIND, f"sip/{name}", severity, account,
        started, Interval(None, started), started,
    )  # fmt: skip


def around(*down: Incident, many: int | None = None, told: tuple[str, ...] = (), **more: Any) -> Surroundings:
    return Surroundings(
        NOON, down, len(down) if many is None else many, told={"inc_1": told} if told else {}, **more
    )


def test_an_alert_says_what_may_be_done_about_it_each_on_a_line_to_copy() -> None:
    (mail,) = compose([phone(1)], ENGLISH)

    assert [(act.label, act.command, act.link) for act in mail.parts[0].acts] == [
        ("Acknowledge it", "yemotd alerts ack inc_1", None),
        (
            "Silence it for 8 hours",
            "yemotd silence add --system=main --subject=sip/077 --for 8h --comment seen",
            None,
        ),
        ("Why, and who was told", "yemotd explain inc_1", None),
    ]
    (over,) = compose([phone(2, is_over=True)], ENGLISH)
    assert [act.command for act in over.parts[0].acts] == ["yemotd explain inc_1"]


def test_there_are_links_where_it_is_known_how_the_daemon_is_reached() -> None:
    known = around(acknowledge=lambda incident, at: f"/ack/{incident}.{at:%H%M}")
    (mail,) = compose([phone(1)], WITH_LINKS, around=known)

    assert [act.link for act in mail.parts[0].acts] == [
        "https://pbx.example/yemotd/ack/inc_1.1000",
        "https://pbx.example/yemotd/silences?system=main&subject=sip%2F077&for=8h",
        "https://pbx.example/yemotd/incidents/inc_1",
    ]
    (without,) = compose([phone(1)], WITH_LINKS)
    assert without.parts[0].acts[0].link is None
    (unreached,) = compose([phone(1)], ENGLISH, around=known)
    assert {act.link for act in unreached.parts[0].acts} == {None}


def test_of_a_list_each_alert_has_its_links_and_one_line() -> None:
    several = [phone(number, incident=f"inc_{number}", name=f"07{number}") for number in range(1, 5)]
    (plain,) = compose(several, ENGLISH)
    (linked,) = compose(several, WITH_LINKS)

    assert [[act.command for act in part.acts] for part in plain.parts] == [
        [f"yemotd explain inc_{number}"] for number in range(1, 5)
    ]
    assert [len(part.acts) for part in linked.parts] == [2] * 4
    assert all(act.link and not act.command for part in linked.parts for act in part.acts)


GLOBS = st.text("*?[]!a-b/'\" $;", min_size=1, max_size=8)


@example(subject="sip/07*", system="main")
@example(subject="-x", system="a b")
@settings(max_examples=examples(200))
@given(subject=st.text(st.characters(codec=None), max_size=40) | GLOBS, system=st.text(max_size=20))
def test_a_line_to_copy_silences_that_subject_alone_or_is_not_there(subject: str, system: str) -> None:
    """It is read as a shell and the command line would, whatever the platform calls its phones."""
    told = message(1, "sip.account.unregistered", subject, {"alert": {"incident": "inc_1"}})
    body = json.loads(told.body)
    body["data"]["system"] = system
    (mail,) = compose([told._replace(body=json.dumps(body).encode())], WITH_LINKS)

    for act in mail.parts[0].acts:
        assert act.command is None or not OBEYED.search(act.command)
        assert act.command is None or "\n" not in act.command
        if act.command and act.command.startswith("yemotd silence"):
            words = shlex.split(act.command)
            (glob,) = [one.removeprefix("--subject=") for one in words if one.startswith("--subject=")]
            meant = body["data"]["subject"]
            assert fnmatchcase(meant, glob)
            assert not fnmatchcase(meant + "x", glob) and not fnmatchcase("x" + meant, glob)
        if act.link and "/silences?" in act.link:
            assert parse_qs(urlsplit(act.link).query)["subject"] == [body["data"]["subject"]]


def test_an_incident_that_is_no_id_of_ours_is_no_word_of_a_shell() -> None:
    hostile = phone(1, incident="inc_1; rm -rf /")

    assert compose([hostile], ENGLISH)[0].parts[0].acts == ()


def test_what_is_redacted_is_in_no_line_and_in_nothing_else_that_is_down() -> None:
    style = replace(WITH_LINKS, redact=("account.user_name",))
    (mail,) = compose([phone(1)], style, around=around(incident("0773137779")))

    assert "077" not in repr((mail.parts, mail.also))
    assert [act.command for act in mail.parts[0].acts] == ["yemotd alerts ack inc_1", "yemotd explain inc_1"]


def test_what_else_is_down_is_listed_the_worst_ten_and_counted_as_of_then() -> None:
    down = [incident(f"07{n}", minutes=n) for n in range(14)]
    (mail,) = compose([phone(1)], ENGLISH, around=around(*down, many=40))

    assert mail.also is not None
    assert mail.also.heading == "As of 2026-03-01 12:00:00 (Israel time), 40 more are down, the worst first:"
    assert len(mail.also.lines) == MOST_DOWN
    assert mail.also.lines[3] == "Phone 073 is off the network, since 2026-03-01 11:57:00 · main"
    assert mail.also.more == "and 30 more"


def test_what_the_mail_is_about_is_not_counted_among_what_else_is_down() -> None:
    own = replace(incident("077"), id="inc_1")
    known = around(own, incident("078"), counted=frozenset({"inc_1"}))
    (mail,) = compose([phone(1)], ENGLISH, around=known)
    (alone,) = compose([phone(1)], ENGLISH, around=around(own, counted=frozenset({"inc_1"})))

    assert mail.also is not None and alone.also is not None
    assert mail.also.heading.endswith("one more is down:")
    assert mail.also.lines == ("Phone 078 is off the network, since 2026-03-01 12:00:00 · main",)
    assert alone.also.heading == "As of 2026-03-01 12:00:00 (Israel time), nothing else is known to be down"


def test_nothing_is_said_of_what_could_not_be_found_out_nor_where_it_is_no_matter() -> None:
    assert compose([phone(1)], ENGLISH)[0].also is None
    assert not any("told" in line for line in compose([phone(1)], ENGLISH)[0].parts[0].lines)
    assert compose([sms(1, "x")], ENGLISH, around=around(incident("078")))[0].also is None


def test_who_else_was_told_is_named_but_not_the_reader() -> None:
    told = ("ops/anna@example.org", "crm", "smtp", *(f"e{n}" for n in range(20)))
    (mail,) = compose([phone(1)], ENGLISH, around=around(told=told))
    (nobody,) = compose([phone(1)], ENGLISH, around=around(told=("ops/anna@example.org",)))

    (line,) = [one for one in mail.parts[0].lines if one.startswith("Told")]
    assert line.startswith("Told so far, besides you: crm, mail server, e0, e1")
    assert line.endswith(", and 12 more")
    assert "Nobody else was told so far" in nobody.parts[0].lines


def test_names_stand_beside_numbers_in_subject_headline_and_what_else_is_down() -> None:
    named = phone(1, name="0773137770")._replace(names='{"0773137770":"Dana"}')
    known = around(incident("0773137779"), contacts=Contacts.of([("0773137779", "Yossi")]))
    (mail,) = compose([named], ENGLISH, around=known)

    assert mail.subject == "Phone Dana (0773137770): connection · main"
    assert mail.parts[0].headline == "Phone Dana (0773137770) is off the network"
    assert ("Phone", "Dana (0773137770)") in mail.parts[0].details
    assert mail.also is not None
    assert mail.also.lines[0].startswith("Phone Yossi (0773137779) is off the network")


@pytest.mark.parametrize("style", [ENGLISH, HEBREW], ids=["en", "he"])
@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_the_lock_screen_of_a_phone_shows_the_subject(event_type: str, style: Style) -> None:
    """Of what is usual; and it begins with what it is about, not with who sends it."""
    body = event_examples.example(event_type)
    raw = json.dumps(body, ensure_ascii=False).encode()
    told = Message(1, "lease", style.endpoint, "l", body["data"]["id"], event_type, raw, 1)
    (mail,) = compose([told], style)
    shown = mail.subject.replace(FIRST_STRONG, "").replace(END, "")

    assert len(shown) <= LONGEST_SUBJECT
    assert shown.split()[0] not in ("yemotd", "main")
    assert "…" not in shown or not kind_is_alert(event_type), "an incident's subject is whole"


def kind_is_alert(event_type: str) -> bool:
    return event_type in ALERT_TYPES


def test_the_hour_that_the_clocks_show_twice_says_which_of_the_two_it_is() -> None:
    for hour, offset in ((22, "03:00"), (23, "02:00")):
        moment = datetime(2026, 10, 24, hour, 30, tzinfo=UTC)
        assert clock_time(moment, ENGLISH.zone, "en") == f"2026-10-25 01:30:00 (Israel time, UTC+{offset})"
    usual = clock_time(datetime(2026, 10, 24, 12, tzinfo=UTC), ENGLISH.zone, "en")
    assert usual == "2026-10-24 15:00:00 (Israel time)"
