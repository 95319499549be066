"""`yemotd run`: the daemon in the foreground, as a service manager wants it."""

import faulthandler
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, NoReturn
from zoneinfo import ZoneInfo

import typer

from daemon.app.lifecycle import App
from daemon.cli import failures
from daemon.cli.opening import load
from daemon.cli.options import ConfigOption
from daemon.cli.output import Fatal
from daemon.cli.unseen import WHILE_BUILDING, out_of_sight
from daemon.config.certificates import out_of_date
from daemon.config.load import ConfigError, Loaded
from daemon.config.load import load as load_config
from daemon.config.secrets import held
from daemon.config.settings import Config
from daemon.host import clock, collecting, logs
from daemon.host.key_file import KeyFileError
from daemon.host.signals import Signals
from daemon.host.systemd import Notifier, listening
from daemon.store import location
from daemon.wiring.clients import TracedOf
from daemon.workers.membership import NameTakenError
from daemon.yemot.client import Exchanged

ENDS = (signal.SIGTERM, signal.SIGINT)
SIGNALS = (*ENDS, signal.SIGHUP)
TICK_SECONDS = 1.0
"""How often it is looked whether all is well, and at the status line, which is sent when it changed."""

BESIDE_DRAIN = timedelta(seconds=30)
"""For what an end takes beside waiting for what is under way."""
LAST = timedelta(seconds=10)
"""After that, for saying where it hangs."""
LEFT = "what endpoints may no longer have was not withdrawn"
"""By an error of ours, which the log has."""


