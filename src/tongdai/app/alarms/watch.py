"""Looks every few seconds at what this process cannot do without."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from tongdai.app.alarms.alarms import Alarms
from tongdai.core.log import get_logger
from tongdai.core.waiting import happens

log = get_logger(__name__)

EVERY_SECONDS = 5.0
DATABASE_SECONDS = 10.0
"""A database that takes longer than this to begin and end a transaction is as good as gone."""
LEAST_FREE = 64 << 20
"""Bytes that a disk should have left: an hour of voicemail."""

Check = Callable[[], Awaitable[str]]
"""What is wrong, or empty."""


class Watch:
    """Puts alarms on and off. One check that hangs keeps none of the others back."""

    def __init__(self, alarms: Alarms, checks: dict[str, Check], *, every: float = EVERY_SECONDS) -> None:
        self._alarms = alarms
        self._checks = checks
        self._every = every

    async def run(self, stopping: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            for name, check in self._checks.items():
                group.create_task(self._look(name, check, stopping), name=f"watch-{name}")

    async def _look(self, name: str, check: Check, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                detail = await check()
            except Exception as error:
                log.exception("an alarm could not be looked at", alarm=name)
                detail = f"it cannot be looked at: {error}"
            self._alarms.put(name, detail)
            await happens(stopping, self._every)


async def disk(directory: Path, least: int = LEAST_FREE) -> str:
    """Whether there is room for recordings, the journal and the database."""
    found = await asyncio.to_thread(os.statvfs, directory)
    free = found.f_bavail * found.f_frsize
    return "" if free >= least else f"{directory} has {free >> 20} MiB left"


class Database:
    """Whether the database takes a transaction that could write. One that hangs is not asked again before it
    has answered: each question keeps a thread."""

    def __init__(self, probe: Callable[[], Awaitable[None]], within: float = DATABASE_SECONDS) -> None:
        self._probe = probe
        self._within = within
        self._asked: asyncio.Future[None] | None = None

    async def look(self) -> str:
        if self._asked is None:
            self._asked = asyncio.ensure_future(self._probe())
        done, _ = await asyncio.wait([self._asked], timeout=self._within)
        if not done:
            return f"the database does not answer within {self._within:g} s"
        asked, self._asked = self._asked, None
        error = asked.exception()
        return "" if error is None else f"the database does not answer: {_short(error)}"


def _short(error: BaseException) -> str:
    return str(getattr(error, "orig", None) or error).partition("\n")[0][:200]
