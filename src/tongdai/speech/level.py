"""Brings sound to telephone form: 16 kHz, mono, about −20 dBFS, no peak above −1 dBFS.

Everything a caller hears has the same loudness, so that nobody reaches for the volume between
a greeting and the music.
dBFS here: 0 is the RMS of a full-scale square wave, so a full-scale sine has −3.
"""

from __future__ import annotations

import numpy as np
import soxr
from numpy.lib.stride_tricks import sliding_window_view

from tongdai.speech.errors import SpeechError
from tongdai.speech.wavfile import RATE, Samples

TARGET_DBFS = -20.0
PEAK_DBFS = -1.0
_FRAME = RATE // 50
_ACTIVE_DB = 25.0  # a frame this far below the loud ones is a pause
_MOST_GAIN_DB = 40.0  # more would be lifting noise
_LEAD = RATE // 20
_TAIL = RATE // 7


def to_telephone(samples: Samples, rate: int) -> Samples:
    """Samples of shape (frames, channels) or (frames,) at `rate` → mono at `RATE` without a constant
    offset."""
    mono = samples.mean(axis=1, dtype=np.float32) if samples.ndim == 2 else samples
    if rate != RATE and len(mono):
        mono = soxr.resample(mono, rate, RATE, quality="HQ").astype(np.float32)
    return mono - mono.mean(dtype=np.float32) if len(mono) else mono


def active_level(samples: Samples) -> float:
    """RMS of where there is sound (pauses left out), in dBFS; −inf for silence.

    A click or a cough counts for no more than the loud parts around it.
    """
    power = _powers(samples)
    active = power[_active(power)]
    if len(active):
        active = np.minimum(active, np.percentile(active, 95))
    mean = float(active.mean()) if len(active) else 0.0
    return 10 * float(np.log10(mean)) if mean > 0 else float("-inf")


def levelled(samples: Samples, target: float = TARGET_DBFS) -> Samples:
    """`samples` at `target` dBFS of active level, peaks rounded off below −1 dBFS.

    Raises `SpeechError` when there is nothing to hear.
    """
    level = active_level(samples)
    if level < TARGET_DBFS - _MOST_GAIN_DB:
        raise SpeechError(
            "silent", "There is nothing to hear in this sound.", "Record it again, closer or louder."
        )
    out = samples * np.float32(10 ** ((target - level) / 20))
    return _limited(out)


def trimmed(samples: Samples) -> Samples:
    """Without the silence around what is said, save for 50 ms before and 140 ms after; soft edges."""
    sounding = np.flatnonzero(_active(_powers(samples), 45.0))
    if not len(sounding):
        return samples
    start = max(0, int(sounding[0]) * _FRAME - _LEAD)
    end = min(len(samples), (int(sounding[-1]) + 1) * _FRAME + _TAIL)
    out = samples[start:end].copy()
    edge = min(RATE // 200, len(out) // 2)
    ramp = np.linspace(0, 1, edge, dtype=np.float32)
    out[:edge] *= ramp
    out[len(out) - edge :] *= ramp[::-1]
    return out


def _powers(samples: Samples) -> Samples:
    """Mean square of each 20 ms frame."""
    padded = np.pad(samples, (0, -len(samples) % _FRAME))
    power: Samples = np.mean(padded.reshape(-1, _FRAME) ** 2, axis=1, dtype=np.float32)
    return power


def _active(power: Samples, below_db: float = _ACTIVE_DB) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    if not len(power):
        return np.zeros(0, bool)
    loud = float(np.percentile(power, 95))
    if loud == 0:
        loud = float(power.max())
    return power > loud * 10 ** (-below_db / 10)


def _limited(samples: Samples) -> Samples:
    """Turns the gain down smoothly around peaks, 5 ms to each side, instead of cutting them off."""
    limit = np.float32(10 ** (PEAK_DBFS / 20))
    needed = np.minimum(1, limit / np.maximum(np.abs(samples), 1e-9)).astype(np.float32)
    if needed.min(initial=1) == 1:
        return samples
    reach = RATE // 200
    # the least gain within reach, then its mean: never above what a peak needs, and no corner in it
    held = sliding_window_view(np.pad(needed, 2 * reach, constant_values=1), 2 * reach + 1).min(axis=1)
    gain = np.convolve(held, np.full(2 * reach + 1, 1 / (2 * reach + 1), np.float32), mode="valid")
    return np.clip(samples * gain.astype(np.float32), -limit, limit)
