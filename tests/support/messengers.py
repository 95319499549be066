"""Telegram, Slack and ntfy on loopback: they take, refuse and show what their documentation says they do."""

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "123456789:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"
CHAT = -1001234567890


@dataclass(frozen=True)
class Said:
    """An answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, status: int, document: object, **headers: str) -> "Said":
        return cls(status, json.dumps(document).encode(), {"content-type": "application/json", **headers})


@dataclass(frozen=True)
class Shown:
    """A message as people see it."""

    text: str
    links: tuple[str, ...] = ()
    """Where something leads that can be pressed."""
    title: str = ""
    where: object = None
    priority: int = 3
    tags: tuple[str, ...] = ()


Taken = Shown | Said
"""A message that is shown, or an answer that says why it is not."""
_LINKED = re.compile(
    r"[a-z][a-z0-9+.-]*://\S"  # with a scheme
    r"|(?<![\w@])@\w{3,}|[\w.]@\w+\.\w"  # a mention, an address of mail
    r"|(?<!\w)[#$][^\W\d_]\w*"  # a tag
    r"|(?<![\w/<])/[a-z]\w*"  # a command
    r"|[\w-]\.(?:com|org|net|il|ru|me|example)\b",  # a name of a host, by its ending
    re.IGNORECASE,
)


def linked(text: str) -> list[str]:
    """What a service makes something to be pressed of, in a text without markup."""
    return _LINKED.findall(text)


_TELEGRAM_MARKUP = re.compile(r'<(/?)(\w+)(?: href="([^"<>]*)")?>|&(lt|gt|amp|quot|#\d+);|<')


def telegram(body: bytes) -> Taken:
    """What `sendMessage` makes of a request to a chat that the bot may write to."""
    said = json.loads(body)
    if said["chat_id"] != CHAT:
        return _refused(400, "Bad Request: chat not found")
    if said.get("message_thread_id", 7) != 7:
        return _refused(400, "Bad Request: message thread not found")
    try:
        text, links = _html(said["text"])
    except ValueError as error:
        return _refused(400, f"Bad Request: can't parse entities: {error}")
    if not text.strip() or len(text.encode("utf-16-le")) // 2 > 4096:
        return _refused(400, f"Bad Request: message {'is too long' if text.strip() else 'text is empty'}")
    return Shown(text, tuple(links), where=(said["chat_id"], said.get("message_thread_id")))


def _html(markup: str) -> tuple[str, list[str]]:
    """The text and the links of what is written in its HTML style. Raises ValueError for what is not."""
    links: list[str] = []
    opened: list[str] = []

    def read(found: re.Match[str]) -> str:
        closing, tag, link, entity = found.groups()
        if entity:
            return {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}.get(entity) or chr(int(entity[1:]))
        if tag not in ("b", "i", "a"):
            raise ValueError(f"unsupported start tag {tag!r}")
        if not closing:
            opened.append(tag)
            links.extend([link] if link is not None else [])
        elif not opened or opened.pop() != tag:
            raise ValueError("unmatched end tag")
        return ""

    text = _TELEGRAM_MARKUP.sub(read, markup)
    if opened:
        raise ValueError("unclosed start tag")
    return text, links


def _refused(status: int, why: str, **parameters: int) -> Said:
    more = {"parameters": parameters} if parameters else {}
    return Said.json(status, {"ok": False, "error_code": status, "description": why, **more})


_SLACK_MARKUP = re.compile(r"([*_~`])(?=[^\s\u200b])[^*_~`]*[^\s\u200b]\1")
"""Bold, italic, struck out, code: nothing that parts words is within, beside the signs."""


def slack(body: bytes) -> Taken:
    """What an incoming webhook makes of a request."""
    said = json.loads(body)
    section, context = said["blocks"]
    texts = [section["text"]["text"], *(one["text"] for one in context["elements"])]
    is_whole = all(
        one["verbatim"] and one["type"] == "mrkdwn" for one in (section["text"], *context["elements"])
    )
    if not is_whole or not said["text"] or any(not 0 < len(one) <= 3000 for one in texts):
        return Said(400, b"invalid_blocks")
    links: list[str] = []
    shown: list[str] = []
    for one in texts:
        links += re.findall(r"<([^<>|]*)\|[^<>]*>", one)
        bare = re.sub(r"<[^<>|]*\|([^<>]*)>", r"\1", one)
        if re.search(r"[<>]|&(?!amp;|lt;|gt;)", bare) or _SLACK_MARKUP.search(bare):
            return Said(400, b"invalid_payload")
        shown.append(bare.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    return Shown("\n".join(shown), tuple(links))


def ntfy(body: bytes) -> Taken:
    """What a server makes of a message that is published as JSON."""
    if len(body) > 2 * 4096:
        return _error(413, 41303, "JSON body too large")
    said = json.loads(body)
    if not re.fullmatch(r"[-_A-Za-z0-9]{1,64}", said["topic"]):
        return _error(400, 40009, "invalid request: topic invalid")
    if said["priority"] not in range(1, 6):
        return _error(400, 40007, "invalid priority parameter")
    if len(said["message"].encode()) >= 4096 or len(said["title"]) > 200:
        return _error(400, 40014, "invalid request: attachments not allowed")
    actions = said.get("actions", [])
    if any(one["action"] != "view" or not one["label"] for one in actions):
        return _error(400, 40018, "invalid request: actions invalid")
    links = [*filter(None, [said.get("click")]), *(one["url"] for one in actions)]
    tags = tuple(said.get("tags", ()))
    return Shown(said["message"], tuple(links), said["title"], said["topic"], said["priority"], tags)


def _error(status: int, code: int, why: str, **headers: str) -> Said:
    return Said.json(status, {"code": code, "http": status, "error": why}, **headers)


DONE: Mapping[str, Said] = {
    "telegram": Said.json(200, {"ok": True, "result": {"message_id": 1, "text": "שלום" * 5000}}),
    "slack": Said(200, b"ok"),
    "ntfy": Said.json(200, {"id": "sPs71M8A2T", "time": 1, "event": "message", "topic": "phones"}),
}
TAKES: Mapping[str, Callable[[bytes], Taken]] = {"telegram": telegram, "slack": slack, "ntfy": ntfy}
PATHS = {"telegram": f"/bot{TOKEN}/sendMessage", "slack": "/services/T0/B0/x", "ntfy": "/"}


class Service:
    """One of them, by its name. `next` answers once in place of what it would say itself, `always` until
    it is None again."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.shown: list[Shown] = []
        self.requests: list[tuple[str, Mapping[str, str], bytes]] = []
        self.next: list[Said] = []
        self.always: Said | None = None
        self._arrived = threading.Condition()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                said = service.answer(self.path, headers, body)
                self.send_response(said.status)
                for key, value in said.headers.items():
                    self.send_header(key.replace("_", "-"), value)
                self.send_header("content-length", str(len(said.body)))
                self.end_headers()
                self.wfile.write(said.body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # a client that has read enough leaves

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"

    def wait_for(self, is_there: Callable[[], bool], timeout: float = 120) -> None:
        """Wait until a request came after which something holds."""
        with self._arrived:
            assert self._arrived.wait_for(is_there, timeout), (self.shown, self.requests[-3:])

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> Said:
        """What it says to a request."""
        with self._arrived:
            self.requests.append((path, headers, body))
            said = self._answer(path, body)
            self._arrived.notify_all()
        return said

    def _answer(self, path: str, body: bytes) -> Said:
        if self.next:
            return self.next.pop(0)
        if self.always is not None:
            return self.always
        if path != PATHS[self.name]:
            return _refused(404, "Not Found") if self.name == "telegram" else Said(404, b"no_service")
        taken = TAKES[self.name](body)
        if isinstance(taken, Said):
            return taken
        self.shown.append(taken)
        return DONE[self.name]

    def __enter__(self) -> "Service":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
