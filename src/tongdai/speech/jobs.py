"""What the worker is asked and what it answers: msgpack behind a 4-byte big-endian length, over its standard
input and output, one job at a time."""

from __future__ import annotations

import msgspec

from tongdai.speech.errors import SpeechError

HEADER = 4
MOST_BYTES = 20 * 1024 * 1024  # of an upload


class Hibari(msgspec.Struct, frozen=True, tag="hibari"):
    """hibari-tts with the voice that is in its wheel."""


class Espeak(msgspec.Struct, frozen=True, tag="espeak"):
    """espeak-ng; `voice` as in `espeak-ng --voices`."""

    voice: str
    program: str = "espeak-ng"


class Command(msgspec.Struct, frozen=True, tag="command"):
    """Any program that reads UTF-8 text from standard input and writes a WAV file to standard output."""

    argv: tuple[str, ...]


Voice = Hibari | Espeak | Command


class Speak(msgspec.Struct, frozen=True, tag="speak"):
    """Say `text` into the file `path`."""

    voice: Voice
    text: str
    path: str


class Music(msgspec.Struct, frozen=True, tag="music"):
    seed: int
    path: str


class Tone(msgspec.Struct, frozen=True, tag="tone"):
    """`name`: beep, joined or left."""

    name: str
    path: str


class Convert(msgspec.Struct, frozen=True, tag="convert"):
    """Bring an upload to telephone form."""

    data: bytes
    path: str


def too_large(size: int) -> SpeechError:
    """What is said of an upload of `size` bytes that is over the limit."""
    return SpeechError(
        "too_large",
        f"The file has {size / 2**20:.1f} MiB.",
        f"At most {MOST_BYTES // 2**20} MiB can be used: send it as MP3, M4A or Opus, which take a tenth.",
    )


Job = Speak | Music | Tone | Convert


class Done(msgspec.Struct, frozen=True, tag="done"):
    """`seconds` of sound are at the path, made in `took` seconds."""

    seconds: float
    took: float


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    code: str
    message: str
    remedy: str


Answer = Done | Failed
