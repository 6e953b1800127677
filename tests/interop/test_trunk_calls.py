"""Calls through a trunk: how many, in which codecs, and what is heard before they are answered."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from tests.interop.carriers import DOMAIN, MAIN, NUMBER, at, carrier, change, connect, use
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.call import RawCall
from tests.interop.phones.raw import RawPhone
from tests.interop.phones.sip import read_sdp
from tests.interop.phones.sound import PATIENCE, hears_something
from tests.interop.talk import hear_each_other


async def explained(demo: Demo, text: str) -> None:
    """Wait until the last call of the log says so."""
    async with asyncio.timeout(40):
        while text not in await asyncio.to_thread(demo.cli, "explain", "last"):
            await asyncio.sleep(0.2)


async def is_refused(caller: RawPhone) -> None:
    """A voice tells why the call goes nowhere."""
    call = await caller.call(NUMBER)
    await hears_something(call)
    await call.hang_up()


async def helped(caller: RawPhone, gateway: RawPhone) -> None:
    """An emergency call passes every limit."""
    near = await caller.call("113", wait="sent")
    far = await (await gateway.rings()).accept()
    await near.answered()
    await hear_each_other(near, far)
    await near.hang_up()
    await far.hung_up()


async def test_a_call_above_the_limit_is_told_so_and_an_emergency_call_is_not(trunked: Demo, phones: Phones):
    gateway = await carrier(phones, trunked)
    name = await use(trunked, at(gateway), "--options=0", "--channels=1")
    near, far, _ = await connect(trunked, phones, gateway)
    other = await phones.raw(trunked.account("102"))
    await is_refused(other)
    await explained(trunked, f"{name} was not called: all its 1 lines are in use")
    await helped(other, gateway)
    await near.hang_up()
    await far.hung_up()
    await connect(trunked, phones, gateway)


async def test_a_call_in_takes_a_line_as_well(trunked: Demo, phones: Phones):
    gateway = await carrier(phones, trunked)
    name = await use(trunked, at(gateway), "--options=0", "--channels=1")
    coming = await gateway.call(MAIN)
    await hears_something(coming)
    await is_refused(await phones.raw(trunked.account("102")))
    await explained(trunked, f"{name} was not called: all its 1 lines are in use")
    await coming.hang_up()
    await connect(trunked, phones, gateway)


async def test_calls_begin_no_more_often_than_a_carrier_allows(trunked: Demo, phones: Phones):
    gateway = await carrier(phones, trunked)
    name = await use(trunked, at(gateway), "--options=0", "--per-second=0.01")
    near, far, _ = await connect(trunked, phones, gateway)
    await near.hang_up()
    await far.hung_up()
    other = await phones.raw(trunked.account("102"))
    await is_refused(other)
    assert len(gateway.calls) == 1
    await explained(trunked, f"{name} was not called: it may begin no more than 0.01 calls a second")
    await helped(other, gateway)


async def lines_in_use(demo: Demo, expected: int) -> None:
    """Wait until the metric of calls through trunks says so."""
    wanted = f"tongdai_control_trunk_calls {expected}.0"
    async with httpx.AsyncClient(base_url=demo.facts.http) as client, asyncio.timeout(PATIENCE):
        while wanted not in (said := (await client.get("/metrics/control")).text):
            assert "tongdai_control_trunk_calls " in said
            await asyncio.sleep(0.2)


async def burst(caller: RawPhone, gateway: RawPhone, size: int) -> tuple[list[RawCall], list[RawCall]]:
    """So many calls to a number outside in the same moment: those that the carrier answered, with their other
    ends, and those that a voice answered in its place."""
    known = len(gateway.calls)
    calls = await asyncio.gather(*(caller.call(NUMBER, wait="sent") for _ in range(size)))
    far: list[RawCall] = []
    while True:
        try:
            far.append(await (await gateway.rings(within=2)).accept())
        except AssertionError:
            break
    await asyncio.gather(*(call.answered() for call in calls))
    assert len(gateway.calls) - known == len(far)
    return calls, far


@pytest.mark.parametrize(
    ("whose", "settings", "through"),
    [
        ("trunk", ["--channels=3"], 3),
        ("trunk", ["--per-second=2"], 2),
        ("company", ["--outside-calls=3"], 3),
        ("company", ["--outside-per-second=2"], 2),
    ],
)
async def test_of_calls_in_the_same_moment_as_many_go_out_as_may_and_no_line_stays_taken(
    trunked: Demo, phones: Phones, whose: str, settings: list[str], through: int
):
    gateway = await carrier(phones, trunked)
    await use(trunked, at(gateway), "--options=0", *(settings if whose == "trunk" else []))
    caller = await phones.raw(trunked.account("101"))
    caller.silent = gateway.silent = True
    if whose == "company":
        await change(trunked, "tenant", DOMAIN, *settings)
    try:
        for _ in range(2):
            calls, far = await burst(caller, gateway, 8)
            assert len(far) == through
            await lines_in_use(trunked, through)
            await asyncio.gather(*(call.hang_up() for call in far))
            await asyncio.gather(*(call.hung_up() for call in calls))
            await lines_in_use(trunked, 0)
    finally:
        if whose == "company":
            await change(trunked, "tenant", DOMAIN, "--outside-calls=0", "--outside-per-second=0")


async def test_a_carrier_that_calls_more_than_it_has_lines_is_answered_and_calls_out_wait_for_its_end(
    trunked: Demo, phones: Phones
):
    gateway = await carrier(phones, trunked)
    await use(trunked, at(gateway), "--options=0", "--channels=2", "--per-second=1")
    gateway.silent = True
    coming = await asyncio.gather(*(gateway.call(MAIN) for _ in range(6)))
    await lines_in_use(trunked, 6)
    await is_refused(await phones.raw(trunked.account("102")))
    await asyncio.gather(*(call.hang_up() for call in coming))
    await lines_in_use(trunked, 0)
    gateway.silent = False
    near, _, _ = await connect(trunked, phones, gateway)
    await lines_in_use(trunked, 1)
    await near.hang_up()
    await lines_in_use(trunked, 0)


@pytest.mark.parametrize(
    ("settings", "speaks", "offered"),
    [
        ([], [8], [8, 0]),
        ([], [0, 8], [0, 8]),
        ([], [9, 8], [9, 8, 0]),
        (["--codecs=PCMA"], [0, 8], [8, 0]),
        (["--codecs=G722,PCMA"], [0], [9, 8, 0]),
    ],
)
async def test_a_carrier_is_offered_codecs_in_the_order_that_is_set_or_that_its_caller_has(
    trunked: Demo, phones: Phones, settings: list[str], speaks: list[int], offered: list[int]
):
    gateway = await carrier(phones, trunked)
    await use(trunked, at(gateway), "--options=0", *settings)
    caller = await phones.raw(trunked.account("101"))
    caller.codecs = speaks
    near = await caller.call(NUMBER, wait="sent")
    far = await gateway.rings()
    assert read_sdp(far.invite_message.body).codecs == offered
    await near.cancel()


@pytest.mark.parametrize("codecs", [[0, 8], [8]], ids=["same codec", "another codec"])
async def test_early_sound_goes_both_ways_before_the_answer(trunked: Demo, phones: Phones, codecs: list[int]):
    """A menu or an announcement that a carrier plays before it charges, and that takes keys."""
    gateway = await carrier(phones, trunked)
    gateway.on_invite = lambda _: None
    gateway.codecs = codecs
    await use(trunked, at(gateway), "--options=0")
    caller = await phones.raw(trunked.account("101"))
    caller.codecs = [0]
    near = await caller.call(NUMBER, wait="sent")
    far = await (await gateway.rings()).progress()
    assert (await near.ringing()).status == 183
    await hear_each_other(near, far)
    await near.press("17")
    await far.hears_keys("17")
    assert near.final is None
    await far.accept()
    await near.answered()
    await hear_each_other(near, far)
    await far.hang_up()
    await near.hung_up()


async def test_early_sound_of_a_carrier_that_then_refuses_is_over_with_the_call(
    trunked: Demo, phones: Phones
):
    gateway = await carrier(phones, trunked)
    gateway.on_invite = lambda _: None
    await use(trunked, at(gateway), "--options=0")
    caller = await phones.raw(trunked.account("101"))
    near = await caller.call(NUMBER, wait="sent")
    far = await (await gateway.rings()).progress()
    await near.ringing()
    await hear_each_other(near, far)
    far.reject(404, "Not Found")
    assert (await near.finished()).status == 404
