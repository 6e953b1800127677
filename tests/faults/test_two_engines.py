"""The engine of another version beside that of before: calls stay where they began, those in both hear each
other, and the one before ends with its last call.

A test prints how long nothing was heard where that is of interest."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.outage import begin_a_message, listen_to_the_message
from tests.faults.upgrade import Upgrade, upgraded
from tests.faults.version import another_version
from tests.interop.conftest import Phones, new_demo
from tests.interop.demo import Demo
from tests.interop.phones.browser import MICROPHONE, Chromium
from tests.interop.phones.call import RawCall
from tests.interop.phones.sound import PATIENCE, hears, hears_something, now_at
from tests.interop.talk import hear_each_other, talk

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with new_demo(tmp_path_factory.mktemp("engines")) as running:
        running.start()
        yield running


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def ends(pid: int, within: float = PATIENCE) -> None:
    async with asyncio.timeout(within):
        while lives(pid):
            await asyncio.sleep(0.1)


def engine(victim: Demo) -> int:
    return victim.reread().pids["media"]


class Unbroken:
    """Streams that lose no packet and go on as the same ones from now on."""

    def __init__(self, *calls: RawCall) -> None:
        self._calls = [(call, len(call.rtp.received), len(call.rtp.ssrcs())) for call in calls]

    def check(self) -> None:
        for call, mark, ssrcs in self._calls:
            assert call.rtp.lost(mark) == 0
            assert len(call.rtp.ssrcs()) == ssrcs


async def replaced_by_transfer(victim: Demo, phones: Phones, directory: Path) -> tuple[RawCall, RawCall, int]:
    """One who called before an upgrade, and one who was called after it, talk: joined by an attended
    transfer. Returns them, and the engine of before."""
    lan, hoa = await phones.raw(victim.account("101")), await phones.raw(victim.account("103"))
    mai = await phones.raw(victim.account("105"))
    near, far = await talk(lan, hoa, "103")
    before, unbroken = engine(victim), Unbroken(near)
    await upgraded(victim, directory)
    assert engine(victim) != before
    await far.hold()
    asking, asked = await talk(hoa, mai, "105")
    assert (await far.refer("", replaces=asking)).status == 202
    await hear_each_other(near, asked)
    unbroken.check()
    await far.transferred()
    assert lives(before)
    return near, asked, before


async def test_a_call_stays_in_its_engine_and_a_later_one_is_in_the_next(
    victim: Demo, phones: Phones, tmp_path: Path
):
    lan, hoa = await phones.raw(victim.account("101")), await phones.raw(victim.account("103"))
    near, far = await talk(lan, hoa, "103")
    before, unbroken = engine(victim), Unbroken(near, far)
    upgrade = await upgraded(victim, tmp_path / "next")
    assert "engine: works" in upgrade.said
    minh, mai = await phones.raw(victim.account("102")), await phones.raw(victim.account("105"))
    later, there = await talk(minh, mai, "105")
    await asyncio.sleep(1)
    unbroken.check()
    assert lives(before)
    await near.press("5")
    await far.hears_keys("5")
    await near.hang_up()
    await far.hung_up()
    await ends(before)
    await hear_each_other(later, there)
    await later.hang_up()
    await there.hung_up()


async def test_an_attended_transfer_joins_two_who_are_in_different_engines(
    victim: Demo, phones: Phones, tmp_path: Path
):
    near, asked, before = await replaced_by_transfer(victim, phones, tmp_path / "next")
    for one, other in ((near, asked), (asked, near)):
        await one.press("7")
        await other.hears_keys("7")
    await asked.hold()
    await hears_something(near, mark=now_at(near))
    await asked.resume()
    await hear_each_other(near, asked)
    os.kill(victim.facts.pids["control"], signal.SIGKILL)
    unbroken = Unbroken(near, asked)
    control = victim.facts.pids["control"]
    async with asyncio.timeout(PATIENCE):
        while victim.reread().pids["control"] == control:
            await asyncio.sleep(0.1)
    await asyncio.sleep(2)
    await hear_each_other(near, asked)
    unbroken.check()
    await near.hang_up()
    await asked.hung_up()
    await ends(before)


@pytest.mark.parametrize("which", ["former", "new"])
async def test_they_hear_each_other_again_when_either_engine_is_killed(
    victim: Demo, phones: Phones, tmp_path: Path, which: str
):
    near, asked, before = await replaced_by_transfer(victim, phones, tmp_path / "next")
    marks = [len(call.rtp.received) for call in (near, asked)]
    os.kill(before if which == "former" else engine(victim), signal.SIGKILL)
    await asyncio.sleep(0.3)
    await hear_each_other(near, asked)
    for call, mark in zip((near, asked), marks, strict=True):
        print(f"nothing was heard for {call.rtp.longest_gap(mark) * 1000:.0f} ms")
    await asked.hang_up()
    await near.hung_up()
    await ends(before)


async def test_a_room_that_began_before_takes_who_comes_after(victim: Demo, phones: Phones, tmp_path: Path):
    members = [
        await (await phones.raw(victim.account(name))).call("600", wait="answered") for name in ("101", "102")
    ]
    await hear_each_other(*members)
    before, unbroken = engine(victim), Unbroken(*members)
    await upgraded(victim, tmp_path / "next")
    later = [
        await (await phones.raw(victim.account(name))).call("600", wait="answered") for name in ("103", "105")
    ]
    for call in (*members, *later):
        mark = now_at(call)
        for other in (*members, *later):
            if other is not call:
                await hears(call, other.phone.tone, mark=mark, part=0.1)
    unbroken.check()
    for call in members:
        await call.hang_up()
    await ends(before)
    await hear_each_other(*later)
    for call in later:
        await call.hang_up()


async def test_a_browser_stays_where_it_is_and_hears_who_is_elsewhere(
    victim: Demo, phones: Phones, browser: Chromium, tmp_path: Path
):
    web = await browser.phone(victim.account("101"), victim.facts.sip.ws)
    await web.do("call", "600")
    before = engine(victim)
    await upgraded(victim, tmp_path / "next")
    later = await (await phones.raw(victim.account("103"))).call("600", wait="answered")
    await web.do("hears", later.phone.tone)
    await hears(later, MICROPHONE, part=0.1)
    assert lives(before)
    await later.hang_up()
    await web.do("hangUp")
    await ends(before)


async def test_a_message_that_is_being_left_goes_on_where_it_is(victim: Demo, phones: Phones, tmp_path: Path):
    lan = await phones.raw(victim.account("101"))
    near = await begin_a_message(lan)
    near.rtp.speak(2300)
    await asyncio.sleep(2)
    before = engine(victim)
    await upgraded(victim, tmp_path / "next")
    near.rtp.speak(1700)
    await asyncio.sleep(2)
    await near.hang_up()
    await ends(before)
    await lan.unregister()
    mai = await phones.raw(victim.account("106"))
    await listen_to_the_message(mai, victim.tenant().person("106").voicemail_pin, 2300, 1700)


@pytest.mark.parametrize("how", ["exit 3", "exec sleep 60"])
async def test_an_engine_that_does_not_work_changes_nothing(
    victim: Demo, phones: Phones, tmp_path: Path, how: str
):
    lan, hoa = await phones.raw(victim.account("101")), await phones.raw(victim.account("103"))
    near, far = await talk(lan, hoa, "103")
    before, unbroken = dict(victim.reread().pids), Unbroken(near, far)
    upgrade = await Upgrade.begin(victim, another_version(tmp_path / "broken", engine=how))
    assert not await upgrade.succeeds(), upgrade.said
    assert "Its engine does not work" in upgrade.said
    assert victim.facts.pids == before
    unbroken.check()
    await near.hang_up()
    await far.hung_up()
    near, far = await talk(lan, hoa, "103")
    assert lives(before["media"])
    await near.hang_up()
    await far.hung_up()


async def test_an_engine_that_ends_by_itself_is_sent_back(victim: Demo, phones: Phones, tmp_path: Path):
    """It works for two seconds."""
    lan, hoa = await phones.raw(victim.account("101")), await phones.raw(victim.account("103"))
    near, far = await talk(lan, hoa, "103")
    before, unbroken = engine(victim), Unbroken(near, far)
    program = Path(f"/proc/{before}/exe").readlink()
    script = f'"{program}" "$@" & sleep 2; kill -9 $!; exit 4'
    upgrade = await Upgrade.begin(victim, another_version(tmp_path / "broken", engine=script))
    assert not await upgrade.succeeds(), upgrade.said
    assert "the version before serves" in upgrade.said
    assert engine(victim) == before
    unbroken.check()
    await hear_each_other(near, far)
    await near.hang_up()
    await far.hung_up()
    near, far = await talk(lan, hoa, "103")
    await near.hang_up()
    await far.hung_up()
    assert lives(before)


async def test_the_next_supervisor_adopts_both(own_demo: Demo, phones: Phones, tmp_path: Path):
    own_demo.start()
    near, asked, before = await replaced_by_transfer(own_demo, phones, tmp_path / "next")
    pids, unbroken = dict(own_demo.facts.pids), Unbroken(near, asked)
    own_demo.kill_supervisor()
    await asyncio.sleep(1)
    await asyncio.to_thread(own_demo.start, fresh=False)
    assert {name for name, pid in own_demo.facts.pids.items() if pid != pids[name]} == {"supervisor"}
    await hear_each_other(near, asked)
    unbroken.check()
    assert lives(before)
    await near.hang_up()
    await asked.hung_up()
    await ends(before)
    own_demo.stop()


async def test_who_talks_for_too_long_goes_on_in_the_new_engine(phones: Phones, tmp_path: Path):
    victim = Demo(tmp_path / "demo", environment={"TONGDAI_FORMER_ENGINE_HOURS": "0.01"})
    try:
        victim.start()
        near, asked, before = await replaced_by_transfer(victim, phones, tmp_path / "next")
        mark = len(near.rtp.received)
        await ends(before, within=2 * PATIENCE)
        await hear_each_other(near, asked)
        print(f"nothing was heard for {near.rtp.longest_gap(mark) * 1000:.0f} ms")
        await near.hang_up()
        await asked.hung_up()
        victim.stop()
    finally:
        victim.close()
