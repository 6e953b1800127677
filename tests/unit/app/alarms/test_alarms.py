from __future__ import annotations

import asyncio

from tests.unit.legs.doubles import MemoryJournal

from tongdai.app.alarms.alarms import Alarms, Notice
from tongdai.app.alarms.watch import Database, Watch
from tongdai.core.clock import ManualClock


def test_an_alarm_is_told_when_it_goes_on_and_when_it_is_over():
    clock, told = ManualClock(wall=100.0), list[Notice]()
    alarms = Alarms(clock.wall, told.append, MemoryJournal())
    alarms.put("disk", "")
    assert told == []
    assert alarms.metrics() == {"alarm_disk": 0.0}
    alarms.put("disk", "full")
    clock.advance(5)
    alarms.put("disk", "still full")
    assert alarms.metrics() == {"alarm_disk": 1.0}
    clock.advance(5)
    alarms.put("disk", "")
    assert told == [Notice("disk", False, "full", 100.0, 100.0), Notice("disk", True, "full", 100.0, 110.0)]
    assert not alarms.on("disk")


def test_an_alarm_that_is_over_when_its_process_has_died_is_told_by_the_next_one():
    """Who was told that the database is gone was never told that it is back."""
    clock, told, journal = ManualClock(wall=100.0), list[Notice](), MemoryJournal()
    Alarms(clock.wall, told.append, journal).put("disk", "full")
    journal.commit()
    clock.advance(5)
    alarms = Alarms(clock.wall, told.append, journal)
    assert alarms.on("disk")
    alarms.put("disk", "full")
    assert len(told) == 1, "that is known"
    alarms.put("disk", "")
    journal.commit()
    assert told[1:] == [Notice("disk", True, "full", 100.0, 105.0)]
    assert not Alarms(clock.wall, told.append, journal).on("disk")


async def test_a_check_that_hangs_or_fails_keeps_none_of_the_others_back():
    told = list[Notice]()
    stopping, seen = asyncio.Event(), asyncio.Event()
    looked = 0

    async def hangs() -> str:
        await asyncio.Event().wait()
        return ""

    async def breaks() -> str:
        raise RuntimeError("no such thing")

    async def works() -> str:
        nonlocal looked
        looked += 1
        if looked == 3:
            seen.set()
        return ""

    watch = Watch(
        Alarms(ManualClock().wall, told.append, MemoryJournal()),
        {"a": hangs, "b": breaks, "c": works},
        every=0,
    )
    running = asyncio.create_task(watch.run(stopping))
    async with asyncio.timeout(10):
        await seen.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert [(notice.alarm, notice.detail) for notice in told] == [
        ("b", "it cannot be looked at: no such thing")
    ]


async def test_a_database_that_hangs_is_asked_once_and_is_well_when_it_has_answered():
    asked, answers = 0, asyncio.Event()

    async def probe() -> None:
        nonlocal asked
        asked += 1
        await answers.wait()

    database = Database(probe, within=0)
    for _ in range(3):
        assert "does not answer" in await database.look()
    assert asked == 1
    answers.set()
    async with asyncio.timeout(10):
        while await database.look():
            pass
    assert asked <= 2
