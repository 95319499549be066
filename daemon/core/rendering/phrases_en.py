"""English: a sentence for each event type, without the full stop. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

ENGLISH_METRICS: Mapping[str, str] = {
    "calls_waiting": "calls waiting",
    "longest_wait_seconds": "longest wait in seconds",
    "agents_available": "agents available",
    "agents_paused": "agents paused",
    "calls_per_agent": "calls per agent",
    "hold_seconds": "average hold in seconds",
    "abandoned": "calls abandoned",
    "abandoned_per_hour": "calls abandoned in an hour",
    "answered_per_hour": "calls answered in an hour",
    "longest_wait_today": "longest wait of the day in seconds",
}
ENGLISH_REASONS: Mapping[str, str] = {
    "repeat": " (reminder)",
    "catch_up": " (told late)",
    "removed": " (no longer watched)",
}
ENGLISH_CHANGES: Mapping[str, str] = {
    "daemon.added": "new",
    "daemon.removed": "removed",
    "daemon.changed": "changed",
}
ENGLISH: Mapping[str, Callable[[Any], str]] = {
    "sms.received": lambda e: f"SMS from {e['sms.from']}: {e['sms.text']}",
    "sms.gap": lambda e: f"SMS between {e['gap.after']} and {e['gap.before']} may have been missed",
    "sip.account.unregistered": lambda e: f"Phone {e['account.user_name']} is off the network",
    "sip.account.registered": lambda e: f"Phone {e['account.user_name']} is back on the network",
    "sip.accounts.unregistered": lambda e: (
        f"{e.many('accounts.unregistered')} of {e['accounts.total']} phones are off the network: "
        f"{e.listed('accounts.unregistered')}"
    ),
    "sip.accounts.registered": lambda e: "The phones are back on the network",
    "sip.account.flapping": lambda e: f"Phone {e['account.user_name']} keeps dropping off the network",
    "sip.account.stable": lambda e: f"Phone {e['account.user_name']} is stable again",
    "sip.account.added": lambda e: f"Phone {e['account.user_name']} was added",
    "sip.account.removed": lambda e: f"Phone {e['account.user_name']} was removed",
    "sip.registration.changed": lambda e: (
        f"Phone {e['account.user_name']} registers from a new address or device"
    ),
    "sip.registration.duplicate": lambda e: (
        f"Phone {e['account.user_name']} is registered {e.many('registrations')} times at once"
    ),
    "queue.threshold.crossed": lambda e: (
        f"Queue {e.queue()}: {e.metric()} {e['threshold.value']} (limit {e.limit()})"
    ),
    "queue.threshold.cleared": lambda e: (
        f"Queue {e.queue()}: {e.metric()} {e['threshold.value']}, within the limit again"
    ),
    "queue.caller.joined": lambda e: f"Queue {e.queue()}: {e['caller.phone']} waits",
    "queue.caller.left": lambda e: f"Queue {e.queue()}: {e['caller.phone']} waits no more",
    "queue.agent.paused": lambda e: f"Queue {e.queue()}: agent {e['agent.name']} is paused",
    "queue.agent.unpaused": lambda e: f"Queue {e.queue()}: agent {e['agent.name']} takes calls again",
    "directory.file.added": lambda e: f"Folder {e['directory.path']}: {e['directory.added']} new files",
    "pirsumphone.registered": lambda e: "The system was registered to PirsumPhone",
    "pirsumphone.unregistered": lambda e: "The system was taken out of PirsumPhone",
    "units.low": lambda e: f"Units run low: {e['units.balance']} left",
    "units.ok": lambda e: f"Units are enough again: {e['units.balance']}",
    "units.expiring": lambda e: f"Units expire on {e['units.expires_on']}",
    "units.renewed": lambda e: f"Units last longer again, until {e['units.expires_on']}",
    "api.unreachable": lambda e: (
        f"Yemot asks to be left alone; blind: {e.listed('watches')}"
        if e.value("error.class") == "throttled"
        else f"Yemot does not answer ({e['error.class']}); blind: {e.listed('watches')}"
    ),
    "api.reachable": lambda e: "Yemot answers again",
    "api.token_rejected": lambda e: "Yemot rejects the token; nothing can be seen",
    "api.token_accepted": lambda e: "Yemot accepts the token again",
    "api.schema_changed": lambda e: f"Yemot answers {e['schema.method']} in another form than before",
    "command.succeeded": lambda e: f"Command {e['command.type']} was carried out",
    "command.failed": lambda e: f"Command {e['command.type']} failed",
    "command.unknown": lambda e: f"Command {e['command.type']}: not known whether it was carried out",
    "command.expired": lambda e: f"Command {e['command.type']} was too late and not carried out",
    "endpoint.failing": lambda e: f"Endpoint {e['endpoint.name']} takes no messages: {e['endpoint.error']}",
    "endpoint.recovered": lambda e: f"Endpoint {e['endpoint.name']} takes messages again",
    "endpoint.suspended": lambda e: f"Endpoint {e['endpoint.name']} is suspended: {e['endpoint.error']}",
    "endpoint.resumed": lambda e: f"Endpoint {e['endpoint.name']} took a message; more will be tried",
    "endpoint.disabled": lambda e: f"Endpoint {e['endpoint.name']} is disabled; messages for it wait",
    "endpoint.enabled": lambda e: f"Endpoint {e['endpoint.name']} is enabled",
    "endpoint.misconfigured": lambda e: (
        f"{e['wish.name']}: {e['wish.setting']} cannot be worked out ({e['wish.error']}) and is set aside: "
        f"{e['wish.instead']}"
    ),
    "endpoint.configured": lambda e: f"{e['wish.name']}: {e['wish.setting']} counts again",
    "daemon.started": lambda e: f"yemotd {e['daemon.version']} has started",
    "daemon.stopped": lambda e: "yemotd has stopped",
    "daemon.part_restarted": lambda e: (
        f"A part of yemotd had ended and was started again: {e['part.name']} ({e['part.error']})"
    ),
    "daemon.config_reloaded": lambda e: (
        "yemotd has taken over a new configuration" + e.lists(ENGLISH_CHANGES)
    ),
    "daemon.clock_wrong": lambda e: (
        f"The clock of yemotd's machine is off by {e['clock.off_seconds']} seconds against Yemot's"
    ),
    "daemon.clock_right": lambda e: "The clock of yemotd's machine is right again",
    "daemon.disk_low": lambda e: (
        f"The disk of yemotd's database is nearly full: {e['disk.free_mib']} MiB left"
    ),
    "daemon.disk_ok": lambda e: f"The disk of yemotd's database has room again: {e['disk.free_mib']} MiB",
    "daemon.store_failed": lambda e: (
        f"yemotd cannot write its database ({e['store.error']}); until it can, nothing else is told"
    ),
    "daemon.store_recovered": lambda e: (
        f"yemotd could not write its database since {e['store.failing_since']} ({e['store.error']}); "
        "it can again"
    ),
    "daemon.clock_stepped": lambda e: (
        f"The clock of yemotd's machine was set {'forward' if e.value('clock.is_forward') else 'back'} by "
        f"{e['clock.by_seconds']} seconds"
    ),
    "quiet.ended": lambda e: (
        "The quiet time is over; one alert was held back"
        if e.value("quiet.held") == 1
        else f"The quiet time is over; {e['quiet.held']} alerts were held back"
    ),
    "test.ping": lambda e: "A test message of yemotd",
}
