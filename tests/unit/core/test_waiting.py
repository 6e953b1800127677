"""Waiting for something, but not for ever."""

from __future__ import annotations

import asyncio

from tongdai.core.waiting import happens


async def test_what_came_is_told_and_what_did_not_in_time_too():
    event = asyncio.Event()
    assert not await happens(event, 0.001)
    asyncio.get_running_loop().call_soon(event.set)
    assert await happens(event, 60.0)
    assert await happens(event, 0.0), "it came before"
