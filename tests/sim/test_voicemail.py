from __future__ import annotations

import pytest
from tests.sim.company import MAIN, OUTSIDE
from tests.sim.invariants import Checked

from tongdai.calls import commands as c
from tongdai.calls import facts as f
from tongdai.calls.events import PlayDone, RecordDone, TimerFired
from tongdai.calls.model import Cause, Party, PartyKind
from tongdai.calls.prompts import Clip


def to_beep(sim: Checked, caller: str = "lan-1", dialled: str = "102") -> str:
    """A call to somebody who is not there, up to the end of the beep."""
    sim.unregister("minh-1")
    leg = sim.call(caller, dialled)
    sim.advance(2.5)
    assert sim.lines[leg].recording is not None
    return leg


def test_message_is_saved_with_caller_and_length(sim: Checked) -> None:
    lan = to_beep(sim)
    sim.speak(lan, 7)
    sim.advance(8)
    sim.press(lan, "#")
    (saved,) = sim.carried_out(c.SaveMessage)
    assert saved.mailbox == "box-102"
    assert saved.caller == Party(PartyKind.PERSON, "101", "Lan Nguyen", "lan", "lan-1")
    assert saved.ms == pytest.approx(8000, abs=200)
    assert sim.saying(lan) == ["voicemail.saved"]
    sim.advance(3)
    assert sim.cause(lan) is Cause.NORMAL
    assert sim.noted(lan, f.MessageLeft) == [f.MessageLeft("box-102", "Minh Tran", saved.ms)]


def test_a_hash_in_sip_info_ends_the_message_too(sim: Checked) -> None:
    """The engine, which ends recordings, knows nothing of it: the caller spoke on to the limit."""
    lan = to_beep(sim)
    sim.speak(lan, 7)
    sim.advance(8)
    sim.press(lan, "#", signalled=True)
    assert len(sim.carried_out(c.SaveMessage)) == 1
    assert sim.saying(lan) == ["voicemail.saved"]


def test_hanging_up_while_recorded_saves_the_message_before_the_log_is_closed(sim: Checked) -> None:
    lan = to_beep(sim)
    sim.speak(lan, 9)
    sim.advance(4)
    sim.hangup(lan)
    (saved,) = sim.carried_out(c.SaveMessage)
    assert saved.ms == pytest.approx(4000, abs=200)
    assert [type(fact) for fact in sim.facts(lan)[-3:]] == [f.LegEndedFact, f.MessageLeft, f.CallEnded]
    assert sim.state.calls == {}


def test_five_seconds_of_silence_end_the_recording(sim: Checked) -> None:
    lan = to_beep(sim)
    sim.speak(lan, 3)
    sim.advance(7.8)
    assert sim.saying(lan) == []
    sim.advance(0.4)
    assert sim.saying(lan) == ["voicemail.saved"]


def test_silence_alone_is_discarded(sim: Checked) -> None:
    lan = to_beep(sim)
    sim.advance(5.1)
    assert sim.carried_out(c.SaveMessage) == []
    (discarded,) = sim.carried_out(c.DiscardRecording)
    assert discarded.blob
    assert sim.saying(lan) == ["voicemail.too_short"]


def test_hanging_up_at_the_beep_leaves_no_message(sim: Checked) -> None:
    lan = to_beep(sim)
    sim.advance(1)
    sim.hangup(lan)
    assert sim.carried_out(c.SaveMessage) == []
    assert len(sim.carried_out(c.DiscardRecording)) == 1
    assert sim.noted(lan, f.MessageLeft) == []


def test_hanging_up_during_the_greeting_records_nothing(sim: Checked) -> None:
    sim.unregister("minh-1")
    lan = sim.call("lan-1", "102")
    sim.hangup(lan)
    assert sim.carried_out(c.Record) == []
    assert sim.state.calls == {}


