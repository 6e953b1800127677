"""Provisional responses that the caller acknowledges with PRACK (RFC 3262 §3): early media that loss cannot
take away."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable

import msgspec

from tongdai.sip.message import ParseError, Request, Response
from tongdai.sip.timers import Timer
from tongdai.sip.transaction import ServerTransaction
from tongdai.sip.ua.core import UaCore
from tongdai.sip.ua.state import DialogState

OPTION = "100rel"
"""The option tag: in Supported who can, in Require who insists, or a response that is one of these."""

_rack = re.compile(r"([0-9]{1,10})\s+([0-9]{1,10})\s+INVITE").fullmatch


class Unacknowledged(msgspec.Struct, frozen=True):
    """A response that was sent, or waits to be."""

    number: int
    response: Response
    described: bool
    """It carries our answer to the offer."""


class ReliableResponses(msgspec.Struct, eq=False):
    """Those of one INVITE: one after the other, each repeated until its PRACK."""

    _core: UaCore
    _state: DialogState
    _transaction: ServerTransaction
    _on_silence: Callable[[float], None]
    """Is called when a PRACK has not come in 64*T1."""
    _waiting: deque[Unacknowledged] = msgspec.field(default_factory=deque)
    _data: bytes = b""
    _timer: Timer | None = None
    _interval: float = 0.0
    _deadline: float = 0.0

    def next_number(self) -> int:
        """RSeq of the next one: the first is random, the others count on (§3)."""
        state = self._state
        state.rseq = state.rseq + 1 if state.rseq else 1 + int(self._core.fraction() * 2**30)
        return state.rseq

    def send(self, number: int, response: Response, described: bool, now: float) -> None:
        """Send it, or keep it until the PRACK of the one before."""
        self._waiting.append(Unacknowledged(number, response, described))
        if len(self._waiting) == 1:
            self._begin(now)

    @property
    def holds_answer(self) -> bool:
        """A description waits for its PRACK: a 2xx must wait as well (§3)."""
        return any(sent.described for sent in self._waiting)

    def acknowledge(self, number: int, now: float) -> Unacknowledged | None:
        """What the PRACK of that number acknowledges; None when it is not the one that waits."""
        if not self._waiting or self._waiting[0].number != number:
            return None
        acknowledged = self._waiting.popleft()
        self._stop()
        if self._waiting:
            self._begin(now)
        return acknowledged

    def stop(self) -> None:
        """A final response ends them all (§3)."""
        self._waiting.clear()
        self._stop()

    def _begin(self, now: float) -> None:
        t1 = self._core.layer.t1
        self._data = self._transaction.respond(self._waiting[0].response, now)
        self._interval, self._deadline = t1, now + 64 * t1
        self._timer = self._core.timers.schedule(now + t1, self._repeat)

    def _repeat(self, now: float) -> None:
        self._timer = None
        if now >= self._deadline:
            self._waiting.clear()
            self._on_silence(now)
            return
        self._core.transmit(self._transaction.flow, self._data)
        self._interval *= 2
        self._timer = self._core.timers.schedule(min(now + self._interval, self._deadline), self._repeat)

    def _stop(self) -> None:
        if self._timer is not None:
            self._core.timers.cancel(self._timer)
            self._timer = None


def read_rack(request: Request) -> tuple[int, int]:
    """RSeq and CSeq that a PRACK acknowledges (§7.2). Raises `ParseError`."""
    found = _rack((request.headers.get("RAck") or "").strip())
    if found is None:
        raise ParseError("bad RAck")
    return int(found[1]), int(found[2])


def reliable_number(response: Response) -> int:
    """RSeq of a provisional response that wants a PRACK; 0 for any other. Raises `ParseError`."""
    if "Require" not in response.headers or OPTION not in response.tokens("Require"):
        return 0
    return response.number("RSeq", 0) or 0
