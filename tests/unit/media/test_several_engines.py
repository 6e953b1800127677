"""An upgrade has left an engine with its sessions: who is told what, and how those hear each other who are
in two engines."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.unit.media.desk import GREETING, Desk, Engine, settled
from tests.unit.media.test_replaced import PEER

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.model import Hears, InRoom, Music, Silence
from tongdai.media import EngineGone, EngineRefused, wire
from tongdai.media import events as ev
from tongdai.sdp import Codec

GSM = Codec("GSM", 8000, 3)
TO_NEW, TO_FORMER = "old@engine", "new@engine-0"


class Two(Desk):
    """A leg `old` in an engine of before, and a leg `new` in that of now."""

    def __init__(self) -> None:
        super().__init__()
        self.former = Engine()
        self.sessions.use(self.former, "engine-0")
        self.gone: list[tuple[str, str]] = []
        self.sessions.on_gone = lambda *x: self.gone.append(x)
        self.sessions.spoken = lambda leg: (["G722", "PCMA"], [GSM])
        self.ports = 30000

    async def adopt(
        self, old: dict[str, Any], new: dict[str, Any] | None = None, *, mixers: tuple[str, ...] = ()
    ) -> None:
        """Take over these sessions, with what they hear. Those named like legs of `legs` are legs."""
        legs = {name: "t" for name in (*old, *(new or {})) if "@" not in name}
        task = asyncio.create_task(self.sessions.adopt(legs, {}))
        for engine, sessions in ((self.engine, new or {}), (self.former, old)):
            await settled()
            lines = tuple(
                wire.SessionInfo(name, 20000 + 2 * at, source)
                for at, (name, source) in enumerate(sessions.items())
            )
            engine.answer("list", wire.Listing(lines, mixers))
        await task
        for engine in (self.engine, self.former):
            engine.sent.clear()

    async def open_links(self) -> None:
        """Both engines open what they were asked to."""
        for engine in (self.engine, self.former):
            while any(op == "open" for op, _ in engine.waiting):
                self.ports += 2
                engine.answer("open", wire.Opened("127.0.0.1", self.ports, self.ports + 1))
        await settled()

    def hear(self, leg: str, source: Any) -> None:
        self.sessions.hear("t", c.Hear(leg, source))


@pytest.fixture
async def two() -> Two:
    two = Two()
    await two.adopt({"old": {"kind": "silence"}})
    two.sessions.adopted()
    await two.leg("new")
    two.engine.sent.clear()
    return two


async def talk(two: Two) -> None:
    two.hear("old", Hears("new"))
    two.hear("new", Hears("old"))
    await two.open_links()


async def test_new_sessions_are_opened_in_the_new_engine_and_others_stay(two: Two):
    two.sessions.signal("old", "203.0.113.1", 5060)
    two.sessions.remote("old", PEER)
    two.hear("old", Music())
    two.play("p1", GREETING, leg="old")
    two.sessions.record("t", c.Record("old", "r1", 180_000, 5_000, "#"))
    two.sessions.send_digit("old", "5")
    two.sessions.stop_play("old")
    two.sessions.stop_record("old")
    two.sessions.close("old")
    assert two.former.ops() == "signal remote hear play record dtmf stop stop_record close".split()
    assert two.engine.sent == []
    two.sessions.open("t", "later", lambda *x: None)
    assert two.engine.ops() == ["open"]


async def test_each_leg_shows_the_certificate_of_its_own_engine(two: Two):
    two.engine.fingerprint, two.former.fingerprint = "now", "before"
    assert [two.sessions.fingerprint(leg) for leg in ("old", "new")] == ["before", "now"]


async def test_two_who_are_in_two_engines_hear_each_other(two: Two):
    await talk(two)
    for engine, own in ((two.engine, "new"), (two.former, "old")):
        assert {x["session"] for x in engine.of("open")} == {TO_NEW, TO_FORMER}
        assert {x["ip"] for x in engine.of("open")} == {"127.0.0.1"}
        other = TO_NEW if own == "new" else TO_FORMER
        mine = TO_FORMER if own == "new" else TO_NEW
        told = {x["session"]: x["source"] for x in engine.of("hear")}
        assert told == {
            own: wire.HearSession(other),
            mine: wire.HearSession(own),
            other: wire.Silence(),
        }
    here, there = (
        {x["session"]: x for x in engine.of("remote")}[TO_NEW] for engine in (two.engine, two.former)
    )
    assert (here["direction"], there["direction"]) == ("recvonly", "sendonly")
    assert here["port"] != there["port"]
    assert [codec["name"] for codec in there["codecs"]] == ["G722", "PCMA", "PCMU", "opus"]
    assert there["foreign"] == [{"name": "GSM", "clock": 8000, "pt": 3}]
    assert [key.get("clock", 8000) for key in there["dtmf"]] == [8000, 48000]


async def test_what_the_leg_speaks_from_now_on_is_passed_on_too(two: Two):
    await talk(two)
    two.sessions.spoken = lambda leg: (["OPUS"], [])
    two.former.sent.clear()
    two.sessions.remote("old", PEER)
    [told] = [x for x in two.former.of("remote") if x["session"] == TO_NEW]
    assert told["codecs"][0]["name"] == "opus"


async def test_nothing_of_it_is_left_when_they_hear_something_else_or_end(two: Two):
    await talk(two)
    two.hear("new", Music())
    for engine in (two.engine, two.former):
        assert engine.of("close") == [{"session": TO_NEW}]
    two.sessions.close("new")
    assert {x["session"] for x in two.former.of("close")} == {TO_NEW, TO_FORMER}
    assert {x["session"] for x in two.engine.of("close")} == {"new", TO_NEW, TO_FORMER}


async def test_a_leg_that_several_hear_goes_over_once(two: Two):
    await two.leg("second")
    two.hear("new", Hears("old"))
    two.hear("second", Hears("old"))
    assert [x["session"] for x in two.former.of("open")] == [TO_NEW]
    two.hear("new", Silence())
    assert two.former.of("close") == []
    two.hear("second", Silence())
    assert two.former.of("close") == [{"session": TO_NEW}]


async def test_a_room_that_began_before_takes_who_comes_later(two: Two):
    two.hear("old", InRoom("600"))
    assert two.former.of("open") == []
    two.hear("new", InRoom("600"))
    await two.open_links()
    room = "t/600@engine-engine-0"
    for engine in (two.engine, two.former):
        assert engine.of("mixer_open") == [{"mixer": "t/600"}]
        assert [x["session"] for x in engine.of("open") if "@" in x["session"]] == [room]
        assert {x["session"] for x in engine.of("hear") if x["source"] == wire.HearMixer("t/600")} >= {room}
        [told] = [x for x in engine.of("remote") if x["session"] == room]
        assert (told["direction"], [codec["name"] for codec in told["codecs"]]) == ("sendrecv", ["G722"])
    two.sessions.chime("t", "600", joined=True)
    assert len(two.former.of("mixer_play") + two.engine.of("mixer_play")) == 1
    two.sessions.close("old")
    assert {x["session"] for x in two.former.of("close")} == {"old", room}, "so that the engine can end"
    two.sessions.close_room("t", "600")
    assert two.engine.of("mixer_close") == [{"mixer": "t/600"}]
    assert two.former.of("mixer_close") == [{"mixer": "t/600"}]


async def test_the_control_process_after_this_one_lets_them_talk_on_and_closes_what_is_of_no_use():
    two = Two()
    over = {"kind": "session", "session": TO_NEW}
    await two.adopt(
        {"old": {"kind": "session", "session": TO_FORMER}, TO_NEW: {}, TO_FORMER: {}, "gone@engine": {}},
        {"new": over, TO_NEW: {}, TO_FORMER: {}},
    )
    two.sessions.heard("t", "old", Hears("new"))
    two.sessions.heard("t", "new", Hears("old"))
    two.sessions.adopted()
    assert two.engine.sent == []
    assert two.former.sent == [{"op": "close", "session": "gone@engine"}]
    two.sessions.remote("old", PEER)
    assert {x["session"] for x in two.former.of("remote")} == {"old", TO_NEW}, "it is a link as any other"


async def test_half_a_link_is_made_anew():
    two = Two()
    await two.adopt({"old": {}, TO_NEW: {}}, {"new": {"kind": "session", "session": TO_NEW}})
    two.sessions.heard("t", "new", Hears("old"))
    two.sessions.adopted()
    assert two.former.ops() == ["close", "open", "hear"]
    assert two.engine.ops() == ["open", "hear"]


async def test_who_was_in_an_engine_that_is_gone_goes_on_in_the_new_one(two: Two):
    await talk(two)
    two.play("p1", GREETING, leg="old")
    two.now += 2
    two.former.there = False
    two.sessions.lost(two.former)
    two.engine.sent.clear()
    assert two.sessions.replaced(two.former) == {"old"}
    two.sessions.open("t", "old", lambda *x: two.opened.append(x), "192.0.2.1", 20000)
    two.sessions.remote("old", PEER)
    two.hear("old", Hears("new"))
    two.sessions.rebuilt(two.former)
    told = {x["session"]: x["source"] for x in two.engine.of("hear")}
    assert told == {"old": wire.HearSession("new"), "new": wire.HearSession("old")}
    assert {x["session"] for x in two.engine.of("close")} == {TO_NEW, TO_FORMER}
    assert two.engine.of("seek") == [{"session": "old", "play": "p1", "ms": 2000}]
    metrics = two.sessions.metrics()
    assert (metrics["former_engines"], metrics["legs_on_former_engines"]) == (0, 0)


async def test_what_was_being_asked_of_an_engine_that_is_gone_has_not_failed(two: Two):
    two.play("p1", GREETING, leg="old")
    two.former.there = False
    two.former.answer("play", EngineGone("killed"))
    await settled()
    assert two.posted == []


async def test_when_the_new_engine_dies_those_in_the_former_are_heard_again(two: Two):
    await talk(two)
    two.engine.there = False
    two.sessions.lost(two.engine)
    two.former.sent.clear()
    two.engine.there = True
    assert two.sessions.replaced(two.engine) == {"new"}
    two.sessions.open("t", "new", lambda *x: two.opened.append(x))
    two.hear("new", Hears("old"))
    two.sessions.rebuilt(two.engine)
    assert {x["session"] for x in two.former.of("open")} == {TO_NEW, TO_FORMER}
    assert {"session": "old", "source": wire.HearSession(TO_FORMER)} in two.former.of("hear")
    metrics = two.sessions.metrics()
    assert (metrics["former_engines"], metrics["legs_on_former_engines"]) == (1, 1)


async def test_whose_sound_finds_no_way_ends_with_the_reason(two: Two):
    two.hear("new", Hears("old"))
    two.former.answer("open", EngineRefused("open", "no_ports"))
    await settled()
    [(leg, why)] = two.gone
    assert (leg, "no_ports" in why) == ("new", True)


async def test_a_fault_of_a_link_ends_who_heard_it(two: Two):
    await talk(two)
    two.sessions.on_event(ev.Failed(1, "session", "internal", "a fault", TO_NEW))
    assert two.gone == [("new", "sound_failed a fault")]


async def test_a_recording_that_ends_in_a_living_engine_is_reported_by_that(two: Two):
    two.sessions.record("t", c.Record("new", "r1", 180_000, 5_000, "#"))
    two.sessions.close("new")
    two.sessions.lost(two.former)
    two.sessions.replaced(two.former)
    two.sessions.rebuilt(two.former)
    assert two.posted == []
    two.sessions.on_event(ev.RecordDone(1, "new", "r1", "/blobs/t/blob1", 4000, 3000, "closed"))
    assert two.posted == [("t", e.RecordDone("new", "r1", "blob1", 4000, 3000, "closed"))]
