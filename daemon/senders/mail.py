"""Mail by SMTP: what is started together for one endpoint goes out together, from a thread of its own.

    start     the dispatcher's thread    collects
    finished  the same                   gives what was collected to the worker, one batch for each endpoint
    compose   the worker                 a batch of messages becomes letters
    carry     the worker                 one letter after the other, over one connection
    smaller   the worker                 one that is too large for the server becomes two, or is shortened
    wake      the worker                 there are results for `finished`

Every message that was started comes out of `finished` exactly once, whatever happens on the way. What
its end means for the delivery is decided in `core/delivery/outcome.py`.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import NamedTuple

import structlog

from daemon.core.delivery.outcome import Attempted, Message, Outcome
from daemon.core.delivery.route import QUEUED_AT_MOST
from daemon.senders.smtp import Mail, Reach, Server
from daemon.senders.smtp_courier import Carried, Courier

log = structlog.get_logger()

IDLE = timedelta(seconds=30)
"""How long a connection is kept for the next mail."""
CLOSE_WITHIN = 3.0
"""Seconds."""
BYTES_OF_A_SIGN = 16
"""Ours. Of a mail, for a character of an SMS: a Hebrew one takes 6, in each of two parts."""
SHORTER = 4
"""Ours. By how much a letter is shortened again that is still too large; at nothing it ends."""


class Letter(NamedTuple):
    """One mail to one recipient, complete."""

    messages: tuple[Message, ...]
    """The deliveries that it carries."""
    email: EmailMessage
    """Of seven bits but for addresses, so that nothing has to be asked of the server for its text."""
    recipient: str
    """Of the envelope, with its domain in ASCII."""
    most: int | None = None
    """Characters of what somebody wrote that it was shortened to; None: it is whole."""


Compose = Callable[[str, Sequence[Message]], Sequence[Letter]]
Shorten = Callable[[str, Message, int], Sequence[Letter]]
"""The letter of one message, with at most so many characters of what somebody wrote, that says so."""


class MailSender:
    """Mails under way. `start`, `in_flight`, `is_idle` and `finished` belong to one thread."""

    def __init__(
        self,
        server: Server | None,
        compose: Compose,
        shorten: Shorten = lambda _endpoint, _message, _most: (),
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        wake: Callable[[], None],
        idle: timedelta = IDLE,
    ) -> None:
        self._compose = compose
        self._shorten = shorten
        self._now = now
        self._monotonic = monotonic
        self._wake = wake
        self._idle = idle
        self._started: dict[str, list[Message]] = {}
        self._in_flight: Counter[str] = Counter()
        self._changed = threading.Condition()
        """Guards what both threads touch: all that follows."""
        self._server = server
        self._courier = self._courier_for(server)
        self._busy: Courier | None = None
        self._waiting: deque[_Batch] = deque()
        self._ended: list[Attempted] = []
        self._is_closing = False
        self._worker: threading.Thread | None = None

    @property
    def server(self) -> Server | None:
        return self._server

    @server.setter
    def server(self, server: Server | None) -> None:
        """From the next batch on, with nothing kept of the one before. Callable from every thread."""
        with self._changed:
            self._server = server
            self._courier = self._courier_for(server)
            self._changed.notify_all()

    def start(self, message: Message) -> None:
        """Have one message sent; it leaves with the next `finished`."""
        self._started.setdefault(message.endpoint, []).append(message)
        self._in_flight[message.endpoint] += 1

    def in_flight(self, endpoint: str) -> int:
        """How many messages for an endpoint are under way."""
        return self._in_flight[endpoint]

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._in_flight.total()

    @property
    def patience(self) -> Sequence[float]:
        """None: its thread wakes whoever waits."""
        return ()

    def finished(self) -> list[Attempted]:
        """Attempts that ended. Never waits; what was started since the last call is under way after it."""
        handed_at = self._monotonic()
        batches = [_Batch(name, tuple(messages), handed_at) for name, messages in self._started.items()]
        self._started.clear()
        with self._changed:
            self._waiting.extend(() if self._is_closing else batches)
            if self._waiting:
                self._start_worker()
                self._changed.notify_all()
            ended, self._ended = self._ended, []
        self._in_flight.subtract(attempted.message.endpoint for attempted in ended)
        return ended

    def close(self) -> None:
        """Break off what is under way and end the thread."""
        with self._changed:
            self._is_closing = True
            self._waiting.clear()
            if self._busy is not None:
                self._busy.break_off()
            self._changed.notify_all()
            worker = self._worker
        if worker is not None:
            worker.join(CLOSE_WITHIN)

    def _courier_for(self, server: Server | None) -> Courier:
        return Courier(server, now=self._now, monotonic=self._monotonic, idle=self._idle)

    def _start_worker(self) -> None:
        if self._worker is None or not self._worker.is_alive():
            # A daemon: a resolver that hangs must not keep the process.
            self._worker = threading.Thread(target=self._run, name="mail", daemon=True)
            self._worker.start()

    def _run(self) -> None:
        courier = self._courier
        while not self._is_closing:
            batch = self._next(courier)
            current = self._busy or self._courier
            if current is not courier:
                courier.rest()
                courier = current
            if batch is None:
                courier.rest()
            else:
                self._serve_whole(batch, courier)
        courier.rest()

    def _next(self, courier: Courier) -> "_Batch | None":
        """The next batch; None where the connection has rested enough, or is not to be used again."""

        def is_wanted() -> bool:
            return bool(self._waiting) or self._is_closing or self._courier is not courier

        with self._changed:
            self._busy = None
            self._changed.wait_for(is_wanted, courier.patience)
            if not self._waiting or self._is_closing:
                return None
            self._busy = self._courier
            return self._waiting.popleft()

    def _serve_whole(self, batch: "_Batch", courier: Courier) -> None:
        """Serve a batch; whatever goes wrong, each of its messages comes to an end."""
        owed = _Owed(batch.messages, ())
        try:
            waiting = deque(self._composed(batch))
            owed = _Owed(batch.messages, [letter for letter, _ in waiting])
            self._serve(batch, waiting, owed, courier)
        except Exception:  # a fault of ours must not end the thread
            log.exception("mail.crashed", endpoint=batch.endpoint)
            courier.drop()
            lost = Carried(Outcome.FAILED, self._now(), "a fault of our own: see the log")
            self._report(owed.rest(lost))

    def _serve(
        self, batch: "_Batch", waiting: "deque[tuple[Letter, Mail]]", owed: "_Owed", courier: Courier
    ) -> None:
        before: Carried | None = None
        while waiting:
            if self._is_closing:
                return
            letter, mail = waiting.popleft()
            if before is None or not before.is_over:
                before = self._carry(batch, mail, courier)
            else:
                before = Carried(before.outcome, self._now(), before.error, before.reach)
            smaller = self._smaller(batch, letter, mail, before, courier) if before.is_too_large else []
            if smaller:
                waiting.extendleft(reversed(smaller))
            else:
                self._report(owed.ends(letter, before))
        lost = Carried(Outcome.FAILED, self._now(), "no mail could be made of it")
        # Not the server's fault, nor for good: what it is made by may be mended before it is given up.
        self._report(one._replace(is_our_fault=True) for one in owed.rest(lost))

    def _carry(self, batch: "_Batch", mail: Mail, courier: Courier) -> Carried:
        if self._monotonic() - batch.handed_at >= QUEUED_AT_MOST.total_seconds():
            error = "the mails before it took too long"
            return Carried(Outcome.TIMEOUT, self._now(), error, Reach.SERVER)
        try:
            return courier.carry(mail)
        except Exception:  # a fault of ours must not end the thread
            log.exception("mail.crashed", endpoint=batch.endpoint)
            courier.drop()
            return Carried(Outcome.FAILED, self._now(), "a fault of our own: see the log")

    def _smaller(
        self, batch: "_Batch", letter: Letter, mail: Mail, carried: Carried, courier: Courier
    ) -> "list[tuple[Letter, Mail]]":
        """What goes in the place of a letter that is too large, each message once; nothing where it cannot be
        any smaller."""
        half = len(letter.messages) // 2
        if half:
            halves = (letter.messages[:half], letter.messages[half:])
            parts = (batch._replace(messages=messages) for messages in halves)
            return [pair for part in parts for pair in self._composed(part)]
        if letter.most == 0:
            return []
        room = carried.most or len(mail.content)
        most = room // BYTES_OF_A_SIGN if letter.most is None else letter.most // SHORTER
        try:
            letters = self._shorten(batch.endpoint, letter.messages[0], most)
            return [(one._replace(most=most), _mail(one)) for one in letters]
        except Exception:  # it ends as too large, which it is
            log.exception("mail.not_shortened", endpoint=batch.endpoint, event=letter.messages[0].event)
            return []

    def _composed(self, batch: "_Batch") -> "list[tuple[Letter, Mail]]":
        """Letters ready to go. A message that none can be made of takes no other with it."""
        try:
            letters = self._compose(batch.endpoint, batch.messages)
            return [(letter, _mail(letter)) for letter in letters]
        except Exception:  # whatever may be wrong with it is no reason to send nothing more
            if len(batch.messages) > 1:
                return [pair for single in batch.split() for pair in self._composed(single)]
            events = [message.event for message in batch.messages]
            log.exception("mail.not_composed", endpoint=batch.endpoint, events=events)
            return []

    def _report(self, ended: Iterable[Attempted]) -> None:
        with self._changed:
            before = len(self._ended)
            self._ended.extend(ended)
            is_new = len(self._ended) > before and not self._is_closing
        if is_new:
            self._wake()


class _Batch(NamedTuple):
    """What was started together for one endpoint."""

    endpoint: str
    messages: tuple[Message, ...]
    handed_at: float
    """On the monotonic clock."""

    def split(self) -> "Iterator[_Batch]":
        return (self._replace(messages=(message,)) for message in self.messages)


class _Owed:
    """Messages of one batch whose end was not told yet.

    One that goes to several recipients ends with its last letter, and as the worst of them: what has to be
    tried again before what is refused, and that before what is accepted.
    """

    def __init__(self, messages: Sequence[Message], letters: Sequence[Letter]) -> None:
        self._letters_left = Counter(message for letter in letters for message in letter.messages)
        self._worst: dict[Message, Carried | None] = dict.fromkeys(messages)

    def ends(self, letter: Letter, carried: Carried) -> Iterator[Attempted]:
        """The ends that come of a letter's."""
        for message in letter.messages:
            if message not in self._worst:  # of another batch, or told already
                continue
            worst = max(self._worst[message] or carried, carried, key=_badness)
            self._worst[message] = worst
            self._letters_left[message] -= 1
            if not self._letters_left[message]:
                del self._worst[message]
                yield _attempted(message, worst)

    def rest(self, carried: Carried) -> Iterator[Attempted]:
        """The ends of those that are in no letter."""
        return (_attempted(message, carried) for message in self._worst)


def _badness(carried: Carried) -> int:
    return {Outcome.ACCEPTED: 0, Outcome.REFUSED: 1}.get(carried.outcome, 2)


def _attempted(message: Message, carried: Carried) -> Attempted:
    return Attempted(
        message,
        carried.outcome,
        carried.started_at,
        carried.phases,
        error=carried.error,
        address=carried.address,
        is_own=carried.reach is Reach.RECIPIENT,
    )


def _mail(letter: Letter) -> Mail:
    """The letter's bytes, once for all tries."""
    content = letter.email.as_bytes()
    return Mail(letter.recipient, content if content.endswith(b"\r\n") else content + b"\r\n")
