"""`kill -9` of control while everything that a call can be in is in progress: nobody hears it, and everything
goes on."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from tests.faults.outage import (
    PATIENCE,
    SLOW,
    begin_a_message,
    intact,
    kill_control,
    messages,
    records,
    until,
)
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.sound import hears_something, now_at
from tests.interop.talk import hear_each_other, talk

pytestmark = pytest.mark.faults


async def test_everything_that_a_call_can_be_in_goes_on(victim: Demo, phones: Phones):
    lan, minh, hoa, anna, quang = [
        await phones.raw(victim.account(name)) for name in ("101", "102", "103", "104", "105")
    ]
    talking = await talk(lan, hoa, "103")
    on_hold = await talk(anna, hoa, "103")
    await on_hold[1].hold()
    parked, parker = await talk(minh, hoa, "103")
    assert (await parker.refer("700")).status == 202
    assert await parker.transferred() == 200
    room = await quang.call("600")
    other = await anna.call("600")
    await hear_each_other(room, other)
    queued = await minh.call("300")
    await hears_something(queued)
    recorded = await begin_a_message(lan)
    menu = await anna.call("100")
    await hears_something(menu)
    calls = [*talking, on_hold[0], parked, room, other, queued, recorded, menu]
    marks = [len(call.rtp.received) for call in calls]

    await kill_control(victim, hoa)
    await asyncio.sleep(1.0)
    for call, mark in zip(calls, marks, strict=True):
        intact(call, mark)
    await hear_each_other(*talking)

    await menu.press("102")
    reached = await (await minh.rings(within=PATIENCE)).accept()
    await hear_each_other(menu, reached)
    await on_hold[1].resume()
    await hear_each_other(*on_hold)
    taken = await quang.call("700")
    await hear_each_other(parked, taken)
    third = await lan.call("600")
    await hear_each_other(third, room)
    await recorded.hang_up()
    mai = await phones.raw(victim.account("106"))
    agent = await (await mai.rings(within=PATIENCE)).accept()
    await hear_each_other(queued, agent)
    [seconds] = await messages(victim)
    assert seconds > 1.5, "what was said before and after is one message"
    for one, another in (talking, on_hold, (parked, taken), (queued, agent), (menu, reached)):
        assert (await one.hang_up()).status == 200
        await another.hung_up()
    for call in (third, room, other):
        assert (await call.hang_up()).status == 200
    await mai.unregister()
    await until(lambda: len(records(victim)) == 10, 10 * SLOW, "not every call has its CDR")


async def test_a_message_whose_caller_hangs_up_in_the_last_moment_is_kept(victim: Demo, phones: Phones):
    """Control had answered the BYE, and was killed before the engine said that the recording had ended: the
    engine is held up for so long."""
    lan = await phones.raw(victim.account("101"))
    before, calls = await messages(victim), len(records(victim))
    leaving = await begin_a_message(lan)
    await asyncio.sleep(2.0)
    engine = victim.reread().pids["media"]
    os.kill(engine, signal.SIGSTOP)
    try:
        assert (await leaving.hang_up()).status == 200
        os.kill(victim.facts.pids["control"], signal.SIGKILL)
    finally:
        os.kill(engine, signal.SIGCONT)
    await until(lambda: len(records(victim)) == calls + 1, 10 * SLOW, "there is no CDR, or two")
    left = await messages(victim)
    assert len(left) == len(before) + 1
    assert min(left) > 1.0


async def test_a_phone_that_rings_meanwhile_can_be_answered(victim: Demo, phones: Phones):
    lan, hoa = await phones.raw(victim.account("101")), await phones.raw(victim.account("103"))
    before = len(records(victim))
    near = await lan.call("103", wait="ringing")
    ringing = await hoa.rings()
    await kill_control(victim, hoa)
    far = await ringing.accept()
    await near.answered(within=PATIENCE)
    await hear_each_other(near, far)
    await far.hang_up()
    await near.hung_up()
    await until(lambda: len(records(victim)) == before + 1, 10 * SLOW, "there is no CDR, or two")


async def test_a_caller_who_gives_up_meanwhile_leaves_nobody_ringing(victim: Demo, phones: Phones):
    lan, hoa = await phones.raw(victim.account("101")), await phones.raw(victim.account("103"))
    before = len(records(victim))
    near = await lan.call("103", wait="ringing")
    ringing = await hoa.rings()
    os.kill(victim.reread().pids["control"], signal.SIGKILL)
    final = await near.cancel()
    assert final.status == 487
    ending = await ringing.hung_up(within=PATIENCE)
    assert ending is not None
    assert ending.method == "CANCEL"
    await until(lambda: len(records(victim)) == before + 1, 10 * SLOW, "there is no CDR, or two")


async def test_a_phone_that_declines_meanwhile_is_heard(victim: Demo, phones: Phones):
    lan, hoa = await phones.raw(victim.account("101")), await phones.raw(victim.account("103"))
    near = await lan.call("103", wait="ringing")
    ringing = await hoa.rings()
    os.kill(victim.reread().pids["control"], signal.SIGKILL)
    ringing.reject(486)
    near.rtp.speak(None)
    await near.answered(within=PATIENCE)
    mark = now_at(near)
    await hears_something(near, mark=mark)
    await near.hang_up()
