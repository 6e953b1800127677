"""While no engine is there: what waits for the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PATIENCE = 5.0
"""Seconds that what cannot be asked of an engine that is gone waits for the next one."""


class Outage:
    """What an engine did not do because it is gone."""

    def __init__(self, connected: Callable[[], bool]) -> None:
        """`connected` tells whether an engine is there."""
        self._connected = connected
        self._waiting: list[Callable[[bool], None]] = []
        self._timer: asyncio.TimerHandle | None = None

    def wait(self, later: Callable[[bool], None]) -> None:
        """`later(True)` when the next engine is there, `later(False)` when there will be none in time, or one
        is there that gives no answer."""
        if self._connected():
            later(False)
            return
        self._waiting.append(later)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE, self.end, False)

    def end(self, is_there: bool) -> None:
        """Another engine is there, or what was asked has failed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, []
        for later in waiting:
            later(is_there)
