"""All senders, made of a configuration: where webhooks go, and how messages become mails."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from email.message import EmailMessage
from functools import partial
from typing import Protocol
from zoneinfo import ZoneInfo

from daemon.config.mail import Smtp
from daemon.config.secrets import held
from daemon.config.settings import Config
from daemon.config.webhooks import Webhook
from daemon.core.delivery.mail_pace import MailPace
from daemon.core.delivery.outcome import Attempted, Message, Outcome
from daemon.core.delivery.route import Mailing
from daemon.core.mail_addresses import parse
from daemon.core.model import Secret
from daemon.core.redaction import spellings
from daemon.core.rendering.formats import Given, Shape
from daemon.core.rendering.mail_grouping import compose, incidents_of
from daemon.core.rendering.mail_writing import held_back, shortened
from daemon.core.rendering.mails import NOTHING_KNOWN, Mail, Style, Surroundings
from daemon.core.webhooks.redirects import prefix
from daemon.core.webhooks.signing import Signer, hmac_signer
from daemon.core.wishes import UNGUARDED, Guard, Wishes
from daemon.host import clock
from daemon.senders.all import Senders, Starter
from daemon.senders.mail import Letter, MailSender
from daemon.senders.notify import Notice, NotifySender
from daemon.senders.smtp import Security, Server
from daemon.senders.templated import Hook, PlannedWith, TemplatedSender
from daemon.senders.texts import Tell, TextSender
from daemon.senders.webhook import WebhookSender
from daemon.senders.webhook_attempt import Target
from daemon.wiring.endpoints import guards
from daemon.wiring.mailboxes import mailboxes, mailing
from daemon.wiring.phones import phones
from daemon.workers.mailed_recordings import MailedRecordings


@dataclass(frozen=True)
class Mailroom:
    """What mails are made by, under one configuration."""

    styles: Mapping[str, Style]
    """What each mailbox wants, by endpoint."""
    limits: Mapping[str, Mailing]
    """How often each may be written to."""
    render: "_Render"
    guards: Mapping[str, Guard]
    """What tries the wishes of each endpoint."""


Around = Callable[[str, Sequence[str]], Surroundings]
"""What else is true when an endpoint is written to about these incidents."""


class Outgoing:
    """The senders of a configuration; what `prepared` gives puts another in its place, in the dispatcher's
    thread."""

    def __init__(
        self,
        config: Config,
        wishes: Wishes | None = None,
        *,
        now: Callable[[], datetime] = clock.utcnow,
        around: Around = lambda _endpoint, _incidents: NOTHING_KNOWN,
        recordings: MailedRecordings | None = None,
        planned_with: PlannedWith = lambda _endpoint, _delivery: None,
        templated: Callable[[], Collection[str]] = tuple,
        text: Tell | None = None,
    ) -> None:
        """`wishes` remember what cannot be worked out of what the endpoints ask for; `now`: by the wall;
        `around` is asked in the thread of the mails, once for each mailing; `planned_with` in that of the
        templates, for each message to an endpoint that has, or (`templated`) had, a template; `text` sends
        an SMS, None: there is nobody here who may."""
        self._now = now
        self._around = around
        self._recordings = recordings
        wishes = wishes or Wishes()
        self.mail_pace = MailPace()
        """The dispatcher adds to it; mails say when an endpoint has had all that it may have in an hour."""
        self._mailroom = mailroom(config, wishes)
        self._webhooks = WebhookSender(targets(config), now=now, monotonic=clock.monotonic)
        wake = self._webhooks.wake
        self._had = templated
        self._templates = TemplatedSender(
            self._webhooks,
            self._hooks(config, wishes),
            planned_with=planned_with,
            now=now,
            monotonic=clock.monotonic,
        )
        self._mails = MailSender(
            server(config.smtp),
            self._compose,
            self._shorten,
            now=now,
            monotonic=clock.monotonic,
            wake=wake,
        )
        self._notices = NotifySender(notices(config), now=now, monotonic=clock.monotonic, wake=wake)
        self._texts = TextSender(text or _nobody_texts, now=now, wake=wake)
        self.senders = Senders(
            self._webhooks,
            self._templates,
            self._mails,
            self._notices,
            self._texts,
            by_endpoint=self._by_endpoint(config, self._templates.hooks),
            guards=guards(config, wishes),
            now=now,
        )

    def prepared(self, config: Config, wishes: Wishes) -> Callable[[], None]:
        """Make ready to send by another configuration; from the call of what is returned on it is done.

        Raises where that configuration cannot be used: here, not in the dispatcher's thread.
        """
        room, hooks, mails = mailroom(config, wishes), targets(config), server(config.smtp)
        notes, bodies, tried = notices(config), self._hooks(config, wishes), guards(config, wishes)
        starters = self._by_endpoint(config, bodies)

        def take() -> None:
            self._mailroom, self._webhooks.targets = room, hooks
            self._mails.server, self._notices.notices = mails, notes
            self._templates.hooks = bodies
            self.senders.by_endpoint, self.senders.guards = starters, tried

        return take

    def _hooks(self, config: Config, wishes: Wishes) -> dict[str, Hook]:
        """How messages are rendered that have a template, or may have had one when they were planned."""
        had, tried = set(self._had()), guards(config, wishes)
        return {
            one.name: hook(config, one, tried[one.name])
            for one in config.webhooks
            if one.template is not None or (one.name in had and one.format.wire.is_http)
        }

    def _by_endpoint(self, config: Config, hooks: Mapping[str, Hook]) -> dict[str, Starter]:
        """Who sends to each endpoint."""
        return {
            **{
                one.name: self._webhooks if one.format.wire.is_http else self._notices for one in config.hooks
            },
            **dict.fromkeys(hooks, self._templates),
            **{one.endpoint: self._mails for one in mailboxes(config)},
            **{one.endpoint: self._texts for one in phones(config)},
        }

    def _compose(self, endpoint: str, messages: Sequence[Message]) -> list[Letter]:
        """What is mailed to an endpoint at once, as one mail or several; in the thread of the mails."""
        room = self._mailroom
        guard = room.guards.get(endpoint, UNGUARDED)
        try:
            return self._letters(room, endpoint, messages)
        except Exception as error:
            guard.raised("format", error)
            raise

    def _letters(self, room: Mailroom, endpoint: str, messages: Sequence[Message]) -> list[Letter]:
        now, style = self._now(), room.styles[endpoint]
        until = self.mail_pace.rests_until(endpoint, room.limits[endpoint], now)
        note = held_back(until, style) if until else None
        recipient = parse(style.recipient).wire.address
        around = self._around(endpoint, incidents_of(messages))
        if self._recordings is not None:
            style = replace(style, recording=partial(self._recordings.link, endpoint))
        return [
            Letter(mail.messages, self._with_files(room.render(mail, style, now=now), mail), recipient)
            for mail in compose(messages, style, note=note, around=around)
        ]

    def _with_files(self, letter: EmailMessage, mail: Mail) -> EmailMessage:
        """A letter with the files that go with it."""
        if self._recordings is not None:
            for one in self._recordings.attachments(mail.messages):
                kind, _, subtype = one.media_type.partition("/")
                letter.add_attachment(one.content, maintype=kind, subtype=subtype, filename=one.name)
        return letter

    def _shorten(self, endpoint: str, message: Message, most: int) -> list[Letter]:
        """One message as a mail that is small enough; in the thread of the mails."""
        room, now = self._mailroom, self._now()
        style = room.styles[endpoint]
        recipient = parse(style.recipient).wire.address
        return [
            Letter(mail.messages, room.render(shortened(mail, most, style), style, now=now), recipient)
            for mail in compose([message], style)
        ]


def mailroom(config: Config, wishes: Wishes) -> Mailroom:
    """What mails are made by; `wishes` remember which of it cannot be worked out."""
    tried = guards(config, wishes)
    return Mailroom(styles(config), limits(config), _render(config, tried), tried)


def limits(config: Config) -> Mapping[str, Mailing]:
    """How often each mailbox may be written to, by endpoint."""
    return {one.endpoint: mailing(one.email) for one in mailboxes(config)}


def styles(config: Config) -> Mapping[str, Style]:
    """What each mailbox wants, by endpoint."""
    if config.smtp is None:
        return {}
    zone = ZoneInfo(config.daemon.timezone)
    return {
        one.endpoint: Style(
            one.endpoint,
            one.recipient,
            config.smtp.sender,
            one.email.language,
            zone,
            one.email.redact,
            one.email.name,
            config.http.base,
        )
        for one in mailboxes(config)
    }


class _Render(Protocol):
    def __call__(self, mail: Mail, style: Style, *, now: datetime) -> EmailMessage: ...


def _render(config: Config, guards: Mapping[str, Guard]) -> _Render:
    """What makes letters. Jinja is loaded only where there is somebody to write to."""
    if not config.emails:
        return _nobody
    from daemon.senders.letters import Letters  # noqa: PLC0415 - as the docstring says

    def tried(table: str, error: Exception | None) -> None:
        guard = guards[table]
        guard.worked("templates") if error is None else guard.raised("templates", error)

    return Letters(config.smtp.templates if config.smtp else None, tried).render


def _nobody(mail: Mail, style: Style, *, now: datetime) -> EmailMessage:
    raise LookupError("there is no [[emails]] any more")


def _nobody_texts(message: Message) -> Attempted:
    why = "only a running daemon sends SMS, within its budget"
    return Attempted(message, Outcome.FAILED, clock.utcnow(), error=why, is_our_fault=True)


def notices(config: Config) -> dict[str, Notice]:
    """Where the messages go that Apprise takes."""
    zone, base = ZoneInfo(config.daemon.timezone), config.http.base
    return {
        one.name: Notice(Secret(one.address), _placed(one, zone, base), one.timeout)
        for one in config.hooks
        if not one.format.wire.is_http
    }


def targets(config: Config) -> dict[str, Target]:
    """Where the messages of each webhook go that we send ourselves."""
    zone, base = ZoneInfo(config.daemon.timezone), config.http.base
    return {one.name: target(one, zone, base) for one in config.hooks if one.format.wire.is_http}


def target(webhook: Webhook, zone: tzinfo = UTC, base: str | None = None) -> Target:
    """Where one webhook's messages go, and in what shape; `zone`: of the times that people read; `base`: of
    links to the page."""
    place = webhook.format.wire.place(Given(webhook.address, webhook.settings))
    return Target(
        place.url,
        tuple(signers(webhook)),
        webhook.timeout,
        webhook.connect_timeout,
        webhook.allow,
        _placed(webhook, zone, base),
        (*place.headers, *webhook.sent_headers),
        webhook.ca_file,
        webhook.certificate,
        webhook.key,
        webhook.proxy,
        webhook.trusts_host,
        spellings([*held(webhook)]),
        prefix(webhook.accept_redirect) if webhook.accept_redirect else None,
        webhook.signature == "body",
    )


def shape(webhook: Webhook, zone: tzinfo = UTC, base: str | None = None) -> Shape:
    """What a webhook wants of a body."""
    return Shape(
        webhook.format,
        webhook.payload == "thin",
        webhook.redact,
        webhook.language,
        webhook.names,
        zone,
        base,
        is_templated=webhook.template is not None,
    )


def _placed(webhook: Webhook, zone: tzinfo, base: str | None) -> Shape:
    """The same, with what of its settings stands in the body; `place` needs its secrets."""
    place = webhook.format.wire.place(Given(webhook.address, webhook.settings))
    return replace(shape(webhook, zone, base), fields=place.fields)


def hook(config: Config, webhook: Webhook, guard: Guard = UNGUARDED) -> Hook:
    """How the messages of a webhook are rendered by templates."""
    known = _placed(webhook, ZoneInfo(config.daemon.timezone), config.http.base)
    return Hook(config.templates.text_of(webhook), known, webhook.given_values, guard)


def tells_names(config: Config) -> bool:
    """Whether any endpoint is told how those are called that an event tells of."""
    return bool(config.emails or config.texts) or any(shape(one).takes_names for one in config.hooks)


def signers(webhook: Webhook) -> Iterator[Signer]:
    """What signs a webhook's messages: every secret, and then the key, where there is one."""
    yield from map(hmac_signer, webhook.secrets)
    if webhook.signing_key is not None:
        from daemon.senders import ed25519  # noqa: PLC0415 - it takes a while, and few have such a key

        yield ed25519.signer(webhook.signing_key)


def public_keys(config: Config) -> dict[str, str]:
    """What receivers need to check `v1a` signatures, by webhook; those without a key have none."""
    keys = {one.name: one.signing_key for one in config.webhooks if one.signing_key is not None}
    if not keys:
        return {}
    from daemon.senders import ed25519  # noqa: PLC0415 - as above

    return {name: ed25519.public_key(key) for name, key in keys.items()}


def server(smtp: Smtp | None) -> Server | None:
    """The server that takes the mails."""
    return None if smtp is None else server_of(smtp)


def server_of(smtp: Smtp) -> Server:
    """The same, of one that is configured."""
    return Server(
        host=smtp.host,
        port=smtp.port,
        security=Security(smtp.security),
        sender=parse(smtp.sender).wire.address,
        username=smtp.username,
        password=smtp.password,
        timeout=smtp.timeout,
        connect_timeout=smtp.connect_timeout,
        ca_file=smtp.ca_file,
    )
