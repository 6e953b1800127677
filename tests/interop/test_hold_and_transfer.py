"""Hold with music, blind and attended transfer."""

from __future__ import annotations

import asyncio

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.call import RawCall
from tests.interop.phones.sip import read_sdp
from tests.interop.phones.sound import hears_beep, hears_no, hears_something, now_at
from tests.interop.talk import hear_each_other, talk


async def _released(call: RawCall) -> None:
    """The one who transferred is free: the other side says BYE, or accepts ours."""
    try:
        await call.hung_up(1.5)
    except AssertionError:
        assert (await call.hang_up()).status in (200, 481)


@pytest.mark.parametrize("holder", ["caller", "callee"])
async def test_the_held_party_hears_music_until_it_is_taken_back(demo: Demo, phones: Phones, holder: str):
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    near, far = await talk(caller, callee, "103")
    holding, held = (near, far) if holder == "caller" else (far, near)
    await holding.hold()
    await asyncio.sleep(0.3)
    music_from = now_at(held)
    await hears_something(held, mark=music_from, lasting=1.0)
    await hears_no(held, holding.phone.tone, mark=music_from, lasting=0.1)
    packets = len(holding.rtp.received)
    await asyncio.sleep(0.5)
    assert len(holding.rtp.received) - packets <= 2, "a phone that asked for no sound (sendonly) is sent some"
    await holding.resume()
    await hear_each_other(near, far)
    assert len(held.rtp.ssrcs()) == 1
    assert held.rtp.lost() == 0


@pytest.mark.parametrize("way", ["inactive", "zero-address"])
async def test_other_ways_to_hold_work_too(demo: Demo, phones: Phones, way: str):
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    near, far = await talk(caller, callee, "103")
    if way == "inactive":
        response = await near.reinvite("inactive")
        assert read_sdp(response.body).direction == "inactive"
    else:
        host, caller.media_host = caller.media_host, "0.0.0.0"
        response = await near.reinvite("sendrecv")
        caller.media_host = host
    assert response.status == 200
    near.rtp.mute(True)
    await asyncio.sleep(0.3)
    await hears_something(far, mark=now_at(far), lasting=1.0)
    await near.resume()
    await hear_each_other(near, far)


async def test_a_reinvite_that_changes_the_codec_keeps_the_sound(demo: Demo, phones: Phones):
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    callee.codecs = [0]
    near, far = await talk(caller, callee, "103")
    response = await near.reinvite("sendrecv", [8])
    assert response.status == 200
    assert near.rtp.codec == 8
    await hear_each_other(near, far)
    assert len(far.rtp.ssrcs()) == 1


@pytest.mark.parametrize("who", ["caller", "callee"])
async def test_a_blind_transfer_connects_the_other_party(demo: Demo, phones: Phones, who: str):
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    target = await phones.raw(demo.account("105"))
    near, far = await talk(caller, callee, "103")
    transferring, staying = (near, far) if who == "caller" else (far, near)
    assert (await transferring.refer("105")).status == 202
    third = await (await target.rings()).accept()
    assert third.caller == ("103" if who == "caller" else "101")
    assert await transferring.transferred() == 200
    await hear_each_other(staying, third)
    await _released(transferring)
    await staying.hang_up()
    await third.hung_up()


async def test_a_transfer_to_nobody_reports_it_and_keeps_the_call(demo: Demo, phones: Phones):
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    near, far = await talk(caller, callee, "103")
    response = await far.refer("199")
    if response.status == 202:
        assert await far.transferred() >= 400
    else:
        assert response.status in (403, 404)
    await hear_each_other(near, far)


async def test_a_transfer_to_who_is_away_reaches_their_voicemail(demo: Demo, phones: Phones):
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    near, far = await talk(caller, callee, "103")
    mark = now_at(near)
    assert (await far.refer("105")).status == 202
    await hears_beep(near, mark=mark)


async def test_an_attended_transfer_joins_the_two_others(demo: Demo, phones: Phones):
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    target = await phones.raw(demo.account("105"))
    near, far = await talk(caller, callee, "103")
    await far.hold()
    asking, asked = await talk(callee, target, "105")
    assert (await far.refer("", replaces=asking)).status == 202
    await hear_each_other(near, asked)
    assert await far.transferred() == 200
    await _released(far)
    await _released(asking)
    assert len(near.rtp.ssrcs()) == 1
    assert near.rtp.lost() == 0
    await asked.hang_up()
    await near.hung_up()


async def test_a_stranger_to_a_call_cannot_take_it_over(demo: Demo, phones: Phones):
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    other, thief = await phones.raw(demo.account("105")), await phones.raw(demo.account("102"))
    near, far = await talk(caller, callee, "103")
    own, _ = await talk(thief, other, "105")
    response = await own.refer("", replaces=near)
    if response.status == 202:
        assert await own.transferred() >= 400
    await hear_each_other(near, far)


async def test_a_blind_transfer_reports_what_becomes_of_it(demo: Demo, phones: Phones):
    """The phone of who transfers was told 200 while the target had not even rung."""
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    outside = await phones.raw(demo.carrier())
    near, far = await talk(caller, callee, "103")
    assert (await far.refer("0908123456")).status == 202
    target = await outside.rings()
    target.ring()
    await far.reported(180)
    target.reject(486)
    assert await far.transferred() == 486
    await hear_each_other(near, far)
    assert (await far.refer("0908123456")).status == 202
    third = await (await outside.rings()).accept()
    await hear_each_other(near, third)
    assert far._fragments(100)[-1] == 200
    await _released(far)
