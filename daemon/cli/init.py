"""`yemotd init`: from nothing to a configuration that watches, in a few questions.

    where       asked first, so that nobody answers in vain
    system      its token, tried at once; what it has; what of that is watched
    told        a webhook, mails; each tried by the daemon's own senders
    quiet, page
    files       shown, and then written: all of them or none, and nothing that exists is touched
    check, service

Nothing is written before the end, so whatever ends it before leaves nothing. `--answers FILE` answers it all.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from daemon.cli import init_endpoints, init_files, init_service, init_system
from daemon.cli.check import check
from daemon.cli.init_files import Places
from daemon.cli.options import ConfigOption
from daemon.cli.output import Fatal, complain, say_now
from daemon.cli.terminal import Terminal, terminal
from daemon.config import answers as answering
from daemon.config.answers import Answers
from daemon.config.chosen import Chosen
from daemon.config.load import ConfigError

ENDS = (signal.SIGTERM, signal.SIGHUP)
BY_SIGNAL = 128
"""As shells say it."""
NOTHING = "Nothing was written."
AnswersOption = Annotated[
    Path | None, typer.Option(help="A TOML file that answers everything, for scripts; docs/first-run.md.")
]


def init(
    config: ConfigOption = None,
    *,
    answers: AnswersOption = None,
    base_url: Annotated[str | None, typer.Option(help="Where the API is, if not at the platform's.")] = None,
    ca_file: Annotated[
        Path | None, typer.Option(help="Certificates to trust as well, behind a content filter.")
    ] = None,
) -> None:
    """Make a first configuration: look what the system has, propose, ask, try, write, check.

    Nothing that exists is overwritten, and nothing is written before the end."""
    reached = init_system.Reached(_base_url(base_url), ca_file)
    with _ended_in_words() as is_written:
        if answers is not None:
            _answered(config, answers, reached, is_written)
        else:
            _asked(terminal(), config, reached, is_written)


def _base_url(given: str | None) -> str | None:
    try:
        return None if given is None else answering.reader(answering.SafeBaseUrl)(given)
    except ValueError as error:
        raise Fatal(f"--base-url: {error}", os.EX_USAGE) from None


def _asked(
    asker: Terminal, config: Path | None, reached: init_system.Reached, is_written: list[Path]
) -> None:
    asker.say(
        "A configuration of yemotd, in a few questions. Enter takes what stands in [brackets]; Ctrl-C ends"
        " it, and nothing is written before the end."
    )
    where = asker.ask(
        "Where shall it stand?",
        str(init_files.default(config, os.environ)),
        lambda text: init_files.places(Path(text)),
    )
    init_files.recover(where)
    system = init_system.ask(asker, reached)
    webhook = init_endpoints.ask_webhook(asker, system)
    mail = init_endpoints.ask_mail(asker, system, None if webhook is None else webhook.name)
    quiet = init_endpoints.ask_quiet(asker, webhook, mail)
    listen, token = init_endpoints.ask_http(asker)
    chosen = Chosen(system, webhook, mail, quiet, listen, token)
    _write(asker, chosen, where, is_written)
    _offer_service(asker, where)


def _write(asker: Terminal, chosen: Chosen, where: Places, is_written: list[Path]) -> None:
    chosen, where = init_files.complete(chosen, where), init_files.apart(chosen, where)
    files = init_files.files(chosen, where)
    asker.title("The files")
    asker.say(
        "Each can be read by its owner alone, and the configuration by the service:"
        if where.is_packaged
        else "Each can be read by its owner alone:",
        *init_files.shown(files, where),
    )
    if not asker.is_so("Write them?", proposed=True):
        raise KeyboardInterrupt
    init_files.make(files, where)
    is_written.append(where.config)
    asker.say("They are written.", "")
    _check(where)
    _say_what_is_left(chosen, where, asker.say)


def _offer_service(asker: Terminal, where: Places) -> None:
    if not init_service.can_enable(where):
        asker.say("", "To start it:", *init_service.by_hand(where))
        return
    asker.title("The service")
    asker.say("It would be started now and at every boot, by:", *init_service.by_hand(where))
    if not asker.is_so("Do that?", proposed=True):
        return
    failed = init_service.enable()
    asker.say("It runs." if failed is None else f"It does not run: {failed}")
    if failed is not None:
        raise typer.Exit(os.EX_UNAVAILABLE)


def _answered(config: Path | None, path: Path, reached: init_system.Reached, is_written: list[Path]) -> None:
    try:
        given, warnings = answering.load(path, os.environ)
    except ConfigError as error:
        raise Fatal(str(error), os.EX_CONFIG) from None
    for warning in warnings:
        complain(f"{path}: warning: {warning}")
    where = _place(config, given)
    init_files.recover(where)
    chosen = init_files.complete(_chosen(given, reached), where)
    where = init_files.apart(chosen, where)
    files = init_files.files(chosen, where)
    init_files.make(files, where)
    is_written.append(where.config)
    say_now("Written:", *init_files.shown(files, where))
    _check(where)
    _say_what_is_left(chosen, where, say_now)
    if given.service.enable:
        init_service.must_enable(where)
        say_now("It runs, and starts at every boot.")
    else:
        say_now("To start it:", *init_service.by_hand(where))


def _place(config: Path | None, given: Answers) -> Places:
    try:
        return init_files.places(init_files.default(config or given.config, os.environ))
    except ValueError as error:
        raise Fatal(f"config: {error}", os.EX_CANTCREAT) from None


def _chosen(given: Answers, reached: init_system.Reached) -> Chosen:
    system = given.system
    if reached.base_url is not None:
        system = system.model_copy(update={"base_url": reached.base_url})
    if reached.ca_file is not None:
        system = system.model_copy(update={"ca_file": reached.ca_file.absolute()})
    watched = init_system.from_answers(system, say_now)
    webhook = init_endpoints.webhook_from(given.webhook, watched, say_now)
    mail = init_endpoints.mail_from(given.mail, watched, say_now)
    chosen = Chosen(watched, webhook, mail, init_endpoints.quiet_from(given.quiet), given.http.listen)
    if not chosen.listen:
        return chosen
    return replace(chosen, http_token=given.http.token or init_endpoints.made_token())


def _check(where: Places) -> None:
    """As the verb does, on what was written."""
    if where.is_packaged:
        os.environ.setdefault("CREDENTIALS_DIRECTORY", str(where.folder))
    try:
        check(where.config)
    except Fatal as error:
        # A token that is put in its place later; all else was judged before.
        say_now(str(error))


def _say_what_is_left(chosen: Chosen, where: Places, tell: Callable[[str], None]) -> None:
    name = init_files.missing_token(chosen, where)
    if name is not None:
        tell(f"Put the token into {name} (chmod 600); then `yemotd check` says whether all is well.")
    if chosen.listen:
        tell(f"The page is at http://{chosen.listen}/, its token in {where.secret('http-token')}.")


@contextmanager
def _ended_in_words() -> Iterator[list[Path]]:
    """What ends it says whether something was written; a terminal that hides what is typed shows it again."""
    is_written: list[Path] = []

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(BY_SIGNAL + number)

    before = {one: signal.signal(one, end) for one in ENDS}
    try:
        yield is_written
    except (KeyboardInterrupt, SystemExit):
        complain(f"\n{NOTHING}" if not is_written else f"\n{is_written[0]} is written.")
        raise
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
