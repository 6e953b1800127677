"""baresip against the demo: each feature with a real phone at every end, speaking and hearing real tones."""

from __future__ import annotations

import asyncio
import re

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.baresip import Baresip, header_in_trace
from tests.interop.phones.sip import user_of
from tests.interop.phones.sound import hears, hears_beep, hears_no, hears_something, leaks, now_at


async def _talk(caller: Baresip, callee: Baresip, target: str) -> None:
    """Dial, answer, and listen to the other's tone at both ends."""
    await caller.dial(target)
    await callee.accept()
    await caller.event("CALL_ESTABLISHED")
    await hears(caller, callee.tone, mark=now_at(caller))
    await hears(callee, caller.tone, mark=now_at(callee))


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_two_baresips_talk_and_send_keys(demo: Demo, phones: Phones, transport: str):
    lan = await phones.baresip(demo.account("101"), transport=transport)
    hoa = await phones.baresip(demo.account("103"), transport=transport)
    await _talk(lan, hoa, "103")
    await lan.press("42")
    await hoa.hears_keys("42")
    await hoa.press("17")
    await lan.hears_keys("17")
    assert not leaks(lan.samples(), lan.tone)
    assert [user_of(v) for v in header_in_trace(hoa.log(), "INVITE", "From")] == ["101"]
    await hoa.hang_up()
    await lan.hung_up()


OPUS, G722 = "opus/48000/2", "g722/16000/1"


@pytest.mark.parametrize(
    ("one", "other"), [("pcmu", "pcma"), (OPUS, "pcmu"), (OPUS, G722), ("pcma", G722), (OPUS, OPUS)]
)
async def test_baresips_with_different_codecs_hear_each_other(
    demo: Demo, phones: Phones, one: str, other: str
):
    lan = await phones.baresip(demo.account("101"), codecs=one)
    hoa = await phones.baresip(demo.account("103"), codecs=other)
    await _talk(lan, hoa, "103")
    await lan.press("42")
    await hoa.hears_keys("42")
    await hoa.press("17")
    await lan.hears_keys("17")


MUST, MAY, MUST_WITH_FEEDBACK = "srtp-mand", "srtp", "srtp-mandf"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (MUST, ""),
        ("", MUST),
        (MUST, MUST),
        (MAY, MUST),
        (MAY, ""),
        (MUST_WITH_FEEDBACK, ""),
        (MUST_WITH_FEEDBACK, MUST),
    ],
)
async def test_protected_and_plain_phones_talk(demo: Demo, phones: Phones, one: str, other: str):
    lan = await phones.baresip(demo.account("101"), protect=one)
    hoa = await phones.baresip(demo.account("103"), protect=other)
    await _talk(lan, hoa, "103")
    for phone, asked in ((lan, one), (hoa, other)):
        if asked in (MUST, MUST_WITH_FEEDBACK):
            assert ("RTP/SAVPF" if asked == MUST_WITH_FEEDBACK else "RTP/SAVP ") in phone.log()
            assert "a=crypto:" in phone.log()
            keys = set(re.findall(r"inline:([A-Za-z0-9+/]{20,})", phone.log()))
            assert len(keys) >= 2, "the phone's key, and ours"
            assert not any(key in demo.service_log() for key in keys), "a key is in the log"
    await lan.press("42")
    await hoa.hears_keys("42")
    await lan.hold()
    await hears_something(hoa, mark=now_at(hoa))
    await lan.resume()
    await hears(hoa, lan.tone, mark=now_at(hoa))
    await hoa.hang_up()
    await lan.hung_up()


async def test_a_phone_over_tls_that_has_no_keys_is_called_without(demo: Demo, phones: Phones):
    lan = await phones.baresip(demo.account("101"))
    hoa = await phones.baresip(demo.account("103", transport="tls"), transport="tls")
    await _talk(lan, hoa, "103")
    await hoa.hang_up()
    await lan.hung_up()


async def test_phones_over_tls_talk_and_are_protected_when_they_can_be(demo: Demo, phones: Phones):
    lan = await phones.baresip(demo.account("101", transport="tls"), transport="tls", protect=MAY)
    hoa = await phones.baresip(demo.account("103", transport="tls"), transport="tls", protect=MAY)
    minh = await phones.baresip(demo.account("102"))
    await _talk(lan, hoa, "103")
    for phone in (lan, hoa):  # nobody else has read our key
        assert phone.log().count("a=crypto:") >= 2
    await lan.press("42")
    await hoa.hears_keys("42")
    await hoa.hang_up()
    await lan.hung_up()
    await _talk(minh, lan, "101")
    await minh.hang_up()
    await lan.hung_up()


@pytest.mark.parametrize("codec", [OPUS, G722])
async def test_a_wide_band_phone_is_led_through_the_menu_to_a_narrow_one(
    demo: Demo, phones: Phones, codec: str
):
    lan = await phones.baresip(demo.account("101"), codecs=codec)
    hoa = await phones.baresip(demo.account("103"), codecs="pcmu")
    await lan.call("100")
    await hears_something(lan)
    await lan.press("103")
    await hoa.accept()
    await hears(lan, hoa.tone, mark=now_at(lan))
    await hears(hoa, lan.tone, mark=now_at(hoa))
    await hoa.hold()
    await hears_something(lan, mark=now_at(lan))
    await hears_no(lan, hoa.tone, mark=now_at(lan))


