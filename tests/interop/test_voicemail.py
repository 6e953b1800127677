"""Voicemail: leave a message, fetch it with the PIN, keep or delete it, and speak one's own greeting."""

from __future__ import annotations

import asyncio

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.call import RawCall
from tests.interop.phones.raw import RawPhone
from tests.interop.phones.sound import (
    hears,
    hears_beep,
    hears_no,
    hears_silence,
    hears_something,
    now_at,
    trace_of,
)


async def _leave(phones: Phones, demo: Demo, owner: str, frequency: int, *, end: str = "hang-up") -> RawCall:
    """Leave a message of 2 s with that tone for a person who is away."""
    caller = await phones.raw(demo.account("101"))
    near = await caller.call(owner, wait="sent")
    await near.answered()
    near.rtp.speak(None)
    await hears_beep(near)
    near.rtp.speak(frequency)
    await asyncio.sleep(2.0)
    near.rtp.speak(None)
    if end == "hang-up":
        await near.hang_up()
    elif end == "#":
        await near.press("#")
    return near


async def _fetch(demo: Demo, phone: RawPhone, extension: str) -> RawCall:
    """Dial *97 and log in."""
    near = await phone.call("*97")
    near.rtp.speak(None)
    await hears_something(near)
    await near.press(demo.tenant().person(extension).voicemail_pin + "#")
    return near


async def _empty(demo: Demo, phone: RawPhone, extension: str) -> None:
    """Delete what earlier tests left, so that the first message is the one of this test."""
    near = await _fetch(demo, phone, extension)
    for _ in range(6):
        await asyncio.sleep(0.8)
        if near.ended.is_set():
            return
        await near.press("3")
    await near.hang_up()


@pytest.mark.parametrize("end", ["hang-up", "#", "silence"])
async def test_a_message_is_recorded_and_heard_by_its_owner(demo: Demo, phones: Phones, end: str):
    owner = await phones.raw(demo.account("106"))
    await _empty(demo, owner, "106")
    await owner.unregister()
    left = await _leave(phones, demo, "106", 2300, end=end)
    if end == "silence":
        await left.hung_up(within=12)
    await owner.register()
    near = await _fetch(demo, owner, "106")
    await hears(near, 2300, within=15)
    await near.hang_up()


async def test_a_new_message_can_be_heard_again_saved_and_deleted(demo: Demo, phones: Phones):
    owner = await phones.raw(demo.account("106"))
    await _empty(demo, owner, "106")
    await owner.unregister()
    await _leave(phones, demo, "106", 2150)
    await owner.register()
    near = await _fetch(demo, owner, "106")
    await hears(near, 2150, within=15)
    await asyncio.sleep(2.0)
    mark = now_at(near)
    await near.press("1")
    await hears(near, 2150, mark=mark, within=8)
    await near.press("4")
    await asyncio.sleep(1.0)
    await near.hang_up()
    near = await _fetch(demo, owner, "106")
    await hears(near, 2150, within=20)
    await near.press("3")
    await asyncio.sleep(1.0)
    await near.hang_up()
    near = await _fetch(demo, owner, "106")
    await asyncio.sleep(8)
    assert trace_of(near.samples(), 2150) < 0.05, "a deleted message is played"


async def test_the_next_message_follows(demo: Demo, phones: Phones):
    owner = await phones.raw(demo.account("106"))
    await _empty(demo, owner, "106")
    await owner.unregister()
    await _leave(phones, demo, "106", 2300)
    await _leave(phones, demo, "106", 2050)
    await owner.register()
    near = await _fetch(demo, owner, "106")
    await hears(near, 2300, within=15)
    await hears_no(near, 2050, mark=0, lasting=0.1)
    await near.press("2")
    await hears(near, 2050, within=10)


async def test_a_wrong_pin_opens_nothing(demo: Demo, phones: Phones):
    owner = await phones.raw(demo.account("106"))
    await owner.unregister()
    await _leave(phones, demo, "106", 1900)
    await owner.register()
    near = await owner.call("*97")
    near.rtp.speak(None)
    await hears_something(near)
    await near.press("0000#")
    await asyncio.sleep(6)
    assert trace_of(near.samples(), 1900) < 0.05
    if not near.ended.is_set():
        await near.press(demo.tenant().person("106").voicemail_pin + "#")
        await hears(near, 1900, within=20)


async def test_nobody_else_hears_ones_messages(demo: Demo, phones: Phones):
    owner = await phones.raw(demo.account("106"))
    await owner.unregister()
    await _leave(phones, demo, "106", 1800)
    other = await phones.raw(demo.account("105"))
    near = await other.call("*97")
    await hears_something(near)
    await near.press(demo.tenant().person("106").voicemail_pin + "#")
    await asyncio.sleep(6)
    assert trace_of(near.samples(), 1800) < 0.05


async def test_ones_own_greeting_is_heard_by_callers(demo: Demo, phones: Phones):
    owner = await phones.raw(demo.account("105"))
    near = await _fetch(demo, owner, "105")
    await asyncio.sleep(1.0)
    await near.press("0")
    await asyncio.sleep(1.0)
    await hears_something(near, mark=now_at(near), within=5)
    mark = now_at(near)
    await near.press("1")
    await hears_beep(near, mark=mark)
    near.rtp.speak(1700)
    await asyncio.sleep(2.0)
    near.rtp.speak(None)
    await near.press("#")
    await asyncio.sleep(1.5)
    await near.hang_up()
    await owner.unregister()
    caller = await phones.raw(demo.account("101"))
    call = await caller.call("105", wait="sent")
    await call.answered()
    call.rtp.speak(None)
    await hears(call, 1700, within=8)
    heard = await hears_silence(call, within=10)
    assert trace_of(heard, 1700) > 0.9
