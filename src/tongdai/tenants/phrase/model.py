"""What is stored of a replaced phrase."""

from __future__ import annotations

import msgspec


class Phrase(msgspec.Struct, frozen=True):
    """`key` is the phrase's (`queue.welcome`), `blob` the sound that is played in its place."""

    key: str
    blob: str
