"""The command line: which version it is, at once, and everything else by its verb.

Exit codes are sysexits': 0 well, 64 the call is wrong, 65 the input, 69 something needed is away,
70 an error of ours, 74 the database or what the output is written to, 78 the configuration.
"""

import logging
import os
import sys

from daemon import __version__
from daemon.cli import streams
from daemon.cli.output import complain, say

INTERRUPTED = 130
"""As shells say it: 128 and SIGINT."""


def main() -> None:
    """Run a command line, and end the process with its exit code."""
    streams.take_over()
    code = _carried_out()
    for handler in logging.getLogger().handlers:
        handler.flush()
    if why := streams.failure():
        complain(f"standard output: {why}")
        code = os.EX_IOERR if code != os.EX_SOFTWARE else code
    sys.exit(code)


def _carried_out() -> int:
    if sys.argv[1:] == ["--version"]:
        say(f"yemotd {__version__}")
        return os.EX_OK
    try:
        from daemon.cli import verbs  # noqa: PLC0415 - all that is not our own begins there

        return verbs.carried_out()
    except KeyboardInterrupt:
        return INTERRUPTED
