"""Words and music as files, made once."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import importlib.metadata
import shlex
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from tongdai.core.language import Language
from tongdai.core.log import get_logger
from tongdai.speech import jobs
from tongdai.speech.client import IDLE_SECONDS, WorkerClient
from tongdai.speech.errors import SpeechError
from tongdai.speech.normalise import normalise

log = get_logger(__name__)

# Part of every name in the cache: raise it when the same words or seed would sound different than before.
_MAKING = 2
_MOST_CHARACTERS = 5000
_FALLBACK_SECONDS = 60.0


class SpeechSettings(msgspec.Struct, frozen=True):
    """`commands` replaces a language's voice by a program that reads UTF-8 text from standard input and
    writes WAV to standard output, such as Piper: `piper --model vi_VN-vais1000-medium.onnx --output_file
    -`."""

    commands: dict[Language, tuple[str, ...]] = {}
    vietnamese_voice: str = "vi"
    espeak: str = "espeak-ng"
    idle_seconds: float = IDLE_SECONDS

    @classmethod
    def of(cls, vietnamese: str | None) -> SpeechSettings:
        """With the command line of a Vietnamese voice that the operator supplies, or none."""
        return cls(commands={"vi": tuple(shlex.split(vietnamese))}) if vietnamese is not None else cls()


class Speech:
    """The cache of all sound that is made here; files are WAV, 16 kHz, mono, 16 bit, about −20 dBFS.

    A file's name is a hash of its voice and words: a changed voice or text is another file, and nothing is
    ever stale.
    """

    def __init__(
        self, cache: Path, settings: SpeechSettings | None = None, worker: WorkerClient | None = None
    ) -> None:
        self._cache = cache.absolute()
        self._settings = settings or SpeechSettings()
        self._worker = worker or WorkerClient(self._settings.idle_seconds)
        self._making: dict[Path, asyncio.Task[None]] = {}
        self._english_fails_until = 0.0

    def cached(self, text: str, language: Language) -> Path | None:
        """The file, when it is there already."""
        path = self._spoken_path(self._voice(language), normalise(text, language))
        return path if path.exists() else None

    async def wav(self, text: str, language: Language) -> Path:
        """The file in which `text` is spoken, made if need be.

        When the English voice fails, espeak-ng speaks instead (and the voice is tried again a minute later).
        Raises `SpeechError`, whose remedy names what to install.
        """
        words = _checked(normalise(text, language))
        voice = self._voice(language)
        try:
            return await self._speak(voice, words)
        except SpeechError as error:
            if not isinstance(voice, jobs.Hibari):
                raise
            log.warning("english voice failed, espeak-ng speaks instead", code=error.code, error=str(error))
            self._english_fails_until = asyncio.get_running_loop().time() + _FALLBACK_SECONDS
            return await self._speak(self._voice(language), words)

    async def prewarm(self, items: Iterable[tuple[str, Language]]) -> int:
        """Make what is not there yet, one after the other, so that a caller who needs something else waits
        for one at most. Returns how many were made; what fails is logged and left out."""
        made = 0
        for text, language in items:
            if self.cached(text, language) is None:
                try:
                    await self.wav(text, language)
                    made += 1
                except SpeechError as error:
                    log.warning("prompt not made", language=language, code=error.code, error=str(error))
        return made

    def music_path(self, seed: int = 1) -> Path:
        """Where the hold music of this seed is, or will be."""
        return self._path("music", str(seed))

    async def music(self, seed: int = 1) -> Path:
        """Our own hold music (80 s, loops without a seam)."""
        return await self._made(self.music_path(seed), lambda path: jobs.Music(seed, path))

    def tone_path(self, name: str) -> Path:
        """Where a tone is, or will be: `beep`, `joined`, `left`."""
        if name not in ("beep", "joined", "left"):
            raise SpeechError("unknown_tone", f"There is no tone {name!r}.", "Choose beep, joined or left.")
        return self._path("tone", name)

    async def tone(self, name: str) -> Path:
        return await self._made(self.tone_path(name), lambda path: jobs.Tone(name, path))

    async def convert(self, source: Path | bytes, target: Path) -> float:
        """Bring an upload to telephone form in `target`: MP3, M4A (AAC, ALAC), FLAC, Ogg and WebM (Vorbis,
        Opus), AIFF or WAV of any rate and channels, or the sound of a video; 20 MiB and 10 minutes at most.

        Returns its length in seconds. Raises `SpeechError` for what cannot be used, with what to send
        instead.
        """
        data = source if isinstance(source, bytes) else await asyncio.to_thread(_read, source)
        if len(data) > jobs.MOST_BYTES:
            raise jobs.too_large(len(data))
        return (await self._worker.run(jobs.Convert(data, str(_absolute(target))))).seconds

    async def close(self) -> None:
        """Stop what is being made and end the worker."""
        tasks = list(self._making.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._worker.close()

    def _voice(self, language: Language) -> jobs.Voice:
        if argv := self._settings.commands.get(language):
            return jobs.Command(tuple(argv))
        if language == "vi":
            return jobs.Espeak(self._settings.vietnamese_voice, self._settings.espeak)
        if self._english_fails_until and asyncio.get_running_loop().time() < self._english_fails_until:
            return jobs.Espeak("en-us", self._settings.espeak)
        return jobs.Hibari()

    async def _speak(self, voice: jobs.Voice, words: str) -> Path:
        return await self._made(self._spoken_path(voice, words), lambda path: jobs.Speak(voice, words, path))

    def _spoken_path(self, voice: jobs.Voice, words: str) -> Path:
        return self._path(_identity(voice), words)

    def _path(self, *parts: str) -> Path:
        name = hashlib.sha256("\0".join((str(_MAKING), *parts)).encode()).hexdigest()[:40]
        return self._cache / name[:2] / f"{name}.wav"

    async def _made(self, path: Path, job: Callable[[str], jobs.Job]) -> Path:
        if path.exists():  # noqa: ASYNC240  a look at the local disk, once a prompt
            return path
        task = self._making.get(path)
        if task is None:
            task = self._making[path] = asyncio.create_task(self._make(path, job(str(path))))
            task.add_done_callback(lambda _: self._making.pop(path, None))
        # whoever asked first may hang up: the others still want it, and the next caller will
        await asyncio.shield(task)
        return path

    async def _make(self, path: Path, job: jobs.Job) -> None:
        done = await self._worker.run(job)
        log.debug("sound made", path=str(path), seconds=round(done.seconds, 2), took=round(done.took, 3))


def _checked(words: str) -> str:
    if not words:
        raise SpeechError("no_words", "There is nothing to say in this text.", "Write some words.")
    if len(words) > _MOST_CHARACTERS:
        raise SpeechError(
            "too_many_words",
            f"The text has {len(words)} characters.",
            f"At most {_MOST_CHARACTERS} can be spoken.",
        )
    return words


@functools.cache
def _identity(voice: jobs.Voice) -> str:
    """What the sound of words depends on: the voice, its settings and its version."""
    match voice:
        case jobs.Hibari():
            try:
                return f"hibari heart {importlib.metadata.version('hibari-tts')}"
            except importlib.metadata.PackageNotFoundError:
                return "hibari heart"
        case jobs.Espeak(name, program):
            return f"espeak {name} {_stamp(program)}"
        case jobs.Command(argv):
            return f"command {argv} {[_stamp(part) for part in argv]}"


def _stamp(file: str) -> str:
    """Size and time of a program or a model, which change with its version."""
    try:
        status = Path(shutil.which(file) or file).stat()
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"


def _absolute(path: Path) -> Path:
    """The worker has another working directory."""
    return path.absolute()


def _read(source: Path) -> bytes:
    """A file, of which no more is read than it takes to see that it is too large."""
    try:
        with source.open("rb") as file:
            return file.read(jobs.MOST_BYTES + 1)
    except OSError as error:
        raise SpeechError(
            "unreadable", f"{source} cannot be read: {error.strerror}.", "Check the path."
        ) from error
