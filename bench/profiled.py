"""`python -m bench.profiled MODULE WORD …`: a program as it is, with each of its threads under cProfile.

What it did is written when it ends, also by `os._exit`, as the daemon ends: `profiling.py` says where.
"""

import os
import runpy
import sys
from typing import NoReturn

from bench import profiling


def main(module: str) -> None:
    """Run the module as a program."""
    end = os._exit
    with profiling.recorded(f"{profiling.PROCESS} {sys.argv[1]}") as recording:

        def dumped(status: int) -> NoReturn:
            recording.write()
            end(status)

        os._exit = dumped
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    del sys.argv[0]
    main(sys.argv[0])
