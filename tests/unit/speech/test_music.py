from __future__ import annotations

import numpy as np
import pytest
from tests.unit.speech.sounds import dbfs

from tongdai.speech.music import hold_music
from tongdai.speech.wavfile import RATE


@pytest.fixture(scope="module")
def music():
    return hold_music(1)


def test_lasts_between_one_and_one_and_a_half_minutes(music):
    assert 60 <= len(music) / RATE <= 90


def test_level_is_even_and_far_from_clipping(music):
    assert dbfs(music) == pytest.approx(-20, abs=0.5)
    assert np.abs(music).max() < 0.7
    seconds = music[: len(music) // RATE * RATE].reshape(-1, RATE)
    levels = [dbfs(second) for second in seconds]
    assert max(levels) - min(levels) < 8


def test_holds_what_a_telephone_carries_and_most_of_it_in_narrow_band(music):
    power = np.abs(np.fft.rfft(music)) ** 2
    hertz = np.fft.rfftfreq(len(music), 1 / RATE)

    def share(outside):
        return 10 * np.log10(power[outside].sum() / power.sum())

    assert share((hertz < 150) | (hertz > 7000)) < -40
    assert -60 < share(hertz > 3400) < -10
    assert power[(hertz > 300) & (hertz < 3400)].sum() > 0.7 * power.sum()


def test_the_seam_cannot_be_told_from_any_other_place(music):
    around = np.concatenate([music, music])
    seam = len(music)
    bends = np.abs(np.diff(around, 2))
    assert bends[seam - 3 : seam + 2].max() < np.percentile(bends, 99)
    before, after = around[seam - 800 : seam], around[seam : seam + 800]
    assert abs(dbfs(before) - dbfs(after)) < 6


def test_it_is_music_and_not_a_drone(music):
    """The loudest pitch changes from bar to bar, as the chords do."""
    bar = len(music) // 24
    pitches = {int(np.abs(np.fft.rfft(music[n * bar : (n + 1) * bar])).argmax()) for n in range(24)}
    assert len(pitches) >= 5


def test_the_same_seed_makes_the_same_piece(music):
    assert np.array_equal(music, hold_music(1))
    assert not np.array_equal(music, hold_music(2))
