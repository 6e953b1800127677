"""`kill -9` of the engine: what the next one is told, so that everything that sounded goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.media.desk import GREETING, MENU, Desk, settled

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.model import InRoom
from tongdai.media import EngineGone, EngineRefused, wire
from tongdai.media import events as ev
from tongdai.media.recorders import recorded_ms
from tongdai.sdp import Negotiated, NegotiatedCodec

PEER = Negotiated([NegotiatedCodec("PCMU", 8000, 0, 0)], [], "203.0.113.1", 4000, 4001, "sendrecv", False)
GONE = EngineGone("killed")


@pytest.fixture
async def desk(tmp_path: Path) -> Desk:
    desk = Desk()
    desk.recordings.place = tmp_path
    (tmp_path / "t").mkdir()
    await desk.begin()
    await desk.leg()
    desk.engine.sent.clear()
    return desk


def wav(path: Path, ms: int) -> None:
    """A WAV of 8 kHz as a killed engine leaves it: its header tells of nothing yet."""
    header = bytearray(44)
    header[24:28] = (8000).to_bytes(4, "little")
    path.write_bytes(bytes(header) + bytes(16 * ms))


def die(desk: Desk) -> None:
    desk.engine.there = False
    desk.sessions.lost(desk.engine)
    desk.engine.sent.clear()


def rise(desk: Desk) -> None:
    """Another engine is there; leg `a` is opened in it again and its peer told."""
    desk.engine.there = True
    desk.sessions.replaced(desk.engine)
    desk.sessions.open("t", "a", lambda *x: desk.opened.append(x), "192.0.2.1", 20000)
    desk.sessions.remote("a", PEER)
    desk.sessions.rebuilt(desk.engine)


async def test_the_port_of_before_is_asked_for(desk: Desk):
    die(desk)
    rise(desk)
    assert desk.engine.of("open") == [{"session": "a", "ip": "192.0.2.1", "port": 20000}]


async def test_a_prompt_goes_on_where_the_engine_died(desk: Desk):
    desk.play("p1", GREETING, MENU)
    desk.now += 2.5
    die(desk)
    desk.now += 0.4
    rise(desk)
    assert desk.files() == [("p1", [str(GREETING), str(MENU)])]
    assert desk.engine.of("seek") == [{"session": "a", "play": "p1", "ms": 2500}]
    assert desk.engine.ops() == ["open", "remote", "play", "seek"]
    desk.sessions.on_event(ev.PlayDone(1, "a", "p1", "finished"))
    assert desk.posted == [("t", e.PlayDone("a", "p1"))]


@pytest.mark.parametrize("ending", ["finished", "stopped"])
async def test_a_prompt_that_was_over_is_not_heard_again(desk: Desk, ending: str):
    desk.play("p1", GREETING)
    if ending == "finished":
        desk.sessions.on_event(ev.PlayDone(1, "a", "p1", "finished"))
    else:
        desk.sessions.stop_play("a")
    die(desk)
    rise(desk)
    assert desk.files() == []


async def test_what_was_being_asked_when_the_engine_died_is_asked_of_the_next(desk: Desk):
    desk.play("p1", GREETING)
    die(desk)
    desk.engine.answer("play", GONE)
    await settled()
    assert desk.posted == [], "it has not failed"
    rise(desk)
    assert desk.files() == [("p1", [str(GREETING)])]


async def test_a_leg_whose_session_was_being_opened_gets_it_of_the_next_engine(desk: Desk):
    desk.sessions.open("t", "b", lambda *x: desk.opened.append(x))
    die(desk)
    desk.engine.answer("open", GONE)
    await settled()
    rise(desk)
    assert [x["session"] for x in desk.engine.of("open")] == ["a", "b"], "who had ports chooses first"
    desk.engine.answer("open", wire.Opened("192.0.2.1", 20000, 20001))
    desk.engine.answer("open", wire.Opened("192.0.2.1", 20002, 20003))
    await settled()
    assert desk.opened[-1] == (wire.Opened("192.0.2.1", 20002, 20003), "")


async def test_a_leg_that_ended_meanwhile_is_not_opened(desk: Desk):
    desk.sessions.open("t", "b", lambda *x: desk.opened.append(x))
    die(desk)
    desk.engine.answer("open", GONE)
    await settled()
    desk.sessions.close("b")
    rise(desk)
    assert [x["session"] for x in desk.engine.of("open")] == ["a"]


async def test_the_same_engine_again_means_that_what_was_asked_meanwhile_has_failed(desk: Desk):
    desk.sessions.open("t", "b", lambda *x: desk.opened.append(x))
    desk.play("p1", GREETING)
    die(desk)
    desk.engine.answer("open", GONE)
    desk.engine.answer("play", GONE)
    await settled()
    desk.engine.there = True
    desk.sessions.returned(desk.engine)
    assert desk.opened[-1] == (None, "no_engine")
    assert desk.posted == [("t", e.PlayDone("a", "p1", failed=True))]


async def test_rooms_are_opened_anew(desk: Desk):
    desk.sessions.hear("t", c.Hear("a", InRoom("600")))
    die(desk)
    rise(desk)
    desk.sessions.hear("t", c.Hear("a", InRoom("600")))
    assert desk.engine.of("mixer_open") == [{"mixer": "t/600"}]


async def test_a_recording_goes_on_behind_what_was_written(desk: Desk):
    desk.sessions.record("t", c.Record("a", "r1", 180_000, 5_000, "#"))
    desk.now += 30
    die(desk)
    rise(desk)
    [told] = desk.engine.of("record")
    assert (told["record"], told["max_ms"], told["resume"]) == ("r1", 150_000, True)
    desk.sessions.on_event(ev.RecordDone(1, "a", "r1", told["path"], 34_000, 33_000, "digit"))
    assert desk.posted == [("t", e.RecordDone("a", "r1", "blob1", 34_000, 33_000, "digit"))]


@pytest.mark.parametrize("ending", ["hang-up", "stop"])
async def test_a_recording_that_ended_while_no_engine_was_there_is_reported(desk: Desk, ending: str):
    desk.sessions.record("t", c.Record("a", "r1", 180_000, 5_000, "#"))
    wav(desk.recordings.place / "t" / "blob1", 4_000)
    die(desk)
    if ending == "stop":
        desk.sessions.stop_record("a")
        rise(desk)
    else:
        desk.sessions.close("a")
        desk.sessions.replaced(desk.engine)
    assert desk.posted == [("t", e.RecordDone("a", "r1", "blob1", 4_000, 4_000, "closed"))]
    assert desk.engine.of("record") == []


async def test_a_recording_that_cannot_go_on_keeps_what_it_has(desk: Desk):
    desk.sessions.record("t", c.Record("a", "r1", 180_000, 5_000, "#"))
    desk.engine.answer("record", {})
    await settled()
    wav(desk.recordings.place / "t" / "blob1", 4_000)
    die(desk)
    rise(desk)
    desk.engine.answer("record", EngineRefused("record", "bad_file"))
    await settled()
    assert desk.posted == [("t", e.RecordDone("a", "r1", "blob1", 4_000, 4_000, "closed"))]


async def test_what_begins_before_the_peer_is_known_waits_for_that(desk: Desk):
    """A browser is known only when it has answered; what began in between was begun twice, and the second
    beginning of a recording ended the first."""
    die(desk)
    desk.engine.there = True
    desk.sessions.replaced(desk.engine)
    desk.play("p1", GREETING)
    desk.sessions.record("t", c.Record("a", "r1", 180_000, 5_000, "#"))
    assert desk.engine.ops() == []
    desk.sessions.remote("a", PEER)
    assert desk.engine.ops() == ["remote", "play", "record"]


async def test_an_engine_that_dies_twice_is_asked_once_for_each_session(desk: Desk):
    """The second of two deaths in a row came while sessions were being opened again: those were asked for by
    who had waited and by who rebuilt, and whoever came second was refused, so that the leg ended."""
    die(desk)
    rise(desk)
    die(desk)
    desk.engine.answer("open", GONE)
    await settled()
    rise(desk)
    assert desk.engine.of("open") == [{"session": "a", "ip": "192.0.2.1", "port": 20000}]
    desk.engine.answer("open", wire.Opened("192.0.2.1", 20000, 20001))
    await settled()
    assert desk.opened[-1] == (wire.Opened("192.0.2.1", 20000, 20001), "")


def test_there_is_nothing_in_a_file_that_is_missing_or_has_no_header(tmp_path: Path):
    assert recorded_ms(tmp_path / "none") == 0
    (tmp_path / "short").write_bytes(b"RIFF")
    assert recorded_ms(tmp_path / "short") == 0
