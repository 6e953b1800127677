"""What strangers may ask of us, and how often: challenges by source, guesses of a password by source and
account."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from ipaddress import ip_address
from socket import AF_INET6, inet_pton
from typing import Generic, TypeVar

from tongdai.core.log import get_logger
from tongdai.sip.flow import Flow

log = get_logger(__name__)

V = TypeVar("V")

CHALLENGES_PER_SECOND, CHALLENGES_AT_ONCE = 100.0, 1000.0
"""By source: enough for an office whose phones all come back after a power cut."""
FREE_GUESSES, FORGOTTEN_AFTER, LONGEST_WAIT = 10, 60.0, 60.0
"""Wrong passwords for one account from one source: so many are looked at as they come. After each further one
the next is looked at 1, 2, 4 … s later, at most so long. One is forgotten after so many seconds."""
STRANGERS_PER_SECOND, STRANGERS_AT_ONCE = 1 / 30, 50.0
"""Wrong passwords for one account from all sources together where no phone of it is."""
MOST_KEYS = 50_000
_LONGEST_NAME = 64


class Recent(Generic[V]):
    """What was noted by key; at most `2 * MOST_KEYS`, the others are those not noted for longest."""

    def __init__(self) -> None:
        self._now: dict[Hashable, V] = {}
        self._before: dict[Hashable, V] = {}

    def get(self, key: Hashable) -> V | None:
        found = self._now.get(key)
        return self._before.get(key) if found is None else found

    def note(self, key: Hashable, value: V) -> None:
        if len(self._now) >= MOST_KEYS:
            self._now, self._before = {}, self._now
        self._now[key] = value

    def __len__(self) -> int:
        return len(self._now) + len(self._before)


class Rates:
    """Token buckets by key: `at_once` to begin with, `per_second` more, never above `at_once`. A bucket
    that is no longer remembered is full."""

    def __init__(self, per_second: float, at_once: float) -> None:
        self._per_second = per_second
        self._at_once = at_once
        self.buckets: Recent[tuple[float, float]] = Recent()

    def left(self, key: Hashable, now: float) -> float:
        """How many tokens are there."""
        found = self.buckets.get(key)
        if found is None:
            return self._at_once
        tokens, at = found
        return min(self._at_once, tokens + (now - at) * self._per_second)

    def take(self, key: Hashable, now: float) -> bool:
        """Take one; False when there is none."""
        left = self.left(key, now)
        if left < 1.0:
            return False
        self.buckets.note(key, (left - 1.0, now))
        return True


class Guesses:
    """How many wrong guesses were made by key, and when another one is looked at."""

    def __init__(self) -> None:
        self._made: Recent[tuple[float, float]] = Recent()

    def wait(self, key: Hashable, now: float) -> float:
        """Seconds until the next guess is looked at; 0 for now."""
        count, at = self._made.get(key) or (0.0, now)
        beyond = round(count) - FREE_GUESSES
        return 0.0 if beyond < 0 else max(0.0, at + min(LONGEST_WAIT, 2.0 ** min(beyond, 10)) - now)

    def add(self, key: Hashable, now: float) -> None:
        """One more."""
        count, at = self._made.get(key) or (0.0, now)
        self._made.note(key, (max(0.0, count - (now - at) / FORGOTTEN_AFTER) + 1.0, now))


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
        self._addresses_told = Rates(CHALLENGES_PER_SECOND, CHALLENGES_AT_ONCE)
        self._guesses = Guesses()
        self._homes: Recent[bool] = Recent()
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

    def may_tell(self, flow: Flow) -> bool:
        """A STUN request deserves an answer: in the same measure, and of its own, since the answer is larger
        than what asks for it, and phones behind one NAT all ask."""
        if flow.transport != "udp" or flow.remote[0].startswith("127."):
            return True
        return self._addresses_told.take(source_of(flow), self._clock())

    def may_guess(self, username: str, flow: Flow) -> bool:
        """A password for this account is worth looking at. The phone that is registered from where this
        comes from is always heard, whatever others do at its address."""
        name, now = username[:_LONGEST_NAME], self._clock()
        here, near = self._lives_at(username, flow)
        if here:
            return True
        key = guesser_of(flow), name
        if self._guesses.wait(key, now):
            return False
        return near or self._homes.get(key) is not None or self._strangers.left(name, now) >= 1.0

    def guessed_wrong(self, username: str, flow: Flow) -> None:
        """The password was wrong, or there is no such account: both count alike."""
        name, now = username[:_LONGEST_NAME], self._clock()
        key = guesser_of(flow), name
        self._guesses.add(key, now)
        _, near = self._lives_at(username, flow)
        if not near and self._homes.get(key) is None:
            self._strangers.take(name, now)
        if self._guesses.wait(key, now):
            log.warning("passwords are being guessed", source=flow.remote[0], username=name)

    def guessed_right(self, username: str, flow: Flow) -> None:
        """The account was used from there: its owner is heard there again, also while others guess."""
        key = guesser_of(flow), username[:_LONGEST_NAME]
        if self._homes.get(key) is None:
            self._homes.note(key, True)


def guesser_of(flow: Flow) -> Hashable:
    """Whom guesses are counted for: the source, and on loopback the socket, since there each programme is
    somebody else: phones of a trial, or whoever is behind a proxy that is not named."""
    host = flow.remote[0]
    return flow.remote if host == "::1" or host.startswith("127.") else source_of(flow)


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
