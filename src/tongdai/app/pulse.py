"""The rhythm of the signalling loop: whatever a tick changed is journaled first, and only then does its SIP
leave.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from tongdai.core.log import get_logger
from tongdai.core.memory import end_without_memory
from tongdai.journal import Journal
from tongdai.sip.flow import Flow
from tongdai.sip.ua import UserAgent

log = get_logger(__name__)

GRAIN_SECONDS = 0.02
"""A deadline is met so much later than its time at most, and no oftener are deadlines looked at: with many
calls one comes in every millisecond, and waking for it costs more than what is done then."""


class Timed(Protocol):
    """Something with deadlines of its own, in monotonic seconds."""

    def deadline(self) -> float | None: ...

    def on_timers(self, now: float) -> None: ...


class Pulse:
    """Flushes once per tick in which something happened, and wakes whoever has a deadline.

    A fault of one of those it calls is logged and keeps none of the others back: neither what cannot be
    journaled nor one bad timer may stop the signalling of everybody.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        journal: Journal,
        send: Callable[[Flow, bytes], None],
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._scheduled = False
        self._writing = False
        self._flushed = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._wake_at = float("inf")
        self._ua: UserAgent | None = None
        self._timed: Sequence[Timed] = ()
        self._writers: Sequence[Callable[[], None]] = ()

    def use(self, ua: UserAgent, timed: Sequence[Timed], writers: Sequence[Callable[[], None]]) -> None:
        """`writers` put what changed into the journal; `timed` are woken at their deadlines."""
        self._ua = ua
        self._timed = timed
        self._writers = writers

    async def quiet(self, at_rest: Callable[[], bool]) -> None:
        """Wait until this holds after a flush or a timer."""
        while not at_rest():
            self._flushed.clear()
            await self._flushed.wait()

    def stop(self) -> None:
        """Flush now, for the last time."""
        self._flush()
        self._scheduled = True
        if self._timer is not None:
            self._timer.cancel()

    def stir(self) -> None:
        """Something changed: flush at the end of this tick."""
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._flush)

    def pending(self) -> None:
        """Something waits to be committed. Who puts need not stir: a store behind the calls does not know of
        this."""
        if not self._writing:
            self.stir()

    def _flush(self) -> None:
        self._scheduled = False
        self._flushed.set()
        self._writing = True
        for write in self._writers:
            _try(write)
        _try(self._journal.commit)
        self._writing = False
        if self._ua is not None:
            for flow, data in self._ua.drain():
                _try(self._send, flow, data)
        self._arm(self._clock() + GRAIN_SECONDS)  # for whoever has a new deadline

    def _arm(self, at: float) -> None:
        """Wake at this time at the latest; there is one timer of the loop for all."""
        if at >= self._wake_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._wake_at = at
        self._timer = self._loop.call_later(max(0.0, at - self._clock()), self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._wake_at = float("inf")
        now = self._clock()
        for timed in self._timed:
            at = timed.deadline()
            if at is not None and at <= now:
                _try(timed.on_timers, now)
                self.stir()
        deadlines = [at for timed in self._timed if (at := timed.deadline()) is not None]
        self._arm(max(now + GRAIN_SECONDS, min(deadlines, default=float("inf"))))


def _try(call: Callable[..., object], *args: object) -> None:
    try:
        call(*args)
    except Exception as error:
        end_without_memory(error)
        log.exception("a part of the signalling loop failed", part=getattr(call, "__qualname__", repr(call)))
