"""Who takes part in the race, by name. Pure."""

OURS = ("durable", "few-lanes", "slow-receiver")
PEERS = (
    "huey",
    "celery-redis",
    "celery-sqlite",
    "procrastinate",
    "naive-orm",
    "raw-requests",
    "raw-pycurl",
    "alertmanager",
)
RACED = frozenset({*OURS, *PEERS})
HUEY = "huey"
