from __future__ import annotations

import msgspec
import pytest

from tongdai.calls import commands as c
from tongdai.calls import facts as f
from tongdai.calls.commands import DeviceTarget
from tongdai.calls.model import (
    Call,
    Cause,
    Hears,
    Leg,
    LegState,
    Music,
    Party,
    PartyKind,
    Silence,
    TenantState,
)
from tongdai.calls.step import RECORDING_GRACE, Step

LAN = Party(PartyKind.PERSON, "101", "Lan", "lan")
MINH = Party(PartyKind.PERSON, "102", "Minh", "minh")


@pytest.fixture
def step() -> Step:
    return Step(TenantState("t"), now=10.0)


@pytest.fixture
def call(step: Step) -> Call:
    call = Call("call", "t", "leg", LAN, 10.0)
    step.new_call(call)
    step.add_leg(call, Leg("leg", LAN, LegState.OFFERED))
    return call


def test_ids_are_new_within_the_call_and_equal_in_every_replay(step: Step, call: Call) -> None:
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(call), type=Call)
    made = [call.next_id("l"), call.next_id("p")]
    assert made == ["call.l1", "call.p2"] == [again.next_id("l"), again.next_id("p")]


def test_a_leg_that_is_called_knows_its_call(step: Step, call: Call) -> None:
    leg = step.call_leg(call, DeviceTarget("phone"), MINH, LAN, "target")
    assert step.state.call_of(leg.id) is call
    assert step.commands == [
        c.CreateLeg("call", "call.l1", DeviceTarget("phone"), LAN, match="leg"),
        c.Note("call", f.LegCreated("call.l1", MINH, "target")),
    ]
    assert step.busy_people() == {"lan", "minh"}


def test_a_leg_rings_and_is_answered_once(step: Step, call: Call) -> None:
    leg = call.legs["leg"]
    for _ in range(2):
        step.ring(call, leg)
    for _ in range(2):
        step.answer(call, leg, match="other")
    step.ring(call, leg)
    step.progress(call, leg, "other")
    assert [x for x in step.commands if not isinstance(x, c.Note)] == [
        c.Ring("leg"),
        c.Answer("leg", "other"),
    ]


def test_what_is_heard_already_is_not_commanded_again(step: Step, call: Call) -> None:
    step.hear(call, call.legs["leg"], Silence())
    step.hear(call, call.legs["leg"], Music())
    step.hear(call, call.legs["leg"], Music())
    assert step.commands == [c.Hear("leg", Music())]


def test_hanging_up_forgets_the_leg_and_frees_its_person(step: Step, call: Call) -> None:
    leg = call.legs["leg"]
    step.hangup(call, leg, Cause.BUSY)
    step.hangup(call, leg, Cause.NORMAL)
    assert [x for x in step.commands if isinstance(x, c.Hangup)] == [c.Hangup("leg", Cause.BUSY)]
    assert step.state.by_leg == {}
    assert step.freed
    assert step.state.idle_since == {"lan": 10.0}


def test_calling_that_is_given_up_is_cancelled_not_normal(step: Step, call: Call) -> None:
    leg = step.call_leg(call, DeviceTarget("phone"), MINH, LAN, "target")
    step.hangup(call, leg, Cause.NORMAL)
    assert step.commands[-2:] == [
        c.Hangup(leg.id, Cause.CANCELLED),
        c.Note("call", f.LegEndedFact(leg.id, Cause.CANCELLED, by_us=True)),
    ]


def test_ending_a_call_hangs_up_everybody_and_closes_its_log_once(step: Step, call: Call) -> None:
    step.call_leg(call, DeviceTarget("phone"), MINH, LAN, "target")
    step.end_call(call, Cause.NORMAL, by="101")
    step.end_call(call, Cause.FAILED)
    assert step.state.calls == {}
    assert step.state.by_leg == {}
    assert {x.leg for x in step.commands if isinstance(x, c.Hangup)} == {"leg", "call.l1"}
    assert step.commands[-1] == c.Note("call", f.CallEnded(Cause.NORMAL, "101"))
    assert "call" in step.touched


def test_a_call_that_is_recorded_waits_for_the_recording(step: Step, call: Call) -> None:
    step.answer(call, call.legs["leg"])
    step.record(call, limit=60, silence=5)
    step.timer(call, "other", 99)
    step.end_call(call, Cause.NORMAL)
    assert step.state.calls == {"call": call}
    assert call.timers == {"recording": 10.0 + RECORDING_GRACE}
    step.close(call)
    assert step.state.calls == {}


def test_timers_are_named_and_forgotten_when_cancelled(step: Step, call: Call) -> None:
    step.timer(call, "ring", 20)
    assert step.commands == [c.SetTimer("call", "ring", 30.0)]
    step.cancel(call, "ring", "no such timer")
    assert call.timers == {}


def test_a_recording_without_a_blob_needs_no_discarding(step: Step) -> None:
    step.discard("")
    step.discard("blob")
    assert step.commands == [c.DiscardRecording("blob")]


def test_state_survives_the_journal_with_everything_in_it(step: Step, call: Call) -> None:
    step.hear(call, call.legs["leg"], Hears("x"))
    step.join_room("room", call, call.legs["leg"], tones=False)
    step.state.parking["700"] = step.state.queues.setdefault("support", [call.id])[0]
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(step.state), type=TenantState)
    assert kept == step.state
