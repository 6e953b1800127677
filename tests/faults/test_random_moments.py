"""`kill -9` of control at random moments under load: SIPp calls all the time, phones that listen for tones do
what people do.

    TONGDAI_FAULTS_MOMENTS=20 TONGDAI_FAULTS_SEED=random pytest -s tests/faults/test_random_moments.py
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from collections.abc import Awaitable, Callable

import pytest
from tests.faults.outage import PATIENCE, SLOW, administrator, kill_control, records, until
from tests.faults.test_control import intact
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.call import RawCall
from tests.interop.phones.raw import RawPhone
from tests.interop.phones.sound import hears, hears_something, now_at
from tests.interop.talk import talk

pytestmark = pytest.mark.faults

MOMENTS = int(os.environ.get("TONGDAI_FAULTS_MOMENTS", "3"))
RATE = int(os.environ.get("TONGDAI_FAULTS_RATE", "5"))
"""Calls that SIPp begins in a second."""
SECONDS = 8
"""For each moment."""
SEED = os.environ.get("TONGDAI_FAULTS_SEED", "20261126")


class Office:
    """Phones, and what people do with them; each story may be interrupted anywhere."""

    def __init__(self, chance: random.Random, lan: RawPhone, hoa: RawPhone, others: list[RawPhone]) -> None:
        self.chance = chance
        self.minh, self.anna, self.quang = others
        self.lan, self.hoa = lan, hoa
        self.calls = 0
        self.talking: tuple[RawCall, RawCall] | None = None

    async def dial(self, phone: RawPhone, target: str) -> RawCall:
        self.calls += 1
        return await phone.call(target, wait="sent")

    async def reach(self, caller: RawPhone, called: RawPhone, extension: str) -> tuple[RawCall, RawCall]:
        near = await self.dial(caller, extension)
        far = await called.rings(within=PATIENCE)
        await asyncio.sleep(self.chance.uniform(0.0, 0.5))
        await far.accept()
        await near.answered(within=PATIENCE)
        await hear(near, far)
        return near, far

    async def end(self, one: RawCall, other: RawCall) -> None:
        """Either hangs up. Who is answered 481 was heard by the process that was killed."""
        first, second = self.chance.sample([one, other], 2)
        assert (await first.hang_up()).status in (200, 481)
        await second.hung_up(within=PATIENCE)

    # what people do

    async def a_call(self) -> None:
        near, far = await self.reach(self.minh, self.quang, "105")
        await near.press("5")
        await far.hears_keys("5", within=PATIENCE)
        await self.end(near, far)

    async def a_call_that_nobody_takes(self) -> None:
        near = await self.dial(self.minh, "105")
        ringing = await self.quang.rings(within=PATIENCE)
        await asyncio.sleep(self.chance.uniform(0.0, 0.5))
        assert (await near.cancel()).status == 487
        await ringing.hung_up(within=PATIENCE)

    async def hold_and_resume(self) -> None:
        assert self.talking is not None
        one, other = self.chance.sample(self.talking, 2)
        await offered(one, "sendonly")
        await hears_something(other, mark=now_at(other), within=PATIENCE)
        await offered(one, "sendrecv")
        await hear(one, other)

    async def a_transfer(self) -> None:
        near, far = await self.reach(self.minh, self.quang, "105")
        assert (await far.refer("104")).status in (202, 500)
        last = await self.anna.rings(within=PATIENCE)
        await last.accept()
        await hear(near, last)
        await far.hung_up(within=PATIENCE)
        await self.end(near, last)

    async def a_menu(self) -> None:
        near = await self.dial(self.minh, "100")
        await near.answered(within=PATIENCE)
        await hears_something(near, within=PATIENCE)
        await near.press("105")
        far = await self.quang.rings(within=PATIENCE)
        await far.accept()
        await hear(near, far)
        await self.end(near, far)

    async def a_parked_call(self) -> None:
        near, far = await self.reach(self.minh, self.quang, "105")
        assert (await far.refer("701")).status in (202, 500)
        await far.hung_up(within=PATIENCE)
        self.calls += 1
        taken = await self.anna.call("701", wait="sent")
        await taken.answered(within=PATIENCE)
        await hear(near, taken)
        await self.end(near, taken)

    @property
    def stories(self) -> list[Callable[[], Awaitable[None]]]:
        return [
            self.a_call,
            self.a_call_that_nobody_takes,
            self.hold_and_resume,
            self.a_transfer,
            self.a_menu,
            self.a_parked_call,
        ]


async def hear(one: RawCall, other: RawCall) -> None:
    """Each hears the other, when control is there again."""
    marks = now_at(one), now_at(other)
    await hears(one, other.phone.tone, mark=marks[0], within=PATIENCE)
    await hears(other, one.phone.tone, mark=marks[1], within=PATIENCE)


async def offered(call: RawCall, direction: str) -> None:
    """A re-INVITE, again when its answer died with a process (RFC 3261 §14.1)."""
    response = await call.reinvite(direction)
    while response.status in (491, 500):
        await asyncio.sleep(1.0)
        response = await call.reinvite(direction)
    assert response.status == 200, str(response)
    call.rtp.mute(direction == "sendonly")


@pytest.fixture
def seed() -> int:
    return secrets.randbelow(10**9) if SEED == "random" else int(SEED)


async def test_control_is_killed_at_random_moments(own_demo: Demo, phones: Phones, seed: int):
    print(f"TONGDAI_FAULTS_SEED={seed} TONGDAI_FAULTS_MOMENTS={MOMENTS} TONGDAI_FAULTS_RATE={RATE}")
    chance = random.Random(seed)
    own_demo.start()
    lan, hoa, *others = [await phones.raw(own_demo.account(x)) for x in ("101", "103", "102", "104", "105")]
    for phone in (lan, hoa, *others):
        phone.give_up = PATIENCE
    office = Office(chance, lan, hoa, others)
    office.talking = await talk(lan, hoa, "103")
    office.calls += 1
    calls = MOMENTS * SECONDS * RATE
    load = phones.sipp(
        "load", own_demo.account("106"), target="*43", calls=calls, rate=RATE, seconds=MOMENTS * 60
    )
    await load.open()
    stories: list[Callable[[], Awaitable[None]]] = []
    away = []
    for moment in range(MOMENTS):
        stories = stories or chance.sample(office.stories, len(office.stories))
        story = stories.pop()
        marks = [len(end.rtp.received) for end in office.talking]
        doing = asyncio.ensure_future(story())
        delay = chance.uniform(0.0, 2.5)
        print(f"moment {moment + 1}: {story.__name__}, after {delay:.3f} s")
        await asyncio.sleep(delay)
        away.append(await kill_control(own_demo, lan))
        await doing
        for end, mark in zip(office.talking, marks, strict=True):
            intact(end, mark)
    await load.finished()
    await office.end(*office.talking)
    wanted = office.calls + calls
    await until(lambda: len(records(own_demo)) >= wanted, 10 * SLOW, "not every call has its CDR")
    async with administrator(own_demo) as (client, _):
        assert "tongdai_control_calls 0.0" in (await client.get("/metrics/control")).text
    assert len(records(own_demo)) == wanted, "a call has two"
    print(f"back after {sum(away) / len(away):.2f} s on average, {max(away):.2f} s at most; {wanted} calls")
    own_demo.stop()
