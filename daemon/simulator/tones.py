"""Audio that the simulator makes: a quiet tone, of which a player can tell that it plays."""

import struct
from functools import lru_cache

RATE = 8_000
"""Samples a second, as telephones have it."""
BYTES_A_SECOND = 2 * RATE
"""Of samples with 16 bits."""
HEADER = 44
PITCH = 400
LOUDNESS = 900
WAVE = RATE // PITCH // 2
HUM = struct.pack(f"<{2 * WAVE}h", *([LOUDNESS] * WAVE), *([-LOUDNESS] * WAVE)) * PITCH
"""One second."""


@lru_cache(maxsize=8)
def tone(seconds: int) -> bytes:
    """A WAV file (mono, 16 bits, 8 kHz) of `seconds * BYTES_A_SECOND` bytes, its head among them."""
    length = max(seconds * BYTES_A_SECOND - HEADER, 0)
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", length + HEADER - 8, b"WAVE", b"fmt ", 16, 1, 1, RATE, BYTES_A_SECOND, 2, 16),
        *(b"data", length),
    )
    return (head + HUM * seconds)[: seconds * BYTES_A_SECOND]
