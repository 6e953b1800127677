"""Sound to be uploaded."""

from __future__ import annotations

import io
import math
import struct
import wave


def tone(seconds: float = 1.0, hertz: float = 440.0, rate: int = 8000) -> bytes:
    """A WAV file with a sine."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        samples = (round(9000 * math.sin(2 * math.pi * hertz * n / rate)) for n in range(int(seconds * rate)))
        out.writeframes(b"".join(struct.pack("<h", x) for x in samples))
    return file.getvalue()


WAV = {"Content-Type": "audio/wav"}
