"""What is stored of a replaced prompt."""

from __future__ import annotations

import msgspec


class Prompt(msgspec.Struct, frozen=True):
    """`key` is the phrase's (`queue.welcome`), `blob` the sound that is played in its place."""

    key: str
    blob: str
