"""The disk is full: calls go on, nothing is listed that is not whole, the provider is told, and all is kept
once there is room."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.disk import a_small_disk, fill
from tests.faults.outage import (
    AGAIN,
    ALARM,
    SLOW,
    a_call,
    a_call_that_goes_on,
    administrator,
    leave_a_message,
    records,
    told_demo,
    until,
)
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.talk import hear_each_other
from tests.receiver import Receiver

pytestmark = pytest.mark.faults


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    with a_small_disk(tmp_path / "small") as place:
        yield place


@pytest.fixture
def demo(small: Path, receiver: Receiver) -> Iterator[Demo]:
    demo = told_demo(small, receiver, unspoken=True)  # all that it writes is on this disk
    try:
        yield demo
    finally:
        demo.close()


async def test_calls_go_on_while_the_disk_is_full(
    demo: Demo, phones: Phones, receiver: Receiver, small: Path
):
    demo.start()
    minh, quang = await phones.raw(demo.account("102")), await phones.raw(demo.account("105"))
    await leave_a_message(minh, 2.0)
    async with a_call_that_goes_on(demo, phones) as (near, far), administrator(demo) as (client, path):
        people = (await client.get(f"{path}/people", params={"q": "Mai"})).json()["items"]
        mailbox = f"{path}/mailboxes/{people[0]['id']}/messages"

        async def messages() -> int:
            return len((await client.get(mailbox)).json())

        assert await messages() == 1
        begun = time.monotonic()
        ballast = fill(small)
        for _ in range(2):
            await a_call(minh, quang, "105")
        await leave_a_message(minh, 3.0)
        told = await receiver.hears("disk", "on", within=ALARM * SLOW)
        print(f"alarm after {time.monotonic() - begun:.1f} s: {told['detail']}")
        await receiver.hears("journal", "on", within=ALARM * SLOW)
        assert await messages() == 1, "a message that is not whole is listed"
        await hear_each_other(near, far)
        ballast.unlink()
        took = await until(lambda: len(records(demo)) >= 4, AGAIN * SLOW, "the calls were not stored")
        print(f"stored {took:.1f} s after there was room")
        await receiver.hears("disk", "over", within=ALARM * SLOW)
        await receiver.hears("journal", "over", within=ALARM * SLOW)
        await leave_a_message(minh, 2.0)
        await asyncio.sleep(0.5)
        assert await messages() == 2
    await until(lambda: len(records(demo)) == 6, AGAIN * SLOW, f"these were stored: {records(demo)}")
    demo.stop()
