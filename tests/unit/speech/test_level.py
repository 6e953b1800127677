from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.speech.sounds import dbfs, loudest_hertz, sine

from tongdai.speech.errors import SpeechError
from tongdai.speech.level import active_level, levelled, to_telephone, trimmed
from tongdai.speech.wavfile import RATE

SILENCE = np.zeros(RATE, np.float32)


def speech_like(seed):
    """Noise in bursts with gaps, peaks about 15 dB above the mean, as speech has."""
    chance = np.random.default_rng(seed)
    noise = chance.laplace(size=4 * RATE).astype(np.float32) * 0.05
    envelope = np.repeat(chance.choice([0.0, 0.5, 1.0], 40), RATE // 10)
    noise *= envelope.astype(np.float32)
    return noise


@given(st.floats(-55, -2))
def test_any_level_becomes_the_same(start):
    tone = sine(500, 1.0, peak=10 ** (start / 20))
    assert active_level(levelled(tone)) == pytest.approx(-20, abs=0.1)


@given(st.integers(0, 1000))
def test_speech_is_levelled_by_what_is_spoken_and_not_by_its_pauses(seed):
    spoken = speech_like(seed)
    longer = np.concatenate([SILENCE, spoken, SILENCE, SILENCE])
    assert active_level(levelled(spoken)) == pytest.approx(-20, abs=1.0)
    assert active_level(levelled(longer)) == pytest.approx(-20, abs=1.0)


def test_a_peak_is_rounded_off_and_does_not_make_the_rest_quiet():
    sound = sine(500, 2.0, peak=0.05)
    sound[RATE : RATE + RATE // 200] *= 18
    out = levelled(sound)
    assert np.abs(out).max() <= 10 ** (-1 / 20) + 1e-6
    assert dbfs(out[: RATE * 7 // 8]) == pytest.approx(-20, abs=1.5)
    # smooth: no step larger than the tone itself makes
    assert np.abs(np.diff(out)).max() < 0.9 * 2 * np.pi * 500 / RATE * 1.1


@pytest.mark.parametrize("sound", [SILENCE, np.zeros(0, np.float32), sine(500, 1, peak=1e-4)])
def test_silence_is_not_lifted_to_noise(sound):
    with pytest.raises(SpeechError, match="nothing to hear"):
        levelled(sound)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 24000, 44100, 48000, 96000])
def test_a_tone_keeps_its_pitch_and_length_at_any_rate(rate):
    out = to_telephone(sine(1000, 1.0, rate), rate)
    assert len(out) == pytest.approx(RATE, abs=2)
    assert loudest_hertz(out) == pytest.approx(1000, abs=2)


def test_what_a_telephone_cannot_carry_is_not_folded_into_what_it_can():
    out = to_telephone(sine(10_000, 1.0, 48000), 48000)
    assert dbfs(out[400:-400]) < -60


def test_channels_become_one_and_an_offset_goes():
    stereo = np.stack([sine(500, 1.0), sine(500, 1.0)], axis=1) + np.float32(0.25)
    out = to_telephone(stereo, RATE)
    assert out.shape == (RATE,)
    assert abs(float(out.mean())) < 1e-4
    assert dbfs(out) == pytest.approx(dbfs(sine(500, 1.0)), abs=0.1)


def test_silence_around_speech_is_trimmed():
    out = trimmed(np.concatenate([SILENCE, sine(500, 1.0), SILENCE]))
    assert len(out) == pytest.approx(RATE * (1 + 1 / 20 + 1 / 7), abs=RATE // 50)
    assert out[0] == out[-1] == 0


def test_silence_alone_is_left_as_it_is():
    assert len(trimmed(SILENCE)) == RATE
