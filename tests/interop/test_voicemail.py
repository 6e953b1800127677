"""Voicemail: leave a message, fetch it with the PIN, keep or delete it, and speak one's own greeting.

Each test has a mailbox of its own, which nobody else of the suite uses, and leaves no new message in it.
"""

from __future__ import annotations

import asyncio

from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.call import RawCall
from tests.interop.phones.raw import RawPhone
from tests.interop.phones.sound import (
    hears,
    hears_beep,
    hears_silence,
    hears_something,
    leaks,
    now_at,
    trace_of,
)

CLINIC = "binhminh.demo"


async def _leave(caller: RawPhone, owner: str, frequency: int, *, end: str = "hang-up") -> RawCall:
    """Leave a message of 2 s with that tone for a person who is away."""
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


async def _fetch(phone: RawPhone, pin: str) -> RawCall:
    """Dial *97 and log in."""
    near = await phone.call("*97")
    near.rtp.speak(None)
    await hears_something(near)
    await near.press(pin + "#")
    return near


async def _delete(near: RawCall) -> None:
    """Delete the message that is or was just played, and hang up when that was said."""
    mark = now_at(near)
    await near.press("3")
    await hears_something(near, mark=mark + 1600)
    await near.hang_up()


async def test_messages_that_end_in_any_way_are_heard_by_their_owner(demo: Demo, phones: Phones):
    async def leave_and_fetch(end: str, owner: str) -> None:
        left = await _leave(await phones.raw(demo.account("101")), owner, 2300, end=end)
        if end == "silence":
            await left.hung_up(within=12)
        phone = await phones.raw(demo.account(owner))
        near = await _fetch(phone, demo.tenant().person(owner).voicemail_pin)
        await hears(near, 2300, within=15)
        await _delete(near)

    ways = (("hang-up", "105"), ("#", "106"), ("silence", "104"))
    await asyncio.gather(*(leave_and_fetch(end, owner) for end, owner in ways))


async def test_a_new_message_can_be_heard_again_saved_and_deleted(demo: Demo, phones: Phones):
    pin = demo.tenant(CLINIC).person("102").voicemail_pin
    await _leave(await phones.raw(demo.account("101", domain=CLINIC)), "102", 2150)
    owner = await phones.raw(demo.account("102", domain=CLINIC))
    near = await _fetch(owner, pin)
    await hears(near, 2150, within=15)
    await asyncio.sleep(2.0)
    mark = now_at(near)
    await near.press("1")
    await hears(near, 2150, mark=mark, within=8)
    await near.press("4")
    await asyncio.sleep(1.0)
    await near.hang_up()
    near = await _fetch(owner, pin)
    await hears(near, 2150, within=20)
    await _delete(near)
    near = await _fetch(owner, pin)
    await asyncio.sleep(6)
    assert not leaks(near.samples(), 2150), "a deleted message is played"


async def test_the_next_message_follows(demo: Demo, phones: Phones):
    caller = await phones.raw(demo.account("102", domain=CLINIC))
    for frequency in (2300, 2050):
        await _leave(caller, "101", frequency)
    owner = await phones.raw(demo.account("101", domain=CLINIC))
    near = await _fetch(owner, demo.tenant(CLINIC).person("101").voicemail_pin)
    await hears(near, 2300, within=15)
    assert not leaks(near.samples(), 2050)
    await near.press("2")
    await hears(near, 2050, within=10)


async def test_only_ones_own_pin_opens_ones_own_mailbox(demo: Demo, phones: Phones):
    lan = await phones.raw(demo.account("101"))
    await _leave(lan, "106", 1900)
    owner = await phones.raw(demo.account("106"))
    pin = demo.tenant().person("106").voicemail_pin
    with_wrong_pin, somebody_else = await _fetch(owner, "0000"), await _fetch(lan, pin)
    await asyncio.sleep(6)
    for near in (with_wrong_pin, somebody_else):
        assert not leaks(near.samples(), 1900)
        assert not near.ended.is_set(), "one mistake ends the call"
    await with_wrong_pin.press(pin + "#")
    await hears(with_wrong_pin, 1900, within=20)
    await _delete(with_wrong_pin)


async def test_ones_own_greeting_is_heard_by_callers(demo: Demo, phones: Phones):
    owner = await phones.raw(demo.account("105"))
    near = await _fetch(owner, demo.tenant().person("105").voicemail_pin)
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
