"""What the call logic plays, as files: the speech side of `media`'s port for prompts."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from tongdai.calls.prompts import Beep, Chime, Clip, Phrase, Prompt, Text
from tongdai.core.language import Language
from tongdai.speech import phrases
from tongdai.speech.errors import SpeechError
from tongdai.speech.speech import Speech


class Library(Protocol):
    """What a tenant has chosen and recorded. Answers come from memory: callers are waiting."""

    def language(self, tenant: str) -> Language:
        """In which the tenant's callers are spoken to."""

    def clip(self, tenant: str, blob: str) -> Path | None:
        """The file of a recording, or None when there is none of this name."""

    def music(self, tenant: str) -> Path | None:
        """The tenant's own hold music, or None for ours."""

    def phrase(self, tenant: str, key: str) -> Path | None:
        """What the tenant plays instead of a phrase, or None when it is spoken."""


class SpokenPrompts:
    """Prompts of every tenant. `prepare` is awaited once, before the first call."""

    def __init__(self, speech: Speech, library: Library) -> None:
        self._speech = speech
        self._library = library

    async def prepare(self) -> None:
        """Make what must be there at once: music and tones."""
        await self._speech.music()
        for name in ("beep", "joined", "left"):
            await self._speech.tone(name)

    async def prewarm(self, tenants: dict[str, list[Prompt]]) -> int:
        """Make, in the background of a start, the fixed phrases in the languages that are spoken and the
        given prompts of each tenant. Returns how many were made."""
        wanted: list[tuple[str, Language]] = []
        for tenant, prompts in tenants.items():
            language = self._library.language(tenant)
            wanted += [
                (self._words(prompt, language), language)
                for prompt in prompts
                if isinstance(prompt, Phrase | Text)
            ]
        for language in dict.fromkeys(self._library.language(tenant) for tenant in tenants):
            wanted += [(words, language) for words in phrases.static(language)]
        return await self._speech.prewarm(dict.fromkeys(wanted))

    def ready(self, tenant: str, prompt: Prompt) -> Path | None:
        """The file when it exists already. Raises `SpeechError` for a phrase or a recording that does not
        exist."""
        match prompt:
            case Clip(blob):
                return self._clip(tenant, blob)
            case Beep():
                path = self._speech.tone_path("beep")
                return path if path.exists() else None
            case Chime(joined):
                path = self.chime(joined)
                return path if path.exists() else None
            case Phrase() | Text():
                if (own := self._own(tenant, prompt)) is not None:
                    return own
                language = self._library.language(tenant)
                return self._speech.cached(self._words(prompt, language), language)

    async def make(self, tenant: str, prompt: Prompt) -> Path:
        """The file, made if need be."""
        match prompt:
            case Clip(blob):
                return self._clip(tenant, blob)
            case Beep():
                return await self._speech.tone("beep")
            case Chime(joined):
                return await self._speech.tone("joined" if joined else "left")
            case Phrase() | Text():
                if (own := self._own(tenant, prompt)) is not None:
                    return own
                language = self._library.language(tenant)
                return await self._speech.wav(self._words(prompt, language), language)

    def music(self, tenant: str) -> Path:
        """The tenant's hold music, or ours."""
        own = self._library.music(tenant)
        return own if own is not None and own.exists() else self._speech.music_path()

    def chime(self, joined: bool) -> Path:
        """What a room hears when somebody comes or goes."""
        return self._speech.tone_path("joined" if joined else "left")

    def _own(self, tenant: str, prompt: Phrase | Text) -> Path | None:
        """The tenant's own file for a phrase, whatever its parameters; without the file it is spoken."""
        own = self._library.phrase(tenant, prompt.key) if isinstance(prompt, Phrase) else None
        return own if own is not None and own.exists() else None

    def _words(self, prompt: Phrase | Text, language: Language) -> str:
        if isinstance(prompt, Text):
            return prompt.text
        return phrases.render(prompt.key, prompt.args, language)

    def _clip(self, tenant: str, blob: str) -> Path:
        path = self._library.clip(tenant, blob)
        if path is None or not path.exists():
            raise SpeechError("no_recording", f"There is no recording {blob}.", "Record or upload it again.")
        return path
