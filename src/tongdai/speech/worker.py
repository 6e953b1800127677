"""The process that makes sound: `python -m tongdai.speech.worker`.

Reads jobs from standard input and ends with it. It alone loads numpy and the English voice (209 MiB), which
is why it ends when it has nothing to do (tongdai.speech.client).
"""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np

from tongdai.core.errors import TongdaiError
from tongdai.speech import jobs, names
from tongdai.speech.errors import SpeechError
from tongdai.speech.level import levelled, to_telephone, trimmed
from tongdai.speech.music import hold_music
from tongdai.speech.tones import beep, chime
from tongdai.speech.uploads import convert
from tongdai.speech.wavfile import RATE, Samples, read_wav, write_wav

_COMMAND_SECONDS = 120
_ESPEAK_WORDS_A_MINUTE = 155
_TONES: dict[str, Callable[[], Samples]] = {
    "beep": beep,
    "joined": lambda: chime(True),
    "left": lambda: chime(False),
}


def make(job: jobs.Job) -> Samples:
    """The sound that a job asks for."""
    match job:
        case jobs.Speak(voice, text):
            return levelled(trimmed(_speak(voice, text)))
        case jobs.Music(seed):
            return hold_music(seed)
        case jobs.Tone(name):
            return _TONES[name]()
        case jobs.Convert(data):
            return convert(data)


def _speak(voice: jobs.Voice, text: str) -> Samples:
    match voice:
        case jobs.Hibari():
            tts = _hibari()
            # the seed makes the noise in the voice the same each time, so that a cache made anew is the same
            # cache
            return to_telephone(np.asarray(tts(names.pronounced(text), seed=0), np.float32), tts.sample_rate)
        case jobs.Espeak(name, program):
            argv: tuple[str, ...] = (program, "-b", "1", "-v", name, "-s", str(_ESPEAK_WORDS_A_MINUTE))
            return _from_command((*argv, "--stdin", "--stdout"), text)
        case jobs.Command(argv):
            return _from_command(argv, text)


@functools.cache
def _hibari() -> Any:
    try:
        import hibari
        import hibari.voices
    except ImportError as error:
        raise SpeechError(
            "no_english_voice",
            f"The English voice cannot be loaded: {error}.",
            "Run `make setup`, or install hibari-tts.",
        ) from error

    def refused(url: str, *_: object) -> str:
        raise SpeechError(
            "no_download", f"Nothing is downloaded at run time ({url}).", "Use the voice in the package."
        )

    # only the default voice is in the wheel; the library would fetch any other
    hibari.voices.download = refused
    try:
        return hibari.Hibari(threads=1)
    except Exception as error:
        raise SpeechError(
            "no_english_voice", f"The English voice does not start: {error}.", "Install hibari-tts again."
        ) from error


def _from_command(argv: tuple[str, ...], text: str) -> Samples:
    try:
        ended = subprocess.run(
            argv, input=text.encode(), capture_output=True, timeout=_COMMAND_SECONDS, check=False
        )
    except FileNotFoundError as error:
        espeak = "Install it (Debian: apt-get install espeak-ng)."
        other = "Install it, or correct the command of this voice in the settings."
        remedy = espeak if argv[0].endswith("espeak-ng") else other
        raise SpeechError("voice_missing", f"{argv[0]} is not installed.", remedy) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SpeechError(
            "voice_failed", f"{argv[0]} failed: {error}.", "Try the command by hand."
        ) from error
    if ended.returncode:
        said = ended.stderr.decode("utf-8", "replace").strip()[-300:]
        raise SpeechError(
            "voice_failed", f"{argv[0]} failed with {ended.returncode}: {said}", "Try the command by hand."
        )
    return to_telephone(*read_wav(ended.stdout))


def _answer(job: jobs.Job) -> jobs.Answer:
    began = time.perf_counter()
    try:
        samples = make(job)
        write_wav(Path(job.path), samples)
    except TongdaiError as error:
        return jobs.Failed(error.code, error.message, error.remedy)
    except OSError as error:
        return jobs.Failed(
            "unwritable", f"{job.path} cannot be written: {error.strerror}.", "Check the disk."
        )
    except Exception as error:  # a bad text must not end the worker for all others
        return jobs.Failed(
            "speech_failed", f"{type(error).__name__}: {error}", "Report this as an error of tongdai."
        )
    return jobs.Done(len(samples) / RATE, time.perf_counter() - began)


def serve(incoming: BinaryIO, outgoing: BinaryIO) -> None:
    """Answer jobs until `incoming` ends."""
    decode = msgspec.msgpack.Decoder(jobs.Job).decode
    encode = msgspec.msgpack.Encoder().encode
    while len(header := incoming.read(jobs.HEADER)) == jobs.HEADER:
        body = incoming.read(int.from_bytes(header, "big"))
        answer = encode(_answer(decode(body)))
        outgoing.write(len(answer).to_bytes(jobs.HEADER, "big") + answer)
        outgoing.flush()


def main() -> None:
    # what a library prints must not come between the answers
    outgoing = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    os.nice(10)
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        serve(sys.stdin.buffer, outgoing)


if __name__ == "__main__":
    main()
