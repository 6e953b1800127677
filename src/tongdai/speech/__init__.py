"""Everything a caller hears that no party says: prompts, greetings, hold music, tones, uploads.

A thin shell in the process that needs the sound (`Speech`, `SpokenPrompts`), and a worker process that makes
it: synthesis, resampling and levelling take tens of milliseconds each, which a signalling loop does not have.
"""

from __future__ import annotations

from tongdai.core.language import Language
from tongdai.speech.errors import SpeechError
from tongdai.speech.phrases import render
from tongdai.speech.prompts import Library, SpokenPrompts
from tongdai.speech.speech import Speech, SpeechSettings

__all__ = ["Language", "Library", "Speech", "SpeechError", "SpeechSettings", "SpokenPrompts", "render"]
