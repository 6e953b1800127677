"""Linphone against the demo: another third-party phone, with a stack, codecs and habits of its own."""

from __future__ import annotations

import asyncio

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.sound import RATE, hears, hears_beep, hears_no, hears_something, now_at


@pytest.mark.parametrize("codec", ["opus", "PCMA"])
async def test_linphone_calls_is_heard_and_sends_keys(demo: Demo, phones: Phones, codec: str):
    lan = await phones.linphone(demo.account("101"), codec=codec)
    hoa = await phones.baresip(demo.account("103"))
    await lan.dial("103")
    await hoa.accept(within=40)
    await lan.event("call talking")
    await hears(lan, hoa.tone)
    await hears(hoa, lan.tone)
    await lan.press("42")
    await hoa.hears_keys("42", within=40)
    await hoa.press("17")
    await lan.hears_keys("17")
    await hoa.hang_up()
    await lan.hung_up()


async def test_linphone_is_called_and_puts_on_hold(demo: Demo, phones: Phones):
    lan = await phones.baresip(demo.account("101"))
    hoa = await phones.linphone(demo.account("103"))
    await lan.dial("103")
    await hoa.accept()
    await hears(lan, hoa.tone)
    await hears(hoa, lan.tone)
    await hoa.hold()
    held = now_at(lan) + RATE // 2  # what was on its way
    await hears_something(lan, mark=held)
    await hears_no(lan, hoa.tone, mark=held)
    await hoa.resume()
    await hears(lan, hoa.tone, mark=now_at(lan))
    await hoa.hang_up()
    await lan.hung_up(within=40)


async def test_a_linphone_over_tcp_calls_one_over_tls_whose_sound_is_encrypted(demo: Demo, phones: Phones):
    lan = await phones.linphone(demo.account("101"), transport="tcp", codec="PCMU")
    hoa = await phones.linphone(
        demo.account("103", transport="tls"),
        codec="PCMA",
        transport="tls",
        protect="srtp",
        trusted=demo.directory / "tls.crt",
    )
    await lan.dial("103")
    await hoa.accept()
    await lan.event("call talking")
    assert "protection none" in lan.events
    assert "protection srtp" in hoa.events
    await hears(lan, hoa.tone)
    await hears(hoa, lan.tone)
    await lan.hang_up()
    await hoa.hung_up()
    marks = len(lan.events), len(hoa.events)
    await hoa.dial("101")
    await lan.accept(mark=marks[0])
    await hoa.event("protection srtp", mark=marks[1])
    await hears(hoa, lan.tone, mark=now_at(hoa))
    await hoa.hang_up()
    await lan.hung_up(mark=marks[0])


@pytest.mark.parametrize("protect", ["srtp", "none"])
async def test_a_linphone_over_tls_that_can_do_without_is_encrypted(demo: Demo, phones: Phones, protect: str):
    lan = await phones.baresip(demo.account("101"))
    hoa = await phones.linphone(
        demo.account("103", transport="tls"),
        codec="PCMA",
        transport="tls",
        protect=protect,
        insists=False,
        trusted=demo.directory / "tls.crt",
    )
    await lan.dial("103")
    await hoa.accept()
    await hoa.event("protection srtp")
    await hears(lan, hoa.tone)
    await hears(hoa, lan.tone)
    await hoa.hang_up()
    await lan.hung_up()


async def test_linphone_transfers_a_call(demo: Demo, phones: Phones):
    lan = await phones.raw(demo.account("101"))
    hoa = await phones.linphone(demo.account("103"))
    quang = await phones.raw(demo.account("105"))
    near = await lan.call("103", wait="sent")
    await hoa.accept()
    await near.answered()
    await hears(near, hoa.tone)
    await hoa.transfer("105")
    far = await (await quang.rings()).accept()
    assert far.caller == "101"
    await hoa.event("transfer connected")
    await hoa.hung_up()
    await hears(near, quang.tone, mark=now_at(near))
    await hears(far, lan.tone)
    await near.hang_up()
    await far.hung_up()


async def test_linphone_sees_a_colleague_ring_talk_and_be_free(demo: Demo, phones: Phones):
    anna = await phones.linphone(demo.account("104"))
    lan, hoa = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    await anna.watch("103", "dialog")
    await anna.told("dialog", lambda body: "<dialog " not in body and "dialog-info" in body)
    await anna.befriend("103")
    await anna.event("presence online")
    near = await lan.call("103", wait="ringing")
    await anna.told("dialog", lambda body: "<state>early</state>" in body and "sip:101@" in body)
    far = await (await hoa.rings()).accept()
    await near.answered()
    await anna.told("dialog", lambda body: "<state>confirmed</state>" in body)
    await anna.event("presence busy")
    mark = len(anna.events)
    await far.hang_up()
    await anna.told("dialog", lambda body: "<dialog " not in body)
    await anna.event("presence online", mark=mark)
    await hoa.unregister()
    await anna.event("presence offline", mark=mark)


async def test_linphone_hears_of_a_message(demo: Demo, phones: Phones):
    mai = await phones.linphone(demo.account("106"))
    hoa = await phones.raw(demo.account("103"))
    await mai.watch(mai.account.username, "message-summary")
    before = await mai.told("message-summary", lambda body: "Voice-Message:" in body)
    call = await hoa.call("106", wait="sent")
    await mai.event("call incoming")
    await mai.hang_up()
    await call.answered()
    call.rtp.speak(None)
    await hears_beep(call)
    call.rtp.speak(1150)
    await asyncio.sleep(1.5)
    await call.hang_up()
    after = await mai.told("message-summary", lambda body: body != before)
    assert "Messages-Waiting: yes" in after
