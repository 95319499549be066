"""English: a sentence for each event type, without the full stop. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from daemon.core.rendering import digest_summary
from daemon.core.rendering import machine_words as words

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
    "escalated": " (escalated: nobody has acknowledged it)",
}
ENGLISH_CHANGES: Mapping[str, str] = {path: english for path, (english, _) in words.CHANGED.items()}
ENGLISH: Mapping[str, Callable[[Any], str]] = {
    "sms.received": lambda e: f"SMS from {e['sms.from']}: {e['sms.text']}",
    "sms.gap": lambda e: (
        f"SMS between {e.local('gap.after')} and {e.local('gap.before')} may have been missed"
    ),
    "sms.sent": lambda e: f"SMS sent to {e['sms.to']}",
    "sms.delivered": lambda e: f"The SMS to {e['sms.to']} arrived",
    "sms.failed": lambda e: f"The SMS to {e['sms.to']} failed{e.told(': {}', 'sms.reason')}",
    "sms.unknown": lambda e: f"Not known whether the SMS to {e['sms.to']} was sent",
    "activity.missing": lambda e: (
        f"Nothing for {e.lasting('expectation.within')}: {e.type_name('expectation.type')}"
        + e.since("; the last was seen {}", "last_seen_at")
    ),
    "activity.seen": lambda e: f"Seen again: {e.type_name('expectation.type')}",
    "digest.made": lambda e: f"{digest_summary.title(e)}. {digest_summary.summary(e)}",
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
    "queue.caller.answered": lambda e: f"Queue {e.queue()}: {e['caller.phone']} was answered",
    "queue.caller.abandoned": lambda e: f"Queue {e.queue()}: {e['caller.phone']} was not answered",
    "queue.caller.kicked": lambda e: f"Queue {e.queue()}: {e['caller.phone']} was put out by a command",
    "queue.callback.due": lambda e: (
        f"Queue {e.queue()}: {e['callback.phone']} asked to be called back"
        if e.value("callback.source") == "platform"
        else f"Queue {e.queue()}: {e['callback.phone']} was not answered, and is to be called back"
    ),
    "queue.callback.done": lambda e: (
        f"Queue {e.queue()}: {e['callback.phone']}, who was to be called back, "
        f"{e.word('outcome', words.CALLBACKS)}"
    ),
    "queue.agent.paused": lambda e: f"Queue {e.queue()}: agent {e['agent.name']} is paused",
    "queue.agent.unpaused": lambda e: f"Queue {e.queue()}: agent {e['agent.name']} takes calls again",
    "directory.file.added": lambda e: (
        f"Folder {e['directory.path']}: a new file"
        if e.value("directory.added") == 1
        else f"Folder {e['directory.path']}: {e['directory.added']} new files"
    ),
    "report.row.added": lambda e: (
        f"Report {e['report.file']}: {e.pairs('row')}"
        if e.value("row")
        else f"Report {e['report.file']}: a new row"
    ),
    "pirsumphone.registered": lambda e: "The system was registered to PirsumPhone",
    "pirsumphone.unregistered": lambda e: "The system was taken out of PirsumPhone",
    "units.low": lambda e: f"Units run low: {e['units.balance']} left",
    "units.ok": lambda e: f"Units are enough again: {e['units.balance']}",
    "units.expiring": lambda e: f"Units expire on {e.day('units.expires_on')}",
    "units.renewed": lambda e: f"Units last longer again, until {e.day('units.expires_on')}",
    "sms_units.low": lambda e: f"Units for SMS run low: {e['sms_units.balance']} left",
    "sms_units.ok": lambda e: f"Units for SMS are enough again: {e['sms_units.balance']}",
    "caller_id.expiring": lambda e: (
        f"The approval of the caller id {e['caller_id.number']} ended on {e.day('caller_id.expires_on')}"
        if (e.value("caller_id.days_left") or 0) < 0
        else f"The approval of the caller id {e['caller_id.number']} ends on {e.day('caller_id.expires_on')}"
    ),
    "caller_id.renewed": lambda e: f"The caller id {e['caller_id.number']} is approved {_until(e)}",
    "api.unreachable": lambda e: (
        f"Yemot asks to be left alone; not seen: {e.watches('watches')}"
        if e.value("error.class") == "throttled"
        else f"Yemot does not answer ({e.word('error.class', words.FAILURES)}); "
        f"not seen: {e.watches('watches')}"
    ),
    "api.reachable": lambda e: "Yemot answers again",
    "api.token_rejected": lambda e: "Yemot rejects the token; nothing can be seen",
    "api.token_accepted": lambda e: "Yemot accepts the token again",
    "api.schema_changed": lambda e: (
        f"Yemot answers in another form than before, asked about {e.because('schema.method', words.method)}"
    ),
    "alert.acknowledged": lambda e: (
        f"{e['by']} has it: {e.about()}{e.told(' ({})', 'note')}{e.timed(', until {}', 'until')}"
    ),
    "alert.escalated": lambda e: (
        f"Nobody has acknowledged it; now told to {e.listed('escalation.to')}: {e.about()}"
    ),
    "command.succeeded": lambda e: f"Command carried out: {_command(e)}",
    "command.failed": lambda e: f"Command failed: {_command(e)}",
    "command.unknown": lambda e: f"Not known whether it was carried out: {_command(e)}",
    "command.expired": lambda e: f"Command too late, not carried out: {_command(e)}",
    "campaign.finished": lambda e: (
        f"Not known how a campaign ended{e.told(', of {} numbers', 'campaign.numbers')}"
        if e.value("campaign.outcome") == "unknown"
        else f"A campaign {'was stopped' if e.value('campaign.outcome') == 'stopped' else 'is over'}: "
        f"{e['campaign.answered']} of {e['campaign.dialled']} calls answered"
        f"{e.told(', {} units', 'campaign.price')} (estimated {e['campaign.estimate']})"
    ),
    "endpoint.failing": lambda e: (
        f"Endpoint {e.endpoint('endpoint.name')} takes no messages: "
        f"{e.because('endpoint.error', words.endpoint_error)}"
    ),
    "endpoint.recovered": lambda e: f"Endpoint {e.endpoint('endpoint.name')} takes messages again",
    "endpoint.suspended": lambda e: (
        f"Endpoint {e.endpoint('endpoint.name')} still fails and is tried seldom: "
        f"{e.because('endpoint.error', words.endpoint_error)}"
    ),
    "endpoint.resumed": lambda e: (
        f"Endpoint {e.endpoint('endpoint.name')} took a message; more will be tried"
    ),
    "endpoint.disabled": lambda e: (
        f"Endpoint {e.endpoint('endpoint.name')} is turned off; messages for it wait"
    ),
    "endpoint.enabled": lambda e: f"Endpoint {e.endpoint('endpoint.name')} is turned on",
    "endpoint.misconfigured": lambda e: (
        f"{e['wish.name']}: {_setting(e)} cannot be worked out; meanwhile: "
        f"{e.word('wish.setting', words.INSTEAD, words.SOMETHING_ELSE)}"
    ),
    "endpoint.configured": lambda e: f"{e['wish.name']}: {_setting(e)}: in force again",
    "daemon.started": lambda e: f"Started: yemotd {e['daemon.version']}{e.told(' on {}', 'daemon.member')}",
    "daemon.stopped": lambda e: f"Stopped: yemotd{e.told(' on {}', 'daemon.member')}",
    "daemon.member_joined": lambda e: f"Joined: yemotd on {e['member.name']}, version {e['member.version']}",
    "daemon.member_lost": lambda e: (
        f"Fallen silent: yemotd on {e['member.name']}; the others go on in its place"
    ),
    "daemon.member_differs": lambda e: (
        f"Takes no systems: yemotd on {e['member.name']}, since {e.because('member.why', words.difference)}"
    ),
    "daemon.part_restarted": lambda e: (
        "A part of yemotd had ended by a fault and was started again: "
        f"{e.word('part.name', words.PARTS, words.A_PART)}"
    ),
    "daemon.config_reloaded": lambda e: "New configuration in force" + e.lists(ENGLISH_CHANGES),
    "daemon.clock_wrong": lambda e: (
        f"The clock of yemotd's machine is off by {e['clock.off_seconds']} seconds against Yemot's"
    ),
    "daemon.clock_right": lambda e: "The clock of yemotd's machine is right again",
    "daemon.disk_low": lambda e: (
        f"The disk of yemotd's database is nearly full: {e['disk.free_mib']} MiB left"
    ),
    "daemon.disk_ok": lambda e: f"The disk of yemotd's database has room again: {e['disk.free_mib']} MiB",
    "daemon.store_failed": lambda e: (
        f"The database cannot be written: {e.because('store.error', words.store_error)}; "
        "until it can, nothing else is told"
    ),
    "daemon.store_recovered": lambda e: (
        f"The database can be written again; it could not since {e.moment('store.failing_since')}: "
        f"{e.because('store.error', words.store_error)}"
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


def _until(e: Any) -> str:
    has_end = e.value("caller_id.expires_on") is not None
    return f"longer again, until {e.day('caller_id.expires_on')}" if has_end else "for good"


def _command(e: Any) -> str:
    error = f" ({e.word('command.error.class', words.FAILURES)})" if e.value("command.error.class") else ""
    return str(e.word("command.type", words.COMMANDS, words.A_COMMAND)) + error


def _setting(e: Any) -> str:
    return str(e.word("wish.setting", words.SETTINGS, words.A_SETTING))
