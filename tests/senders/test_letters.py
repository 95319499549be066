"""Letters: what goes over the wire, read back by the standard library's own parser."""

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.rendering.mail_grouping import compose
from daemon.core.rendering.mail_writing import weight
from daemon.core.rendering.mails import Mail, Style, Surroundings
from daemon.core.rendering.phrases import END, FIRST_STRONG
from daemon.senders import mail_head
from daemon.senders.letters import Letters, faults
from tests.core.rendering.test_mails import (
    ENGLISH,
    HEBREW,
    NOON,
    OBEYED,
    incident,
    message,
    phone,
    sms,
)
from tests.support import mail_heads
from tests.support.examples import examples

OURS = Letters(None)


def sent(mail: Mail, style: Style, letters: Letters = OURS) -> EmailMessage:
    """A letter as a mail program has it."""
    raw = letters.render(mail, style, now=NOON).as_bytes()
    return message_from_bytes(raw, policy=policy.default)


def body(letter: EmailMessage, kind: str) -> str:
    part = letter.get_body((kind,))
    assert part is not None
    text: str = part.get_content()
    return text.replace("\r\n", "\n")


class Page(HTMLParser):
    """The text of a page, and its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_plain_part_says_it_all() -> None:
    (mail,) = compose([phone(1, is_over=True)], ENGLISH)

    assert body(sent(mail, ENGLISH), "plain").splitlines() == [
        "Phone 077 is back on the network",
        "",
        "It lasted 18 min, from 2026-03-01 12:00:00 to 12:18:00 (Israel time)",
        "It happened between 2026-03-01 11:59:00 and 12:00:00 (Israel time)",
        "",
        "System: main",
        "Severity: error",
        "Phone: 077",
        "",
        "Why, and who was told:",
        "  yemotd explain inc_1",
        "",
        "-- ",
        "Ids: evt_1 · inc_1",
    ]


def test_a_program_and_a_person_know_it_for_an_automatic_mail_of_this_thread() -> None:
    (mail,) = compose([phone(1)], HEBREW)
    letter = sent(mail, HEBREW)

    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["X-Auto-Response-Suppress"] == "All"
    assert letter["Content-Language"] == "he"
    assert letter["Date"] == "Sun, 01 Mar 2026 12:00:00 +0200"
    assert letter["Message-ID"] == mail.message_id
    assert letter["References"] == letter["In-Reply-To"] == "<inc_1@pbx.example>"
    assert letter["List-Id"] == "<alerts.yemotd.pbx.example>"
    assert (letter["From"], letter["To"]) == ("Alerts <alerts@pbx.example>", "Anna <anna@example.org>")
    assert [part.get_content_type() for part in letter.iter_parts()] == ["text/plain", "text/html"]


def test_the_same_mail_is_the_same_bytes() -> None:
    (mail,) = compose([sms(1, "a\u05d0")], HEBREW)

    assert bytes(OURS.render(mail, HEBREW, now=NOON)) == bytes(OURS.render(mail, HEBREW, now=NOON))


def test_hebrew_runs_from_right_to_left_and_what_is_not_hebrew_stands_apart() -> None:
    (mail,) = compose([phone(1)], HEBREW)
    letter = sent(mail, HEBREW)
    page = Page(body(letter, "html"))

    assert ("html", {"lang": "he", "dir": "rtl"}) in page.tags
    assert {attrs.get("dir") for tag, attrs in page.tags if tag in ("body", "td", "table")} == {"rtl"}
    assert ("bdi", {}) in page.tags
    assert FIRST_STRONG not in "".join(page.texts) and END not in "".join(page.texts)
    paragraphs = [
        line for line in body(letter, "plain").splitlines() if line.strip() and line[:2] not in ("--", "  ")
    ]
    assert all(line[0] == "\u200f" for line in paragraphs)


def test_a_code_can_be_copied_as_it_is() -> None:
    (mail,) = compose([sms(1, "your code is 482913")], ENGLISH)
    letter = sent(mail, ENGLISH)

    assert "482913" in Page(body(letter, "html")).texts
    assert "Code: 482913" in body(letter, "plain").splitlines()


def test_what_somebody_wrote_is_text_and_never_markup() -> None:
    (mail,) = compose([sms(1, "<script>alert(1)</script><img src=x> & {{ 7*7 }}\n\nsecond")], ENGLISH)
    page = Page(body(sent(mail, ENGLISH), "html"))

    assert {"script", "img"}.isdisjoint(tag for tag, _ in page.tags)
    assert "<script>alert(1)</script><img src=x> & {{ 7*7 }}\n\nsecond" in "".join(page.texts)


ANY = st.text(st.characters(codec=None), max_size=60)


@settings(max_examples=examples(60))
@given(text=ANY, sender=ANY, is_hebrew=st.booleans())
def test_nothing_that_somebody_wrote_reaches_another_header(
    text: str, sender: str, *, is_hebrew: bool
) -> None:
    style = HEBREW if is_hebrew else ENGLISH
    wire = "\r\nBcc: eve@example.org\r\n"
    (mail,) = compose([sms(1, text + wire + text, sender + wire)], style)
    letter = sent(mail, style)
    raw = OURS.render(mail, style, now=NOON).as_bytes()
    fields = mail_heads.unfolded(raw.partition(b"\r\n\r\n")[0])

    assert letter["Bcc"] is None
    assert mail_heads.text(fields["Subject"]) == mail_head.fit(mail.subject) == str(letter["Subject"])
    assert not letter.defects
    assert set(letter.keys()) == {
        "Date", "From", "To", "Subject", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress",
        "List-Id", "X-Yemotd-Event", "MIME-Version", "Content-Type", "Content-Language",
    }  # fmt: skip
    subject = str(letter["Subject"])
    assert "\n" not in subject
    assert subject.count(FIRST_STRONG) == subject.count(END)
    assert not OBEYED.search(body(letter, "plain") + body(letter, "html"))


HOSTILE = st.text(st.sampled_from("<>&\"'\u202e\x00\u2068😀א {}%"), max_size=4000) | st.text(max_size=300)


@settings(max_examples=examples(60))
@given(text=HOSTILE, many=st.integers(1, 60), is_hebrew=st.booleans())
def test_no_mail_is_larger_than_mail_programs_show_whatever_is_in_it(
    text: str, many: int, *, is_hebrew: bool
) -> None:
    """And what a mail is reckoned to have is no less than what it has, or nothing would hold it to that."""
    style = replace(HEBREW if is_hebrew else ENGLISH, url="https://pbx.example")
    around = Surroundings(
        NOON,
        tuple(incident(text + str(number)) for number in range(12)),
        5000,
        told={f"inc_{number}": (text,) * 40 for number in range(many)},
    )
    told = [sms(number, text * 9, text) for number in range(many)]
    told += [phone(1000 + number, incident=f"inc_{number % 7}", name=text) for number in range(many)]
    told += [phone(2000 + number, incident="inc_9", name=text, attempt=2) for number in range(many)]
    listed = {"accounts": {"unregistered": [text] * 500, "total": text}, "alert": {"incident": "inc_many"}}
    told += [message(3000, "sip.accounts.unregistered", text, listed, attempt=3)]
    told += [
        message(4000 + number, "sip.account.added", text, {"account": {"user_name": text}})
        for number in range(many)
    ]
    for mail in compose(told, style, around=around):
        page = OURS.render(mail, style, now=NOON).get_body(("html",))
        assert page is not None
        size = len(page.get_content().encode())
        assert size <= weight(mail), "a constant of the template's markup is too small"
        assert size < 100_000


def test_an_sms_is_shortened_only_where_it_alone_is_too_large_and_says_where_the_whole_is() -> None:
    mails = compose([sms(1, "x" * 200_000), sms(2, "short"), sms(3, "y" * 60_000)], ENGLISH)

    cut, whole = mails
    assert "yemotd events show evt_1" in (cut.more or "")
    assert len(cut.parts[0].text or "") > 10_000
    assert [part.text for part in whole.parts] == ["y" * 60_000, "short"]
    assert whole.more is None


def test_what_can_be_done_is_a_link_to_press_and_a_line_to_copy() -> None:
    style = replace(HEBREW, url="https://pbx.example")
    (mail,) = compose(
        [phone(1)], style, around=Surroundings(NOON, acknowledge=lambda _incident, _at: "/ack/t")
    )
    letter = sent(mail, style)
    page = Page(body(letter, "html"))
    lines = body(letter, "plain").splitlines()

    links = [attrs["href"] for tag, attrs in page.tags if tag == "a"]
    assert links[0] == "https://pbx.example/ack/t"
    assert "yemotd alerts ack inc_1" in page.texts
    assert lines.index("  https://pbx.example/ack/t") + 1 == lines.index("  yemotd alerts ack inc_1")
    assert any(line.startswith("\u200fנכון ל-") for line in lines)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_an_administrator_s_template_takes_the_place_of_ours(folder: Path) -> None:
    (folder / "mail.txt").write_text("Office: {{ mail.parts[0].headline }}")
    (mail,) = compose([phone(1)], ENGLISH)
    letter = sent(mail, ENGLISH, Letters(folder))

    assert body(letter, "plain").strip() == "Office: Phone 077 is off the network"
    assert "<html" in body(letter, "html")
    assert faults(folder) == []


@pytest.mark.parametrize(
    "broken", ["{% if %}", "{{ nobody.knows }}", "{{ ''.__class__.__mro__ }}", "{{ 1 / 0 }}"]
)
def test_a_broken_template_costs_no_mail(folder: Path, broken: str) -> None:
    (folder / "mail.txt").write_text(broken)
    (mail,) = compose([phone(1)], ENGLISH)

    assert "Phone 077 is off the network" in body(sent(mail, ENGLISH, Letters(folder)), "plain")


def test_a_template_that_cannot_be_read_is_a_fault_with_its_line(folder: Path) -> None:
    (folder / "mail.html").write_text("<p>\n{% if %}")

    (line,) = faults(folder)
    assert "mail.html, line 2" in line


@pytest.mark.parametrize(
    ("mailbox", "name"), [("חנה <anna@example.org>", "חנה"), ('"Ops, =?x?q?a?=" <a@b.org>', "Ops, =?x?q?a?=")]
)
def test_a_name_is_kept_whatever_is_in_it(mailbox: str, name: str) -> None:
    style = replace(ENGLISH, recipient=mailbox, sender=mailbox)
    (mail,) = compose([phone(1)], style)
    letter = sent(mail, style)

    assert [letter[key].addresses[0].display_name for key in ("From", "To")] == [name, name]


def test_a_domain_in_hebrew_stands_in_every_header_in_ascii() -> None:
    style = replace(ENGLISH, sender="Alerts <alerts@דוגמה.com>", recipient="חנה <anna@דוגמה.com>")
    (mail,) = compose([phone(1)], style)
    head = OURS.render(mail, style, now=NOON).as_bytes().partition(b"\r\n\r\n")[0]
    fields = mail_heads.unfolded(head)

    assert head.isascii()
    assert fields["From"] == "Alerts <alerts@xn--6dbbec0c.com>"
    assert fields["To"].endswith(" <anna@xn--6dbbec0c.com>")
    assert fields["Message-ID"].endswith("@xn--6dbbec0c.com>")
    assert fields["References"].endswith("@xn--6dbbec0c.com>")
    assert fields["List-Id"].endswith(".yemotd.xn--6dbbec0c.com>")


def test_no_line_of_the_head_is_longer_than_it_has_to_be() -> None:
    told = [
        sms(number, "שלום " * 50)._replace(event=f"evt_01HZZ0000000000000000000{number:02}")
        for number in (1, 2)
    ]
    (mail,) = compose(told, HEBREW)
    head = OURS.render(mail, HEBREW, now=NOON).as_bytes().partition(b"\r\n\r\n")[0]

    assert max(map(len, head.split(b"\r\n"))) <= 78
    assert mail_heads.unfolded(head)["Content-Type"].startswith("multipart/alternative; boundary=")


def test_the_ids_of_many_events_stand_on_lines_that_every_server_takes() -> None:
    told = [phone(number, incident=f"inc_{number}") for number in range(100)]
    (mail,) = compose(told, ENGLISH)
    fields = mail_heads.unfolded(OURS.render(mail, ENGLISH, now=NOON).as_bytes().partition(b"\r\n\r\n")[0])

    assert fields["X-Yemotd-Event"] == ", ".join(f"evt_{number}" for number in range(50))