async def test_a_second_baresip_learns_that_the_call_was_completed_elsewhere(demo: Demo, phones: Phones):
    caller = await phones.baresip(demo.account("101"))
    desk, mobile = await phones.baresip(demo.account("103")), await phones.baresip(demo.account("103"))
    await caller.dial("103")
    await mobile.event("CALL_INCOMING")
    await desk.accept()
    await mobile.hung_up()
    reasons = header_in_trace(mobile.log(), "CANCEL", "Reason")
    assert any("completed elsewhere" in reason.lower() for reason in reasons), mobile.log()[-3000:]
    await hears(caller, desk.tone)


async def test_baresip_holds_with_music_and_resumes(demo: Demo, phones: Phones):
    lan, hoa = await phones.baresip(demo.account("101")), await phones.baresip(demo.account("103"))
    await _talk(lan, hoa, "103")
    await lan.hold()
    await asyncio.sleep(0.5)
    mark = now_at(hoa)
    await hears_something(hoa, mark=mark, lasting=1.0)
    await hears_no(hoa, lan.tone, mark=mark, lasting=0.1)
    await lan.resume()
    await hears(hoa, lan.tone, mark=now_at(hoa))


async def test_baresip_transfers_blindly(demo: Demo, phones: Phones):
    lan, hoa = await phones.baresip(demo.account("101")), await phones.baresip(demo.account("103"))
    quang = await phones.baresip(demo.account("105"))
    await _talk(lan, hoa, "103")
    await hoa.transfer("105")
    await quang.accept()
    await hears(lan, quang.tone, mark=now_at(lan))
    await hears(quang, lan.tone, mark=now_at(quang))


async def test_baresip_hears_its_echo(demo: Demo, phones: Phones):
    lan = await phones.baresip(demo.account("101"))
    await lan.call("*43")
    await hears(lan, lan.tone, within=15)


async def test_baresip_reaches_the_operator_through_the_switchboard(demo: Demo, phones: Phones):
    outside, operator = await phones.baresip(demo.carrier()), await phones.baresip(demo.account("104"))
    await outside.call(demo.tenant().numbers["main"])
    await hears_something(outside)
    await outside.press("0")
    await operator.accept()
    await hears(outside, operator.tone, mark=now_at(outside))
    await hears(operator, outside.tone)
    await outside.hang_up()
    await operator.hung_up()


async def test_baresip_waits_for_an_agent(demo: Demo, phones: Phones):
    lan = await phones.baresip(demo.account("101"))
    await lan.call("300")
    await hears_something(lan, lasting=2.0, within=6)
    agent = await phones.baresip(demo.account("105"))
    await agent.accept(within=12)
    await hears(lan, agent.tone, mark=now_at(lan))
    await hears(agent, lan.tone)


async def test_baresip_leaves_a_message_that_another_fetches(demo: Demo, phones: Phones):
    lan = await phones.baresip(demo.account("101"))
    await lan.call("104")
    await hears_beep(lan)
    await asyncio.sleep(2.5)
    await lan.hang_up()
    anna = await phones.baresip(demo.account("104"))
    await anna.call("*97")
    await hears_something(anna)
    await anna.press(demo.tenant().person("104").voicemail_pin + "#")
    await hears(anna, lan.tone, within=15)
    await anna.press("3")
    await asyncio.sleep(1.0)


async def test_three_baresips_confer(demo: Demo, phones: Phones):
    members = [await phones.baresip(demo.account(extension)) for extension in ("101", "102", "103")]
    for member in members:
        await member.call("600")
    for member in members:
        mark = now_at(member)
        for other in members:
            if other is not member:
                await hears(member, other.tone, mark=mark, within=8, part=0.1)
        await hears_no(member, member.tone, mark=mark, lasting=0.1)


async def test_baresip_parks_and_another_takes_back(demo: Demo, phones: Phones):
    lan, hoa = await phones.baresip(demo.account("101")), await phones.baresip(demo.account("103"))
    await _talk(lan, hoa, "103")
    await hoa.transfer("704")
    await asyncio.sleep(1.0)
    await hears_something(lan, mark=now_at(lan), within=5)
    quang = await phones.baresip(demo.account("105"))
    await quang.call("704")
    await hears(lan, quang.tone, mark=now_at(lan))
    await hears(quang, lan.tone)


async def test_baresip_calls_outside_and_is_shown_with_the_companys_number(demo: Demo, phones: Phones):
    lan, outside = await phones.baresip(demo.account("101")), await phones.baresip(demo.carrier())
    await _talk(lan, outside, "0908123456")
    assert [user_of(v) for v in header_in_trace(outside.log(), "INVITE", "From")] == ["+842871234500"]
    await outside.hang_up()
    await lan.hung_up()


async def test_baresip_calls_for_help(demo: Demo, phones: Phones):
    lan, outside = await phones.baresip(demo.account("101")), await phones.baresip(demo.carrier())
    await _talk(lan, outside, "113")
