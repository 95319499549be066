"""What every peer delivers, and how: a body of 600 bytes, signed, by requests. In the peers' processes."""

import hashlib
import hmac
import os
from base64 import b64encode
from pathlib import Path

import requests

URL = os.environ.get("BENCH_URL", "")
MANY = int(os.environ.get("BENCH_MANY", "0"))
DIRECTORY = Path(os.environ.get("BENCH_DIRECTORY", "."))
SERVICE = os.environ.get("BENCH_SERVICE", "")
"""Where the peer's service is, as a URL; "" without one."""
KEY = b"a key of 24 bytes, or so"
BODY_BYTES = 600


def body(number: int) -> str:
    """The body of one delivery."""
    head = f'{{"type":"sms.received","number":{number},"text":"'
    return head.ljust(BODY_BYTES - 2, "x") + '"}'


def headers(body: bytes) -> dict[str, str]:
    """What a receiver needs to know who sent it."""
    signature = b64encode(hmac.digest(KEY, body, hashlib.sha256)).decode()
    return {"content-type": "application/json", "webhook-signature": f"v1,{signature}"}


def new_session() -> requests.Session:
    """A session that keeps its connections, and asks the environment nothing."""
    session = requests.Session()
    session.trust_env = False
    return session


def post(session: requests.Session, text: str) -> None:
    """Deliver one body; raises if it was not accepted."""
    sent = text.encode()
    session.post(URL, data=sent, headers=headers(sent), timeout=15).raise_for_status()
