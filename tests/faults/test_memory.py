"""Memory runs out: calls in progress are not harmed, what had to end is started again and goes on with them,
and when there is enough again all is as before."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from tests.faults.memory import Group, Hog, group, hog
from tests.faults.outage import (
    AGAIN,
    ALARM,
    SLOW,
    a_call,
    a_call_that_goes_on,
    answers,
    records,
    to,
    until,
)
from tests.faults.test_limits import echo_calls, limit, refused, workers_of
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.raw import RawPhone
from tests.interop.phones.sound import hears_something, now_at
from tests.interop.talk import hear_each_other, talk
from tests.receiver import Receiver

pytestmark = pytest.mark.faults

STEP = 2
"""MiB at a time."""
GONE = 60.0
"""Seconds within which a demo has spoken all it has to say."""
SILENCE = 2.0
"""Seconds within which a call sounds again."""
MOST = 256
"""MiB after which the limit should have bitten."""


def alive(pid: int) -> bool:
    """Whether it runs, and is not a process that has ended and is to be waited for."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


async def ends_for_memory(pid: int, eater: Hog, *, before: int = 0) -> None:
    """Take memory until this process had to go, no later than that other one. (That may follow at once: until
    what a process had is counted back, two milliseconds were seen, the kernel looks for the next one.)"""
    for _ in range(MOST // STEP):
        assert before == 0 or alive(before) or not alive(pid)
        if not alive(pid):
            return
        await asyncio.to_thread(eater.take, STEP)
    raise AssertionError("nothing was ended for want of memory")


async def takes_calls(phone: RawPhone) -> None:
    """Wait until no call is refused any more."""
    async with asyncio.timeout(AGAIN * SLOW):
        while True:
            [call] = await echo_calls(phone, 1)
            if not refused(call):
                await call.hang_up()
                return
            await asyncio.sleep(0.5)


async def settled(demo: Demo) -> None:
    """Wait until its pages are there, and what speaks, which takes most memory of all, is gone."""
    await shows_pages(demo)
    await until(lambda: not workers_of(demo), GONE * SLOW, "it speaks on and on")


async def shows_pages(demo: Demo) -> None:
    async with asyncio.timeout(AGAIN * SLOW), httpx.AsyncClient(base_url=demo.facts.http) as client:
        while True:
            try:
                if (await client.get("/healthz", timeout=5)).status_code == 200:
                    return
            except httpx.HTTPError:
                await asyncio.sleep(0.2)


@pytest.fixture
def limited() -> Iterator[Group]:
    with group() as made:
        yield made


@pytest.fixture
def demo(tmp_path: Path, limited: Group, receiver: Receiver) -> Iterator[Demo]:
    """One in that group, which tells the receiver of alarms; not started yet."""
    demo = Demo(tmp_path / "demo", within=limited.enter, environment=to(receiver))
    try:
        yield demo
    finally:
        demo.close()


async def test_pages_are_given_up_before_calls_and_control_before_sound(
    demo: Demo, limited: Group, phones: Phones
):
    """As under `MemoryMax=` of systemd: one limit for all of it, and something that takes more and more."""
    demo.start()
    minh, quang = await phones.raw(demo.account("102")), await phones.raw(demo.account("105"))
    await settled(demo)
    async with a_call_that_goes_on(demo, phones) as (near, far):
        first = dict(demo.reread().pids)
        with hog(limited) as eater:
            limited.limit(24 << 20)
            await ends_for_memory(first["web"], eater, before=first["control"])
            assert [alive(first[name]) for name in ("media", "supervisor")] == [True] * 2
            await ends_for_memory(first["control"], eater)
            await asyncio.sleep(1.0)
            assert [alive(first[name]) for name in ("media", "supervisor")] == [True] * 2
            await hear_each_other(near, far)
            limited.lift()
        await answers(far.phone)
        await takes_calls(minh)
        await a_call(minh, quang, "105")
        await shows_pages(demo)
    demo.stop()


async def test_calls_are_refused_before_the_kernel_ends_anything_and_taken_when_there_is_memory_again(
    demo: Demo, limited: Group, receiver: Receiver, phones: Phones
):
    demo.start()
    minh, quang = await phones.raw(demo.account("102")), await phones.raw(demo.account("105"))
    await settled(demo)
    async with a_call_that_goes_on(demo, phones):
        first = dict(demo.reread().pids)
        with hog(limited) as eater:
            limited.limit(96 << 20)
            await a_call(minh, quang, "105")
            while limited.left() > 12 << 20:
                await asyncio.to_thread(eater.take, 1)
            alarm = asyncio.ensure_future(receiver.hears("memory", "on", within=ALARM * SLOW))
            while not alarm.done():  # the kernel gives up what it has kept of files
                await asyncio.to_thread(eater.take, 1)
                await asyncio.sleep(1.0)
            print(f"alarm: {alarm.result()}")
            assert all(refused(call) for call in await echo_calls(minh, 3))
            assert alive(first["web"]), "pages were given up before calls were refused"
        await receiver.hears("memory", "over", within=ALARM * SLOW)
        await a_call(minh, quang, "105")
        assert {name: demo.reread().pids[name] for name in first} == first
        assert all(alive(pid) for pid in first.values())
    await until(lambda: len(records(demo)) == 3, AGAIN * SLOW, f"these were stored: {records(demo)}")
    demo.stop()


def address_space(pid: int) -> int:
    """Bytes that it has mapped."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()


@contextlib.contextmanager
def refused_memory(engine: int) -> Iterator[None]:
    """As under `LimitDATA=`: it gets what it has, and no more."""
    limit(engine, resource.RLIMIT_DATA, 1)  # 0 is none: for valgrind, says the kernel
    yield


@contextlib.contextmanager
def in_a_group_of_its_own(engine: int) -> Iterator[None]:
    """Which may use next to nothing: the kernel ends it when it wants more."""
    with group() as small:
        small.limit(64 << 10)
        small.take_in([engine])
        yield


@pytest.mark.parametrize("starve", [refused_memory, in_a_group_of_its_own])
async def test_an_engine_that_dies_for_memory_is_replaced_and_no_call_ends(
    demo: Demo, phones: Phones, starve: Callable[[int], contextlib.AbstractContextManager[None]]
):
    demo.start()
    lan, hoa = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    minh, quang = await phones.raw(demo.account("102")), await phones.raw(demo.account("105"))
    near, far = await talk(lan, hoa, "103")
    marks = len(near.rtp.received), len(far.rtp.received)
    engine = demo.facts.pids["media"]
    with starve(engine):
        waiting = await minh.call("300")  # its music is to be loaded
        waiting.rtp.speak(None)
        await until(lambda: not alive(engine), AGAIN, "the limit does not bite")
    await hears_something(waiting, mark=now_at(waiting), within=10)
    await hear_each_other(near, far)
    for end, mark in zip((near, far), marks, strict=True):
        print(f"nothing was heard for {end.rtp.longest_gap(mark) * 1000:.0f} ms")
        assert end.rtp.longest_gap(mark) < SILENCE
    assert (await waiting.hang_up()).status == 200
    await a_call(quang, minh, "102")
    assert (await near.hang_up()).status == 200
    await far.hung_up()
    assert demo.reread().pids["media"] != engine
    await until(lambda: len(records(demo)) == 3, AGAIN * SLOW, f"these were stored: {records(demo)}")
    demo.stop()


HALF_A_MESSAGE = (
    b"OPTIONS sip:tongdai SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1\r\nSubject: " + b"x" * 60_000
)


async def fill(demo: Demo, strangers: list[socket.socket], count: int) -> None:
    """So many more connections on which half a message waits for the rest."""
    loop = asyncio.get_running_loop()
    for _ in range(count):
        stranger = socket.socket()
        stranger.setblocking(False)
        strangers.append(stranger)
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(2):
                await loop.sock_connect(stranger, (demo.facts.sip.host, demo.facts.sip.tcp))
                await loop.sock_sendall(stranger, HALF_A_MESSAGE)


async def test_control_that_is_refused_memory_is_replaced_and_goes_on_with_its_calls(
    demo: Demo, phones: Phones
):
    """As under `LimitAS=`: no process is ended by the kernel for it, but is refused what it asks for."""
    demo.start()
    minh, quang = await phones.raw(demo.account("102")), await phones.raw(demo.account("105"))
    async with a_call_that_goes_on(demo, phones) as (_, far):
        control = demo.facts.pids["control"]
        limit(control, resource.RLIMIT_AS, address_space(control))
        strangers: list[socket.socket] = []
        while alive(control):
            assert len(strangers) < 2000, "the limit does not bite"
            await fill(demo, strangers, 20)
        print(f"control was refused memory after {len(strangers)} connections")
        for stranger in strangers:
            stranger.close()
        await answers(far.phone)
        await a_call(minh, quang, "105")
    demo.stop()
