"""Lookups in DNS on the loop, for those who wait for nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from tongdai.core.log import get_logger
from tongdai.sip.location import Located, LookupFailed, Names, Place, locate

log = get_logger(__name__)

LONGEST_SECONDS = 8.0
"""A lookup of several steps is given up after this."""


class Finder:
    """Implements `trunks.locator.LookUp`."""

    def __init__(self, names: Names, versions: Sequence[int], stir: Callable[[], None]) -> None:
        """`versions` of IP that we speak; `stir` is called after each answer."""
        self._names = names
        self._versions = versions
        self._stir = stir
        self._asking: set[asyncio.Task[None]] = set()

    def look_up(self, place: Place, done: Callable[[Located | None], None]) -> None:
        task = asyncio.create_task(self._find(place, done), name=f"DNS {place.host}")
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _find(self, place: Place, done: Callable[[Located | None], None]) -> None:
        found: Located | None = None
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                found = await locate(self._names, place, self._versions)
        except (LookupFailed, TimeoutError) as error:
            log.info("a name was not found", host=place.host, why=str(error) or "no answer in time")
        except Exception:
            log.exception("a lookup failed", host=place.host)
        done(found)
        self._stir()

    async def settle(self, seconds: float) -> None:
        """Wait for what is being asked, at most so long."""
        if self._asking:
            await asyncio.wait(self._asking, timeout=seconds)

    def close(self) -> None:
        for task in self._asking:
            task.cancel()
