"""Short tones: the beep before a recording, and what a conference hears when somebody comes or goes."""

from __future__ import annotations

import numpy as np

from tongdai.speech.errors import SpeechError
from tongdai.speech.level import TARGET_DBFS
from tongdai.speech.wavfile import RATE, Samples

_EDGE_SECONDS = 0.008


def tone(hertz: float, seconds: float, dbfs: float = TARGET_DBFS) -> Samples:
    """A sine with soft edges; `dbfs` is its RMS level."""
    if not (20 <= hertz < RATE / 2 and 2 * _EDGE_SECONDS <= seconds <= 60 and dbfs <= -3):
        raise SpeechError(
            "bad_tone", f"A tone of {hertz} Hz, {seconds} s and {dbfs} dBFS cannot be made.",
            "Use 20 to 8000 Hz, 16 ms to 60 s, and at most -3 dBFS.",
        )  # fmt: skip
    time = np.arange(round(seconds * RATE)) / RATE
    edges = np.clip(np.minimum(time, seconds - time) / _EDGE_SECONDS, 0, 1)
    shape = np.sin(np.pi / 2 * edges) ** 2
    wave: Samples = (np.sqrt(2) * 10 ** (dbfs / 20) * shape * np.sin(2 * np.pi * hertz * time)).astype(
        np.float32
    )
    return wave


def beep() -> Samples:
    """1000 Hz for 400 ms, as every answering machine has taught."""
    return tone(1000, 0.4, -17)


def chime(joined: bool) -> Samples:
    """Two short notes, rising when somebody comes and falling when somebody goes."""
    low, high = tone(659.3, 0.12, -24), tone(987.8, 0.16, -24)
    return np.concatenate([low, high] if joined else [high, low])
