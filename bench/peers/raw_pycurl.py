"""libcurl's multi interface, 64 in flight: nothing is durable. A line to compare with, and no peer."""

import pycurl

from bench.peers.task import MANY, URL, body, headers

IN_FLIGHT = 64


def _handle() -> pycurl.Curl:
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, URL)
    curl.setopt(pycurl.POST, 1)
    curl.setopt(pycurl.PROXY, "")
    return curl


def _load(curl: pycurl.Curl, number: int) -> None:
    sent = body(number).encode()
    lines = [f"{name}: {value}" for name, value in headers(sent).items()]
    curl.setopt(pycurl.HTTPHEADER, [*lines, "expect:"])
    curl.setopt(pycurl.POSTFIELDS, sent)


def work() -> None:
    """Send all, as many at once as may be."""
    multi = pycurl.CurlMulti()
    idle = [_handle() for _ in range(IN_FLIGHT)]
    sent = ended = 0
    while ended < MANY:
        while idle and sent < MANY:
            curl = idle.pop()
            _load(curl, sent)
            multi.add_handle(curl)
            sent += 1
        multi.perform()
        _, good, bad = multi.info_read()
        for curl in [*good, *(one for one, _, _ in bad)]:
            multi.remove_handle(curl)
            idle.append(curl)
            ended += 1
        if not good and not bad:
            multi.select(1.0)
