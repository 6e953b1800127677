"""Sound of any usual format, by the media engine's decoder: a process of its own for each file, locked in
before it looks at it (crates/media-engine/src/decode)."""

from __future__ import annotations

import subprocess
import threading
from typing import IO

import msgspec
import numpy as np
import soxr

from tongdai.core.binary import engine_binary
from tongdai.core.log import get_logger
from tongdai.speech.errors import SpeechError
from tongdai.speech.wavfile import RATE, Samples

log = get_logger(__name__)

REMEDY = "Send it as MP3, M4A (AAC), FLAC, Ogg (Vorbis or Opus), WebM, AIFF or WAV."
_SECONDS = 100.0
_BLOCK = 1 << 18


class _Refusal(msgspec.Struct, frozen=True):
    code: str
    message: str


def decoded(data: bytes, most_seconds: int) -> Samples:
    """A file of any usual format but WAV as mono sound at `RATE`, no more than `most_seconds` of it.

    Raises `SpeechError`, which says what the file is or what is wrong with it.
    """
    with subprocess.Popen(
        [engine_binary(), "decode", str(most_seconds)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        limit = threading.Timer(_SECONDS, process.kill)
        limit.start()
        try:
            try:
                process.stdin.write(data)
                process.stdin.close()
            except BrokenPipeError:
                pass  # it has seen enough, and says what of
            samples = _resampled(process.stdout)
            said = process.stderr.read()
        finally:
            limit.cancel()
            process.kill()
    if process.returncode == 0:
        return samples
    raise _refusal(process.returncode, said)


def _resampled(stream: IO[bytes]) -> Samples:
    """What the decoder writes, at our rate; nothing when it wrote nothing."""
    header = stream.read(4)
    if len(header) < 4:
        return np.zeros(0, np.float32)
    resampler = soxr.ResampleStream(int.from_bytes(header, "little"), RATE, 1, dtype="float32", quality="HQ")
    blocks = []
    while block := stream.read(_BLOCK):
        whole = np.frombuffer(block[: len(block) // 4 * 4], "<f4")
        blocks.append(resampler.resample_chunk(whole))
    blocks.append(resampler.resample_chunk(np.zeros(0, np.float32), last=True))
    return np.concatenate(blocks)


def _refusal(code: int, said: bytes) -> SpeechError:
    try:
        refusal = msgspec.json.decode(said, type=_Refusal)
    except msgspec.DecodeError:
        # a signal: it took too much time or memory, or did what no decoder does
        log.warning(
            "the decoder of an upload was ended", code=code, said=said.decode("utf-8", "replace")[-300:]
        )
        return SpeechError("damaged", "This file is damaged: it cannot be decoded.", REMEDY)
    return SpeechError(refusal.code, refusal.message, REMEDY)
