"""One person calls another: ringing, sound, keys, and every way in which a call can end."""

from __future__ import annotations

import asyncio
import socket
import struct

from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.raw import RawPhone
from tests.interop.phones.sound import (
    hears,
    hears_beep,
    hears_no,
    hears_something,
    level_dbfs,
    now_at,
    since,
    tone,
    ulaw_encode,
)
from tests.interop.talk import hear_each_other, heard_all_the_time, talk


async def _pair(demo: Demo, phones: Phones, callee: str = "103") -> tuple[RawPhone, RawPhone]:
    return await phones.raw(demo.account("101")), await phones.raw(demo.account(callee))


async def test_both_hear_each_other_without_a_lost_packet(demo: Demo, phones: Phones):
    caller, callee = await _pair(demo, phones)
    near, far = await talk(caller, callee, "103")
    await hears_no(near, caller.tone, mark=0)
    for end, other in ((near, far), (far, near)):
        assert end.rtp.lost() == 0
        assert len(end.rtp.ssrcs()) == 1
        heard_all_the_time(end, other, 1)


async def test_phones_without_a_common_codec_hear_each_other(demo: Demo, phones: Phones):
    caller, callee = await _pair(demo, phones)
    caller.codecs, callee.codecs = [0], [8]
    near, far = await talk(caller, callee, "103")
    assert near.rtp.codec == 0
    assert far.rtp.codec == 8


async def test_keys_pass_both_ways_exactly_once(demo: Demo, phones: Phones):
    caller, callee = await _pair(demo, phones)
    near, far = await talk(caller, callee, "103")
    await asyncio.gather(near.press("1590*#"), far.press("2468"))
    await far.hears_keys("1590*#")
    await near.hears_keys("2468")


async def test_a_key_in_sip_info_reaches_the_other_phone(demo: Demo, phones: Phones):
    """It was taken for a flow, which two who talk do not have, and nobody got it."""
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    near, far = await talk(caller, callee, "103")
    assert (await near.info("5")).status == 200
    await far.hears_keys("5")


async def test_a_cancelled_call_stops_ringing(demo: Demo, phones: Phones):
    caller, callee = await _pair(demo, phones)
    near = await caller.call("103", wait="ringing")
    far = await callee.rings()
    assert (await near.cancel()).status == 487
    ending = await far.hung_up()
    assert ending is not None
    assert ending.method == "CANCEL"
    assert "completed elsewhere" not in ending.get("reason").lower()


async def test_the_caller_hangs_up(demo: Demo, phones: Phones):
    caller, callee = await _pair(demo, phones)
    near, far = await talk(caller, callee, "103")
    assert (await near.hang_up()).status == 200
    ending = await far.hung_up()
    assert ending is not None
    assert ending.method == "BYE"


async def test_the_callee_hangs_up(demo: Demo, phones: Phones):
    caller, callee = await _pair(demo, phones)
    near, far = await talk(caller, callee, "103")
    assert (await far.hang_up()).status == 200
    ending = await near.hung_up()
    assert ending is not None
    assert ending.method == "BYE"


async def test_a_busy_person_has_voicemail(demo: Demo, phones: Phones):
    caller, callee = await _pair(demo, phones)
    near = await caller.call("103", wait="ringing")
    (await callee.rings()).reject(486, "Busy Here")
    await near.answered()
    beep = await hears_beep(near)
    await hears_something(near, within=0.1)
    assert beep.start > 0.5, "a beep without a greeting before it"


async def test_who_does_not_answer_has_voicemail(demo: Demo, phones: Phones):
    caller, callee = await _pair(demo, phones)
    near = await caller.call("103", wait="ringing")
    far = await callee.rings()
    ending = await far.hung_up(within=5)
    assert ending is not None
    assert ending.method == "CANCEL"
    await near.answered()
    await hears_beep(near)


