"""The sound of legs: what the engine is told, and what the call logic hears of it."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from tests.unit.media.desk import GREETING, MENU, Desk, settled

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls import facts as f
from tongdai.calls.model import Echo, Hears, InRoom, Music, RingTone, Silence, Source
from tongdai.calls.prompts import Clip, Text
from tongdai.media import EngineGone, EngineRefused, wire
from tongdai.media import events as ev
from tongdai.sdp import Negotiated, NegotiatedCodec


@pytest.fixture
async def desk() -> Desk:
    desk = Desk()
    await desk.begin()
    await desk.leg()
    desk.engine.sent.clear()
    return desk


# sessions


async def test_a_session_is_opened_and_closed_under_the_legs_own_name(desk: Desk):
    assert desk.opened == [(wire.Opened("192.0.2.1", 20000, 20001), "")]
    desk.sessions.close("a")
    desk.sessions.close("a")
    assert desk.engine.of("close") == [{"session": "a"}]


@pytest.mark.parametrize(
    ("error", "code"),
    [(EngineRefused("open", "no_ports"), "no_ports"), (EngineGone("away"), "no_engine")],
)
async def test_a_session_that_cannot_be_opened_says_why(desk: Desk, error: Exception, code: str):
    desk.sessions.open("t", "b", lambda *x: desk.opened.append(x))
    desk.engine.answer("open", error)
    await settled()
    assert desk.opened[-1] == (None, code)
    desk.sessions.close("b")
    assert desk.engine.of("close") == []


async def test_a_leg_that_ends_while_its_session_opens_closes_it(desk: Desk):
    desk.sessions.open("t", "b", lambda *x: desk.opened.append(x))
    desk.sessions.close("b")
    assert desk.engine.ops() == ["open", "close"]


async def test_the_peer_is_told_with_the_tenant_as_tag(desk: Desk):
    voice = [NegotiatedCodec("PCMU", 8000, 0, 0), NegotiatedCodec("opus", 48000, 96, 111, "usedtx=1")]
    events = [
        NegotiatedCodec("telephone-event", 48000, 97, 110),
        NegotiatedCodec("telephone-event", 8000, 101, 101),
    ]
    there = Negotiated(voice, events, "203.0.113.1", 4000, 4001, "sendonly", held_by_peer=False, ptime=30)
    desk.sessions.remote("a", there)
    assert desk.engine.of("remote") == [
        {
            "session": "a",
            "ip": "203.0.113.1",
            "port": 4000,
            "rtcp_port": 4001,
            "codecs": [
                {"name": "PCMU", "pt": 0},
                {"name": "opus", "pt": 96, "rx_pt": 111, "fmtp": "usedtx=1"},
            ],
            "dtmf": [{"pt": 97, "rx_pt": 110, "clock": 48000}, {"pt": 101, "clock": 8000}],
            "direction": "sendonly",
            "ptime": 30,
            "tag": "t",
        }
    ]


async def test_where_the_peer_signals_from_is_told_without_its_zone(desk: Desk):
    desk.sessions.signal("a", "203.0.113.1", 5060)
    desk.sessions.signal("a", "fe80::1%eth0", 5061)
    assert desk.engine.of("signal") == [
        {"session": "a", "ip": "203.0.113.1", "port": 5060},
        {"session": "a", "ip": "fe80::1", "port": 5061},
    ]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (Silence(), wire.Silence()),
        (Echo(), wire.Echo()),
        (Hears("b"), wire.HearSession("b")),
        (Music(), wire.Music("/music/t")),
        (RingTone(), wire.Tone("ringback")),
        (InRoom("600"), wire.HearMixer("t/600")),
    ],
)
async def test_what_a_leg_hears(desk: Desk, source: Source, told: wire.EngineSource):
    desk.sessions.hear("t", c.Hear("a", source))
    assert desk.engine.of("hear") == [{"session": "a", "source": told}]


async def test_a_leg_that_is_gone_is_told_nothing(desk: Desk):
    desk.sessions.close("a")
    desk.engine.sent.clear()
    desk.sessions.hear("t", c.Hear("a", Echo()))
    desk.play("p1", GREETING)
    desk.sessions.stop_play("a")
    desk.sessions.signal("a", "203.0.113.1", 5060)
    assert desk.engine.sent == []


# playing


async def test_prompts_that_exist_are_played_at_once(desk: Desk):
    desk.play("p1", GREETING, MENU)
    assert desk.files() == [("p1", [str(GREETING), str(MENU)])]
    assert "stop" not in desk.engine.ops()


async def test_the_end_of_a_prompt_is_told_once(desk: Desk):
    desk.play("p1", GREETING)
    desk.sessions.on_event(ev.PlayDone(1, "a", "p1", "finished"))
    desk.sessions.on_event(ev.PlayDone(2, "a", "p1", "stopped"))
    desk.sessions.on_event(ev.PlayDone(3, "a", "p1", "closed"))
    assert desk.posted == [("t", e.PlayDone("a", "p1"))]


async def test_a_prompt_that_must_be_made_is_played_when_it_is_ready(desk: Desk):
    name = Text("For Lan, press 1.")
    desk.prompts.making[name] = asyncio.Event()
    desk.play("p1", GREETING, name)
    await settled()
    assert desk.files() == []
    assert desk.engine.of("stop") == [{"session": "a"}]
    desk.prompts.making[name].set()
    await settled()
    assert desk.files() == [("p1", [str(GREETING), str(name)])]


@pytest.mark.parametrize("by", ["another prompt", "a stop", "the end of the leg"])
async def test_a_prompt_that_nobody_waits_for_any_more_is_not_played(desk: Desk, by: str):
    name = Text("For Lan, press 1.")
    desk.prompts.making[name] = asyncio.Event()
    desk.play("p1", name)
    await settled()
    if by == "another prompt":
        desk.play("p2", GREETING)
    elif by == "a stop":
        desk.sessions.stop_play("a")
    else:
        desk.sessions.close("a")
    desk.prompts.making[name].set()
    await settled()
    assert desk.files() == ([("p2", [str(GREETING)])] if by == "another prompt" else [])
    assert desk.posted == []


async def test_a_prompt_that_cannot_be_made_does_not_keep_the_call_waiting(desk: Desk):
    name = Text("For Lan, press 1.")
    desk.prompts.impossible.add(name)
    desk.play("p1", name)
    await settled()
    assert desk.posted == [("t", e.PlayDone("a", "p1", failed=True))]


async def test_of_several_prompts_those_that_can_be_made_are_played(desk: Desk):
    desk.play("p1", GREETING, Clip("gone"))
    await settled()
    assert desk.files() == [("p1", [str(GREETING)])]
    assert desk.posted == []


async def test_a_prompt_that_cannot_be_made_and_is_not_wanted_any_more_says_nothing(desk: Desk):
    desk.play("p1", Clip("gone"))
    desk.play("p2", GREETING)
    await settled()
    assert desk.posted == []


@pytest.mark.parametrize("error", [EngineRefused("play", "bad_file"), EngineGone("away")])
async def test_what_the_engine_cannot_play_has_failed(desk: Desk, error: Exception):
    desk.play("p1", GREETING)
    desk.engine.answer("play", error)
    await settled()
    assert desk.posted == [("t", e.PlayDone("a", "p1", failed=True))]


async def test_what_the_engine_refuses_too_late_says_nothing(desk: Desk):
    desk.play("p1", GREETING)
    desk.play("p2", MENU)
    desk.engine.answer("play", EngineRefused("play", "bad_file"))
    await settled()
    assert desk.posted == []


async def test_a_stop_is_told_to_the_engine(desk: Desk):
    desk.play("p1", GREETING)
    desk.sessions.stop_play("a")
    assert desk.engine.of("stop") == [{"session": "a"}]


# recording


def record(desk: Desk, leg: str = "a", name: str = "r1") -> None:
    desk.sessions.record("t", c.Record(leg, name, 180_000, 5_000, "#"))


async def test_a_recording_goes_to_a_new_blob_and_is_reported_with_it(desk: Desk):
    record(desk)
    [told] = desk.engine.of("record")
    assert told == {
        "session": "a",
        "record": "r1",
        "path": "/blobs/t/blob1",
        "max_ms": 180_000,
        "silence_ms": 5_000,
        "stop_digits": "#",
    }
    desk.sessions.on_event(ev.RecordDone(1, "a", "r1", told["path"], 4000, 3000, "digit", "#"))
    assert desk.posted == [("t", e.RecordDone("a", "r1", "blob1", 4000, 3000, "digit"))]


async def test_a_caller_who_hangs_up_has_still_left_the_message(desk: Desk):
    record(desk)
    desk.sessions.close("a")
    desk.sessions.on_event(ev.RecordDone(1, "a", "r1", "/blobs/t/blob1", 4000, 3000, "closed"))
    assert desk.posted == [("t", e.RecordDone("a", "r1", "blob1", 4000, 3000, "closed"))]


async def test_a_recording_that_cannot_begin_ends_as_unwritable(desk: Desk):
    record(desk)
    desk.engine.answer("record", EngineRefused("record", "bad_file"))
    await settled()
    assert desk.posted == [("t", e.RecordDone("a", "r1", "blob1", 0, 0, "disk"))]
    desk.sessions.on_event(ev.RecordDone(1, "a", "r1", "/blobs/t/blob1", 1, 1, "closed"))
    assert len(desk.posted) == 1


async def test_a_recording_is_stopped(desk: Desk):
    record(desk)
    desk.sessions.stop_record("a")
    assert desk.engine.of("stop_record") == [{"session": "a"}]


# rooms


async def test_a_rooms_mixer_is_opened_once_and_closed_with_it(desk: Desk):
    await desk.leg("b")
    desk.engine.sent.clear()
    for leg in "ab":
        desk.sessions.hear("t", c.Hear(leg, InRoom("600")))
    desk.sessions.chime("t", "600", joined=True)
    desk.sessions.close_room("t", "600")
    desk.sessions.close_room("t", "600")
    desk.sessions.chime("t", "600", joined=False)
    assert desk.engine.ops() == ["mixer_open", "hear", "hear", "mixer_play", "mixer_close"]
    assert desk.engine.of("mixer_play") == [{"mixer": "t/600", "files": ["/chime/True"]}]
    desk.sessions.hear("t", c.Hear("a", InRoom("600")))
    assert desk.engine.ops()[-2:] == ["mixer_open", "hear"]


async def test_a_key_is_sent_to_a_leg_that_is_there(desk: Desk):
    desk.sessions.send_digit("a", "5")
    desk.sessions.send_digit("gone", "6")
    assert [(x["session"], x["digits"]) for x in desk.engine.of("dtmf")] == [("a", "5")]


async def test_rooms_of_two_tenants_are_two(desk: Desk):
    await desk.leg("b", "other")
    desk.sessions.hear("t", c.Hear("a", InRoom("600")))
    desk.sessions.hear("other", c.Hear("b", InRoom("600")))
    assert desk.engine.of("mixer_open") == [{"mixer": "t/600"}, {"mixer": "other/600"}]
    desk.sessions.close_room("other", "600")
    assert desk.engine.of("mixer_close") == [{"mixer": "other/600"}]


# events


async def test_keys_are_told_to_the_tenant_of_their_leg(desk: Desk):
    desk.sessions.on_event(ev.Dtmf(1, "a", "5"))
    desk.sessions.on_event(ev.Dtmf(2, "stranger", "6"))
    assert desk.posted == [("t", e.LegDigit("a", "5"))]


async def test_what_the_call_logic_need_not_know_is_only_logged(desk: Desk):
    for event in (
        ev.Latched(1, "a", "203.0.113.1", 4000),
        ev.Failed(3, "hear", "no_session", session="a"),
        ev.Orphaned(4, "a"),
    ):
        desk.sessions.on_event(event)
    assert desk.posted == []


async def test_sessions_that_nobody_claimed_are_counted(desk: Desk):
    assert desk.sessions.metrics()["sessions_orphaned"] == 0
    for n, leg in enumerate(("a", "of_the_process_before"), 1):
        desk.sessions.on_event(ev.Orphaned(n, leg))
    assert desk.sessions.metrics()["sessions_orphaned"] == 2


async def test_what_is_missing_of_a_leg_and_its_return_are_told_to_its_tenant(desk: Desk):
    desk.sessions.on_event(ev.Quiet(1, "a", 5_000, "packets"))
    desk.sessions.on_event(ev.Heard(2, "a", 8_000))
    desk.sessions.on_event(ev.Quiet(3, "stranger", 5_000, "sound"))
    assert desk.posted == [("t", e.LegUnheard("a", "packets", 5_000)), ("t", e.LegHeard("a", 8_000))]


async def test_what_was_measured_of_a_leg_is_noted_in_the_call_in_which_it_ended(desk: Desk):
    await desk.leg("b")
    for leg in ("a", "b"):
        desk.sessions.close(leg)
        desk.sessions.ended("call", leg)
    desk.engine.answer(
        "close",
        wire.Closed(wire.Stats(rx_packets=950, rx_lost=50, rx_jitter_ms=3.14, tx_packets=1, rx_mos=3.9)),
    )
    desk.engine.answer("close", wire.Closed(wire.Stats()))
    await settled()
    measured = f.LegMeasured("a", mos=3.9, lost=0.05, jitter_ms=3.1)
    assert desk.noted == [("t", "call", measured)], "b had no sound in either direction"


async def test_what_the_engine_decoded_and_what_the_peer_reports_is_measured_too(desk: Desk):
    desk.sessions.close("a")
    desk.sessions.ended("call", "a")
    decoded = {"heard_ms": 2_000, "concealed_ms": 60}
    reported = {
        "tx_packets": 1_500,
        "tx_reported": 1_000,
        "tx_lost": 25,
        "tx_jitter_ms": 4.56,
        "rtt_ms": 80.04,
        "tx_mos": 4.1,
    }
    stats = msgspec.convert({"rx_packets": 100, **decoded, **reported}, wire.Stats)
    desk.engine.answer("close", wire.Closed(stats))
    await settled()
    measured = f.LegMeasured(
        "a", heard_mos=4.1, round_trip_ms=80.0, concealed=0.03, heard_lost=0.025, heard_jitter_ms=4.6
    )
    assert desk.noted == [("t", "call", measured)]


async def test_nothing_is_kept_of_a_leg_that_has_no_session(desk: Desk):
    desk.sessions.ended("call", "c")
    assert desk.sessions._calls == {}


# a process that takes over


async def test_sessions_of_known_legs_are_claimed_and_strays_closed():
    desk = Desk()
    found = await desk.begin({"a": "t", "b": "t"}, "a", "stray", mixers=("t/600",))
    assert found == {"a"}
    assert desk.engine.of("close") == [{"session": "stray"}]
    desk.sessions.on_event(ev.Dtmf(1, "a", "5"))
    assert desk.posted == [("t", e.LegDigit("a", "5"))]
    desk.sessions.hear("t", c.Hear("a", InRoom("600")))
    assert "mixer_open" not in desk.engine.ops()
    desk.sessions.close("b")
    assert len(desk.engine.of("close")) == 1


async def test_what_happened_while_nobody_listened_is_told_once_the_legs_are_known():
    """The engine keeps events for the next process and gives them right after the greeting: a greeting that
    ended meanwhile left its caller in silence for ever."""
    desk = Desk()
    desk.sessions.on_event(ev.PlayDone(1, "a", "p1", "finished"))
    desk.sessions.on_event(ev.Dtmf(2, "a", "5"))
    assert desk.posted == []
    await desk.begin({"a": "t"}, "a")
    assert desk.posted == [("t", e.PlayDone("a", "p1")), ("t", e.LegDigit("a", "5"))]


async def test_a_prompt_of_the_process_before_can_be_stopped():
    """A caller who pressed a key after a restart heard the greeting to its end, over whoever answered."""
    desk = Desk()
    await desk.begin({"a": "t"}, "a")
    desk.sessions.stop_play("a")
    assert desk.engine.of("stop") == [{"session": "a"}]


async def test_a_recording_of_nobody_is_dropped():
    desk = Desk()
    await desk.begin({"a": "t"}, "a")
    desk.sessions.on_event(ev.RecordDone(1, "x", "r1", "/blobs/t/blob7.wav", 4000, 3000, "closed"))
    assert desk.posted == []


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (ev.Expired(1, "a", 15_200), "browser_gone 15"),
        (ev.Insecure(1, "a", "the handshake failed"), "no_keys the handshake failed"),
        (ev.Failed(1, "session", "internal", "a fault", "a"), "sound_failed a fault"),
        (ev.Failed(1, "mixer", "internal", "a fault", "a", "t/600"), "sound_failed a fault"),
    ],
)
async def test_a_leg_that_can_have_no_sound_is_told_with_the_reason(event: ev.EngineEvent, why: str):
    desk = Desk()
    gone: list[tuple[str, str]] = []
    desk.sessions.on_gone = lambda *x: gone.append(x)
    await desk.begin()
    await desk.leg()
    desk.sessions.on_event(event)
    desk.sessions.on_event(msgspec.structs.replace(event, session="x"))
    assert gone == [("a", why)]


async def test_what_the_engine_was_told_by_the_process_before_is_known():
    desk = Desk()
    desk.listed = [
        wire.SessionInfo("a", 20000, {"kind": "session", "session": "b"}, play="p1", record="r1"),
        wire.SessionInfo("b", 20002, {"kind": "silence"}),
        wire.SessionInfo("stray", 20004, {"kind": "echo"}, play="p9"),
    ]
    assert await desk.begin({"a": "t", "b": "t", "c": "t"}) == {"a", "b"}
    sessions = desk.sessions
    sessions.heard("t", "a", Hears("b"))
    sessions.heard("t", "b", Music())
    assert desk.engine.of("hear") == [{"session": "b", "source": wire.Music("/music/t")}]
    assert [sessions.was_told("a", play) for play in ("p1", "r1", "p2")] == [True, False, False]
    assert not sessions.was_told("stray", "p9")
    sessions.play("t", c.Play("b", "p3", (GREETING,)))
    assert sessions.was_told("b", "p3"), "by ourselves"


async def test_a_voice_that_hangs_keeps_no_caller_in_silence_and_goes_on_for_the_next(desk: Desk):
    slow = Text("spoken tomorrow")
    desk.prompts.making[slow] = asyncio.Event()
    desk.sessions._players._patience = 0.1
    desk.play("p1", GREETING, slow)
    async with asyncio.timeout(5):
        while not desk.files():
            await settled()
    assert [len(files) for _, files in desk.files()] == [1], "what there is is played"
    desk.play("p2", slow)
    async with asyncio.timeout(5):
        while not desk.posted:
            await settled()
    assert desk.posted == [("t", e.PlayDone("a", "p2", failed=True))]
    desk.prompts.making[slow].set()
    await settled()
    desk.prompts.existing.add(slow)
    desk.play("p3", slow)
    assert desk.files()[-1][0] == "p3"
