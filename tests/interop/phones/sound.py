"""Tones to send and ears to find them in what was received.

Sound is mono float64 in -1..1 at 8,000 samples per second. Every phone of the suite speaks a steady tone of
its own, a multiple of 50 Hz (so that each 20 ms packet holds whole periods) that lies between the notes of a
piano, because hold music is made of notes.
"""

from __future__ import annotations

import asyncio
import math
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float64]

RATE = 8000
FRAME = 160

TONES = (1150, 1350, 1450, 1600, 1700, 1800, 1900, 2050, 2150, 2300, 2400)
"""Frequencies (Hz) far from musical notes, DTMF and each other."""

PATIENCE = 40.0
"""Seconds: on a machine that does much else a process stalls for some of them."""

_WINDOW = 1600
_STEP = 400
_AUDIBLE = 10 ** (-45 / 20)
_POLL = 0.05


class Ear(Protocol):
    """Whatever collects the sound that a phone receives."""

    def samples(self) -> Sound:
        """Everything received so far, in order, without the gaps of what never came."""
        ...


@dataclass(frozen=True)
class Span:
    """A stretch of sound, in seconds from the beginning of what was looked at."""

    start: float
    end: float

    @property
    def length(self) -> float:
        return self.end - self.start


def ulaw_decode(data: bytes) -> Sound:
    """G.711 µ-law octets to samples."""
    return _ULAW[np.frombuffer(data, np.uint8)]


def alaw_decode(data: bytes) -> Sound:
    """G.711 A-law octets to samples."""
    return _ALAW[np.frombuffer(data, np.uint8)]


def ulaw_encode(sound: Sound) -> bytes:
    """Samples to G.711 µ-law octets, each to the nearest value that the code knows."""
    return _nearest(sound, _ULAW)


def alaw_encode(sound: Sound) -> bytes:
    """Samples to G.711 A-law octets, each to the nearest value that the code knows."""
    return _nearest(sound, _ALAW)


def tone(frequency: int, samples: int = FRAME, level_dbfs: float = -12.0) -> Sound:
    """A sine of `frequency` Hz at `level_dbfs` below full scale."""
    t = np.arange(samples, dtype=np.float64) / RATE
    return np.asarray(10 ** (level_dbfs / 20) * np.sin(2 * np.pi * frequency * t), np.float64)


def write_tone(path: Path, frequency: int, seconds: float) -> None:
    """Write a WAV of a steady tone (8 kHz, 16 bit, mono) for phones that play files."""
    pcm = (tone(frequency, int(seconds * RATE)) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm.tobytes())


def share(sound: Sound, frequency: int, width: float = 15.0, rate: int = RATE) -> NDArray[np.float64]:
    """For windows of 200 ms every 50 ms: which part of the power lies within `width` Hz of `frequency`.

    A window too quiet to be heard (below -45 dBFS) has the share 0.
    """
    window, step = _WINDOW * rate // RATE, _STEP * rate // RATE
    if len(sound) < window:
        return np.zeros(0)
    frames = np.lib.stride_tricks.sliding_window_view(sound, window)[::step]
    power = np.abs(np.fft.rfft(frames * np.hanning(window), axis=1)) ** 2
    bins = np.fft.rfftfreq(window, 1 / rate)
    near = np.abs(bins - frequency) <= width
    loud = np.sqrt((frames**2).mean(axis=1)) > _AUDIBLE
    total = power.sum(axis=1)
    return np.where(loud, power[:, near].sum(axis=1) / np.maximum(total, 1e-30), 0.0)


def has_tone(sound: Sound, frequency: int, lasting: float = 0.4, part: float = 0.2) -> bool:
    """Whether a tone holds `part` of the power for `lasting` seconds without a break."""
    return _longest_run(share(sound, frequency) >= part) * _STEP / RATE + 0.15 >= lasting


def leaks(sound: Sound, frequency: int) -> bool:
    """Whether a tone is there at all, even 10 dB below the rest; no vowel or note stays on it for 0.35 s."""
    return has_tone(sound, frequency, lasting=0.35, part=0.1)


