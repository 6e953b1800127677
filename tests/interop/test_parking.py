"""Parking: transfer a call to a place, take it back anywhere."""

from __future__ import annotations

import asyncio

from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.sound import hears_no, hears_something, now_at
from tests.interop.talk import hear_each_other, talk


async def test_a_parked_caller_hears_music_and_is_taken_back_by_somebody_else(demo: Demo, phones: Phones):
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    other = await phones.raw(demo.account("105"))
    near, far = await talk(caller, callee, "103")
    assert (await far.refer("700")).status == 202
    assert await far.transferred() == 200
    await asyncio.sleep(0.5)
    mark = now_at(near)
    await hears_something(near, mark=mark, within=6, lasting=1.5)
    await hears_no(near, callee.tone, mark=mark, lasting=0.1)
    taken = await other.call("700")
    await hear_each_other(near, taken)
    assert len(near.rtp.ssrcs()) == 1
    assert near.rtp.lost() == 0
    await taken.hang_up()
    await near.hung_up()


async def test_a_call_is_parked_by_attended_transfer(demo: Demo, phones: Phones):
    """Who was to be parked took the place of one who was told that the place is empty, and was hung up."""
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    other = await phones.raw(demo.account("105"))
    near, far = await talk(caller, callee, "103")
    await far.hold()
    asking = await callee.call("704")
    await hears_something(asking)
    assert (await far.refer("", replaces=asking)).status == 202
    assert await far.transferred() == 200
    await asking.hung_up()
    await hears_something(near, mark=now_at(near), within=5, lasting=1.5)
    taken = await other.call("704")
    await hear_each_other(near, taken)


async def test_an_outside_caller_is_parked_and_taken_back(demo: Demo, phones: Phones):
    outside, operator = await phones.raw(demo.carrier()), await phones.raw(demo.account("104"))
    other = await phones.raw(demo.account("102"))
    near = await outside.call(demo.tenant().numbers["main"])
    await hears_something(near)
    await near.press("0")
    far = await (await operator.rings()).accept()
    await hear_each_other(near, far)
    assert (await far.refer("709")).status == 202
    assert await far.transferred() == 200
    taken = await other.call("709")
    await hear_each_other(near, taken)


async def test_an_empty_place_is_said_to_be_empty(demo: Demo, phones: Phones):
    caller = await phones.raw(demo.account("101"))
    near = await caller.call("705", wait="sent")
    response = await near.finished()
    if response.status == 200:
        await hears_something(near)
        await near.hung_up(within=10)
    else:
        assert response.status in (404, 480), str(response)


async def test_a_taken_place_does_not_lose_the_second_call(demo: Demo, phones: Phones):
    first, second = await phones.raw(demo.account("101")), await phones.raw(demo.account("102"))
    callee, other = await phones.raw(demo.account("103")), await phones.raw(demo.account("105"))
    one, far = await talk(first, callee, "103")
    assert (await far.refer("701")).status == 202
    assert await far.transferred() == 200
    two, far = await talk(second, callee, "103")
    response = await far.refer("701")
    if response.status == 202:
        assert await far.transferred() >= 400
    await hear_each_other(two, far)
    taken = await other.call("701")
    await hear_each_other(one, taken)


async def test_a_parked_caller_who_hangs_up_frees_the_place(demo: Demo, phones: Phones):
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    near, far = await talk(caller, callee, "103")
    assert (await far.refer("702")).status == 202
    assert await far.transferred() == 200
    assert (await near.hang_up()).status == 200
    near, far = await talk(caller, callee, "103")
    assert (await far.refer("702")).status == 202
    assert await far.transferred() == 200
    taken = await callee.call("702")
    await hear_each_other(near, taken)
