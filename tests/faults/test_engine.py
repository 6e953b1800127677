"""`kill -9` of the engine while real phones talk, wait, confer and leave messages.

Each test prints how long nothing was heard; what it waits for are the figures of docs/reliability.md."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest
from tests.faults.outage import begin_a_message, kill_control, listen_to_the_message
from tests.interop.conftest import Phones, new_demo
from tests.interop.demo import Demo
from tests.interop.phones.browser import MICROPHONE, Chromium
from tests.interop.phones.call import RawCall
from tests.interop.phones.sound import hears, hears_something, now_at
from tests.interop.talk import hear_each_other, talk

pytestmark = pytest.mark.faults

PLAIN, BROWSER = 2.0, 5.0
"""Seconds within which it sounds again."""
TONE = 0.4
"""Of a tone that an ear needs to be sure."""


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with new_demo(tmp_path_factory.mktemp("engine")) as running:
        running.start()
        yield running


async def kill(victim: Demo) -> None:
    """Kill the engine that serves now, which must have come to work."""
    victim.reread()
    os.kill(victim.facts.pids["media"], signal.SIGKILL)


def tell_gap(what: str, call: RawCall, mark: int) -> None:
    print(f"{what}: nothing was heard for {call.rtp.longest_gap(mark) * 1000:.0f} ms")


async def test_a_plain_call_goes_on_at_the_same_ports_without_a_word(victim: Demo, phones: Phones):
    lan, hoa = await phones.raw(victim.account("101")), await phones.raw(victim.account("103"))
    near, far = await talk(lan, hoa, "103")
    asked = [len(phone.received) for phone in (lan, hoa)]
    marks = [len(end.rtp.received) for end in (near, far)]
    heard = [now_at(end) for end in (near, far)]
    await kill(victim)
    await hears(near, hoa.tone, mark=heard[0] + 1600, within=PLAIN + TONE)
    await hears(far, lan.tone, mark=heard[1] + 1600, within=PLAIN + TONE)
    for end, mark in zip((near, far), marks, strict=True):
        tell_gap("plain call", end, mark)
        assert len(end.rtp.ssrcs()) == 2
    for phone, before in zip((lan, hoa), asked, strict=True):
        assert [m.method for m in phone.received[before:] if m.method == "INVITE"] == []
    await near.press("5")
    assert (await near.hang_up()).status == 200
    await far.hung_up()


async def test_a_protected_call_goes_on_with_its_keys(victim: Demo, phones: Phones):
    lan = await phones.baresip(victim.account("101"), protect="srtp-mand")
    hoa = await phones.baresip(victim.account("103"), protect="srtp-mand")
    await lan.dial("103")
    await hoa.accept()
    await lan.event("CALL_ESTABLISHED")
    await hears(lan, hoa.tone, within=8)
    await hears(hoa, lan.tone, within=8)
    await kill(victim)
    await asyncio.sleep(0.3)
    marks = now_at(lan), now_at(hoa)
    await hears(lan, hoa.tone, mark=marks[0], within=PLAIN + TONE)
    await hears(hoa, lan.tone, mark=marks[1], within=PLAIN + TONE)
    for phone in (lan, hoa):
        assert "RTP/SAVP" in phone.log()
    await lan.hang_up()
    await hoa.hung_up()


async def test_a_browsers_call_goes_on_after_another_handshake(
    victim: Demo, phones: Phones, browser: Chromium
):
    hoa = await phones.raw(victim.account("103"))
    web = await browser.phone(victim.account("101"), victim.facts.sip.ws)
    calling = asyncio.ensure_future(web.do("call", "103"))
    call = await (await hoa.rings()).accept()
    await calling
    await web.do("hears", hoa.tone)
    await hears(call, MICROPHONE)
    mark, heard = len(call.rtp.received), now_at(call)
    begun = asyncio.get_running_loop().time()
    await kill(victim)
    await asyncio.sleep(0.3)
    await hears(call, MICROPHONE, mark=max(heard, now_at(call)), within=BROWSER + TONE)
    print(f"browser: heard again {asyncio.get_running_loop().time() - begun:.2f} s after the kill")
    tell_gap("the phone that talks to a browser", call, mark)
    await web.do("hears", hoa.tone)
    await call.hang_up()
    await web.do("ended", 3)


async def test_who_waits_in_a_queue_hears_music_again_and_gets_an_agent(victim: Demo, phones: Phones):
    lan = await phones.raw(victim.account("101"))
    near = await lan.call("300")
    near.rtp.speak(None)
    await hears_something(near, within=10)
    mark = len(near.rtp.received)
    await kill(victim)
    await asyncio.sleep(0.3)
    await hears_something(near, mark=now_at(near), within=10)
    tell_gap("queue", near, mark)
    agent = await phones.raw(victim.account("105"))
    far = await (await agent.rings(within=15)).accept()
    near.rtp.speak(lan.tone)
    await hear_each_other(near, far)
    await near.hang_up()
    await far.hung_up()


async def test_who_is_on_hold_hears_music_again_and_is_taken_back(victim: Demo, phones: Phones):
    lan, hoa = await phones.raw(victim.account("101")), await phones.raw(victim.account("103"))
    near, far = await talk(lan, hoa, "103")
    await far.hold()
    await hears_something(near, mark=now_at(near))
    mark = len(near.rtp.received)
    await kill(victim)
    await asyncio.sleep(0.3)
    await hears_something(near, mark=now_at(near), within=PLAIN + 4)
    tell_gap("music on hold", near, mark)
    await far.resume()
    await hear_each_other(near, far)
    await near.hang_up()
    await far.hung_up()


async def test_the_members_of_a_room_hear_each_other_again(victim: Demo, phones: Phones):
    calls = [
        await (await phones.raw(victim.account(name))).call("600", wait="answered")
        for name in ("101", "102", "103")
    ]
    for call in calls:
        for other in calls:
            if other is not call:
                await hears(call, other.phone.tone, within=8, part=0.1)
    marks = [len(call.rtp.received) for call in calls]
    await kill(victim)
    await asyncio.sleep(0.3)
    for call in calls:
        mark = now_at(call)
        for other in calls:
            if other is not call:
                await hears(call, other.phone.tone, mark=mark, within=PLAIN + TONE, part=0.1)
    for call, mark in zip(calls, marks, strict=True):
        tell_gap("conference", call, mark)
        await call.hang_up()


@pytest.mark.parametrize("after_control", [False, True])
async def test_a_message_that_is_being_left_is_kept_whole(victim: Demo, phones: Phones, after_control: bool):
    """Also one that a control process before has begun to record."""
    lan = await phones.raw(victim.account("101"))
    near = await begin_a_message(lan)
    near.rtp.speak(2300)
    await asyncio.sleep(2.5)
    if after_control:
        await kill_control(victim, lan)
    await kill(victim)
    await asyncio.sleep(1.5)
    near.rtp.speak(1700)
    await asyncio.sleep(2.0)
    await near.hang_up()
    await lan.unregister()
    mai = await phones.raw(victim.account("106"))
    await listen_to_the_message(mai, victim.tenant().person("106").voicemail_pin, 2300, 1700)
    await mai.unregister()
