"""Writing behind: what must reach a slower store, without anybody waiting for it.

The owner keeps each item in the journal until `write` has stored it, so that neither a crash nor a store
that is down for an hour loses anything. After a crash items are written again: `write` must not mind.

An item that the store will never take is given back to its owner, and the rest is written. Where the owner
must read the store before it writes to it, that is tried as long as it fails, too."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from tongdai.core.log import get_logger

log = get_logger(__name__)

BATCH = 500
RETRY_SECONDS = (0.1, 0.5, 2.0, 5.0)
"""Pauses after failures; the last one repeats."""

T = TypeVar("T")


class WriteBehind(Generic[T]):
    """A queue and the task that empties it, in order, in batches."""

    def __init__(
        self,
        name: str,
        write: Callable[[list[T]], Awaitable[None]],
        *,
        is_refusal: Callable[[Exception], bool] = lambda _: False,
        set_aside: Callable[[T, Exception], None] = lambda _, __: None,
        linger: float = 0.05,
        retry: tuple[float, ...] = RETRY_SECONDS,
    ) -> None:
        """`write` stores a batch wholly or raises. `is_refusal`: whether it raised because of what is in the
        batch, however often it is tried; then its items are written one by one, and those that are refused
        go to `set_aside`. `linger`: seconds to gather company for the first of a batch."""
        self.failing = False
        """The alarm: the last write, or the first reading, failed and is tried again."""
        self._name = name
        self._write = write
        self._is_refusal = is_refusal
        self._set_aside = set_aside
        self._read: Callable[[], Awaitable[None]] | None = None
        self._linger = linger
        self._retry = retry
        self._queue: deque[T] = deque()
        self._work = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def put(self, item: T) -> None:
        """Hand over an item; returns at once."""
        self._queue.append(item)
        self._work.set()
        self._empty.clear()

    @property
    def backlog(self) -> int:
        """How many items are not stored yet."""
        return len(self._queue)

    def waiting(self) -> list[T]:
        """The items that are not stored yet, in order."""
        return list(self._queue)

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run(), name=f"write-behind-{self._name}")

    async def start_after(self, read: Callable[[], Awaitable[None]], *, at_once: bool = True) -> None:
        """Begin to write once `read` did not raise. It is tried here, if `at_once`, and else behind."""
        if at_once:
            try:
                await read()
            except Exception as error:
                log.error("store cannot be read; tried again", store=self._name, error=repr(error))
            else:
                self.start()
                return
        self._read = read
        self.failing = True
        self._work.set()
        self.start()

    async def flush(self) -> None:
        """Wait until everything handed over so far is stored."""
        self._hurry.set()
        await self._empty.wait()
        self._hurry.clear()

    async def close(self, within: float = 2.0) -> bool:
        """Write what is left, for at most `within` seconds; False when something stays behind (in the
        journal)."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self.flush()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        return not self._queue

    async def _run(self) -> None:
        failures = 0
        while True:
            await self._work.wait()
            try:
                if self._read is not None:
                    await self._read()
                    self._read = None
                await self._pause(self._linger)
                if self._queue:
                    await self._store([self._queue[n] for n in range(min(BATCH, len(self._queue)))])
            except Exception as error:
                if not self.failing:
                    log.exception(
                        "store cannot be reached; tried again", store=self._name, waiting=len(self._queue)
                    )
                self.failing = True
                delay = self._retry[min(failures, len(self._retry) - 1)]
                failures += 1
                log.debug("store still failing", store=self._name, error=str(error), retry_in=delay)
                await self._pause(delay, hurry=False)
                continue
            if self.failing:
                log.warning("store can be reached again", store=self._name)
            self.failing, failures = False, 0
            if not self._queue:
                self._work.clear()
                self._empty.set()

    async def _store(self, batch: list[T]) -> None:
        """Takes from the queue what is stored, or set aside."""
        try:
            await self._write(batch)
        except Exception as error:
            if not self._is_refusal(error):
                raise
            if len(batch) > 1:
                for item in batch:
                    await self._store([item])
                return
            self._set_aside(batch[0], error)
        for _ in batch:
            self._queue.popleft()

    async def _pause(self, seconds: float, *, hurry: bool = True) -> None:
        if not seconds:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await (self._hurry.wait() if hurry else asyncio.Event().wait())
