"""What the demo shows of what arrives."""

import io
from email.message import EmailMessage

from rich.console import Console

from daemon.core.rendering.phrases import END, FIRST_STRONG
from daemon.demo.screen import Screen


def test_a_mail_is_shown_without_our_own_marks_and_with_those_of_others() -> None:
    said = io.StringIO()
    mail = EmailMessage()
    mail["Subject"] = f"SMS from 972541234567: {FIRST_STRONG}\u05e9\u05dc\u05d5\u05dd{END}\u202e"
    mail["To"] = "office@demo.example"
    Screen(Console(file=said, width=200)).mailed(mail)

    assert "SMS from 972541234567: \u05e9\u05dc\u05d5\u05dd" in said.getvalue()
    assert "2068" not in said.getvalue()
    assert "202E" in said.getvalue()


def test_an_sms_that_left_is_shown_on_one_line() -> None:
    said = io.StringIO()
    Screen(Console(file=said, width=200)).texted(
        "0529876543", f"demo: {FIRST_STRONG}sales{END}\n7 wait\x1b[2J"
    )

    assert "SMS  demo: sales 7 wait" in said.getvalue()
    assert said.getvalue().endswith("to 0529876543\n")
    assert "\x1b" not in said.getvalue()
