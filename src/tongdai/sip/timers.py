"""Timers on one heap. Cancelling only marks; the heap is cleaned when most of it is marked."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any

import msgspec


class Timer(msgspec.Struct, eq=False):
    """One pending call."""

    _callback: Callable[..., None] | None
    _args: tuple[Any, ...]


class Timers:
    """Callbacks in order of time; those of the same time in order of scheduling."""

    __slots__ = ("_cancelled", "_heap", "_order")

    _CLEAN_ABOVE = 64

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = 0
        self._cancelled = 0

    def schedule(self, when: float, callback: Callable[..., None], *args: Any) -> Timer:
        """Call `callback(*args, now)` once `now` has reached `when` (seconds)."""
        self._order += 1
        timer = Timer(callback, args)
        heappush(self._heap, (when, self._order, timer))
        return timer

    def cancel(self, timer: Timer) -> None:
        """Forget a timer; one that has fired or was cancelled is ignored."""
        if timer._callback is None:
            return
        timer._callback = None
        timer._args = ()
        self._cancelled += 1
        if self._cancelled > self._CLEAN_ABOVE and self._cancelled * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2]._callback is not None]
            heapify(self._heap)
            self._cancelled = 0

    def deadline(self) -> float | None:
        """When `fire` is wanted next."""
        heap = self._heap
        while heap and heap[0][2]._callback is None:
            heappop(heap)
            self._cancelled -= 1
        return heap[0][0] if heap else None

    def fire(self, now: float) -> None:
        """Call everything due at `now`."""
        while (when := self.deadline()) is not None and when <= now:
            timer = heappop(self._heap)[2]
            callback, args = timer._callback, timer._args
            timer._callback = None
            timer._args = ()
            if callback is not None:
                callback(*args, now)

    def __len__(self) -> int:
        return len(self._heap) - self._cancelled
