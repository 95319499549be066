"""Questions to an administrator at a terminal: one a line, with the answer that Enter takes in brackets.

No colours, no cursor: it reads the same in every terminal, and in one that does not know what it can. What is
wrong is said in words, and asked again. Lines are broken at the terminal's width; what cannot be broken, such
as a path, stays whole.
"""

import getpass
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Mapping
from typing import TypeVar

from daemon.cli.output import Fatal, say_now, write_now
from daemon.core.model import Secret

T = TypeVar("T")
LRM = "\u200e"
"""Left-to-right mark: the signs behind Hebrew are then not drawn into it."""
WIDEST, NARROWEST = 79, 20
NOTHING = "-"
"""What is answered where none is wanted, and something stands in the brackets."""
YES = frozenset({"y", "yes", "כ", "כן"})
NO = frozenset({"n", "no", "ל", "לא"})
UNDECODED = "\ufffd"


def plain(text: str) -> str:
    """Somebody's name for a thing, for the middle of a line: what is right-to-left ends with its own end."""
    is_rtl = any(unicodedata.bidirectional(one) in ("R", "AL") for one in text)
    return f"{text}{LRM}" if is_rtl else text


class Terminal:
    """Somebody at a terminal."""

    def __init__(self) -> None:
        sys.stdin.reconfigure(errors="replace")  # type: ignore[union-attr] # a terminal's is text of a file

    def say(self, *lines: str) -> None:
        """A paragraph each, broken at the terminal's width; "" is an empty line."""
        for line in lines:
            say_now(*(wrapped(line) or [""]))

    def title(self, text: str) -> None:
        """Begin another part."""
        self.say("", text, "-" * len(text))

    def ask(self, question: str, proposed: str, read: Callable[[str], T]) -> T:
        """The answer, as `read` takes it; asked again, with the reason, where that raises ValueError."""
        shown = f"{question} [{plain(proposed)}]: " if proposed else f"{question}: "
        while True:
            answer = self._line(shown).strip() or proposed
            try:
                return read(_decoded(answer))
            except ValueError as error:
                self.refuse(str(error))

    def ask_hidden(self, question: str, read: Callable[[str], T]) -> T:
        """The same for what is not to be seen, nor proposed."""
        while True:
            try:
                return read(_decoded(self._hidden(f"{question}: ")))
            except ValueError as error:
                self.refuse(str(error))

    def is_so(self, question: str, *, proposed: bool) -> bool:
        """Yes or no."""
        return self.ask(f"{question} (y/n)", "y" if proposed else "n", _yes)

    def choose(self, question: str, options: Mapping[str, str], proposed: str) -> str:
        """One of several, by its word; each with what it means."""
        widest = max(map(len, options))
        self.say(*(f"  {word:<{widest}}  {meaning}" for word, meaning in options.items() if meaning))
        return self.ask(f"{question} ({'/'.join(options)})", proposed, lambda text: _one_of(text, options))

    def refuse(self, why: str) -> None:
        """Say what is wrong with an answer."""
        self.say(f"  That does not do: {why}")

    def _line(self, shown: str) -> str:
        *before, last = wrapped(shown.rstrip()) or [""]
        write_now("".join(f"{one}\n" for one in before) + last + " ")
        line = sys.stdin.readline()
        if not line:
            say_now("")
            raise KeyboardInterrupt  # the end of the input: nobody is there any more
        return line.rstrip("\r\n")

    def _hidden(self, shown: str) -> str:
        try:
            return getpass.getpass(shown)
        except EOFError:
            raise KeyboardInterrupt from None


def terminal() -> Terminal:
    """Who sits there; `Fatal` (exit 64) where nobody does."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        said = (
            "init asks questions, and here is no terminal to answer them at; --answers FILE answers them all"
        )
        raise Fatal(said, 64)
    return Terminal()


def wrapped(text: str) -> list[str]:
    """Lines that fit; those that follow are as far to the right as the first."""
    indent = " " * (len(text) - len(text.lstrip(" ")))
    width = max(NARROWEST, min(shutil.get_terminal_size().columns - 1, WIDEST))
    return textwrap.wrap(
        text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def optional(read: Callable[[str], T]) -> Callable[[str], T | None]:
    """The same, but that nothing, or "-", is None."""
    return lambda text: None if text in ("", NOTHING) else read(text)


def secret(check: Callable[[str], None]) -> Callable[[str], Secret | None]:
    """A secret that passes `check`, without blanks around it; None for nothing."""

    def read(text: str) -> Secret | None:
        if not text.strip():
            return None
        check(text.strip())
        return Secret(text.strip())

    return read


def _yes(text: str) -> bool:
    if text.lower() in YES | NO:
        return text.lower() in YES
    raise ValueError('expected "y" or "n"')


def _one_of(text: str, options: Mapping[str, str]) -> str:
    if text not in options:
        raise ValueError(f"expected one of {', '.join(options)}")
    return text


def _decoded(text: str) -> str:
    if UNDECODED in text:
        raise ValueError("it holds bytes that are no UTF-8 text")
    return text
