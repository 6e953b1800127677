"""Faults at random moments under load: SIPp calls all the time, phones that listen for tones do what people
do.

TONGDAI_FAULTS_MOMENTS=20 TONGDAI_FAULTS_SEED=random pytest -s tests/faults/test_random_moments.py
TONGDAI_FAULTS_MOMENTS=20 pytest -s tests/faults/test_random_moments.py -k engine
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import secrets
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

import pytest
from tests.faults.clock import HOUR, FakeTime
from tests.faults.databases import a_writer_that_stands_still
from tests.faults.disk import a_small_disk, fill
from tests.faults.outage import (
    AGAIN,
    PATIENCE,
    SLOW,
    administrator,
    intact,
    kill_control,
    lengths,
    records,
    until,
)
from tests.faults.test_engine import PLAIN
from tests.faults.upgrade import Upgrade
from tests.interop.conftest import Phones, new_demo
from tests.interop.demo import Demo
from tests.interop.phones.call import RawCall
from tests.interop.phones.raw import RawPhone
from tests.interop.phones.sound import hears, hears_something, now_at
from tests.interop.talk import talk

pytestmark = pytest.mark.faults

MOMENTS = int(os.environ.get("TONGDAI_FAULTS_MOMENTS", "0"))
"""Of each fault; 0: as many as each has by itself."""
RATE = int(os.environ.get("TONGDAI_FAULTS_RATE", "5"))
"""Calls that SIPp begins in a second."""
SECONDS = 8
"""For each moment."""
SEED = os.environ.get("TONGDAI_FAULTS_SEED", "20261126")
GIVES_UP = 10.0
"""Seconds after which somebody knows that his keys had no effect."""

T = TypeVar("T")


class Office:
    """Phones, and what people do with them; each story may be interrupted anywhere."""

    def __init__(self, chance: random.Random, lan: RawPhone, hoa: RawPhone, others: list[RawPhone]) -> None:
        self.chance = chance
        self.minh, self.anna, self.quang = others
        self.lan, self.hoa = lan, hoa
        self.calls = 0
        self.talking: tuple[RawCall, RawCall] | None = None
        self.keys_are_lost = False

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

    @property
    def gives_up(self) -> float:
        return GIVES_UP if self.keys_are_lost else PATIENCE

    async def tried(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Tried again, as people do, when keys may have been lost with the engine that should have heard
        them."""
        for _ in range(2 if self.keys_are_lost else 0):
            with contextlib.suppress(AssertionError):
                return await attempt()
        return await attempt()

    # what people do

    async def a_call(self) -> None:
        near, far = await self.reach(self.minh, self.quang, "105")
        await self.tried(lambda: self.a_key(near, far))
        await self.end(near, far)

    async def a_key(self, near: RawCall, far: RawCall) -> None:
        await near.press("5")
        await far.hears_keys("5", within=self.gives_up)

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
        near, far = await self.tried(self.through_the_menu)
        await far.accept()
        await hear(near, far)
        await self.end(near, far)

    async def through_the_menu(self) -> tuple[RawCall, RawCall]:
        near = await self.dial(self.minh, "100")
        await near.answered(within=PATIENCE)
        await hears_something(near, within=PATIENCE)
        await near.press("105")
        try:
            return near, await self.quang.rings(within=self.gives_up)
        except AssertionError:
            await near.hang_up()
            raise

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


# what happens


class Moment(NamedTuple):
    """A running demo, a phone that asks whether control answers, and chance."""

    demo: Demo
    phone: RawPhone
    chance: random.Random


async def control_is_killed(moment: Moment) -> float:
    return await kill_control(moment.demo, moment.phone)


async def engine_is_killed(moment: Moment) -> float:
    return await killed(moment.demo, "media")


async def web_is_killed(moment: Moment) -> float:
    return await killed(moment.demo, "web")


async def supervisor_is_killed(moment: Moment) -> float:
    """And another is started, as systemd would."""
    begun = time.monotonic()
    moment.demo.kill_supervisor()
    await asyncio.sleep(moment.chance.uniform(0.0, 2.0))
    await asyncio.to_thread(moment.demo.start, fresh=False)
    return time.monotonic() - begun


async def killed(demo: Demo, role: str) -> float:
    """Kill it, and wait for the next one; after how many seconds that is there."""
    pid = demo.reread().pids[role]
    os.kill(pid, signal.SIGKILL)
    return await until(
        lambda: demo.reread().pids.get(role, pid) != pid, AGAIN * SLOW, f"there is no other {role}"
    )


async def database_is_locked(moment: Moment) -> float:
    seconds = moment.chance.uniform(0.5, 4.0)
    with a_writer_that_stands_still(moment.demo.directory / "tongdai.db"):
        await asyncio.sleep(seconds)
    return seconds


async def clock_is_set(moment: Moment) -> float:
    """By an hour, and back."""
    seconds = moment.chance.uniform(0.5, 4.0)
    clock = FakeTime(moment.demo.directory.parent)
    clock.set(moment.chance.choice((HOUR, -HOUR)))
    await asyncio.sleep(seconds)
    clock.set(0)
    return seconds