def trace_of(sound: Sound, frequency: int) -> float:
    """The largest part that `frequency` ever has of the power."""
    shares = share(sound, frequency)
    return float(shares.max()) if len(shares) else 0.0


def level_dbfs(sound: Sound) -> float:
    """RMS level; -120 for digital silence."""
    rms = math.sqrt(float((sound**2).mean())) if len(sound) else 0.0
    return max(-120.0, 20 * math.log10(max(rms, 1e-6)))


def sounding(sound: Sound, pause: float = 0.7) -> list[Span]:
    """The stretches that can be heard, joined over pauses shorter than `pause` seconds (speech breathes)."""
    width = FRAME
    count = len(sound) // width
    if not count:
        return []
    loud = np.sqrt((sound[: count * width].reshape(count, width) ** 2).mean(axis=1)) > _AUDIBLE
    spans: list[Span] = []
    for index in np.flatnonzero(loud):
        start, end = index * width / RATE, (index + 1) * width / RATE
        if spans and start - spans[-1].end < pause:
            spans[-1] = Span(spans[-1].start, end)
        else:
            spans.append(Span(start, end))
    return spans


def beeps(sound: Sound, shortest: float = 0.1) -> list[Span]:
    """Pure tones of any frequency from 300 Hz on, with at least `shortest` seconds: what speech never is."""
    width, step = 480, 160
    if len(sound) < width:
        return []
    frames = np.lib.stride_tricks.sliding_window_view(sound, width)[::step]
    power = np.abs(np.fft.rfft(frames * np.hanning(width), axis=1)) ** 2
    bins = np.fft.rfftfreq(width, 1 / RATE)
    peak = power.argmax(axis=1)
    near = np.abs(np.arange(len(bins))[None, :] - peak[:, None]) <= 2
    pure = (power * near).sum(axis=1) / np.maximum(power.sum(axis=1), 1e-30) > 0.97
    loud = np.sqrt((frames**2).mean(axis=1)) > _AUDIBLE
    hit = pure & loud & (bins[peak] >= 300)
    spans: list[Span] = []
    previous = -9.0
    for index in np.flatnonzero(hit):
        start, end = index * step / RATE, (index * step + width) / RATE
        if spans and start - spans[-1].end <= 0 and abs(bins[peak[index]] - previous) < 40:
            spans[-1] = Span(spans[-1].start, end)
        else:
            spans.append(Span(start, end))
        previous = float(bins[peak[index]])
    return [span for span in spans if span.length >= shortest]


def likeness(piece: Sound, whole: Sound) -> float:
    """How well `piece` is found again anywhere in `whole`: 1 for the same sound, near 0 for another one."""
    if len(piece) > len(whole) or not len(piece):
        return 0.0
    size = 1 << (len(whole) + len(piece)).bit_length()
    cross = np.fft.irfft(np.fft.rfft(whole, size) * np.conj(np.fft.rfft(piece, size)), size)
    cross = cross[: len(whole) - len(piece) + 1]
    squares = np.concatenate(([0.0], np.cumsum(whole**2)))
    energy = squares[len(piece) :] - squares[: len(squares) - len(piece)]
    norm = np.sqrt(np.maximum(energy, 1e-9) * max(float((piece**2).sum()), 1e-9))
    return float((cross / norm).max())


def now_at(ear: Ear) -> int:
    """A mark to listen from: how many samples were heard up to now."""
    return len(ear.samples())


def since(ear: Ear, mark: int) -> Sound:
    """What was heard after a mark."""
    return ear.samples()[mark:]


