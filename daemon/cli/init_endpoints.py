"""`yemotd init`, of who is told, each tried by the daemon's own senders; when it is quiet; and the page."""

import base64
import os
import secrets as chance
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import time
from functools import partial

from daemon.cli.init_system import secret_of
from daemon.cli.opening import log_beside
from daemon.cli.output import Fatal
from daemon.cli.terminal import NOTHING, Terminal, optional
from daemon.config import answers, chosen, writing
from daemon.config.chosen import Chosen, ChosenMail, ChosenQuiet, ChosenSystem, ChosenWebhook
from daemon.config.quiet import PLACES
from daemon.config.values import ClockTime, Host, Mailbox, Port, Text, Url, is_loopback, listen_address
from daemon.core.delivery.outcome import Outcome
from daemon.core.model import Secret
from daemon.core.webhooks.signing import PREFIX

SECRET_BYTES, TOKEN_BYTES = 32, 24
LANGUAGES = {"he": "עברית", "en": "English"}
SECURITIES = {
    "starttls": "a connection that becomes TLS (port 587)",
    "tls": "TLS from the start (port 465)",
    "none": "for a server on this machine",
}
TLS_PORT, SUBMISSION_PORT, PLAIN_PORT = 465, 587, 25
THEN = {"again": "try once more", "change": "answer anew", "keep": "keep it as it is", "skip": "leave it out"}
Told = Callable[[str], None]


def ask_webhook(terminal: Terminal, system: ChosenSystem) -> ChosenWebhook | None:
    """A receiver of webhooks, tried if that is wished."""
    terminal.title("Who is told: a program")
    terminal.say("A webhook gets each event as a signed request.")
    while (url := terminal.ask("Its URL (- for none)", NOTHING, optional(answers.reader(Url)))) is not None:
        name = terminal.ask("What is it called?", "webhook", answers.reader(answers.EndpointName))
        events = _events(terminal, ("*",), system)
        webhook = ChosenWebhook(url, made_secret(), name, events)
        terminal.say(
            "Its secret, by which it verifies signatures. It is shown this once; put it there now:",
            f"  {webhook.secret.value}",
        )
        then = _tried(
            terminal,
            "Send it a signed test now?",
            partial(ping, Chosen(system, webhook)),
        )
        if then != "change":
            return None if then == "skip" else webhook
    return None


def ask_mail(terminal: Terminal, system: ChosenSystem, taken: str | None) -> ChosenMail | None:
    """Readers of mails, tried if that is wished. `taken`: the webhook's name."""
    terminal.title("Who is told: people, by mail")
    host = terminal.ask("Mail server that takes mails (- for no mails)", NOTHING, optional(_host))
    while host is not None:
        mail = _mail(terminal, host, system, taken)
        then = _tried(
            terminal,
            "Send a test mail now?",
            partial(ping, Chosen(system, mail=mail)),
        )
        if then != "change":
            return None if then == "skip" else mail
        host = terminal.ask("Mail server that takes mails (- for no mails)", host, optional(_host))
    return None


def _host(text: str) -> str:
    host: str = answers.reader(Host)(text)
    return host


def _mail(terminal: Terminal, host: str, system: ChosenSystem, taken: str | None) -> ChosenMail:
    security = terminal.ask(
        f"Protected by ({'/'.join(SECURITIES)})", "starttls", lambda text: _security(text, host)
    )
    usual = {"tls": TLS_PORT, "none": PLAIN_PORT}.get(security, SUBMISSION_PORT)
    port = terminal.ask("Port", str(usual), _port)
    username = terminal.ask("User name there (- for no login)", NOTHING, optional(answers.reader(Text)))
    password = None
    if username is not None:
        password = terminal.ask_hidden("Its password", _password)
    sender = terminal.ask("Sender, such as Phones <phones@example.org>", "", answers.reader(Mailbox))
    to = terminal.ask("Readers, with commas between", "", answers.mailboxes)
    language = terminal.choose("Language", LANGUAGES, "he")
    events = _events(terminal, chosen.mail_events(system.watches), system)
    name = terminal.ask("What are these readers called?", "mail", lambda text: _name(text, taken))
    return ChosenMail(host, sender, to, port, security, username, password, name, language, events)


def _security(text: str, host: str) -> str:
    if text not in SECURITIES:
        raise ValueError(f"expected one of {', '.join(SECURITIES)}")
    if text == "none" and not is_loopback(host):
        raise ValueError(answers.UNENCRYPTED)
    return text


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError("expected a number, such as 587")
    port: int = answers.reader(Port)(int(text[:9]))
    return port


def _password(text: str) -> Secret:
    if not text.strip():
        raise ValueError("is empty")
    if any(ord(one) < ord(" ") or one == "\x7f" for one in text):
        raise ValueError("has a control character in it")
    if text != text.strip():
        raise ValueError("begins or ends with a blank")
    return secret_of(text)


def _name(text: str, taken: str | None) -> str:
    name: str = answers.reader(answers.EndpointName)(text)
    if name == taken:
        raise ValueError("the webhook has this name")
    return name


def _events(terminal: Terminal, proposed: tuple[str, ...], system: ChosenSystem) -> tuple[str, ...]:
    def read(text: str) -> tuple[str, ...]:
        found = answers.patterns(text)
        writing.reached(found, system)
        return found

    return terminal.ask("Which events, as globs?", " ".join(proposed), read)


def _tried(terminal: Terminal, question: str, send: Callable[[], str | None]) -> str:
    """ "keep", or what becomes of an endpoint that did not take it: "change" or "skip"."""
    if not terminal.is_so(question, proposed=True):
        return "keep"
    while (failed := _sent(terminal, send)) is not None:
        terminal.refuse(failed)
        then = terminal.choose("What now?", THEN, "again")
        if then != "again":
            return then
    terminal.say("  It was taken.")
    return "keep"


