"""The peers: each delivers the same bodies, signed, near its defaults. They run in `bench/.venv`.

`python -m bench.peers NAME fill` puts all deliveries into a peer's queue, before anything works on it; then
its own worker is started, or `work`. How many, and where to, stands in the environment (`task.py`).
"""
