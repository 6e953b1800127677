"""Phones that were brought together with different codecs get the same one, where both have it."""

from __future__ import annotations

import asyncio

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones import wide
from tests.interop.phones.call import RawCall
from tests.interop.phones.rtp import G722, PCMA, PCMU
from tests.interop.phones.sound import hears, now_at, share
from tests.interop.talk import talk

HEARD = 25
"""Packets that are looked at."""


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


async def passed_on(sender: RawCall, hearer: RawCall, codec: int) -> None:
    """What the one sends comes to the other as it is: nobody has decoded it."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 10
    while True:
        heard = [x for x in hearer.rtp.received if x.payload_type in (PCMU, PCMA, G722)][-HEARD:]
        if len(heard) == HEARD and all(
            (x.payload_type, x.payload) == (codec, sender.rtp.frame) for x in heard
        ):
            return
        told = {(x.payload_type, x.payload == sender.rtp.frame) for x in heard}
        assert loop.time() < deadline, f"(payload type, unchanged) of what came last: {told}"
        await asyncio.sleep(0.1)


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
