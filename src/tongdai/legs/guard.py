"""What strangers may ask of us, and how often: challenges by source, guesses of a password by source and
account."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from ipaddress import ip_address
from socket import AF_INET6, inet_pton

from tongdai.core.log import get_logger
from tongdai.sip.flow import Flow

log = get_logger(__name__)

CHALLENGES_PER_SECOND, CHALLENGES_AT_ONCE = 100.0, 1000.0
"""By source: enough for an office whose phones all come back after a power cut."""
GUESSES_PER_SECOND, GUESSES_AT_ONCE = 1 / 60, 10.0
"""Wrong passwords for one account from one source."""
STRANGERS_PER_SECOND, STRANGERS_AT_ONCE = 1 / 30, 50.0
"""Wrong passwords for one account from all sources together where no phone of it is."""
MOST_KEYS = 50_000
_LONGEST_NAME = 64


class Rates:
    """Token buckets by key: `at_once` to begin with, `per_second` more, never above `at_once`.

    At most `2 * MOST_KEYS` are remembered; those that were not asked for longest are full again."""

    def __init__(self, per_second: float, at_once: float) -> None:
        self._per_second = per_second
        self._at_once = at_once
        self._buckets: dict[Hashable, tuple[float, float]] = {}
        self._older: dict[Hashable, tuple[float, float]] = {}

    def left(self, key: Hashable, now: float) -> float:
        """How many tokens are there."""
        found = self._buckets.get(key) or self._older.get(key)
        if found is None:
            return self._at_once
        tokens, at = found
        return min(self._at_once, tokens + (now - at) * self._per_second)

    def take(self, key: Hashable, now: float) -> bool:
        """Take one; False when there is none."""
        left = self.left(key, now)
        if left < 1.0:
            return False
        if len(self._buckets) >= MOST_KEYS:
            self._buckets, self._older = {}, self._buckets
        self._buckets[key] = left - 1.0, now
        return True


class Guard:
    """Decides by what came before. All methods answer from memory and at once."""

    def __init__(
        self, clock: Callable[[], float], lives_at: Callable[[str, Flow], tuple[bool, bool]]
    ) -> None:
        """`lives_at(username, flow)` says whether a phone of the account is registered at the very end of
        this flow, and whether one is at its IP address."""
        self._clock = clock
        self._lives_at = lives_at
        self._challenges = Rates(CHALLENGES_PER_SECOND, CHALLENGES_AT_ONCE)
        self._guesses = Rates(GUESSES_PER_SECOND, GUESSES_AT_ONCE)
        self._strangers = Rates(STRANGERS_PER_SECOND, STRANGERS_AT_ONCE)

    def may_answer(self, flow: Flow) -> bool:
        """A stranger's request deserves an answer. Over UDP its source may be forged, to have us send to
        somebody else; beyond the rate there is silence. Nobody forges a connection, or hurts a loopback."""
        if flow.transport != "udp" or flow.remote[0].startswith("127."):
            return True
        source = source_of(flow)
        allowed = self._challenges.take(source, self._clock())
        if not allowed:
            log.debug("too many unproven requests", source=flow.remote[0])
        return allowed

    def may_guess(self, username: str, flow: Flow) -> bool:
        """A password for this account is worth looking at. The phone that is registered from where this
        comes from is always heard, whatever others do at its address."""
        name, now = username[:_LONGEST_NAME], self._clock()
        own = self._guesses.left((source_of(flow), name), now) >= 1.0
        if own and self._strangers.left(name, now) >= 1.0:
            return True
        here, near = self._lives_at(username, flow)
        return here or (own and near)

    def guessed_wrong(self, username: str, flow: Flow) -> None:
        """The password was wrong, or there is no such account: both count alike."""
        name, now = username[:_LONGEST_NAME], self._clock()
        source = source_of(flow)
        self._guesses.take((source, name), now)
        _, near = self._lives_at(username, flow)
        if not near:
            self._strangers.take(name, now)
        if self._guesses.left((source, name), now) < 1.0:
            log.warning("passwords are being guessed", source=flow.remote[0], username=name)


def source_of(flow: Flow) -> Hashable:
    """Whom requests are counted for: an IPv4 address, or the /64 of an IPv6 one, in which everybody has as
    many addresses as they like."""
    host = flow.remote[0]
    if ":" not in host:
        return host
    try:
        packed = inet_pton(AF_INET6, host.partition("%")[0])
    except OSError:
        return host
    mapped = ip_address(packed).ipv4_mapped if packed.startswith(bytes(10)) else None  # type: ignore[union-attr]
    return packed[:8] if mapped is None else str(mapped)
