"""What nearly every test begins with: two phones in a call that both can hear."""

from __future__ import annotations

from tests.interop.phones.call import RawCall
from tests.interop.phones.raw import RawPhone
from tests.interop.phones.sound import hears, now_at


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


async def dial(phone: RawPhone, code: str) -> None:
    """A feature code: it is confirmed by a voice, and then its call is over."""
    call = await phone.call(code)
    await call.hung_up(within=15)
