"""Channels in use and calls begun, by trunk and by tenant."""

from __future__ import annotations

from collections import Counter

import msgspec


class Limit(msgspec.Struct, frozen=True):
    """`at_once` calls, `per_second` begun; 0 is no limit."""

    at_once: int = 0
    per_second: float = 0.0


class Limits:
    """Counts legs, and begun calls in token buckets that hold one second's worth (at least one)."""

    def __init__(self) -> None:
        self._legs: dict[str, tuple[str, str]] = {}
        self._in_use: Counter[str] = Counter()
        self._buckets: dict[str, tuple[float, float]] = {}

    def in_use(self, key: str) -> int:
        return self._in_use[key]

    def full(self, key: str, limit: Limit) -> bool:
        return bool(limit.at_once) and self._in_use[key] >= limit.at_once

    def too_fast(self, key: str, limit: Limit, now: float) -> bool:
        return bool(limit.per_second) and self._tokens(key, limit, now) < 1.0

    def take(self, leg: str, keys: dict[str, Limit], now: float) -> None:
        """The leg is a begun call of each of these."""
        for key, limit in keys.items():
            if limit.per_second:
                self._buckets[key] = max(0.0, self._tokens(key, limit, now) - 1.0), now
        self.occupy(leg, *keys)

    def occupy(self, leg: str, trunk: str, tenant: str) -> None:
        """The leg has a channel, however it came to it."""
        self.release(leg)
        self._legs[leg] = trunk, tenant
        self._in_use.update((trunk, tenant))

    def release(self, leg: str) -> None:
        for key in self._legs.pop(leg, ()):
            self._in_use[key] -= 1
            if not self._in_use[key]:
                del self._in_use[key]

    def _tokens(self, key: str, limit: Limit, now: float) -> float:
        most = max(1.0, limit.per_second)
        tokens, at = self._buckets.get(key, (most, now))
        return min(most, tokens + (now - at) * limit.per_second)
