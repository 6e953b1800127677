from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update
from tests.unit.calllog.facts import SWITCHBOARD, VOICEMAIL

from tongdai.calllog import CallLog, derive, store
from tongdai.calllog.log import PREFIX
from tongdai.calls.facts import CallEnded, CallStarted, Fact, LegMeasured, LoggedFact
from tongdai.core.clock import ManualClock
from tongdai.db import Database, migrate, open_database
from tongdai.db.tables import call_fact
from tongdai.journal import LocalJournal
from tongdai.journal.refused import Refused, refused


class Office:
    """A call log on real files, which can be killed and started again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = f"sqlite+aiosqlite:///{directory / 'db.sqlite'}"
        self.clock = ManualClock()

    async def start(self, *, same_boot: bool = True) -> None:
        self.journal = LocalJournal(self.directory / "journal")
        self.db: Database = open_database(self.url)
        self.log = CallLog(**self.outside, linger=0)
        self.log.open(self.journal.load(), same_boot=same_boot)

    @property
    def outside(self) -> dict[str, Any]:
        refused = Refused(self.directory, self.clock)
        return {"journal": self.journal, "db": self.db, "clock": self.clock, "refused": refused}

    async def settle(self) -> None:
        await self.log._behind.flush()
        self.journal.commit()

    async def stop(self) -> None:
        await self.log.close()
        self.journal.close()
        await self.db.close()

    async def kill(self) -> None:
        """Nothing more reaches the database; the journal has what was committed."""
        task = self.log._behind._task
        assert task is not None
        task.cancel()
        self.journal.commit()
        self.journal.close()
        await self.db.close()

    def append(self, *facts: LoggedFact) -> None:
        for logged in facts:
            self.log.append(logged.tenant, logged.call, logged.fact)
            self.clock.advance(1)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    office = Office(tmp_path)
    await migrate(office.url)
    await office.start()
    yield office
    await office.stop()


def of(facts: list[LoggedFact]) -> list[Fact]:
    return [logged.fact for logged in facts]


async def test_facts_are_numbered_dated_and_stored_while_the_call_goes_on(office: Office):
    begun = office.clock.wall()
    office.append(*SWITCHBOARD[:4])
    await office.settle()
    stored = await store.facts(office.db, "call_1")
    assert [(logged.seq, logged.at) for logged in stored] == [(n + 1, begun + n) for n in range(4)]
    assert of(stored) == of(SWITCHBOARD[:4])
    assert await store.calls(office.db) == []
    assert len(office.journal.load()) == 4, "they stay journaled until the call's record is stored"


async def test_the_record_is_written_when_the_call_ends_and_the_journal_is_empty(office: Office):
    office.append(*SWITCHBOARD)
    await office.settle()
    (record,) = await store.calls(office.db)
    assert record == derive(await store.facts(office.db, "call_1"))
    assert office.journal.load() == {}


async def test_until_its_record_can_be_read_the_facts_of_a_call_are_told_from_memory(office: Office):
    await office.log.close()
    stored: list[tuple[str, int]] = []

    def on_stored(facts: Sequence[LoggedFact]) -> None:
        stored.append((facts[0].call, len(facts)))

    office.log = CallLog(**office.outside, linger=0, on_stored=on_stored)
    office.log.open({})
    office.append(*SWITCHBOARD[:4])
    await office.settle()
    assert stored == []
    assert of(list(office.log.facts("call_1"))) == of(SWITCHBOARD[:4])
    office.append(*SWITCHBOARD[4:])
    assert len(office.log.facts("call_1")) == len(SWITCHBOARD)
    await office.settle()
    assert stored == [("call_1", len(SWITCHBOARD))]
    assert office.log.facts("call_1") == ()


async def test_the_record_waits_a_little_for_what_is_measured(office: Office):
    await office.log.close()
    office.log = CallLog(**office.outside, linger=0, patience=60.0)
    office.log.open({})
    office.append(*SWITCHBOARD)
    await office.settle()
    assert await store.calls(office.db) == []
    for leg in ("a", "c"):
        office.log.append("t1", "call_1", LegMeasured(leg, mos=4.4))
    await office.settle()
    (record,) = await store.calls(office.db)
    assert [leg.quality is not None for leg in record.legs] == [True, False, True]
    assert office.journal.load() == {}
    office.log.append("t1", "call_1", LegMeasured("c", mos=1.0))
    await office.settle()
    assert office.journal.load() == {}, "what comes later still is too late"


async def test_a_record_whose_legs_are_never_measured_is_written_at_the_end_of_patience(office: Office):
    await office.log.close()
    office.log = CallLog(**office.outside, linger=0, patience=60.0)
    office.log.open({})
    office.append(*SWITCHBOARD)
    until = office.log.deadline()
    assert until is not None
    office.log.on_timers(until - 1)
    await office.settle()
    assert await store.calls(office.db) == []
    office.log.on_timers(until)
    assert office.log.deadline() is None
    await office.settle()
    assert len(await store.calls(office.db)) == 1


async def test_nothing_is_waited_for_once_all_is_measured(office: Office):
    await office.log.close()
    office.log = CallLog(**office.outside, linger=0, patience=60.0)
    office.log.open({})
    office.append(*SWITCHBOARD)
    for leg in ("a", "c"):
        office.log.append("t1", "call_1", LegMeasured(leg, mos=4.4))
    assert office.log.deadline() is None


async def test_killed_in_the_middle_of_a_call_there_is_exactly_one_record(office: Office):
    office.append(*SWITCHBOARD[:7])
    await office.settle()
    office.append(*SWITCHBOARD[7:9])
    await office.kill()
    await office.start()
    office.append(*SWITCHBOARD[9:])
    await office.settle()
    assert of(await store.facts(office.db, "call_1")) == of(SWITCHBOARD)
    (record,) = await store.calls(office.db)
    assert [leg.leg for leg in record.legs] == ["a", "b", "c"]


@pytest.mark.parametrize("stored_before", [False, True])
async def test_killed_right_after_the_end_there_is_exactly_one_record(office: Office, stored_before: bool):
    office.append(*SWITCHBOARD)
    journaled = dict(office.journal._pending)
    if stored_before:
        await office.settle()
        for key, value in journaled.items():
            assert value is not None
            office.journal.put(key, value)  # its deletion never reached the disk
    await office.kill()
    await office.start()
    await office.settle()
    assert len(await store.calls(office.db)) == 1
    assert of(await store.facts(office.db, "call_1")) == of(SWITCHBOARD)
    assert office.journal.load() == {}


async def test_a_database_that_fails_in_between_gets_everything_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    failed = asyncio.Event()
    real = store.store

    async def stored_and_then_lost(db: Database, chunks: Sequence[store.Chunk]) -> None:
        await real(db, chunks)
        if not failed.is_set():
            failed.set()
            office.append(*SWITCHBOARD[4:])
            raise ConnectionError("the answer to COMMIT never came")

    monkeypatch.setattr(store, "store", stored_and_then_lost)
    office.append(*SWITCHBOARD[:4])
    await failed.wait()
    await office.settle()
    assert of(await store.facts(office.db, "call_1")) == of(SWITCHBOARD)
    assert len(await store.calls(office.db)) == 1
    assert office.journal.load() == {}


async def test_setting_the_machines_clock_gives_no_call_a_wrong_length(office: Office):
    office.append(SWITCHBOARD[0])
    office.clock.set_wall(office.clock.wall() - 3600)
    office.append(SWITCHBOARD[-1])
    await office.settle()
    (record,) = await store.calls(office.db)
    assert record.ended - record.started == 1


async def test_after_a_restart_with_a_clock_set_back_time_does_not_run_backwards(office: Office):
    office.append(SWITCHBOARD[0])
    await office.kill()
    office.clock.set_wall(office.clock.wall() - 3600)
    await office.start()
    office.append(SWITCHBOARD[-1])
    await office.settle()
    (record,) = await store.calls(office.db)
    assert record.ended >= record.started


async def test_one_tenant_sees_only_its_own_calls(office: Office):
    office.append(*SWITCHBOARD)
    office.append(*(msgspec.structs.replace(x, call="call_2", tenant="t2") for x in VOICEMAIL))
    await office.settle()
    assert [record.call for record in await store.calls(office.db, tenant="t1")] == ["call_1"]
    assert [record.call for record in await store.calls(office.db)] == ["call_1", "call_2"]
    assert await store.calls(office.db, tenant="t3") == []


async def test_the_newest_calls_come_last_and_the_oldest_are_left_out(office: Office):
    for n in range(5):
        office.append(
            *(msgspec.structs.replace(x, call=f"call_{n}") for x in (SWITCHBOARD[0], SWITCHBOARD[-1]))
        )
    await office.settle()
    assert [record.call for record in await store.calls(office.db, limit=2)] == ["call_3", "call_4"]


async def test_a_call_is_found_by_the_beginning_of_its_id(office: Office):
    office.append(SWITCHBOARD[0])
    await office.settle()
    assert await store.matching(office.db, "call_") == ["call_1"]
    assert await store.matching(office.db, "call%") == []
    assert await store.facts(office.db, "none") == []


async def test_a_thousand_calls_leave_nothing_in_memory_or_journal(office: Office):
    for n in range(1000):
        office.log.append("t1", f"call_{n:04}", CallStarted("a", SWITCHBOARD[0].fact.party, "100"))  # type: ignore[union-attr]
        office.log.append("t1", f"call_{n:04}", SWITCHBOARD[-1].fact)
    await office.settle()
    assert office.log._live == {}
    assert office.journal.load() == {}
    assert isinstance(SWITCHBOARD[-1].fact, CallEnded)


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_clock_that_was_set_while_nobody_was_there_changes_no_length(office: Office, hours: int):
    office.append(*SWITCHBOARD[:7])
    await office.kill()
    office.clock.set_wall(office.clock.wall() + hours * 3600)
    await office.start()
    office.append(*SWITCHBOARD[7:])
    await office.settle()
    (record,) = await store.calls(office.db)
    assert record.ended - record.started == pytest.approx(len(SWITCHBOARD) - 1)


async def test_facts_that_an_earlier_version_journaled_are_read(office: Office):
    for logged in SWITCHBOARD[:9]:
        office.journal.put(f"fact/{logged.call}/{logged.seq:06}", msgspec.msgpack.encode(logged))
    await office.kill()
    await office.start()
    office.append(*SWITCHBOARD[9:])
    await office.settle()
    assert of(await store.facts(office.db, "call_1")) == of(SWITCHBOARD)


@pytest.mark.parametrize("table", ["call_fact", "cdr"])
async def test_a_call_that_the_database_refuses_is_set_aside_and_holds_up_nobody(office: Office, table: str):
    bad = VOICEMAIL[0].call + "_bad"
    async with office.db.write() as connection:
        await connection.exec_driver_sql(
            f"CREATE TRIGGER picky BEFORE INSERT ON {table} WHEN new.call = '{bad}' "
            "BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        )
    office.append(*SWITCHBOARD)
    for number, logged in enumerate(VOICEMAIL):
        office.log.append(logged.tenant, bad, logged.fact)
        if number == 2:
            await office.settle()  # while the call goes on
    for logged in SWITCHBOARD:
        office.log.append(logged.tenant, "call_9", logged.fact)
    await office.settle()
    assert {record.call for record in await store.calls(office.db)} == {"call_1", "call_9"}
    assert not office.log.failing
    (line,) = (office.directory / "refused" / "calls.jsonl").read_bytes().splitlines()
    kept = msgspec.json.decode(line)
    assert "not this one" in kept["error"]
    assert [fact["seq"] for fact in kept["record"]] == list(range(1, len(VOICEMAIL) + 1))
    assert "calls.jsonl" in refused(office.directory)
    assert office.journal.load() == {}, "it is not tried again for ever"


async def test_a_fact_that_a_later_version_journaled_is_set_aside_and_the_call_goes_on(office: Office):
    """After going back by a version such a fact was thrown away, and the next one got its number."""
    office.append(*SWITCHBOARD[:3])
    later = {"type": "Whispered", "leg": "a", "text": "psst"}
    entry = {"call": "call_1", "tenant": "t1", "seq": 4, "at": office.clock.wall(), "fact": later}
    office.journal.put(f"{PREFIX}call_1/000004", msgspec.msgpack.encode(entry))
    known = msgspec.msgpack.encode(entry | {"seq": 5, "fact": {"type": "Held", "leg": "a"}})
    office.journal.put(f"{PREFIX}call_1/000005", known)
    other = msgspec.msgpack.decode(known) | {
        "mood": "merry",
        "fact": {"type": "Resumed", "leg": "a", "by": "b"},
    }
    office.journal.put(f"{PREFIX}call_1/000006", msgspec.msgpack.encode(other | {"seq": 6}))
    await office.kill()
    await office.start()
    office.append(*SWITCHBOARD[4:])
    await office.settle()
    facts = await store.facts(office.db, "call_1")
    assert [x.seq for x in facts[:6]] == [1, 2, 3, 5, 6, 7]
    assert of(facts[-2:]) == of(SWITCHBOARD[-2:])
    (record,) = await store.calls(office.db)
    assert record == derive(facts)
    (line,) = (office.directory / "refused" / "calls.jsonl").read_bytes().splitlines()
    assert msgspec.json.decode(line)["record"]["value"]["fact"] == later
    assert office.journal.load() == {}


async def test_of_a_stored_call_what_only_a_later_version_knows_is_left_out(office: Office):
    office.append(*SWITCHBOARD)
    await office.settle()
    (row,) = [x for x in await rows(office) if x.seq == 1]
    later = [*msgspec.json.decode(row.fact), [99, row.at, {"type": "Whispered", "leg": "a"}]]
    changed = msgspec.json.encode(later)
    async with office.db.write() as connection:
        await connection.execute(update(call_fact).where(call_fact.c.seq == 1).values(fact=changed))
    assert of(await store.facts(office.db, "call_1")) == of(SWITCHBOARD)
    assert of((await store.facts_of(office.db, "t1", ["call_1"]))["call_1"]) == of(SWITCHBOARD)


async def rows(office: Office) -> list[Any]:
    async with office.db.read() as connection:
        return list(await connection.execute(select(call_fact)))
