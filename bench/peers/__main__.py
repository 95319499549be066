"""`python -m bench.peers PEER fill|work`: one step of a peer, in its environment."""

import sys
from importlib import import_module

peer, step = sys.argv[1:]
getattr(import_module(f"bench.peers.{peer}"), step)()
