"""`kill -9` of control while something is recorded: the next process goes on with it, whatever else ended
meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.media.desk import Desk, settled
from tests.unit.media.test_replaced import PEER, die, rise, wav

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.media import events as ev
from tongdai.media import wire

RECORD = c.Record("a", "r1", 180_000, 5_000, "#")


@pytest.fixture
async def entries(tmp_path: Path) -> dict[str, bytes]:
    """What the journal holds of a message that is being left, for 30 s now."""
    before = Desk()
    before.recordings.place = tmp_path
    (tmp_path / "t").mkdir()
    await before.begin()
    await before.leg()
    before.sessions.record("t", RECORD)
    before.journal.commit()
    return before.journal.load()


def next_desk(entries: dict[str, bytes], *sessions: wire.SessionInfo) -> Desk:
    """The next process; these sessions live in the engine."""
    desk = Desk()
    desk.now += 30
    desk.journal.kept.update(entries)
    desk.listed = [*sessions]
    return desk


def nothing_is_kept(desk: Desk) -> bool:
    desk.journal.commit()
    return not desk.journal.load()


RECORDED = wire.SessionInfo("a", 20000, record="r1")
DONE = ev.RecordDone(1, "a", "r1", "/blobs/t/blob1", 31_000, 30_000, "closed")
REPORTED = [("t", e.RecordDone("a", "r1", "blob1", 31_000, 30_000, "closed"))]


async def test_a_message_whose_caller_hung_up_in_the_last_moment_is_reported(entries: dict[str, bytes]):
    """Control was killed when it had journaled the hang-up and not heard yet that the recording had ended:
    its leg was known no more, and the message lost."""
    desk = next_desk(entries, RECORDED)
    await desk.begin(entries=entries)
    assert desk.engine.of("close") == [{"session": "a"}], "nobody's session"
    desk.sessions.caught_up()
    assert desk.posted == []
    desk.sessions.on_event(DONE)
    assert desk.posted == REPORTED
    assert nothing_is_kept(desk)


async def test_a_message_that_ended_while_nobody_listened_is_reported(entries: dict[str, bytes]):
    desk = next_desk(entries)
    await desk.begin(entries=entries)
    desk.sessions.on_event(DONE)
    desk.sessions.caught_up()
    assert desk.posted == REPORTED
    assert nothing_is_kept(desk)


async def test_a_message_whose_engine_died_too_after_the_hang_up_keeps_what_it_has(
    entries: dict[str, bytes], tmp_path: Path
):
    wav(tmp_path / "t" / "blob1", 4_000)
    desk = next_desk(entries)
    await desk.begin(entries=entries)
    desk.sessions.caught_up()
    assert desk.posted == [("t", e.RecordDone("a", "r1", "blob1", 4_000, 4_000, "closed"))]
    assert nothing_is_kept(desk)


async def test_a_message_goes_on_when_the_engine_dies_after_control(entries: dict[str, bytes]):
    """Its end was never reported, and its file was nobody's."""
    desk = next_desk(entries, RECORDED)
    await desk.begin({"a": "t"}, entries=entries)
    desk.sessions.caught_up()
    assert desk.engine.of("record") == [], "it goes on by itself"
    die(desk)
    rise(desk)
    [told] = desk.engine.of("record")
    assert (told["record"], told["max_ms"], told["resume"]) == ("r1", 150_000, True)
    desk.sessions.on_event(DONE)
    assert desk.posted == REPORTED


async def test_a_message_goes_on_when_both_died(entries: dict[str, bytes]):
    desk = next_desk(entries)
    await desk.begin({"a": "t"}, entries=entries)
    desk.sessions.silence(["a"])
    desk.sessions.open("t", "a", lambda *x: None, "192.0.2.1", 20000)
    desk.sessions.remote("a", PEER)
    desk.sessions.caught_up()
    [told] = desk.engine.of("record")
    assert (told["record"], told["max_ms"], told["resume"]) == ("r1", 150_000, True)


async def test_a_recording_that_the_engine_was_never_told_of_begins(entries: dict[str, bytes]):
    """Control died in between: the caller heard that there was a fault."""
    desk = next_desk(entries, wire.SessionInfo("a", 20000))
    await desk.begin({"a": "t"}, entries=entries)
    desk.sessions.caught_up()
    assert [told["record"] for told in desk.engine.of("record")] == ["r1"]
    await settled()
    assert desk.posted == []


async def test_an_entry_that_cannot_be_read_costs_its_own_recording_only(entries: dict[str, bytes]):
    entries["recording/r0"] = b"\x80"
    desk = next_desk(entries, RECORDED)
    await desk.begin(entries=entries)
    assert desk.sessions.records("r1")
    desk.sessions.on_event(DONE)
    assert nothing_is_kept(desk)
