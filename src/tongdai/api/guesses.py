"""Wrong passwords slow down who guesses, and not his whole office nor whom he guesses at.

Counted are pairs of address and e-mail; besides, each address and each e-mail, but only against pairs that
never signed in together: an office behind one address goes on, and so does the owner at his own desk while
others guess at his account. Each count has a few tries free, then the pause doubles.
"""

from __future__ import annotations

from collections import OrderedDict

import msgspec

PAIR_FREE, EMAIL_FREE, ADDRESS_FREE = 5, 10, 20
LONGEST = 900.0
FORGET = 3600.0
_KEPT = 20_000


class _Count(msgspec.Struct):
    failures: int = 0
    last: float = 0.0


class Guesses:
    """In memory: a restart forgives."""

    def __init__(self) -> None:
        self._counts: OrderedDict[tuple[str, str], _Count] = OrderedDict()
        self._trusted: OrderedDict[tuple[str, str], None] = OrderedDict()

    def wait(self, address: str, email: str, now: float) -> float:
        """Seconds until this address may try this e-mail again; 0 when it may now."""
        pauses = [self._pause((address, email), PAIR_FREE, now)]
        if (address, email) not in self._trusted:
            pauses.append(self._pause(("", email), EMAIL_FREE, now))
            pauses.append(self._pause((address, ""), ADDRESS_FREE, now))
        return max(pauses)

    def failed(self, address: str, email: str, now: float) -> None:
        for key in ((address, email), ("", email), (address, "")):
            count = self._counts.setdefault(key, _Count())
            self._counts.move_to_end(key)
            if now - count.last > FORGET:
                count.failures = 0
            count.failures += 1
            count.last = now
        while len(self._counts) > _KEPT:
            self._counts.popitem(last=False)

    def succeeded(self, address: str, email: str) -> None:
        """The try that `failed` counted in advance was none."""
        self._counts.pop((address, email), None)
        for key in (("", email), (address, "")):
            if (count := self._counts.get(key)) and count.failures:
                count.failures -= 1
        self._trusted[address, email] = None
        self._trusted.move_to_end((address, email))
        while len(self._trusted) > _KEPT:
            self._trusted.popitem(last=False)

    def _pause(self, key: tuple[str, str], free: int, now: float) -> float:
        count = self._counts.get(key)
        if count is None or count.failures < free or now - count.last > FORGET:
            return 0.0
        pause = min(2.0 ** (count.failures - free), LONGEST)
        return max(0.0, count.last + pause - now)
