"""What is stored of a prompt."""

from __future__ import annotations

import msgspec


class Prompt(msgspec.Struct, frozen=True):
    """`blob` is its sound, `ms` its length; `text` and `language` are empty for what was not spoken here."""

    id: str
    name: str
    blob: str
    ms: int
    text: str
    language: str
    created: float


class Use(msgspec.Struct, frozen=True):
    """Where a prompt is played: `kind` is flow, music or phrase; `name` tells which."""

    kind: str
    name: str

    def __str__(self) -> str:
        return "the hold music" if self.kind == "music" else f"the {self.kind} “{self.name}”"
