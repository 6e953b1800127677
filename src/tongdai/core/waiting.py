"""Waiting for something, but not for ever."""

from __future__ import annotations

import asyncio
import contextlib


async def happens(event: asyncio.Event, within: float) -> bool:
    """Wait for it, so many seconds at most; whether it has come."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within):
            await event.wait()
    return event.is_set()
