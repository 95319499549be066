"""Every life here is lived on both engines; `tests/support/engines.py` says how."""

from tests.support.engines import engine, engine_is_named

__all__ = ["engine", "engine_is_named"]
