"""What the collector of garbage is spared; in a process of its own, for it counts for the whole of one."""

import subprocess
import sys

LOOKED_AT = """
import gc
from daemon.host.collecting import spare_what_is_there

kept = [[number] for number in range(50_000)]
spare_what_is_there()
ring = []
ring.append(ring)
del ring
print(len(gc.get_objects()) < len(kept), gc.get_freeze_count() > len(kept), gc.isenabled(), gc.collect() > 0)
"""


def test_what_a_start_leaves_behind_is_not_looked_at_again_and_what_comes_after_is() -> None:
    said = subprocess.run([sys.executable, "-c", LOOKED_AT], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["True"] * 4
