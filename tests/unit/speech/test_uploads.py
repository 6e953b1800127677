from __future__ import annotations

import numpy as np
import pytest
from tests.unit.speech.sounds import dbfs, loudest_hertz, pcm16, sine, wav

from tongdai.speech.errors import SpeechError
from tongdai.speech.uploads import convert


def test_a_studio_file_becomes_a_telephone_file():
    left, right = sine(700, 2.0, 48000, 0.9), sine(700, 2.0, 48000, 0.9)
    out = convert(wav(pcm16(np.stack([left, right], axis=1).ravel()), channels=2, rate=48000))
    assert len(out) == pytest.approx(16000, abs=2)
    assert dbfs(out) == pytest.approx(-20, abs=0.2)
    assert loudest_hertz(out) == pytest.approx(700, abs=2)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"MP3 perhaps", "not_wav"),
        (wav(bytes(20 * 1024 * 1024)), "too_large"),
        (wav(bytes(4000 * 601), bits=8, rate=4000), "too_long"),
        (wav(bytes(20)), "too_short"),
        (wav(bytes(16000)), "silent"),
    ],
)
def test_what_cannot_be_used_says_why(data, code):
    with pytest.raises(SpeechError) as error:
        convert(data)
    assert error.value.code == code
    assert error.value.remedy
