"""Identifiers come from outside, so that a simulation with a seed repeats exactly."""

from __future__ import annotations

import os
from typing import Protocol


class IdSource(Protocol):
    """Makes the random parts of tags, branches and Call-IDs (RFC 3261 §19.3: at least 32 bits of
    randomness)."""

    def token(self) -> str:
        """A new token of at least 64 random bits, made of letters and digits only."""
        ...


class RandomIds:
    """Tokens of 72 bits from the system's random source, read in blocks."""

    __slots__ = ("_tokens",)

    _BYTES = 9

    def __init__(self) -> None:
        self._tokens: list[str] = []

    def token(self) -> str:
        """See `IdSource.token`."""
        if not self._tokens:
            self._tokens = os.urandom(128 * self._BYTES).hex(" ", self._BYTES).split()
        return self._tokens.pop()
