from __future__ import annotations

import numpy as np
import pytest
from tests.unit.speech.sounds import dbfs, loudest_hertz

from tongdai.speech.errors import SpeechError
from tongdai.speech.tones import beep, chime, tone


def test_the_beep_is_1000_hertz_for_400_ms():
    sound = beep()
    assert len(sound) == 6400
    assert loudest_hertz(sound) == pytest.approx(1000, abs=3)


def test_a_tone_has_its_level_and_no_click():
    sound = tone(440, 1.0, -20)
    assert dbfs(sound) == pytest.approx(-20, abs=0.2)
    assert sound[0] == pytest.approx(0, abs=1e-6)
    assert np.abs(sound[-8:]).max() < 0.01


def test_coming_rises_and_going_falls():
    come, go = chime(joined=True), chime(joined=False)
    assert loudest_hertz(come[:1800]) < loudest_hertz(come[-1800:])
    assert loudest_hertz(go[:1800]) > loudest_hertz(go[-1800:])


@pytest.mark.parametrize(
    ("hertz", "seconds", "level"), [(9000, 1, -20), (5, 1, -20), (440, 0, -20), (440, 1, 0)]
)
def test_an_impossible_tone_is_an_error(hertz, seconds, level):
    with pytest.raises(SpeechError, match="cannot be made"):
        tone(hertz, seconds, level)
