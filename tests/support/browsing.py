"""Debian's Chromium, as a test or a picture of the documentation starts it: it asks nobody but us."""

import shutil

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def path() -> str | None:
    """Where it is; None: it is not installed."""
    return shutil.which("chromium")
