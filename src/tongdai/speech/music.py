"""Hold music of our own making: generated, so that nobody's licence is attached to it.

Slow chords (a pad), a plucked arpeggio over them, and now and then a bell, in a gentle major progression, 80
s long. The seed decides the figures, so the same seed gives the same file. Written for the telephone: nothing
outside 150–7000 Hz and most of it below 3400, little dynamic, few sharp attacks, since a codec and a small
loudspeaker make noise of the rest. Notes that ring over the end ring into the beginning, so that the loop has
no seam.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tongdai.speech.level import TARGET_DBFS
from tongdai.speech.wavfile import RATE, Samples

Sound = NDArray[np.float64]

BAR_SECONDS = 10 / 3  # four beats at 72 a minute
BARS = 24
LENGTH = round(BARS * BAR_SECONDS * RATE)
LOW_HERTZ, HIGH_HERTZ = 150.0, 7000.0
_PEAK = 0.8

# MIDI notes. Two turns through one progression and a third that leads home: D, Bm7, Gmaj7, A6 and their kin.
_D, _BM7, _G7, _A = (62, 66, 69, 74), (59, 66, 69, 74), (55, 66, 71, 74), (57, 64, 69, 73)
_EM7, _FSM, _ASUS = (64, 67, 71, 74), (66, 69, 73, 76), (57, 64, 69, 74)
_PROGRESSION = (
    *(_D, _FSM, _BM7, _G7, _D, _BM7, _EM7, _A),
    *(_G7, _A, _FSM, _BM7, _EM7, _G7, _ASUS, _A),
    *(_BM7, _G7, _D, _A, _BM7, _EM7, _ASUS, _A),
)
_SCALE = (74, 76, 78, 81, 83, 86, 88, 90)  # D major without the notes that rub
# Which note of the chord the arpeggio plucks on each eighth of a bar; -1 rests
_FIGURES = (
    (0, 2, 1, 3, 2, 1, 3, 2),
    (0, 1, 2, 3, -1, 3, 2, 1),
    (0, 2, 3, -1, 2, 1, 2, -1),
    (0, -1, 2, 1, 3, -1, 2, 1),
)


def hold_music(seed: int = 1) -> Samples:
    """80 s of music at `RATE` for an endless loop, about −20 dBFS."""
    chance = np.random.default_rng(seed)
    loop = np.zeros(LENGTH, np.float64)
    beat = BAR_SECONDS / 4
    figure = _FIGURES[0]
    for bar, chord in enumerate(_PROGRESSION):
        start = bar * BAR_SECONDS
        for note in chord:
            _add(loop, start - 0.4, _pad(note, BAR_SECONDS + 1.6), 0.10)
        if bar % 2 == 0:
            figure = _FIGURES[chance.integers(len(_FIGURES))]
        for eighth, which in enumerate(figure):
            if which >= 0:
                late = float(chance.uniform(0, 0.012))  # as a hand would be
                loudness = 0.30 * (1.15 if eighth % 4 == 0 else 1.0) * float(chance.uniform(0.85, 1.0))
                _add(loop, start + eighth * beat / 2 + late, _pluck(chord[which] + 12), loudness)
        if bar % 4 in (1, 3):
            at = float(chance.choice([0.0, 1.0, 2.0]))
            note = int(
                chance.choice([n for n in _SCALE if (n - chord[0]) % 12 in (0, 3, 4, 7, 9)] or [_SCALE[0]])
            )
            _add(loop, start + at * beat, _bell(note), 0.16)
    loop = _filtered(_in_a_room(loop, chance))
    loop *= 10 ** (TARGET_DBFS / 20) / np.sqrt(np.mean(loop**2))
    # a soft knee for the rare moment in which everything sounds at once; far below clipping otherwise
    return (np.tanh(loop / _PEAK) * _PEAK).astype(np.float32)


def _hertz(note: float) -> float:
    return float(440 * 2 ** ((note - 69) / 12))


def _add(loop: Sound, at: float, sound: Sound, loudness: float) -> None:
    """Mix a sound in at `at` seconds, around the end if need be."""
    first = round(at * RATE) % LENGTH
    end = min(LENGTH, first + len(sound))
    loop[first:end] += loudness * sound[: end - first]
    rest = sound[end - first :]
    loop[: len(rest)] += loudness * rest


def _pad(note: int, seconds: float) -> Sound:
    """Two slightly detuned voices that swell and fade."""
    time = np.arange(round(seconds * RATE)) / RATE
    wave = np.zeros_like(time)
    for detune in (-0.06, 0.06):
        pitch = _hertz(note + detune)
        for partial, strength in ((1, 1.0), (2, 0.5), (3, 0.22), (4, 0.08)):
            wave += strength * np.sin(2 * np.pi * pitch * partial * time + partial)
    swell = np.clip(np.minimum(time / 1.0, (seconds - time) / 1.4), 0, 1)
    wave *= np.sin(np.pi / 2 * swell) ** 2
    return wave


def _pluck(note: int) -> Sound:
    """A soft string: higher partials die sooner."""
    time = np.arange(round(1.8 * RATE)) / RATE
    pitch = _hertz(note)
    wave = np.zeros_like(time)
    for partial in range(1, 9):
        if pitch * partial < HIGH_HERTZ:
            decay = np.exp(-time * (2.2 + 1.6 * partial))
            wave += decay / partial**1.6 * np.sin(2 * np.pi * pitch * partial * time)
    return wave * np.clip(time / 0.006, 0, 1) * np.clip((1.8 - time) / 0.1, 0, 1)


def _bell(note: int) -> Sound:
    time = np.arange(round(2.6 * RATE)) / RATE
    pitch = _hertz(note)
    wave = np.zeros_like(time)
    for ratio, strength, speed in ((1.0, 1.0, 1.6), (2.0, 0.35, 2.6), (2.99, 0.12, 4.5)):
        if pitch * ratio < HIGH_HERTZ:
            wave += strength * np.exp(-speed * time) * np.sin(2 * np.pi * pitch * ratio * time)
    return wave * np.clip(time / 0.015, 0, 1) * np.clip((2.6 - time) / 0.2, 0, 1)


def _in_a_room(loop: Sound, chance: np.random.Generator) -> Sound:
    """A little reverberation, around the loop."""
    time = np.arange(round(1.4 * RATE)) / RATE
    echo = chance.standard_normal(len(time)) * np.exp(-4.5 * time)
    echo[: RATE // 60] = 0
    echo *= 0.35 / np.sqrt(np.sum(echo**2))
    echo[0] = 1.0
    return np.fft.irfft(np.fft.rfft(loop) * np.fft.rfft(echo, LENGTH), LENGTH)


def _filtered(loop: Sound) -> Sound:
    """Only what a telephone of wide band carries, with soft slopes, around the loop."""
    hertz = np.fft.rfftfreq(LENGTH, 1 / RATE)
    below = np.clip((hertz - LOW_HERTZ) / 60, 0, 1)
    above = np.clip((HIGH_HERTZ - hertz) / 200, 0, 1)
    return np.fft.irfft(np.fft.rfft(loop) * np.sin(np.pi / 2 * below) * np.sin(np.pi / 2 * above), LENGTH)
