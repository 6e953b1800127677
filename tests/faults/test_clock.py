"""The machine's clock is set by an hour, either way, while calls are in progress: nobody notices."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.outage import SLOW, a_call, kill_control, records, until
from tests.interop.conftest import Phones, new_demo
from tests.interop.demo import Demo
from tests.interop.talk import hear_each_other, talk

pytestmark = pytest.mark.faults

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
HOUR = 3600


class FakeTime:
    """What every process of the demo takes for the time; monotonic time goes its way."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0)

    def set(self, seconds: int) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.replace(self._file)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


@pytest.fixture
def time_of(tmp_path: Path) -> FakeTime:
    if not LIBRARY.exists():
        pytest.skip("libfaketime is missing: apt-get install libfaketime")
    return FakeTime(tmp_path / "faketime")


@pytest.fixture
def demo(tmp_path: Path, time_of: FakeTime) -> Iterator[Demo]:
    demo = new_demo(tmp_path, time_of.environment)
    try:
        yield demo
    finally:
        demo.close()


def lengths(demo: Demo) -> list[float]:
    with contextlib.closing(sqlite3.connect(demo.directory / "tongdai.db", timeout=10)) as connection:
        found = connection.execute("SELECT started, answered_at, ended FROM cdr").fetchall()
    assert all(started <= answered <= ended for started, answered, ended in found)
    return [ended - started for started, _, ended in found]


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_clock_that_is_set_ends_no_call_and_no_registration(
    demo: Demo, phones: Phones, time_of: FakeTime, hours: int
):
    demo.start()
    lan, hoa = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    minh, quang = await phones.raw(demo.account("102")), await phones.raw(demo.account("105"))
    near, far = await talk(lan, hoa, "103")
    marks = len(near.rtp.received), len(far.rtp.received)
    time_of.set(hours * HOUR)
    await asyncio.sleep(1.0)
    await a_call(minh, quang, "105")
    await kill_control(demo, lan)
    await a_call(quang, minh, "102")
    await hear_each_other(near, far)
    for end, mark in zip((near, far), marks, strict=True):
        assert end.rtp.lost(mark) == 0
        assert len(end.rtp.ssrcs()) == 1
    await near.hang_up()
    await far.hung_up()
    await until(lambda: len(records(demo)) == 3, 10 * SLOW, "not every call has its CDR")
    assert all(0 < length < 600 for length in lengths(demo)), lengths(demo)
    demo.stop()