def _sent(terminal: Terminal, send: Callable[[], str | None]) -> str | None:
    terminal.say("  Sending …")
    return send()


def ping(given: Chosen) -> str | None:
    """Send a test.ping to every endpoint by the daemon's senders; why the first failed, None: all took it."""
    from daemon.app.ping import ping as send  # noqa: PLC0415 - all that sends, which not everybody asks for
    from daemon.store import database as databases  # noqa: PLC0415 - likewise
    from daemon.wiring.endpoints import interests  # noqa: PLC0415 - likewise

    log_beside()
    config = writing.settings(given)
    with closing(databases.in_memory()) as database:
        for one in interests(config):
            (attempt,) = send(database, one.endpoint, config).attempts
            if attempt.outcome is not Outcome.ACCEPTED:
                status = "" if attempt.http_status is None else f"HTTP {attempt.http_status}"
                return f"{one.endpoint}: {attempt.error or status or attempt.outcome.value}"
    return None


def ask_quiet(terminal: Terminal, webhook: ChosenWebhook | None, mail: ChosenMail | None) -> ChosenQuiet:
    """When nobody is told anything."""
    if webhook is None and mail is None:
        return ChosenQuiet()
    terminal.title("When it is quiet")
    terminal.say("What happens meanwhile is told afterwards, as far as it is still true.")
    proposed = "jerusalem" if mail is not None else NOTHING
    place = terminal.ask(
        f"Quiet on Shabbat and holidays, by the times of ({'/'.join(PLACES)}, - for none)",
        proposed,
        optional(answers.reader(answers.Place)),
    )
    hours = terminal.ask("Quiet hours, such as 22:00-07:00 (- for none)", NOTHING, optional(_hours))
    quiet = ChosenQuiet(place, hours, for_webhook=mail is None)
    if quiet.is_empty or webhook is None or mail is None:
        return quiet
    return replace(quiet, for_webhook=terminal.is_so("For the webhook, too?", proposed=False))


def _hours(text: str) -> tuple[time, time]:
    start, dash, end = text.replace("–", "-").partition("-")
    if not dash:
        raise ValueError("expected two times, such as 22:00-07:00")
    read = answers.reader(ClockTime)
    return read(start.strip()), read(end.strip())


def ask_http(terminal: Terminal) -> tuple[str, Secret | None]:
    """Where the page and the API listen, and their token; "" where they are off."""
    terminal.title("The page and the API")
    listen = terminal.ask("Where it listens on this machine (- for off)", chosen.LISTEN, optional(_listen))
    if listen is None:
        return "", None
    token = terminal.ask_hidden("A token to sign in with (Enter makes one)", _http_token)
    return listen, token


def _listen(text: str) -> str:
    listen: str = answers.reader(answers.OwnListen)(text)
    address = listen_address(listen)
    try:
        # Port 0 is any that is free.
        if address is not None and address[1]:
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            socket.create_server(address, family=family).close()
    except OSError as error:
        raise ValueError(f"nothing can listen there: {error.strerror or error}; choose another") from None
    return listen


def _http_token(text: str) -> Secret:
    if not text.strip():
        return made_token()
    answers.check_http_token(text.strip())
    return secret_of(text.strip())


def made_secret() -> Secret:
    """A new signing secret."""
    return secret_of(PREFIX + base64.b64encode(chance.token_bytes(SECRET_BYTES)).decode())


def made_token() -> Secret:
    """A new bearer token."""
    return secret_of(chance.token_hex(TOKEN_BYTES))


def webhook_from(
    given: answers.WebhookAnswers | None, system: ChosenSystem, told: Told
) -> ChosenWebhook | None:
    """The same out of a file; `Fatal` (69, or 78) where it does not take a test, or nothing reaches it."""
    if given is None:
        return None
    webhook = ChosenWebhook(given.url, given.secret or made_secret(), given.name, given.events)
    _reached("webhook", webhook.events, system)
    if given.secret is None:
        told(f"The secret of {webhook.name}, shown this once: {webhook.secret.value}")
    if given.test:
        _must_take("webhook", ping(Chosen(system, webhook)), told)
    return webhook


def mail_from(given: answers.MailAnswers | None, system: ChosenSystem, told: Told) -> ChosenMail | None:
    """The same of mails."""
    if given is None:
        return None
    mail = ChosenMail(
        given.host,
        given.sender,
        given.to,
        given.port,
        given.security,
        given.username,
        given.password,
        given.name,
        given.language,
        chosen.mail_events(system.watches) if given.events is None else given.events,
    )
    _reached("mail", mail.events, system)
    if given.test:
        _must_take("mail", ping(Chosen(system, mail=mail)), told)
    return mail


def quiet_from(given: answers.QuietAnswers) -> ChosenQuiet:
    """The same of quiet windows."""
    hours = None if given.start is None or given.end is None else (given.start, given.end)
    return ChosenQuiet(given.shabbat, hours, given.webhook)


def _reached(table: str, events: tuple[str, ...], system: ChosenSystem) -> None:
    try:
        writing.reached(events, system)
    except ValueError as error:
        raise Fatal(f"[{table}] events: {error}", os.EX_CONFIG) from None


def _must_take(table: str, failed: str | None, told: Told) -> None:
    if failed is not None:
        raise Fatal(f"[{table}] test: {failed}; nothing was written", os.EX_UNAVAILABLE)
    told(f"A test was taken by the {table}.")
