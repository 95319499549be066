"""What a delivery was planned with. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Planned:
    """The template of an endpoint when one of its deliveries was planned."""

    text: str | None
    """Of its file; None: the endpoint had none."""