async def disk_is_full(moment: Moment) -> float:
    seconds = moment.chance.uniform(0.5, 4.0)
    ballast = await asyncio.to_thread(fill, moment.demo.directory.parent)
    await asyncio.sleep(seconds)
    ballast.unlink()
    return seconds


async def version_is_upgraded(moment: Moment) -> float:
    """To the one that serves."""
    begun = time.monotonic()
    upgrade = await Upgrade.begin(moment.demo)
    assert await upgrade.succeeds(), upgrade.said
    return time.monotonic() - begun


@contextlib.contextmanager
def whose_clock_can_be_set(directory: Path) -> Iterator[Demo]:
    with contextlib.closing(new_demo(directory, FakeTime(directory).environment)) as demo:
        yield demo


@contextlib.contextmanager
def whose_disk_can_be_filled(directory: Path) -> Iterator[Demo]:
    with a_small_disk(directory / "small") as small, contextlib.closing(new_demo(small)) as demo:
        yield demo


@contextlib.contextmanager
def as_any(directory: Path) -> Iterator[Demo]:
    with contextlib.closing(new_demo(directory)) as demo:
        yield demo


class Fault(NamedTuple):
    """What happens, and how long whoever talked before may hear nothing: 0: nothing may be lost."""

    strike: Callable[[Moment], Awaitable[float]]
    """Returns how many seconds it took until all was there again."""
    unheard: float = 0.0
    moments: int = 1
    demo: Callable[[Path], contextlib.AbstractContextManager[Demo]] = as_any


FAULTS = {
    "control": Fault(control_is_killed, moments=3),
    "engine": Fault(engine_is_killed, unheard=PLAIN),
    "supervisor": Fault(supervisor_is_killed),
    "web": Fault(web_is_killed),
    "database": Fault(database_is_locked),
    "clock": Fault(clock_is_set, moments=2, demo=whose_clock_can_be_set),
    "disk": Fault(disk_is_full, demo=whose_disk_can_be_filled),
    "upgrade": Fault(version_is_upgraded),
}


@pytest.fixture
def demo(name: str, tmp_path: Path) -> Iterator[Demo]:
    """One that this fault can happen to; not started yet."""
    with FAULTS[name].demo(tmp_path) as made:
        yield made


@pytest.fixture
def seed() -> int:
    return secrets.randbelow(10**9) if SEED == "random" else int(SEED)


@pytest.mark.parametrize("name", FAULTS)
async def test_at_random_moments(demo: Demo, phones: Phones, seed: int, name: str):
    fault = FAULTS[name]
    moments = MOMENTS or fault.moments
    print(f"TONGDAI_FAULTS_SEED={seed} TONGDAI_FAULTS_MOMENTS={moments} TONGDAI_FAULTS_RATE={RATE}")
    chance = random.Random(seed)
    demo.start()
    lan, hoa, *others = [await phones.raw(demo.account(x)) for x in ("101", "103", "102", "104", "105")]
    for phone in (lan, hoa, *others):
        phone.give_up = PATIENCE
    office = Office(chance, lan, hoa, others)
    office.talking = await talk(lan, hoa, "103")
    office.calls += 1
    office.keys_are_lost = fault.unheard > 0
    calls = moments * SECONDS * RATE
    load = phones.sipp(
        "load", demo.account("106"), target="*43", calls=calls, rate=RATE, seconds=moments * 60
    )
    await load.open()
    stories: list[Callable[[], Awaitable[None]]] = []
    took = []
    for moment in range(moments):
        stories = stories or chance.sample(office.stories, len(office.stories))
        story = stories.pop()
        marks = [len(end.rtp.received) for end in office.talking]
        doing = asyncio.ensure_future(story())
        delay = chance.uniform(0.0, 2.5)
        print(f"moment {moment + 1}: {story.__name__}, after {delay:.3f} s")
        await asyncio.sleep(delay)
        took.append(await fault.strike(Moment(demo, lan, chance)))
        await doing
        for end, mark in zip(office.talking, marks, strict=True):
            if not fault.unheard:
                intact(end, mark)
            elif story != office.hold_and_resume:  # when who holds hears nothing for longer
                print(f"nothing was heard for {end.rtp.longest_gap(mark) * 1000:.0f} ms")
                assert end.rtp.longest_gap(mark) <= fault.unheard
        await hear(*office.talking)
    await load.finished()
    await office.end(*office.talking)
    wanted = office.calls + calls
    await until(lambda: len(records(demo)) >= wanted, 10 * SLOW, "not every call has its CDR")
    async with administrator(demo) as (client, _):
        assert "tongdai_control_calls 0.0" in (await client.get("/metrics/control")).text
    assert len(records(demo)) == wanted, "a call has two"
    assert max(lengths(demo)) < moments * 60 + 60
    print(f"{name}: {sum(took) / len(took):.2f} s on average, {max(took):.2f} s at most; {wanted} calls")
    demo.stop()
