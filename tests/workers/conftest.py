"""Every test of a store here runs on both engines; `tests/support/engines.py` says how."""

from tests.support.engines import engine, engine_is_named

__all__ = ["engine", "engine_is_named"]