def test_the_limit_ends_an_endless_message(sim: Checked) -> None:
    lan = to_beep(sim)
    sim.speak(lan, 10_000)
    sim.advance(181)
    (saved,) = sim.carried_out(c.SaveMessage)
    assert saved.ms == pytest.approx(180_000, abs=200)
    assert sim.saying(lan) == ["voicemail.saved"]


def test_hash_skips_the_greeting(sim: Checked) -> None:
    sim.unregister("minh-1")
    lan = sim.call("lan-1", "102")
    sim.press(lan, "#")
    assert sim.saying(lan) == ["Beep"]
    sim.advance(0.5)
    assert sim.lines[lan].recording is not None


def test_other_keys_while_it_speaks_or_records_change_nothing(sim: Checked) -> None:
    sim.unregister("minh-1")
    lan = sim.call("lan-1", "102")
    sim.press(lan, "12*")
    sim.advance(2.5)
    sim.press(lan, "34")
    assert sim.lines[lan].recording is not None


def test_a_greeting_of_ones_own_is_played(sim: Checked) -> None:
    sim.world.set_greeting(c.SetGreeting("box-102", "blob/own"))
    sim.unregister("minh-1")
    lan = sim.call("lan-1", "102")
    assert sim.lines[lan].playing[0] == Clip("blob/own")


def test_an_outside_caller_is_remembered_by_number(sim: Checked) -> None:
    caller = sim.call(OUTSIDE, MAIN)
    sim.unregister("minh-1")
    sim.press(caller, "102")
    sim.advance(2.5)
    sim.speak(caller, 3)
    sim.advance(4)
    sim.hangup(caller)
    (saved,) = sim.carried_out(c.SaveMessage)
    assert saved.caller == Party(PartyKind.OUTSIDE, OUTSIDE)


def test_shutdown_while_recording_keeps_the_message(sim: Checked) -> None:
    lan = to_beep(sim)
    sim.speak(lan, 60)
    sim.advance(5)
    sim.end_all()
    assert sim.cause(lan) is Cause.SHUTDOWN
    assert len(sim.carried_out(c.SaveMessage)) == 1
    assert sim.facts(lan)[-1] == f.CallEnded(Cause.SHUTDOWN, by="")


def test_a_recording_whose_end_is_never_reported_does_not_keep_the_call(sim: Checked) -> None:
    """The engine died while it recorded."""
    lan = to_beep(sim)
    sim.expects_trouble = True
    sim.lines[lan].recording = None
    sim.hangup(lan)
    sim.advance(4.9)
    assert len(sim.state.calls) == 1
    sim.advance(0.2)
    assert sim.state.calls == {}
    assert [type(fact) for fact in sim.facts(lan)[-2:]] == [f.Trouble, f.CallEnded]


def test_a_recording_that_nobody_waits_for_is_discarded(sim: Checked) -> None:
    """Blobs of forgotten recordings filled the disk."""
    sim.apply(RecordDone("gone", "gone.r1", "blob/gone", 4000, 3000, "closed"))
    assert sim.carried_out(c.DiscardRecording) == [c.DiscardRecording("blob/gone")]


def test_a_disk_that_fails_is_trouble_and_not_the_callers_fault(sim: Checked) -> None:
    lan = to_beep(sim)
    sim.expects_trouble = True
    recording = sim.lines[lan].recording
    assert recording is not None
    sim.lines[lan].recording = None
    sim.apply(RecordDone(lan, recording.command.record, "", 0, 0, "disk"))
    assert sim.noted(lan, f.Trouble)
    assert sim.carried_out(c.DiscardRecording) == []
    assert "voicemail.too_short" not in sim.said(lan)


def test_reports_of_what_is_over_mean_nothing(sim: Checked) -> None:
    lan = to_beep(sim)
    before = len(sim.commands)
    sim.apply(PlayDone(lan, "call1.p99"))
    sim.apply(TimerFired(sim.call_of(lan).id, "ring", 1.0))
    sim.apply(TimerFired("no-such-call", "ring", 1.0))
    assert len(sim.commands) == before
