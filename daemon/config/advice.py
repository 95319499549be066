"""What a configuration that can be used says without meaning it, probably. Warnings only."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from daemon.config.endpoints import EndpointSettings
from daemon.config.quiet import QuietSettings
from daemon.config.settings import Config
from daemon.config.systems import SystemSettings
from daemon.config.values import is_loopback
from daemon.config.watches import WatchSettings, hours_of
from daemon.config.webhooks import Webhook
from daemon.config.windows import WindowSettings
from daemon.config.wording import Fault, Location, fault, of_table
from daemon.core import durations, own_events
from daemon.core.commands import command
from daemon.core.commands.command_types import CAMPAIGN, TYPES
from daemon.core.digests import digest
from daemon.core.durations import DAY, NOTHING
from daemon.core.event_types import EVENT_TYPES, KINDS, matches
from daemon.core.model import Secret
from daemon.core.routing import quiet
from daemon.core.watches import api, expectations, machine, queue_shapes
from daemon.core.watches.reports import ADDED
from daemon.core.wording import nearest, quoted
from daemon.yemot.base_urls import BASE_URL, GATEWAY_URL

SHORT_INTERVAL = timedelta(seconds=5)
"""Ours: the platform publishes no limit of requests."""
SHORT_TOKEN = 16
"""Ours: characters of a token of the HTTP side. A shorter one is a word, mostly."""
FAR_OFF = timedelta(hours=4)
"""Ours: no clock is so far off the sun of its place; the west of China comes nearest, with three hours."""
UNENCRYPTED = "its url is a secret, and goes there unencrypted: everybody on the way reads it; use https"
GOOGLE_SCRIPTS, GOOGLE_ANSWERS = "script.google.com", "https://script.googleusercontent.com/"
"""Where Apps Script takes requests, and where its answers are."""
OWN = (own_events.LIFE, own_events.ENDPOINTS, own_events.TEST, machine.EVENTS, digest.EVENTS)
"""What the daemon tells of itself, whatever it watches."""
OF_SYSTEMS = (api.EVENTS, command.EVENTS, quiet.EVENTS)
"""What every system may come to, whatever is watched of it."""


def advice(config: Config, *, is_shared: bool) -> Iterator[Fault]:
    """Every warning, with its place. `is_shared`: others can read the file."""
    if "@" in urlsplit(config.daemon.database).netloc and urlsplit(config.daemon.database).password:
        yield fault(("daemon", "database"), "has a password in it; PGPASSFILE keeps that out of here")
    if config.http.listen:
        yield from _of_tokens(config)
    yield from _of_reach(config)
    for index, system in enumerate(config.systems):
        yield from _of_system(("systems", index), system)
    for at, endpoint in config.endpoints():
        yield from _of_endpoint(at, endpoint, config)
    yield from _of_reports(config)
    yield from _of_windows(config)
    yield from _of_escalations(config)
    for index, webhook in enumerate(config.webhooks):
        yield from _of_webhook(("webhooks", index), webhook, is_shared=is_shared)
    if config.heartbeat and _is_unencrypted(config.heartbeat.url.value):
        yield of_table(("heartbeat",), UNENCRYPTED)
    if config.smtp and config.smtp.security == "none" and not is_loopback(config.smtp.host):
        yield fault(("smtp", "security"), "mails, and the password, go there unencrypted", "none")


def _of_webhook(at: Location, webhook: Webhook, *, is_shared: bool) -> Iterator[Fault]:
    """Where a webhook leads, and who may read what opens it."""
    if is_shared and webhook.open_credentials():
        reason = "what opens the receiver stands in a file that its group or others can read: chmod 600"
        yield of_table(at, reason)
    if _is_unencrypted(webhook.address):
        yield of_table(at, _unencrypted(webhook))
    yield from _of_google(at, webhook)


def _unencrypted(webhook: Webhook) -> str:
    if isinstance(webhook.url, Secret):
        return UNENCRYPTED
    has_credentials = webhook.token is not None or bool(webhook.credentials())
    what = "what it tells, and what opens the receiver," if has_credentials else "what it tells"
    return f"{what} goes to another machine unencrypted: everybody on the way reads it; use https"


def _of_google(at: Location, webhook: Webhook) -> Iterator[Fault]:
    """A script answers by a redirect, and sees no headers."""
    is_one = urlsplit(webhook.address).hostname == GOOGLE_SCRIPTS
    if is_one and webhook.accept_redirect is None:
        written = f'accept_redirect = "{GOOGLE_ANSWERS}"'
        yield of_table(
            at, f"a Google script answers by a redirect, so nothing would count as sent; add {written}"
        )
    if webhook.accept_redirect is None or webhook.template is not None:
        return
    if (is_one or webhook.accept_redirect == GOOGLE_ANSWERS) and webhook.signature == "headers":
        reason = "a Google script sees no headers, so it cannot tell who sent it; add"
        yield of_table(at, f'{reason} signature = "body"')


def _is_unencrypted(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def _of_tokens(config: Config) -> Iterator[Fault]:
    if not config.http.tokens:
        yield of_table(
            ("http",), "has no token: the API answers nobody; put one into token_file: openssl rand -hex 24"
        )
    is_reachable = _is_reachable(config)
    for token in config.http.tokens:
        reason = f"has fewer than {SHORT_TOKEN} characters" if len(token.token.value) < SHORT_TOKEN else ""
        if not reason and is_reachable:
            from daemon.core.tokens import weakness  # noqa: PLC0415 - most are for this machine alone

            reason = weakness(token.token.value) or ""
        if reason:
            where = ", and others than this machine can try" if is_reachable else ""
            said = f"the token {quoted(token.name)} {reason}, so it can be guessed{where}"
            yield of_table(("http",), f"{said}; make one: openssl rand -hex 24")


def _is_reachable(config: Config) -> bool:
    """Whether others than this machine can ask: by the address, or by a proxy that says so."""
    http = config.http
    is_beyond = http.address is not None and not is_loopback(http.address[0])
    return is_beyond or bool(http.url) or bool(http.trusted_proxies)


def _of_reach(config: Config) -> Iterator[Fault]:
    """Who may read on the way, and what strangers see."""
    http = config.http
    address = http.address
    is_hidden = http.certificate is not None or http.trusted_proxies
    if address is not None and not is_loopback(address[0]) and not is_hidden:
        reason = (
            "tokens go there unencrypted; give tls_cert and tls_key, or trusted_proxies where a proxy has TLS"
        )
        yield fault(("http", "listen"), reason, http.listen)
    parts = urlsplit(http.url or "")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        yield fault(("http", "url"), "who follows a link from outside goes there unencrypted; use https")
    for index, network in enumerate(http.trusted_proxies):
        if network.prefixlen == 0:
            reason = "is everybody: whoever asks says for whom; give the address of the proxy"
            yield fault(("http", "trusted_proxies", index), f"{quoted(str(network))} {reason}")
    if http.public and http.visitors == "nothing":
        yield fault(("http", "public"), 'is shown to nobody until visitors = "status"')
    if http.feed:
        reason = (
            "everybody who reaches the daemon reads which phones and queues failed, and when; no texts of SMS"
        )
        yield fault(("http", "feed"), reason, True)
    yield from _of_subjects(config, "public", http.public)
    yield from _of_subjects(config, "badges", http.badges)


def _of_subjects(config: Config, key: str, patterns: Sequence[str]) -> Iterator[Fault]:
    names = [one.name for one in config.systems]
    for index, pattern in enumerate(patterns):
        system = pattern.partition("/")[0]
        if not any(fnmatchcase(one, system) for one in names):
            yield fault(
                ("http", key, index), f"{quoted(pattern)}: no system has this name{nearest(system, names)}"
            )


def _of_system(at: Location, system: SystemSettings) -> Iterator[Fault]:
    yield from _of_addresses(at, system)
    if not list(system.watches()):
        yield of_table(at, "has no watch: nothing is polled")
    yield from _of_commands((*at, "commands"), system.commands)
    if system.campaign_units_per_day is None and _allows_campaigns(system):
        yield fault((*at, "commands"), f"{CAMPAIGN} is refused until campaign_units_per_day is set")
    for where, watch in system.watches():
        for key, every in watch.intervals.items():
            if every < SHORT_INTERVAL:
                reason = f"under {durations.show(SHORT_INTERVAL)}; the platform may see it as abuse"
                yield fault((*at, *where, key), reason, durations.show(every))
        yield from _of_thresholds((*at, *where), watch)


def _of_reports(config: Config) -> Iterator[Fault]:
    """Reports of which nobody hears."""
    for index, system in enumerate(config.systems):
        wanted = [one for _, one in config.endpoints() if one.systems is None or system.name in one.systems]
        if any(matches(one.events, ADDED) for one in wanted):
            continue
        for at, _ in enumerate(system.reports):
            reason = (
                f'no endpoint has {ADDED} in its "events", so no row is told; a bare "*" does not name it'
            )
            yield of_table(("systems", index, "reports", at), reason)


def _of_thresholds(at: Location, watch: WatchSettings) -> Iterator[Fault]:
    for index, threshold in enumerate(getattr(watch, "thresholds", ())):
        if threshold.metric == "abandoned":
            reason = "only grows until the platform resets it, so it fires once and stays; write instead: "
            written = f'metric = "{queue_shapes.ABANDONED}"'
            yield fault((*at, "thresholds", index, "metric"), reason + written, threshold.metric)


def _of_addresses(at: Location, system: SystemSettings) -> Iterator[Fault]:
    for key, url in (("base_url", system.base_url), ("fallback_url", system.fallback_url)):
        parts = urlsplit(url or "")
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            yield fault((*at, key), "the token goes there unencrypted; use https")
    if system.authorization == "bearer" and system.base_url == BASE_URL:
        reason = f"is the newer gateway's, and the base_url is not: that would be {GATEWAY_URL}"
        yield fault((*at, "authorization"), reason, "bearer")


def _of_commands(at: Location, patterns: Sequence[str]) -> Iterator[Fault]:
    for index, pattern in enumerate(patterns):
        if not any(fnmatchcase(one, pattern) for one in TYPES):
            yield fault((*at, index), f"{quoted(pattern)} is no command{nearest(pattern, TYPES)}")


def _allows_campaigns(system: SystemSettings) -> bool:
    return any(fnmatchcase(CAMPAIGN, pattern) for pattern in system.commands)


def _of_endpoint(at: Location, endpoint: EndpointSettings, config: Config) -> Iterator[Fault]:
    for index, pattern in enumerate(endpoint.events):
        if not any(fnmatchcase(event_type, pattern) for event_type in EVENT_TYPES):
            reason = f"{quoted(pattern)} is no event type{nearest(pattern, EVENT_TYPES)}"
            yield fault((*at, "events", index), reason)
    systems = [one for one in config.systems if endpoint.systems is None or one.name in endpoint.systems]
    wanted = (*endpoint.events, *_escalated_to(endpoint, config), *_digested_to(endpoint, config))
    if not any(matches(wanted, event_type) for event_type in possible(systems)):
        yield of_table(at, "no event can reach it: no watch of its systems gives what it asks for")
    for index, window in enumerate(endpoint.quiet):
        if not isinstance(window, WindowSettings):
            yield from _of_place((*at, "quiet", index), window, config)


def _of_windows(config: Config) -> Iterator[Fault]:
    used = {one for _, endpoint in config.endpoints() for one in endpoint.quiet}
    used |= {one for system in config.systems for _, watch in system.watches() for one in hours_of(watch)}
    used |= {one for system in config.systems for each in system.expectations for one in each.active}
    for index, window in enumerate(config.windows):
        yield from _of_place(("windows", index), window, config)
        if window not in used:
            yield fault(("windows", index, "name"), 'no "quiet" and no "active" names it', window.name)


def _of_place(at: Location, window: QuietSettings, config: Config) -> Iterator[Fault]:
    zone = window.timezone or config.daemon.timezone
    if window.longitude is not None and _off_the_sun(zone, window.longitude) > FAR_OFF:
        reason = f"the sun there is hours off the clock of {quoted(zone)}; give the place's own timezone"
        yield fault((*at, "longitude"), reason, window.longitude)


def _escalated_to(endpoint: EndpointSettings, config: Config) -> Iterator[str]:
    """Globs of the alerts that may come to an endpoint by escalation."""
    names = {one.name for one in config.escalations if endpoint.name in one.to}
    for one in config.escalations:
        if one.name in names:
            yield from one.events or ()


def _digested_to(endpoint: EndpointSettings, config: Config) -> Iterator[str]:
    if any(endpoint.name in one.to for one in config.digests):
        yield digest.MADE


def _of_escalations(config: Config) -> Iterator[Fault]:
    fires = sorted(KINDS)
    for index, row in enumerate(config.escalations):
        for place, pattern in enumerate(row.events or ()):
            if not any(matches([pattern], event_type) for event_type in fires):
                reason = f"{quoted(pattern)} is no alert that fires{nearest(pattern, fires)}"
                yield fault(("escalations", index, "events", place), reason)


def _off_the_sun(zone: str, longitude: float) -> timedelta:
    """By how much a clock differs from that of the sun at a longitude, the shorter way round."""
    shown = ZoneInfo(zone).utcoffset(datetime(2026, 1, 1)) or NOTHING  # noqa: DTZ001 - the clock's own
    off = (shown - timedelta(days=longitude / 360)) % DAY
    return min(off, DAY - off)


def possible(systems: Sequence[SystemSettings]) -> Iterator[str]:
    """The event types that these systems, and the daemon itself, can give."""
    watches = [watch for system in systems for _, watch in system.watches()]
    parts = [*OWN, *(OF_SYSTEMS if systems else ()), *(part for watch in watches for part in watch.gives)]
    parts += [expectations.EVENTS] if any(system.expectations for system in systems) else []
    return (name for part in parts for name in part.names)
