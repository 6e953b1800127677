"""What a process may use runs out: calls that cannot be served are refused cleanly, those that are there go
on, and when there is enough again all is as before."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.databases import a_file_that_is_gone
from tests.faults.outage import ALARM, SLOW, a_call, told_demo
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.call import RawCall
from tests.interop.phones.raw import RawPhone
from tests.interop.phones.sound import hears
from tests.interop.talk import hear_each_other, talk
from tests.receiver import Receiver

from tongdai.media.reserve import PAIRS

pytestmark = pytest.mark.faults


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def limit(pid: int, what: int, soft: int) -> None:
    """What the process may use from now on."""
    _, hard = resource.prlimit(pid, what)
    resource.prlimit(pid, what, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def most(pid: int, what: int) -> int:
    return resource.prlimit(pid, what)[1]


def refused(answer_of: RawCall) -> bool:
    """503 or 500 with when to try again; False when the call was answered."""
    answer = answer_of.final
    assert answer is not None
    if answer.status == 200:
        return False
    assert answer.status in (500, 503), str(answer)
    assert int(answer.get("retry-after")) > 0, str(answer)
    return True


async def echo_calls(phone: RawPhone, count: int) -> list[RawCall]:
    calls = [await phone.call("*43", wait="sent") for _ in range(count)]
    for call in calls:
        await call.finished(within=20)
    return calls


async def test_an_engine_without_descriptors_refuses_calls_until_it_has_some_again(
    demo: Demo, phones: Phones, receiver: Receiver
):
    demo.start()
    lan, hoa = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    minh = await phones.raw(demo.account("102"))
    near, far = await talk(lan, hoa, "103")
    mark = len(near.rtp.received)
    engine = demo.facts.pids["media"]
    limit(engine, resource.RLIMIT_NOFILE, descriptors(engine) + 5)
    calls = await echo_calls(minh, PAIRS + 6)
    told = [refused(call) for call in calls]
    assert any(told), "the limit does not bite"
    assert "no media for a call" in demo.service_log()
    for call, no in zip(calls, told, strict=True):
        if not no:
            await call.hang_up()
    limit(engine, resource.RLIMIT_NOFILE, most(engine, resource.RLIMIT_NOFILE))
    [call] = await echo_calls(minh, 1)
    assert not refused(call)
    await hears(call, minh.tone, within=10)
    await call.hang_up()
    await hear_each_other(near, far)
    assert near.rtp.lost(mark) == 0
    await near.hang_up()
    demo.stop()


async def test_control_without_descriptors_goes_on_over_udp_and_takes_connections_afterwards(
    demo: Demo, phones: Phones
):
    demo.start()
    lan, hoa = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    near, far = await talk(lan, hoa, "103")
    control = demo.facts.pids["control"]
    limit(control, resource.RLIMIT_NOFILE, descriptors(control) + 1)
    strangers = []
    for _ in range(8):
        stranger = socket.socket()
        stranger.setblocking(False)
        stranger.connect_ex((demo.facts.sip.host, demo.facts.sip.tcp))
        strangers.append(stranger)
    await asyncio.sleep(1.0)
    minh, quang = await phones.raw(demo.account("102")), await phones.raw(demo.account("105"))
    await a_call(minh, quang, "105")
    await hear_each_other(near, far)
    for stranger in strangers:
        stranger.close()
    limit(control, resource.RLIMIT_NOFILE, most(control, resource.RLIMIT_NOFILE))
    anna = await phones.raw(demo.account("104"), transport="tcp")
    await a_call(anna, quang, "105")
    await near.hang_up()
    assert demo.reread().pids["control"] == control
    demo.stop()


async def test_media_ports_that_are_all_in_use_are_an_alarm_and_come_back(
    demo: Demo, phones: Phones, receiver: Receiver
):
    demo.media_ports(8)
    demo.start()
    minh = await phones.raw(demo.account("102"))
    calls = await echo_calls(minh, 6)
    assert [refused(call) for call in calls].count(False) == 4
    await receiver.hears("media", "on", within=ALARM * SLOW)
    for call in calls:
        if call.final is not None and call.final.status == 200:
            await call.hang_up()
    await receiver.hears("media", "over", within=ALARM * SLOW)
    [call] = await echo_calls(minh, 1)
    assert not refused(call)
    await call.hang_up()
    demo.stop()


def workers_of(demo: Demo) -> list[int]:
    return [pid for pid, command in demo.processes().items() if "tongdai.speech.worker" in command]


async def ringing_after(caller: RawPhone, called: RawPhone, extension: str) -> float:
    begun = time.monotonic()
    near = await caller.call(extension, wait="sent")
    await near.ringing(within=30)
    seconds = time.monotonic() - begun
    await called.rings()
    await near.cancel()
    return seconds


@pytest.fixture
def unspoken(tmp_path: Path, receiver: Receiver) -> Iterator[Demo]:
    """One that has all to speak yet."""
    demo = told_demo(tmp_path, receiver, unspoken=True)
    try:
        yield demo
    finally:
        demo.close()


async def test_what_hangs_outside_slows_no_call(unspoken: Demo, phones: Phones, receiver: Receiver):
    """The receiver of alarms takes the connection and says nothing; the process that speaks stands still."""
    demo = unspoken.start()
    minh, quang = await phones.raw(demo.account("102")), await phones.raw(demo.account("105"))
    before = sorted([await ringing_after(minh, quang, "105") for _ in range(10)])
    receiver.answers = [b""] * 1000
    async with asyncio.timeout(60):  # somebody dials what was never spoken
        while not workers_of(demo):
            call = await minh.call("411", wait="sent")
            await call.answered(within=20)
            await call.press("66#")
            await asyncio.sleep(0.3)
            await call.hang_up()
    for worker in workers_of(demo):
        os.kill(worker, signal.SIGSTOP)
    with a_file_that_is_gone(demo.directory / "tongdai.db"):
        async with asyncio.timeout(ALARM * SLOW), receiver.news:
            await receiver.news.wait_for(lambda: receiver.connections > 0)
        during = sorted([await ringing_after(minh, quang, "105") for _ in range(10)])
    print(
        f"ringing after {before[5] * 1000:.0f} ms, {before[-1] * 1000:.0f} at most; with what hangs after "
        f"{during[5] * 1000:.0f} ms, {during[-1] * 1000:.0f} at most"
    )
    for worker in workers_of(demo):
        os.kill(worker, signal.SIGCONT)
    demo.stop()
