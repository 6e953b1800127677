"""What people upload in place of a prompt, a greeting or the music."""

from __future__ import annotations

from tongdai.speech.errors import SpeechError
from tongdai.speech.jobs import MOST_BYTES, too_large
from tongdai.speech.level import levelled, to_telephone
from tongdai.speech.wavfile import Samples, read_wav

MOST_SECONDS = 600


def convert(data: bytes) -> Samples:
    """A WAV file of any rate and any number of channels → mono at 8 kHz, levelled.

    Raises `SpeechError` for what is too large (20 MiB), too long (10 minutes), no WAV file, or silent.
    """
    if len(data) > MOST_BYTES:
        raise too_large(len(data))
    samples, rate = read_wav(data)
    if len(samples) > MOST_SECONDS * rate:
        raise SpeechError(
            "too_long",
            f"The sound lasts {len(samples) / rate / 60:.0f} minutes.",
            "At most 10 minutes can be used.",
        )
    if len(samples) < rate // 50:
        raise SpeechError("too_short", "There is no sound in this file.", "Upload one of a second or more.")
    return levelled(to_telephone(samples, rate))
