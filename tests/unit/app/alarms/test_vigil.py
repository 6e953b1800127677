"""What control says of its journal, to the provider and to Prometheus."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from tongdai.app.alarms.outbound import AlarmHook
from tongdai.app.alarms.vigil import UNSYNCED_SECONDS, Vigil
from tongdai.app.memory import Left, Memory
from tongdai.core.clock import ManualClock
from tongdai.journal import LocalJournal


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def journal(tmp_path: Path, clock: ManualClock) -> Iterator[LocalJournal]:
    opened = LocalJournal(tmp_path / "journal", clock=clock.monotonic)
    yield opened
    opened.close()


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def vigil(tmp_path: Path, clock: ManualClock, journal: LocalJournal, memory: Memory) -> Vigil:
    return Vigil(
        AlarmHook(),
        "pbx.example.net",
        wall=clock.wall,
        data=tmp_path,
        journal=journal,
        db=cast("Any", None),
        stores={},
        engine=lambda: None,
        blind=lambda: False,
        memory=memory,
    )


async def test_a_disk_that_takes_nothing_of_the_journal_is_an_alarm(
    vigil: Vigil, journal: LocalJournal, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
):
    goes_on = threading.Event()
    monkeypatch.setattr(os, "fdatasync", lambda fd: goes_on.wait(30))
    journal.put("call/1", b"1")
    assert await vigil._look_at_journal() == "", "it has only just been written"
    clock.advance(UNSYNCED_SECONDS)
    assert await vigil._look_at_journal() == ""
    clock.advance(1.0)
    assert await vigil._look_at_journal() == "1 entries of the journal are not on the disk after 6 s"
    goes_on.set()


def test_the_lag_of_the_journal_is_a_metric(vigil: Vigil, journal: LocalJournal, clock: ManualClock):
    journal.put("call/1", b"1")
    journal.put("call/2", b"1")
    clock.advance(0.25)
    told = vigil.metrics()
    assert (told["journal_unwritten_entries"], told["journal_unwritten_seconds"]) == (2, 0.25)
    journal.commit()
    told = vigil.metrics()
    assert told["journal_unwritten_entries"] == told["journal_unwritten_seconds"] == 0
    assert told["journal_unwritten_most_seconds"] == 0.25
    clock.advance(0.5)
    assert {"journal_unsynced_entries", "journal_unsynced_seconds"} <= told.keys()
    assert vigil.metrics()["journal_unsynced_most_seconds"] in (0.0, 0.5), "it may be on the disk by now"


async def test_a_shortage_of_memory_is_an_alarm_and_what_is_left_a_metric(vigil: Vigil, memory: Memory):
    memory.take([Left("the group tongdai", 9 << 20, 512 << 20)])
    assert await vigil._look_at_memory() == "the group tongdai has 9 MiB of memory left: calls are refused"
    assert vigil.metrics()["memory_left_bytes"] == 9 << 20
    memory.take([Left("the group tongdai", 90 << 20, 512 << 20)])
    assert await vigil._look_at_memory() == ""
