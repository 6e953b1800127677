"""Phones that were brought together with different codecs get the same one, where both have it."""

from __future__ import annotations

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones import wide
from tests.interop.phones.call import RawCall
from tests.interop.phones.rtp import G722, PCMA, PCMU
from tests.interop.phones.sound import hears, hears_something, now_at, share
from tests.interop.talk import passed_on, talk


async def brought_together(
    demo: Demo, phones: Phones, way: str, one: list[int], between: list[int], other: list[int]
) -> tuple[RawCall, RawCall]:
    """Lan and Hoa talk; then Lan and Quang do, by what Hoa does or Quang."""
    lan, hoa = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    quang = await phones.raw(demo.account("105"))
    lan.codecs, hoa.codecs, quang.codecs = one, between, other
    near = await lan.call("103", wait="ringing")
    far = await (await hoa.rings()).accept()
    await near.answered()
    if way == "attended":
        await far.hold()
        asking = await hoa.call("105", wait="ringing")
        third = await (await quang.rings()).accept()
        await asking.answered()
        assert (await far.refer("", replaces=asking)).status == 202
    elif way == "blind":
        assert (await far.refer("105")).status == 202
        third = await (await quang.rings()).accept()
    else:
        assert (await far.refer("702")).status == 202
        await far.transferred()
        third = await (await quang.call("702")).answered()
    return near, third


def wide_tone(call: RawCall, frequency: int) -> bool:
    last = call.rtp.wide_samples()[-wide.RATE :]
    return bool(share(last, frequency, rate=wide.RATE)[-5:].min() > 0.5)


@pytest.mark.parametrize("way", ["blind", "attended", "park"])
async def test_after_a_transfer_the_wide_phone_takes_what_the_narrow_one_has(
    demo: Demo, phones: Phones, way: str
):
    near, third = await brought_together(demo, phones, way, [G722, PCMU], [G722, PCMU], [PCMU, PCMA])
    await passed_on(near, third, PCMU)
    await passed_on(third, near, PCMU)
    await hears(near, third.phone.tone, mark=now_at(near))
    await hears(third, near.phone.tone, mark=now_at(third))
    assert len(near.rtp.ssrcs()) == len(third.rtp.ssrcs()) == 1
    await third.hang_up()
    await near.hung_up()


@pytest.mark.parametrize("way", ["blind", "attended", "park"])
async def test_after_a_transfer_a_phone_that_can_is_wide(demo: Demo, phones: Phones, way: str):
    near, third = await brought_together(demo, phones, way, [PCMU, G722], [PCMU, G722], [G722])
    await passed_on(near, third, G722)
    await passed_on(third, near, G722)
    assert wide_tone(near, third.phone.tone)
    assert wide_tone(third, near.phone.tone)
    await near.hang_up()
    await third.hung_up()


async def test_phones_that_have_nothing_in_common_are_heard_as_before(demo: Demo, phones: Phones):
    near, third = await brought_together(demo, phones, "blind", [PCMA], [PCMA], [PCMU])
    await hears(near, third.phone.tone, mark=now_at(near))
    await hears(third, near.phone.tone, mark=now_at(third))
    for call in (near, third):
        assert "INVITE" not in [m.method for m in call.requests], "it was asked for what it does not have"


async def test_a_phone_that_takes_no_other_codec_keeps_the_call(demo: Demo, phones: Phones):
    """It answers with what it had."""
    lan = await phones.raw(demo.account("101"))
    near, far = await talk(lan, await phones.raw(demo.account("103")), "103")
    quang = await phones.raw(demo.account("105"))
    quang.codecs = [PCMA]
    lan.codecs = [PCMU]
    assert (await far.refer("105")).status == 202
    third = await (await quang.rings()).accept()
    await hears(near, third.phone.tone, mark=now_at(near))
    await hears(third, near.phone.tone, mark=now_at(third))
    await third.hang_up()
    await near.hung_up()


FEEDBACK = ["rtcp-fb:* nack", "rtcp-fb:0 ccm fir", "rtcp-fb:* trr-int 5000"]
"""What gateways to WebRTC ask for (RFC 4585 §4.2)."""


async def test_a_phone_that_offers_feedback_is_heard_and_answered_under_its_protocol(
    demo: Demo, phones: Phones
):
    """RTP/AVPF, which we take for RTP/AVP: what is asked for and not answered is not used."""
    lan, hoa = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    lan.protocol, lan.attributes = "RTP/AVPF", FEEDBACK
    near, far = await talk(lan, hoa, "103")
    assert near.final is not None
    assert "m=audio" in near.final.body
    assert " RTP/AVPF " in near.final.body
    assert "rtcp-fb" not in near.final.body, "feedback is promised"
    await near.press("42")
    await far.hears_keys("42")
    await near.hold()
    await hears_something(far, mark=now_at(far))
    await near.resume()
    await hears(far, lan.tone, mark=now_at(far))
    await near.hang_up()
    await far.hung_up()