async def test_who_is_not_registered_has_voicemail_at_once(demo: Demo, phones: Phones):
    caller = await phones.raw(demo.account("101"))
    near = await caller.call("103", wait="sent")
    await near.answered(within=2)
    await hears_beep(near)
    mark, packets = now_at(near), len(near.rtp.received)
    await asyncio.sleep(1.0)
    assert len(near.rtp.received) - packets > 40, "silence must be sent as packets"
    assert level_dbfs(since(near, mark)[800:]) < -50


async def test_the_phones_that_lose_learn_that_another_one_answered(demo: Demo, phones: Phones):
    caller, desk = await _pair(demo, phones)
    mobile = await phones.raw(demo.account("103"))
    near = await caller.call("103", wait="ringing")
    losing = await mobile.rings()
    winning = await (await desk.rings()).accept()
    await near.answered()
    await hear_each_other(near, winning)
    ending = await losing.hung_up()
    assert ending is not None
    assert ending.method == "CANCEL"
    reason = ending.get("reason").lower()
    assert "cause=200" in reason, str(ending)
    assert "completed elsewhere" in reason, str(ending)


async def test_two_phones_that_answer_at_once_leave_one_call(demo: Demo, phones: Phones):
    caller, desk = await _pair(demo, phones)
    mobile = await phones.raw(demo.account("103"))
    near = await caller.call("103", wait="ringing")
    ends = [await desk.rings(), await mobile.rings()]
    await asyncio.gather(*(end.accept() for end in ends), return_exceptions=True)
    await near.answered()
    await asyncio.sleep(1.0)
    talking = [end for end in ends if not end.ended.is_set()]
    assert len(talking) == 1
    await hear_each_other(near, talking[0])


async def test_one_busy_phone_does_not_end_the_ringing_of_the_other(demo: Demo, phones: Phones):
    caller, desk = await _pair(demo, phones)
    mobile = await phones.raw(demo.account("103"))
    near = await caller.call("103", wait="ringing")
    (await desk.rings()).reject(486)
    far = await (await mobile.rings()).accept()
    await near.answered()
    await hear_each_other(near, far)


async def test_an_extension_that_does_not_exist_is_said_so(demo: Demo, phones: Phones):
    caller = await phones.raw(demo.account("101"))
    near = await caller.call("199", wait="sent")
    response = await near.finished()
    if response.status == 200:
        await hears_something(near)
    else:
        assert response.status in (404, 480, 604), str(response)


async def test_the_echo_test_gives_back_what_is_said(demo: Demo, phones: Phones):
    caller = await phones.raw(demo.account("101"))
    near = await caller.call("*43")
    await hears(near, caller.tone, within=15)
    near.rtp.speak(2400)
    await hears(near, 2400, mark=now_at(near))
    near.rtp.speak(None)
    await asyncio.sleep(0.5)
    await hears_no(near, 2400)
    assert len(near.rtp.ssrcs()) == 1
    assert near.rtp.lost() == 0


async def test_a_stranger_cannot_speak_into_a_call(demo: Demo, phones: Phones):
    caller, callee = await _pair(demo, phones)
    near, far = await talk(caller, callee, "103")
    mark = now_at(far)
    assert near.remote is not None
    payload = ulaw_encode(tone(2400))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for number in range(60):
            header = struct.pack("!BBHII", 0x80, 0, 5000 + number, 160 * number, 0xBAD)
            stranger.sendto(header + payload, (near.remote.host, near.remote.port))
            await asyncio.sleep(0.02)
        stranger.setblocking(False)
        try:
            relayed = bool(stranger.recv(2048))
        except BlockingIOError:
            relayed = False
    await hears_no(far, 2400, mark=mark, lasting=0.2)
    assert not relayed, "sound of a call was sent to a stranger"
    await hear_each_other(near, far)


async def test_many_calls_one_after_the_other_leave_nothing_behind(demo: Demo, phones: Phones):
    caller, callee = await _pair(demo, phones)
    for _ in range(10):
        near = await caller.call("103", wait="ringing")
        far = await (await callee.rings()).accept()
        await near.answered()
        await near.hang_up()
        await far.hung_up()
