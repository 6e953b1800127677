"""The conference room: everybody hears the others, nobody themselves; outsiders need the PIN."""

from __future__ import annotations

import asyncio

import numpy as np
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.call import RawCall
from tests.interop.phones.raw import RawPhone
from tests.interop.phones.sound import (
    PATIENCE,
    Sound,
    hears,
    hears_no,
    hears_silence,
    hears_something,
    likeness,
    now_at,
    since,
    tone,
)


async def _join(phone: RawPhone) -> RawCall:
    """Enter room 600 from inside."""
    return await phone.call("600")


async def _settled(calls: list[RawCall]) -> None:
    """Everybody hears all others and not themselves, at the same time."""
    for call in calls:
        mark = now_at(call)
        for other in calls:
            if other is not call:
                await hears(call, other.phone.tone, mark=mark, within=8, part=0.1)
        await hears_no(call, call.phone.tone, lasting=0.6)


async def test_three_members_hear_each_other_and_not_themselves(demo: Demo, phones: Phones):
    calls = [await _join(await phones.raw(demo.account(extension))) for extension in ("101", "102", "103")]
    await _settled(calls)
    for call in calls:
        assert call.rtp.lost() == 0
        assert len(call.rtp.ssrcs()) == 1
    await calls[0].hang_up()
    await asyncio.sleep(0.3)
    await hears_no(calls[1], calls[0].phone.tone)
    await _settled(calls[1:])


_LOW, _HIGH = tone(659, 960), tone(988, 1280)
COMES, GOES = np.concatenate([_LOW, _HIGH]), np.concatenate([_HIGH, _LOW])


async def _hears_notes(call: RawCall, mark: int, notes: Sound) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    while likeness(notes, since(call, mark)) < 0.9:
        assert loop.time() < deadline, f"likeness {likeness(notes, since(call, mark)):.2f}"
        await asyncio.sleep(0.1)


async def test_who_comes_is_told_by_rising_notes_and_who_goes_by_falling_ones(demo: Demo, phones: Phones):
    calls = [await _join(await phones.raw(demo.account(extension))) for extension in ("101", "102")]
    await _settled(calls)
    for call in calls:
        call.rtp.speak(None)
    hoa = await phones.raw(demo.account("103"))
    hoa.silent = True
    for call in calls:
        await hears_silence(call)
    marks = [now_at(call) for call in calls]
    third = await _join(hoa)
    for call, mark in zip(calls, marks, strict=True):
        await _hears_notes(call, mark, COMES)
        assert likeness(GOES, since(call, mark)) < 0.8
    marks = [now_at(call) for call in calls]
    await third.hang_up()
    for call, mark in zip(calls, marks, strict=True):
        await _hears_notes(call, mark, GOES)
        assert likeness(COMES, since(call, mark)) < 0.8


async def test_members_with_different_codecs_hear_each_other(demo: Demo, phones: Phones):
    lan, minh = await phones.raw(demo.account("101")), await phones.raw(demo.account("102"))
    lan.codecs, minh.codecs = [0], [8]
    await _settled([await _join(lan), await _join(minh)])


async def test_members_with_wide_and_narrow_codecs_hear_each_other(demo: Demo, phones: Phones):
    lan = await phones.baresip(demo.account("101"), codecs="opus/48000/2")
    minh = await phones.baresip(demo.account("102"), codecs="g722/16000/1")
    hoa = await phones.baresip(demo.account("103"), codecs="pcmu")
    members = (lan, minh, hoa)
    for member in members:
        await member.call("600")
    for member in members:
        mark = now_at(member)
        for other in members:
            if other is not member:
                # baresip itself makes its tone four times softer for G.722, on the way from 8 to 16 kHz
                await hears(member, other.tone, mark=mark, part=0.03)
        await hears_no(member, member.tone, mark=mark, lasting=0.1)


async def test_an_outsider_joins_with_the_pin(demo: Demo, phones: Phones):
    member = await _join(await phones.raw(demo.account("101")))
    outside = await phones.raw(demo.carrier())
    near = await outside.call(demo.tenant().numbers["conference"])
    await hears_something(near)
    await near.press(demo.tenant().conference_pin + "#")
    await hears(near, member.phone.tone, within=10)
    await hears(member, outside.tone, within=3)


async def test_a_wrong_pin_does_not_let_an_outsider_in(demo: Demo, phones: Phones):
    member = await _join(await phones.raw(demo.account("101")))
    outside = await phones.raw(demo.carrier())
    near = await outside.call(demo.tenant().numbers["conference"])
    await hears_something(near)
    mark = now_at(member)
    await near.press("1357#")
    await hears_no(member, outside.tone, mark=mark, lasting=5)
    await hears_no(near, member.phone.tone, mark=0, lasting=0.1)
    if not near.ended.is_set():
        await near.press(demo.tenant().conference_pin + "#")
        await hears(near, member.phone.tone, within=10)


async def test_a_member_who_is_held_leaves_no_music_in_the_room(demo: Demo, phones: Phones):
    calls = [await _join(await phones.raw(demo.account(extension))) for extension in ("101", "102", "103")]
    await _settled(calls)
    await calls[0].hold()
    await asyncio.sleep(0.3)
    await hears_no(calls[1], calls[0].phone.tone)
    await hears(calls[1], calls[2].phone.tone, mark=now_at(calls[1]), part=0.8)
    await calls[0].resume()
    await _settled(calls)


async def test_another_party_can_be_transferred_into_the_room(demo: Demo, phones: Phones):
    member = await _join(await phones.raw(demo.account("101")))
    outside, lan = await phones.raw(demo.carrier()), await phones.raw(demo.account("102"))
    near = await lan.call("0908123456", wait="ringing")
    third = await (await outside.rings()).accept()
    await near.answered()
    assert (await near.refer("600")).status == 202
    await hears(third, member.phone.tone, within=8)
    await hears(member, outside.tone, within=3)
