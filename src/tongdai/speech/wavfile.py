"""WAV files: reading what people upload, writing what the engine plays (16 kHz, mono, 16 bit).

RIFF/WAVE as in Microsoft's and IBM's "Multimedia Programming Interface and Data Specifications 1.0" and
mmreg.h.
"""

from __future__ import annotations

import os
import secrets
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tongdai.speech.errors import SpeechError

Samples = NDArray[np.float32]

RATE = 16000  # wide band: the engine makes the form of narrow-band phones out of it, once a file
_PCM, _FLOAT, _ALAW, _ULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_INTEGERS = {16: "<i2", 32: "<i4"}
_FLOATS = {32: "<f4", 64: "<f8"}
_CHANNELS = 32
_RATES = range(4000, 384_001)
_REMEDY = "Use a WAV file (PCM of 8 to 32 bits, float, A-law or µ-law)."


def is_wav(data: bytes) -> bool:
    """Whether it begins like a WAV file."""
    return len(data) >= 12 and data[:4] in (b"RIFF", b"RF64") and data[8:12] == b"WAVE"


def read_wav(data: bytes) -> tuple[Samples, int]:
    """The sound in a WAV file: samples of shape (frames, channels) in [-1, 1], and frames per second.

    Sizes that promise more than there is (a stream, a file cut short) are taken as "to the end". Raises
    `SpeechError`.
    """
    if not is_wav(data):
        raise SpeechError("not_wav", "This is not a WAV file.", _REMEDY)
    position = 12
    form: tuple[int, int, int, int] | None = None
    while position + 8 <= len(data):
        name, size = (
            data[position : position + 4],
            int.from_bytes(data[position + 4 : position + 8], "little"),
        )
        body = data[position + 8 : position + 8 + size]
        if name == b"fmt ":
            form = _format(body)
        elif name == b"data":
            if form is None:
                break
            return _decode(body, *form)
        position += 8 + size + size % 2
    raise SpeechError("bad_wav", "This WAV file has no sound in it, or is damaged.", _REMEDY)


def _format(body: bytes) -> tuple[int, int, int, int]:
    if len(body) < 16:
        raise SpeechError("bad_wav", "This WAV file is damaged: its format is cut short.", _REMEDY)
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if tag == _EXTENSIBLE and len(body) >= 26:
        (tag,) = struct.unpack_from("<H", body, 24)
    if not 1 <= channels <= _CHANNELS or rate not in _RATES:
        raise SpeechError(
            "bad_wav",
            f"This WAV file has {channels} channels at {rate} Hz.",
            "Use 4 to 384 kHz, mono or stereo.",
        )
    return tag, channels, rate, bits


def _decode(body: bytes, tag: int, channels: int, rate: int, bits: int) -> tuple[Samples, int]:
    frame = channels * (bits // 8)
    if frame == 0:
        raise SpeechError("bad_wav", f"This WAV file has samples of {bits} bits.", _REMEDY)
    raw = body[: len(body) // frame * frame]
    samples: Samples
    if tag == _PCM and bits == 8:
        samples = (np.frombuffer(raw, np.uint8).astype(np.float32) - np.float32(128)) / np.float32(128)
    elif tag == _PCM and bits == 24:
        # three bytes into the upper three of four
        wide = np.zeros((len(raw) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        samples = wide.view("<i4").ravel().astype(np.float32) / np.float32(2**31)
    elif tag == _PCM and bits in _INTEGERS:
        samples = np.frombuffer(raw, _INTEGERS[bits]).astype(np.float32) / np.float32(2 ** (bits - 1))
    elif tag == _FLOAT and bits in _FLOATS:
        samples = np.nan_to_num(np.frombuffer(raw, _FLOATS[bits]).astype(np.float32), posinf=1, neginf=-1)
        samples = np.clip(samples, -1, 1)
    elif tag == _ALAW and bits == 8:
        samples = _ALAW_TABLE[np.frombuffer(raw, np.uint8)]
    elif tag == _ULAW and bits == 8:
        samples = _ULAW_TABLE[np.frombuffer(raw, np.uint8)]
    else:
        raise SpeechError(
            "unknown_wav",
            f"This WAV file is coded in a way that is not known here ({tag}, {bits} bits).",
            _REMEDY,
        )
    return samples.reshape(-1, channels), rate


def write_wav(path: Path, samples: Samples) -> None:
    """Write mono samples in [-1, 1] at `RATE` as 16 bits; the file appears whole or not at all."""
    pcm = np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    form = struct.pack("<HHIIHH", _PCM, 1, RATE, RATE * 2, 2, 16)
    header = struct.pack("<4sI4s4sI", b"RIFF", 36 + len(pcm), b"WAVE", b"fmt ", len(form)) + form
    header += struct.pack("<4sI", b"data", len(pcm))
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        unfinished.write_bytes(header + pcm)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _alaw_table() -> Samples:
    """ITU-T G.711 table 1: 13 bits in 8."""
    code = np.arange(256) ^ 0x55
    exponent, mantissa = (code >> 4) & 7, code & 15
    value = np.where(exponent == 0, mantissa * 16 + 8, (mantissa * 16 + 264) << np.maximum(exponent - 1, 0))
    return (np.where(code & 0x80, value, -value) / 32768).astype(np.float32)


def _ulaw_table() -> Samples:
    """ITU-T G.711 table 2: 14 bits in 8."""
    code = ~np.arange(256) & 0xFF
    value = ((((code & 15) << 3) + 132) << ((code >> 4) & 7)) - 132
    return (np.where(code & 0x80, -value, value) / 32768).astype(np.float32)


_ALAW_TABLE = _alaw_table()
_ULAW_TABLE = _ulaw_table()
