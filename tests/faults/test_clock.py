"""The machine's clock is set by an hour, either way, while calls are in progress: nobody notices."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.clock import HOUR, FakeTime
from tests.faults.outage import SLOW, a_call, a_call_that_goes_on, kill_control, lengths, records, until
from tests.interop.conftest import Phones, new_demo
from tests.interop.demo import Demo

pytestmark = pytest.mark.faults


@pytest.fixture
def time_of(tmp_path: Path) -> FakeTime:
    return FakeTime(tmp_path)


@pytest.fixture
def demo(tmp_path: Path, time_of: FakeTime) -> Iterator[Demo]:
    demo = new_demo(tmp_path, time_of.environment)
    try:
        yield demo
    finally:
        demo.close()


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_clock_that_is_set_ends_no_call_and_no_registration(
    demo: Demo, phones: Phones, time_of: FakeTime, hours: int
):
    demo.start()
    minh, quang = await phones.raw(demo.account("102")), await phones.raw(demo.account("105"))
    async with a_call_that_goes_on(demo, phones) as (near, _):
        time_of.set(hours * HOUR)
        await asyncio.sleep(1.0)
        await a_call(minh, quang, "105")
        await kill_control(demo, near.phone)
        await a_call(quang, minh, "102")
    await until(lambda: len(records(demo)) == 3, 10 * SLOW, "not every call has its CDR")
    assert all(0 < length < 600 for length in lengths(demo)), lengths(demo)
    demo.stop()
