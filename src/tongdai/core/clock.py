"""Time as an object that is handed in, so that a test can turn it by hand."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from tongdai.core.errors import TongdaiError


class Clock(Protocol):
    """Two times, both seconds as float."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start of this machine; never goes back. For deadlines and durations."""

    def wall(self) -> float:
        """Seconds since 1970-01-01T00:00:00Z; jumps when the machine's clock is set. For what people read."""


def boot() -> str:
    """Names this start of the machine: monotonic times of two processes compare only within one. Empty where
    the system does not say."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    return ""


class SystemClock:
    """The machine's clock."""

    monotonic = staticmethod(time.monotonic)
    wall = staticmethod(time.time)


class ManualClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, monotonic: float = 0.0, wall: float = 1_750_000_000.0) -> None:
        self._monotonic = monotonic
        self._wall = wall

    def monotonic(self) -> float:
        return self._monotonic

    def wall(self) -> float:
        return self._wall

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass on both times."""
        if seconds < 0:
            raise TongdaiError("clock_backwards", f"Time does not go back ({seconds} s).", "Use set_wall.")
        self._monotonic += seconds
        self._wall += seconds

    def set_wall(self, wall: float) -> None:
        """Set the wall clock (as NTP or an administrator does); the monotonic time is not touched."""
        self._wall = wall
