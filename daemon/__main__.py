"""`python -m daemon` and the console script `yemotd`."""

import os
import sys
from contextlib import suppress
from typing import NoReturn

from daemon.cli import main as command_line
from daemon.host import collecting

NO_PLUGINS = {"PYDANTIC_DISABLE_PLUGINS": "__all__"}
"""Else pydantic reads of every package around whether it wants a say in how a configuration is judged."""


def main() -> NoReturn:
    """Run a command line, and end the process with its exit code.

    At once: to take apart all that was loaded costs a third of a verb that looks something up, and the kernel
    does it for nothing. What was printed and logged is out by then.
    """
    os.environ.update(NO_PLUGINS)
    collecting.look_seldom()
    try:
        command_line.main()
        code = os.EX_OK
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else os.EX_SOFTWARE
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
