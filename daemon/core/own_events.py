"""The event types of what the daemon tells of itself: its life and store, its endpoints, a test. Pure."""

from daemon.core.model import AlertKind, EventTypes

FAILING = AlertKind("endpoint.failing", "endpoint.recovered")
SUSPENDED, RESUMED = "endpoint.suspended", "endpoint.resumed"
DISABLED, ENABLED = "endpoint.disabled", "endpoint.enabled"
MISCONFIGURED = AlertKind("endpoint.misconfigured", "endpoint.configured")
ENDPOINTS = EventTypes((SUSPENDED, RESUMED, DISABLED, ENABLED), alerts=(FAILING, MISCONFIGURED))

STORE_FAILED, STORE_RECOVERED = "daemon.store_failed", "daemon.store_recovered"
STORE = "daemon/store"
"""Their subject. The first is told from memory, since it cannot be written down: it has no number."""
STARTED, STOPPED, CONFIG_RELOADED = "daemon.started", "daemon.stopped", "daemon.config_reloaded"
CLOCK_STEPPED = "daemon.clock_stepped"
PART_RESTARTED = "daemon.part_restarted"
LIFE = EventTypes(
    (STARTED, STOPPED, CONFIG_RELOADED, STORE_FAILED, STORE_RECOVERED, CLOCK_STEPPED, PART_RESTARTED)
)

PING = "test.ping"
TEST = EventTypes((PING,))
