"""Man pages, made of the help: `python -m daemon.cli.manual FOLDER` writes `yemotd.1` and one for each
verb."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from daemon import __version__
from daemon.cli.verbs import VERBS, app

FILES = {
    "/etc/yemotd/config.toml": "The configuration of the service, where no other is named.",
    "/etc/yemotd/credentials/": "One file for each secret, named as the configuration calls it.",
    "/var/lib/yemotd/": "The database of the service, and what it keeps beside it.",
}
ENVIRONMENT = {
    "YEMOTD_CONFIG": "The configuration, as --config says it.",
    "YEMOTD_URL": "The daemon that is asked, as --url says it.",
    "YEMOTD_TOKEN_FILE": "The file with its token, as --token-file says it.",
    "YEMOTD_CA_FILE": "Who vouches for its certificate, as --ca-file says it.",
}
EXIT = {
    "0": "All is well.",
    "64": "The call is wrong.",
    "65": "What it is about is wrong, or not there.",
    "66": "A file that is named cannot be read.",
    "69": "Something needed is away: an endpoint, the API, the daemon elsewhere.",
    "70": "An error of our own.",
    "74": "The database, or what the output is written to.",
    "75": "Not now; later it may go.",
    "76": "The other side says what is not understood, or what came of it is not known.",
    "77": "It is not allowed.",
    "78": "The configuration cannot be used.",
}
"""Of sysexits, as verbs end."""


def pages() -> Iterator[tuple[str, str]]:
    """Each page: the name of its file, and its text for man(1)."""
    root = typer.main.get_group(app)
    verbs = [(name, root.commands[name]) for name in VERBS]
    about = {f"yemotd-{name}(1)": command.get_short_help_str(200) for name, command in verbs}
    yield (
        "yemotd.1",
        "\n".join(
            [
                *_head("yemotd", root.help or "", "yemotd [OPTIONS] COMMAND [ARGS]..."),
                *_options(root, "OPTIONS"),
                *_terms("COMMANDS", about),
                *_terms("FILES", FILES),
                *_terms("ENVIRONMENT", ENVIRONMENT),
                *_terms("EXIT STATUS", EXIT),
                "",
            ]
        ),
    )
    for name, command in verbs:
        yield (
            f"yemotd-{name}.1",
            "\n".join([*_of_verb(name, command), ".SH SEE ALSO", _said("yemotd(1)"), ""]),
        )


def _of_verb(name: str, command: Any) -> Iterator[str]:
    yield from _head(
        f"yemotd-{name}", command.help or command.get_short_help_str(200), _usage(f"yemotd {name}", command)
    )
    inner = getattr(command, "commands", {})
    if not inner:
        yield from _options(command, "OPTIONS")
        return
    for word, one in inner.items():
        yield f".SH {_said(word.upper())}"
        yield f".B {_said(_usage(f'yemotd {name} {word}', one))}"
        yield ".PP"
        yield from _paragraphs(one.help or "")
        yield from _options(one, None)


def _head(name: str, about: str, usage: str) -> Iterator[str]:
    short = about.strip().split("\n")[0].split(". ")[0].removesuffix(".")
    yield f'.TH {_said(name.upper())} 1 "" "yemotd {__version__}" "yemotd"'
    yield ".SH NAME"
    yield f"{_said(name)} \\- {_said(short[:1].lower() + short[1:])}"
    yield ".SH SYNOPSIS"
    yield f".B {_said(usage)}"
    yield ".SH DESCRIPTION"
    yield from _paragraphs(about)


def _usage(path: str, command: Any) -> str:
    context = typer.Context(command, info_name=path)
    return " ".join([path, *command.collect_usage_pieces(context)])


def _options(command: Any, title: str | None) -> Iterator[str]:
    context = typer.Context(command)
    found = [record for one in command.params if (record := one.get_help_record(context))]
    if title and found:
        yield f".SH {title}"
    for spelled, about in found:
        yield ".TP"
        yield f".B {_said(spelled)}"
        yield _said(about or " ")


def _terms(title: str, terms: dict[str, str]) -> Iterator[str]:
    yield f".SH {title}"
    for term, about in terms.items():
        yield ".TP"
        yield f".B {_said(term)}"
        yield _said(about)


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(re.split(r"\n\s*\n", text.strip())):
        if number:
            yield ".PP"
        yield _said(" ".join(paragraph.split()))


def _said(text: str) -> str:
    """A text as roff shows it, word by word: groff_char(7)."""
    shown = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    shown = shown.replace("^", "\\(ha").replace("~", "\\(ti").replace("…", "...").replace("–", "\\(en")
    return f"\\&{shown}" if shown.startswith((".", "'")) else shown


def main(folder: Path) -> None:
    """Write all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