async def hears(
    ear: Ear, frequency: int, *, mark: int = 0, within: float = PATIENCE, part: float = 0.2
) -> None:
    """Wait until the tone is heard for 0.4 s after `mark`; AssertionError when it is not within the time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    looked = mark
    while True:
        heard = ear.samples()
        if has_tone(heard[max(mark, looked - RATE) :], frequency, part=part):
            return
        looked = len(heard)
        if loop.time() > deadline:
            heard = heard[mark:]
            raise AssertionError(
                f"{frequency} Hz was not heard within {within} s: {describe(heard)}, "
                f"share at most {trace_of(heard, frequency):.2f}"
            )
        await asyncio.sleep(_POLL)


async def hears_no(ear: Ear, frequency: int, *, mark: int | None = None, lasting: float = 1.0) -> None:
    """Listen for `lasting` seconds, from now on or with all since `mark`: the tone must not be there."""
    begin = now_at(ear) if mark is None else mark
    await asyncio.sleep(lasting)
    heard = since(ear, begin)
    assert not leaks(heard, frequency), f"{frequency} Hz is heard and should not be: {describe(heard)}"


async def hears_something(ear: Ear, *, mark: int = 0, within: float = PATIENCE, lasting: float = 0.5) -> None:
    """Wait until anything audible (speech, music) was heard for `lasting` seconds in total after `mark`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while sum(span.length for span in sounding(since(ear, mark), pause=0.1)) < lasting:
        assert loop.time() <= deadline, f"nothing was heard within {within} s: {describe(since(ear, mark))}"
        await asyncio.sleep(_POLL)


async def hears_silence(ear: Ear, *, mark: int = 0, within: float = PATIENCE, lasting: float = 1.0) -> Sound:
    """Wait until `lasting` seconds of silence follow some sound after `mark`; returns what was heard."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while True:
        heard = since(ear, mark)
        spans = sounding(heard)
        if spans and len(heard) / RATE - spans[-1].end >= lasting:
            return heard
        assert loop.time() <= deadline, f"no pause of {lasting} s within {within} s: {describe(heard)}"
        await asyncio.sleep(_POLL)


async def hears_beep(ear: Ear, *, mark: int = 0, within: float = PATIENCE) -> Span:
    """Wait for the end of a beep (a pure tone of 0.1 s or more) after `mark`; returns where it was."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    looked, came = mark, loop.time()
    while True:
        heard = ear.samples()
        if len(heard) > looked:
            came = loop.time()
        begin = max(mark, looked - RATE)
        for span in beeps(heard[begin:]):
            is_last = loop.time() - came > 1.0  # a call may end with it
            if is_last or span.end + 0.06 < (len(heard) - begin) / RATE:
                return Span(span.start + (begin - mark) / RATE, span.end + (begin - mark) / RATE)
        looked, heard = len(heard), heard[mark:]
        assert loop.time() <= deadline, f"no beep within {within} s: {describe(heard)}"
        await asyncio.sleep(_POLL)


def describe(sound: Sound) -> str:
    """A line for the reader of a failure: how much was heard, how loud, which frequency was strongest."""
    if len(sound) < _WINDOW:
        return f"{len(sound) / RATE:.2f} s heard"
    tail = sound[-RATE:]
    spectrum = np.abs(np.fft.rfft(tail * np.hanning(len(tail))))
    strongest = np.fft.rfftfreq(len(tail), 1 / RATE)[int(spectrum.argmax())]
    spans = ", ".join(f"{span.start:.1f}-{span.end:.1f}" for span in sounding(sound)[-8:])
    return (
        f"{len(sound) / RATE:.2f} s heard, audible at [{spans}] s, "
        f"the last second at {level_dbfs(tail):.0f} dBFS, strongest near {strongest:.0f} Hz"
    )


def _longest_run(hit: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], hit, [False]))))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0


def _ulaw_table() -> Sound:
    code = ~np.arange(256, dtype=np.int64) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude) / 32768.0


def _alaw_table() -> Sound:
    code = np.arange(256, dtype=np.int64) ^ 0x55
    exponent, mantissa = (code & 0x70) >> 4, (code & 0x0F) << 4
    magnitude = np.where(exponent == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude) / 32768.0


def _nearest(sound: Sound, table: Sound) -> bytes:
    order = np.argsort(table, kind="stable")
    values = table[order]
    right = np.clip(np.searchsorted(values, sound), 1, 255)
    left_is_nearer = sound - values[right - 1] < values[right] - sound
    return bytes(order[np.where(left_is_nearer, right - 1, right)].astype(np.uint8))


_ULAW = _ulaw_table()
_ALAW = _alaw_table()
