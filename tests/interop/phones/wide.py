"""G.722 by ffmpeg, which knows nothing of the product."""

from __future__ import annotations

import subprocess

import numpy as np
from tests.interop.phones.sound import FRAME, Sound

RATE = 16000


def frame(frequency: int) -> bytes:
    """20 ms of a steady tone, from where the coder has adapted: sent again and again it is that tone."""
    t = np.arange(RATE, dtype=np.float64) / RATE
    pcm = (0.25 * 32767 * np.sin(2 * np.pi * frequency * t)).astype("<i2")
    coded = _ffmpeg(pcm.tobytes(), "-f", "s16le", "-ar", str(RATE), "-ac", "1", "-i", "-", "-f", "g722", "-")
    return coded[25 * FRAME : 26 * FRAME]


def decode(coded: bytes) -> Sound:
    """Samples at 16 kHz."""
    pcm = _ffmpeg(coded, "-f", "g722", "-i", "-", "-f", "s16le", "-") if coded else b""
    return np.frombuffer(pcm, "<i2").astype(np.float64) / 32768


def _ffmpeg(data: bytes, *arguments: str) -> bytes:
    command = ["ffmpeg", "-v", "error", *arguments]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout
