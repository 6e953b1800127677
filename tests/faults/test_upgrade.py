"""Another version takes over while people talk, wait, ring and call; and one that is unfit is sent back.

The first test prints how long it took and how many calls were made meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.faults.upgrade import UPGRADE, Upgrade, product, upgraded
from tests.faults.version import Change, another_version
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.call import RawCall
from tests.interop.phones.raw import RawPhone
from tests.interop.phones.sound import hears, hears_something, now_at
from tests.interop.talk import hear_each_other, talk

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with Demo(tmp_path_factory.mktemp("upgrade") / "demo", ring_seconds=60) as running:
        running.start()
        yield running


async def ringing(caller: RawPhone, callee: RawPhone, number: str) -> tuple[RawCall, RawCall]:
    """Both ends of a call that rings, however long the upgrade takes."""
    caller.give_up = UPGRADE
    return await caller.call(number, wait="ringing"), await callee.rings(within=10)


class Caller:
    """Calls the echo test, hears that it is answered, hangs up, and calls again."""

    def __init__(self, phone: RawPhone) -> None:
        self.phone = phone
        self.made = 0
        self.failed: list[str] = []
        self.slowest = 0.0
        self.stopping = False

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while not self.stopping:
            began = loop.time()
            try:
                call = await self.phone.call("*43", wait="sent")
                await call.answered(within=10)
                self.slowest = max(self.slowest, loop.time() - began)
                self.made += 1
                answer = await call.hang_up()
                assert answer.status == 200, str(answer)
            except AssertionError as error:
                self.failed.append(str(error))
            await asyncio.sleep(0.05)


@asynccontextmanager
async def calls_going_on(phones: list[RawPhone]) -> AsyncIterator[list[Caller]]:
    callers = [Caller(phone) for phone in phones]
    tasks = [asyncio.create_task(caller.run()) for caller in callers]
    try:
        yield callers
    finally:
        for caller in callers:
            caller.stopping = True
        await asyncio.gather(*tasks)


async def test_nobody_notices_that_another_version_takes_over(victim: Demo, phones: Phones, tmp_path: Path):
    lan, hoa = await phones.raw(victim.account("101")), await phones.raw(victim.account("103"))
    minh, anna = await phones.raw(victim.account("102")), await phones.raw(victim.account("104"))
    doctor = await phones.raw(victim.account("101", domain="binhminh.demo"))
    near, far = await talk(lan, hoa, "103")
    queued = await minh.call("300")
    queued.rtp.speak(None)
    await hears_something(queued, within=10)
    before, marks = dict(victim.facts.pids), [len(end.rtp.received) for end in (near, far)]
    assert "next" not in await product(doctor)
    async with calls_going_on([doctor]) as callers:
        upgrade = await Upgrade.begin(victim, another_version(tmp_path / "next"))
        await upgrade.says("version")
        there, rung = await ringing(minh, anna, "104")
        await upgrade.says("control: works")
        await rung.accept()
        await there.answered()
        await hear_each_other(there, rung)
        assert await upgrade.succeeds(), upgrade.said
        await asyncio.sleep(1)
    print(upgrade.said)
    made = sum(caller.made for caller in callers)
    print(f"{made} calls meanwhile, the slowest answered after {max(x.slowest for x in callers):.2f} s")
    assert made > 10
    assert [caller.failed for caller in callers] == [[]]
    for name in ("control", "web", "media"):
        assert victim.facts.pids[name] != before[name]
    assert victim.facts.pids["supervisor"] == before["supervisor"]
    assert "next" in await product(doctor)
    for end, mark in zip((near, far), marks, strict=True):
        assert end.rtp.lost(mark) == 0
        assert len(end.rtp.ssrcs()) == 1
        print(f"the longest pause was {end.rtp.longest_gap(mark):.3f} s")
    await hear_each_other(near, far)
    await hears_something(queued, mark=now_at(queued), within=10)
    await far.hold()
    await hears_something(near, mark=now_at(near))
    await far.resume()
    for one, two in ((near, far), (rung, there)):
        assert (await one.hang_up()).status == 200
        await two.hung_up()
    await queued.hang_up()


async def test_a_call_that_is_being_set_up_may_be_given_up_after_it(
    victim: Demo, phones: Phones, tmp_path: Path
):
    """By either side, as if nothing had happened."""
    lan, hoa = await phones.raw(victim.account("101")), await phones.raw(victim.account("103"))
    minh, anna = await phones.raw(victim.account("102")), await phones.raw(victim.account("104"))
    upgrade = await Upgrade.begin(victim, another_version(tmp_path / "next"))
    await upgrade.says("version")
    given_up, rung = await ringing(lan, hoa, "103")
    refused, there = await ringing(minh, anna, "104")
    await upgrade.says("control: works")
    assert (await given_up.cancel()).status == 487
    ending = await rung.hung_up()
    assert ending is not None
    assert ending.method == "CANCEL"
    there.reject(486)
    await refused.answered(within=10)  # by her voicemail
    await hears_something(refused, within=10)
    await refused.hang_up()
    assert await upgrade.succeeds(), upgrade.said


BROKEN: dict[str, tuple[Change, str]] = {
    "cannot be loaded": (
        ("app/web.py", "import asyncio\n", "import asyncio_that_nobody_has\n"),
        "cannot be loaded",
    ),
    "does not come to work": (
        ("app/takeover.py", "    legs = front.restore(entries)\n", "    raise SystemExit(3)\n"),
        "control does not work",
    ),
    "ends by itself": (
        (
            "app/control.py",
            '        log.info("taking calls"',
            (
                "        asyncio.get_running_loop().call_later(1, contextlib.os._exit, 4)\n"
                "        log.info('taking calls'"
            ),
        ),
        "control does not work",
    ),
    "has no pages": (
        ("app/web.py", "    lifeline.say_ready(config.ready_fd)\n", "    raise SystemExit(5)\n"),
        "web process",
    ),
}


@pytest.mark.parametrize("how", BROKEN)
async def test_a_version_that_is_unfit_is_sent_back(victim: Demo, phones: Phones, tmp_path: Path, how: str):
    change, reason = BROKEN[how]
    lan, hoa = await phones.raw(victim.account("101")), await phones.raw(victim.account("103"))
    minh = await phones.raw(victim.account("102"))
    serving = await product(minh)
    near, far = await talk(lan, hoa, "103")
    marks = [len(end.rtp.received) for end in (near, far)]
    upgrade = await Upgrade.begin(victim, another_version(tmp_path / "broken", [change]))
    assert not await upgrade.succeeds(), upgrade.said
    assert reason in upgrade.said
    assert "the version before serves" in upgrade.said or how == "cannot be loaded"
    for end, mark in zip((near, far), marks, strict=True):
        assert end.rtp.lost(mark) == 0
        assert len(end.rtp.ssrcs()) == 1
    assert await product(minh) == serving
    await hear_each_other(near, far)
    echo = await minh.call("*43")
    await hears(echo, minh.tone, within=10)
    await echo.hang_up()
    assert (await near.hang_up()).status == 200
    await far.hung_up()
    os.kill(victim.facts.pids["control"], signal.SIGKILL)  # and is watched as before
    near = await lan.call("103", wait="sent")
    far = await (await hoa.rings(within=30)).accept()
    await near.answered(within=10)
    await near.hang_up()
    await far.hung_up()


async def test_a_hangup_signal_serves_what_is_installed_where_it_was_started(
    victim: Demo, phones: Phones, tmp_path: Path
):
    lan, hoa = await phones.raw(victim.account("101")), await phones.raw(victim.account("103"))
    await upgraded(victim, tmp_path / "next")
    near, far = await talk(lan, hoa, "103")
    assert "next" in await product(lan)
    before = dict(victim.reread().pids)
    os.kill(before["supervisor"], signal.SIGHUP)
    async with asyncio.timeout(UPGRADE):
        while any(victim.reread().pids[name] == before[name] for name in ("control", "web")):
            await asyncio.sleep(0.2)
    assert "next" not in await product(lan)
    await hear_each_other(near, far)
    await near.hang_up()
    await far.hung_up()


async def test_what_is_no_version_is_refused_with_the_reason(victim: Demo, tmp_path: Path):
    before = dict(victim.reread().pids)
    upgrade = await Upgrade.begin(victim, tmp_path)
    assert not await upgrade.succeeds()
    assert "bin/python is missing" in upgrade.said
    assert victim.facts.pids == before
