"""An event loop whose time is turned by hand: what would be waited for happens at once, at its time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Hasty(selectors.DefaultSelector):
    """Never waits; the time that it should have waited has passed all the same."""

    now = 1000.0

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        if not found:
            if timeout is None:
                raise RuntimeError("nothing will ever happen any more")
            self.now += timeout
        return found


class TurnedLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._hasty = _Hasty()
        super().__init__(self._hasty)

    def time(self) -> float:
        return self._hasty.now


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run on a loop of its own, without waiting for anything."""
    with asyncio.Runner(loop_factory=TurnedLoop) as runner:
        return runner.run(main)


async def until(at: float) -> None:
    """Let time pass."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    loop.call_at(at, future.set_result, None)
    await future
