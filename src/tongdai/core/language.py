"""The languages that are spoken to callers and written for who reads."""

from __future__ import annotations

from typing import Literal, get_args

Language = Literal["en", "vi"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


def known(language: str) -> Language:
    """One of ours: English for what is none."""
    return next((ours for ours in LANGUAGES if ours == language), "en")
