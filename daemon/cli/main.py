"""The command line: one verb, one short function, each in the file of its noun.

Exit codes are sysexits': 0 well, 64 the call is wrong, 65 the input, 69 something needed is away,
74 the database, 78 the configuration.
"""

import os
import sys
from typing import Annotated

import typer

from daemon import __version__
from daemon.cli import (
    alerts,
    check,
    db,
    deliveries,
    demo,
    endpoints,
    events,
    explain,
    poll,
    run,
    silence,
    simulate,
    status,
    verify,
)
from daemon.cli.output import Fatal, complain

app = typer.Typer(
    name="yemotd",
    help="Watches phone systems on Yemot HaMashiach, and tells other systems what changed.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,  # tracebacks with local variables would show secrets
    rich_markup_mode=None,
)
app.command("run")(run.run)
app.command("check")(check.check)
app.command("demo")(demo.demo)
app.command("simulate")(simulate.simulate)
app.command("status")(status.status)
app.command("poll")(poll.poll)
app.command("explain")(explain.explain)
app.command("verify")(verify.verify)
app.add_typer(events.app, name="events")
app.add_typer(alerts.app, name="alerts")
app.add_typer(silence.app, name="silence")
app.add_typer(db.app, name="db")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(endpoints.app, name="endpoints")


def _version(*, is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"yemotd {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=lambda value: _version(is_asked=value), is_eager=True)
    ] = False,
) -> None:
    """Options of every verb."""


def main() -> None:
    """Run a command line, and end the process with its exit code."""
    try:
        code = app(standalone_mode=False)
    except Fatal as fatal:
        complain(str(fatal))
        sys.exit(fatal.code)
    except typer.TyperException as error:
        complain(error.format_message())
        sys.exit(os.EX_USAGE)
    except typer.Exit as ended:
        sys.exit(ended.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        # The reader (`head`) has seen enough; standard output must not be flushed into it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(code if isinstance(code, int) else 0)
