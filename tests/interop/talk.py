"""What nearly every test begins with: two phones in a call that both can hear."""

from __future__ import annotations

import asyncio

from tests.interop.phones.call import RawCall
from tests.interop.phones.raw import RawPhone
from tests.interop.phones.rtp import G722, OPUS, PCMA, PCMU
from tests.interop.phones.sound import PATIENCE, hears, now_at

HEARD = 25
"""Packets that are looked at."""


async def talk(caller: RawPhone, callee: RawPhone, target: str) -> tuple[RawCall, RawCall]:
    """`caller` dials `target`, `callee` rings and answers, both hear each other; returns both ends."""
    near = await caller.call(target, wait="ringing")
    far = await (await callee.rings()).accept()
    await near.answered()
    await hear_each_other(near, far)
    return near, far


async def hear_each_other(one: RawCall, other: RawCall) -> None:
    """Each end hears the other's tone from now on."""
    marks = now_at(one), now_at(other)
    await hears(one, other.phone.tone, mark=marks[0])
    await hears(other, one.phone.tone, mark=marks[1])


def heard_all_the_time(hearer: RawCall, sender: RawCall, mark: int) -> None:
    """What the one sends has come to the other without a stop since its packet `mark`, but for those
    that the sender made itself (it waits for a processor too)."""
    own = sender.rtp.longest_pause(hearer.rtp.received[mark - 1].at - 0.1)
    assert hearer.rtp.longest_gap(mark - 1) < own + 0.2


async def hears_keys(call: RawCall, keys: str) -> None:
    """These keys have come, in this order, and no other."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while call.rtp.keys() != keys:
        assert asyncio.get_running_loop().time() < deadline, f"{call.rtp.keys()!r} came, not {keys!r}"
        await asyncio.sleep(0.05)


async def passed_on(sender: RawCall, hearer: RawCall, codec: int) -> None:
    """What the one sends comes to the other as it is: nobody has decoded it."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 20
    while True:
        heard = [x for x in hearer.rtp.received if x.payload_type in (PCMU, PCMA, G722, OPUS)][-HEARD:]
        if len(heard) == HEARD and all(
            (x.payload_type, x.payload) == (codec, sender.rtp.frame) for x in heard
        ):
            return
        told = {(x.payload_type, x.payload == sender.rtp.frame) for x in heard}
        assert loop.time() < deadline, f"(payload type, unchanged) of what came last: {told}"
        await asyncio.sleep(0.1)


async def dial(phone: RawPhone, code: str) -> None:
    """A feature code: it is confirmed by a voice, and then its call is over."""
    call = await phone.call(code)
    await call.hung_up(within=15)
