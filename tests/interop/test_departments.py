"""Departments: Sales rings together, Support has a queue."""

from __future__ import annotations

import asyncio

from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.call import RawCall
from tests.interop.phones.sound import (
    hears_beep,
    hears_no,
    hears_something,
    now_at,
    since,
    sounding,
)
from tests.interop.talk import hear_each_other


async def test_sales_rings_together_and_the_first_to_answer_has_the_call(demo: Demo, phones: Phones):
    caller = await phones.raw(demo.account("103"))
    lan, minh = await phones.raw(demo.account("101")), await phones.raw(demo.account("102"))
    near = await caller.call("200", wait="ringing")
    losing = await lan.rings()
    far = await (await minh.rings()).accept()
    await near.answered()
    await hear_each_other(near, far)
    ending = await losing.hung_up()
    assert ending is not None
    assert "completed elsewhere" in ending.get("reason").lower()


async def test_when_nobody_at_sales_answers_the_department_has_voicemail(demo: Demo, phones: Phones):
    caller, lan = await phones.raw(demo.account("103")), await phones.raw(demo.account("101"))
    near = await caller.call("200", wait="ringing")
    ringing = await lan.rings()
    await ringing.hung_up(within=5)
    await near.answered()
    await hears_beep(near)


async def test_when_nobody_at_sales_is_there_the_department_has_voicemail(demo: Demo, phones: Phones):
    caller = await phones.raw(demo.account("103"))
    near = await caller.call("200", wait="sent")
    await near.answered(within=3)
    await hears_beep(near)


async def test_support_connects_the_free_agent(demo: Demo, phones: Phones):
    caller, agent = await phones.raw(demo.account("103")), await phones.raw(demo.account("105"))
    near = await caller.call("300")
    far = await (await agent.rings(within=12)).accept()
    await hear_each_other(near, far)
    assert len(near.rtp.ssrcs()) == 1
    assert near.rtp.lost() == 0
    await far.hang_up()
    await near.hung_up()


async def test_a_caller_waits_with_music_until_an_agent_comes(demo: Demo, phones: Phones):
    caller = await phones.raw(demo.account("103"))
    near = await caller.call("300")
    await hears_something(near)
    await asyncio.sleep(8)
    heard = near.samples()
    assert not near.ended.is_set()
    assert sum(span.length for span in sounding(heard)) > 0.8 * 8, "waiting is mostly silent"
    await hears_no(near, caller.tone, mark=0, lasting=0.1)
    agent = await phones.raw(demo.account("106"))
    far = await (await agent.rings(within=5)).accept()
    await hear_each_other(near, far)


async def test_the_second_caller_gets_the_agent_who_becomes_free(demo: Demo, phones: Phones):
    agent = await phones.raw(demo.account("105"))
    first, second = await phones.raw(demo.account("101")), await phones.raw(demo.account("102"))
    one = await first.call("300")
    with_one = await (await agent.rings(within=12)).accept()
    await hear_each_other(one, with_one)
    two = await second.call("300")
    await hears_something(two)
    await agent.stays_quiet(3.0)
    await with_one.hang_up()
    await one.hung_up()
    with_two = await (await agent.rings(within=20)).accept()
    await hear_each_other(two, with_two)


async def test_an_agent_who_rejects_is_followed_by_the_next(demo: Demo, phones: Phones):
    caller = await phones.raw(demo.account("103"))
    agents = await phones.raw(demo.account("105")), await phones.raw(demo.account("106"))
    rang: list[RawCall] = []

    def reject_the_first(call: RawCall) -> None:
        rang.append(call)
        if len(rang) == 1:
            call.reject(486)
        else:
            call.ring()

    for agent in agents:
        agent.on_invite = reject_the_first
    near = await caller.call("300")
    async with asyncio.timeout(20):
        while len(rang) < 2:
            await asyncio.sleep(0.05)
    assert rang[0].phone is not rang[1].phone
    await hear_each_other(near, await rang[1].accept())


async def test_a_caller_who_hangs_up_in_the_queue_is_not_offered_to_an_agent(demo: Demo, phones: Phones):
    caller = await phones.raw(demo.account("103"))
    near = await caller.call("300")
    await hears_something(near)
    mark = now_at(near)
    await near.hang_up()
    agent = await phones.raw(demo.account("105"))
    await agent.stays_quiet(3.0)
    assert len(since(near, mark)) < 8000
