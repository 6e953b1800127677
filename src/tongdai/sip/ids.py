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

    __slots__ = ("_block", "_position")

    _BYTES = 9
    _BLOCK = 9 * 128

    def __init__(self) -> None:
        self._block = ""
        self._position = 0

    def token(self) -> str:
        """See `IdSource.token`."""
        start = self._position
        if start >= len(self._block):
            self._block = os.urandom(self._BLOCK).hex()
            start = 0
        self._position = start + 2 * self._BYTES
        return self._block[start : self._position]
