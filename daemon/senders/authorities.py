"""Whom to trust: the certificate authorities of the machine."""

import ssl
from pathlib import Path

import certifi


def ca_file() -> str:
    """The system's certificate authorities; where it has none, those that come with Python's `certifi`."""
    built_in = ssl.get_default_verify_paths().openssl_cafile  # `cafile` would follow the environment
    places = (built_in, "/etc/ssl/certs/ca-certificates.crt")
    return next((place for place in places if Path(place).exists()), certifi.where())