class Level(Enum):
    """From which on lines are logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def least(self) -> int:
        """As `logging` counts."""
        return int(getattr(logging, self.name))


LevelOption = Annotated[
    Level,
    typer.Option("--log-level", help="From which on lines are logged; debug: each question to the API, too."),
]


def run(config: ConfigOption = None, *, log_level: LevelOption = Level.INFO) -> None:
    """Run the daemon until SIGTERM or SIGINT; SIGHUP re-reads the configuration. Where its database was
    replaced it ends with 74, to be started again with the one that is there."""
    # 78 also where it may not be read: nothing gets better by trying again.
    loaded = load(config, forbidden=os.EX_CONFIG)
    redactor = logs.Redactor()
    redactor.hide(held(loaded.config))
    logs.configure(redactor, least=log_level.least, zone=ZoneInfo(loaded.config.daemon.timezone))
    logs.take_what_python_says()
    try:
        _run(loaded, redactor, _traced if log_level is Level.DEBUG else None)
    except Exception as error:
        if failures.met(error) is not None:
            raise
        # As safe as a crash; of what runs already nobody knows how to end it.
        logs.log.critical("daemon.crashed", exc_info=error)
        _end(os.EX_SOFTWARE)


def _traced(system: str, one: Exchanged) -> None:
    logs.log.debug(
        "api.asked",
        system=system,
        verb=one.verb,
        url=one.url,
        status=one.status,
        bytes=one.size,
        ms=round(one.seconds * 1000),
        judged=one.judged,
    )


def _run(loaded: Loaded, redactor: logs.Redactor, traced: TracedOf | None) -> NoReturn:
    _warn(loaded)
    signals = Signals(SIGNALS)
    # A crash of a library, or the watchdog's SIGABRT: where each thread was goes to the log.
    faulthandler.enable()
    notifier = Notifier(os.environ)
    app = _started(loaded.config, notifier, traced, redactor.hide)
    _warn_of_date(app)
    tick = min(TICK_SECONDS, notifier.patience / 2) if notifier.patience else TICK_SECONDS
    is_alive, refused = True, ""
    while (received := signals.wait(tick)) in (None, signal.SIGHUP) and not app.is_at_an_end:
        if received is signal.SIGHUP:
            refused = _reload(app, loaded.path, redactor, notifier)
        if app.is_displaced:
            _end(os.EX_CONFIG)
        if (ended := app.tend()) is not None:
            logs.log.critical("daemon.given_up", part=ended)
            _end(os.EX_SOFTWARE)
        is_alive = report(app, notifier, refused or app.state.line(), was_alive=is_alive)
    code = os.EX_IOERR if app.is_at_an_end else os.EX_OK
    logs.log.info("daemon.stopping", signal=received.name if received else None)
    notifier.stopping()
    # A second one ends the process at once, which is as safe as a crash. There is nothing left to re-read.
    signals.restore(ENDS)
    _end_in(longest_end(app.config.daemon.drain))
    app.stop()
    logs.log.info("daemon.stopped")
    _end(code)


def _end_in(longest: timedelta) -> None:
    """A part that hangs must not hold up the end for ever; where it hangs is told."""

    def too_late() -> None:
        logs.log.error("daemon.end_too_long", exception=logs.stacks())
        _end(1)

    watch = threading.Timer(longest.total_seconds(), too_late)
    watch.daemon = True
    watch.start()
    # Where even this thread hangs; to nowhere, since who reads the log may have stopped, too.
    nowhere = open(os.devnull, "w")  # noqa: SIM115 - for the rest of the process
    faulthandler.dump_traceback_later((longest + LAST).total_seconds(), exit=True, file=nowhere)


def _end(code: int) -> NoReturn:
    """At once: a poll may still hang in the API, and nothing of it is worth waiting for."""
    logs.flush()
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(code)


def longest_end(drain: timedelta) -> timedelta:
    """Commands, polls and deliveries under way get `drain` each, one after the other."""
    return 3 * drain + BESIDE_DRAIN


def _started(
    config: Config, notifier: Notifier, traced: TracedOf | None, hide: Callable[[Sequence[str]], None]
) -> App:
    def ready() -> None:
        collecting.spare_what_is_there()
        logs.log.info("daemon.ready", database=location.shown(config.daemon.database), http_port=app.port)
        notifier.ready(app.state.line())

    try:
        with out_of_sight(WHILE_BUILDING):
            app = App(config, listening=_handed_over(), traced=traced, hide=hide)
        app.start(ready)
    except NameTakenError as error:
        said = f"another living yemotd of the name '{error}' is on this database"
        raise Fatal(f"[daemon] member: {said}; give this one a name of its own", os.EX_CONFIG) from None
    except KeyFileError as error:
        raise Fatal(f"[daemon] key_file = '{config.daemon.key_file}': {error}", os.EX_CONFIG) from None
    except OSError as error:
        raise Fatal(f'[http] listen = "{config.http.listen}": {error}', os.EX_UNAVAILABLE) from None
    return app


def _handed_over() -> socket.socket | None:
    try:
        return listening(os.environ)
    except ValueError as error:
        raise Fatal(str(error), os.EX_CONFIG) from None


def report(app: App, notifier: Notifier, status: str, *, was_alive: bool) -> bool:
    """Feed the watchdog, but only while every loop turns: what hangs is ended, and started again."""
    is_alive, reason = app.state.is_alive()
    if is_alive:
        notifier.alive()
        notifier.status(status)
        return True
    if was_alive:
        logs.log.error("daemon.stuck", reason=reason, exception=logs.stacks())
        notifier.status(reason)
    return False


def _reload(app: App, path: Path, redactor: logs.Redactor, notifier: Notifier) -> str:
    """A configuration that cannot be used is refused whole, and the old one stays in force. Returns what
    there is to say of it until the next reload."""
    notifier.reloading(clock.monotonic())
    before, old = app.config, held(app.config)
    try:
        loaded = load_config(path, os.environ, now=app.parts.timeline.now())
        redactor.hide([*old, *held(loaded.config)])
        reloaded = app.reload(loaded.config)
    except Exception as error:  # an error of ours, too, is no reason to end
        said = _failed(error, is_refused=app.config is before)
        notifier.ready(said)
        return said
    _warn(loaded)
    for name in reloaded.needs_restart:
        logs.log.warning("config.needs_restart", setting=name)
    logs.log.info("config.reloaded", changes="; ".join(reloaded.difference.lines()))
    if reloaded.is_waiting:
        logs.log.info("config.waits", until="the other members have read theirs, or 60 s")
        said = "read; it takes effect when the other members have it, too"
        notifier.ready(said)
        return ""
    said = f"reloaded, but {LEFT}: {reloaded.not_withdrawn}" if reloaded.not_withdrawn else ""
    notifier.ready(said or app.state.line())
    return said


def _failed(error: Exception, *, is_refused: bool) -> str:
    if is_refused:
        is_planned = isinstance(error, ConfigError | ValueError | OSError)
        logs.log.error("config.refused", error=str(error), exc_info=None if is_planned else error)
        return f"reload failed, still on the old configuration: {error}"
    logs.log.error("config.reload_cut_short", error=str(error), exc_info=error)
    return f"reload cut short, on the new configuration all the same: {error}"


def _warn(loaded: Loaded) -> None:
    for warning in loaded.warnings:
        logs.log.warning("config.warning", warning=warning)


def _warn_of_date(app: App) -> None:
    """A certificate that does not count is no reason not to watch phones."""
    pair = app.config.http.certificate
    reason = out_of_date(pair[0], app.parts.timeline.now()) if pair else None
    if reason:
        logs.log.warning(
            "config.warning", warning=f"[http] tls_cert = '{app.config.http.tls_cert}': {reason}"
        )
