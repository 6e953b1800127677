"""What the control process asks of Python and of the system."""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
import time
from collections.abc import Callable

from tongdai.core.waiting import happens

MOST_FILES = 100_000
"""Descriptors that are asked for: a phone over TCP, TLS or WebSocket takes one."""
SWITCH_SECONDS = 0.0005
"""How long a thread that stores or reads may keep the interpreter when the signalling loop wants it.
Python's own 5 ms were waited for, perhaps at each message that came in meanwhile."""
WORTH_COLLECTING, MUST_COLLECT = 200_000, 2_000_000
"""With so many objects more than after the last collection all are looked through when little is to do, and
at any time."""
QUIET = 0.05
"""Little is to do while the process uses at most this share of a core."""


def rest_from_collecting() -> None:
    """What is there after the start stays, and what comes later is not looked through on the way: of what
    calls leave behind nearly all goes without that (of 8,200, twelve objects did not), all calls waited
    meanwhile (13 ms for ten thousand objects, 90 for a hundred thousand), and it was a twentieth of the
    signalling of a call. `Collector` does it instead."""
    gc.collect()
    gc.freeze()
    gc.disable()


class Collector:
    """Collects garbage in a quiet second, or when there may be too much of it."""

    def __init__(
        self,
        new: Callable[[], int] = lambda: gc.get_count()[0],
        collect: Callable[[], object] = gc.collect,
    ) -> None:
        """`new()` says how many objects there are more than after the last `collect()`."""
        self._new = new
        self._collect = collect

    def look(self, busy: float) -> None:
        """`busy`: the share of a core that the process used since it looked last."""
        new = self._new()
        if new > MUST_COLLECT or (new > WORTH_COLLECTING and busy < QUIET):
            self._collect()

    async def run(self, stopping: asyncio.Event, every: float = 1.0) -> None:
        """Look so often, in seconds, until told to stop."""
        now = asyncio.get_running_loop().time
        while not stopping.is_set():
            used, at = time.process_time(), now()
            if await happens(stopping, every):
                return
            self.look((time.process_time() - used) / (now() - at))


def give_way_to_signalling() -> None:
    """The loop goes on soon though something is being stored."""
    sys.setswitchinterval(SWITCH_SECONDS)


def open_many_files() -> None:
    """Most systems give a process 1,024 until it asks for more: with so many idle connections of a stranger
    nobody else could connect, and no file could be written."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(MOST_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
