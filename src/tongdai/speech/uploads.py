"""What people upload in place of a prompt, a greeting or the music."""

from __future__ import annotations

from tongdai.speech.decoder import decoded
from tongdai.speech.errors import SpeechError
from tongdai.speech.jobs import MOST_BYTES, too_large
from tongdai.speech.level import levelled, to_telephone
from tongdai.speech.wavfile import RATE, Samples, is_wav, read_wav

MOST_SECONDS = 600


def convert(data: bytes) -> Samples:
    """A sound file of any usual format, rate and number of channels → mono at `RATE`, levelled.

    Raises `SpeechError` for what is too large (20 MiB), too long (10 minutes), no sound, damaged, or silent.
    """
    if len(data) > MOST_BYTES:
        raise too_large(len(data))
    samples = to_telephone(*_read(data))
    if len(samples) > MOST_SECONDS * RATE:
        raise SpeechError(
            "too_long", "The sound lasts more than 10 minutes.", "Cut it: at most 10 minutes can be used."
        )
    if len(samples) < RATE // 50:
        raise SpeechError("too_short", "There is no sound in this file.", "Upload one of a second or more.")
    return levelled(samples)


def _read(data: bytes) -> tuple[Samples, int]:
    """Samples and their rate."""
    if not is_wav(data):
        # a second more tells what is too long
        return decoded(data, MOST_SECONDS + 1), RATE
    samples, rate = read_wav(data)
    return samples[: (MOST_SECONDS + 1) * rate], rate
