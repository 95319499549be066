"""`python -m tests.soak`: the daemon under fire. Ends with 1 where anything is wrong."""

import argparse
import json
import random
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.soak.round import Soak


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    words.add_argument("--seconds", type=float, default=60, help="how long it is injured (default: 60)")
    words.add_argument("--seed", type=int, help="of a round that was played before")
    words.add_argument("--keep", type=Path, help="a folder for the store and the log")
    given = words.parse_args()
    seed = random.randrange(10**6) if given.seed is None else given.seed  # noqa: S311 - no cryptography
    print(f"seed {seed}", flush=True)
    with TemporaryDirectory() as folder:
        directory = given.keep or Path(folder)
        directory.mkdir(parents=True, exist_ok=True)
        soak = Soak(directory, given.seconds, seed)
        faults = soak.play()
        (directory / "log.jsonl").write_text("\n".join(json.dumps(one) for one in soak.victim.lines))
    print(f"injuries: {dict(soak.round.injuries)}")
    print(f"peaks: {dict(soak.round.peaks)} (memory in MiB)")
    print(f"sent: {len(soak.world.sent)} SMS, {len(soak.round.commands)} campaigns")
    print("\n".join(faults) or "nothing lost, nothing doubled, nothing in silence")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
