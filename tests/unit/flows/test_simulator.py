"""The simulator itself: what it refuses, how its time passes, and that it does not believe everything."""

from __future__ import annotations

import pytest
from tests.sim.company import Company, party

from tongdai.calls import commands as c
from tongdai.calls.model import Cause, Hears, LegState, Music
from tongdai.calls.prompts import Beep, Clip, Phrase, Text
from tongdai.flows.simulated import SimulatedWorld, SimulationError, answers, refuses, seconds_of
from tongdai.flows.simulator import Simulator


@pytest.fixture
def sim() -> Simulator:
    sim = Simulator(Company())
    sim.register("lan", "lan-1")
    sim.register("minh", "minh-1")
    return sim


def test_things_happen_in_order_and_at_their_time(sim: Simulator) -> None:
    sim.behaviours["minh-1"] = answers(4)
    lan = sim.call("lan-1", "102")
    began = sim.now
    sim.advance(3.5)
    assert sim.lines[lan].state is LegState.ALERTING
    sim.advance(10)
    assert sim.lines[lan].state is LegState.ANSWERED
    assert sim.call_of(lan).legs[lan].since == pytest.approx(began + 4, abs=0.1)
    assert sim.now == pytest.approx(began + 13.5, abs=0.1)


def test_when_something_happens_next_is_known(sim: Simulator) -> None:
    assert sim.deadline() is None
    sim.call("lan-1", "102")
    deadline = sim.deadline()
    assert deadline is not None
    assert deadline == pytest.approx(sim.now + 20, abs=0.1)


def test_a_phone_that_refuses_in_time_and_one_that_answers_first(sim: Simulator) -> None:
    sim.register("minh", "minh-2", refuses(Cause.BUSY, 1))
    lan = sim.call("lan-1", "102")
    sim.advance(2)
    assert sim.legs_at("minh-2") == []
    (minh,) = sim.legs_at("minh-1")
    sim.answer(minh)
    assert sim.hears(lan) == Hears(minh)


def test_what_nobody_can_do_is_refused(sim: Simulator) -> None:
    with pytest.raises(SimulationError, match="no person bob"):
        sim.register("bob", "bob-1")
    with pytest.raises(SimulationError, match=r"No phone is registered as nobody-1\. Register it first\."):
        sim.call("nobody-1", "102")
    lan = sim.call("lan-1", "102")
    with pytest.raises(SimulationError, match="is not being called"):
        sim.answer(lan)
    with pytest.raises(SimulationError, match="over or never was"):
        sim.press("nothing", "1")
    sim.hangup(lan)
    with pytest.raises(SimulationError, match="over or never was"):
        sim.hangup(lan)
    with pytest.raises(SimulationError, match="in no call"):
        sim.call_of(lan)


def test_commands_that_make_no_sense_are_not_carried_out_in_silence(sim: Simulator) -> None:
    lan = sim.call("lan-1", "102")
    with pytest.raises(SimulationError, match="was not answered yet"):
        sim._carry[c.Play](c.Play(lan, "p", (Beep(),)))
    (minh,) = sim.legs_at("minh-1")
    with pytest.raises(SimulationError, match="waits for no answer"):
        sim._carry[c.Answer](c.Answer(minh))
    sim.hangup(lan)
    for command in c.Hear(lan, Music()), c.Hangup(lan), c.StopPlay(lan):
        with pytest.raises(SimulationError):
            sim._carry[type(command)](command)


def test_durations_can_be_told() -> None:
    sim = Simulator(Company(), duration=lambda prompt: 30.0)
    sim.register("lan", "lan-1")
    lan = sim.call("lan-1", "100")
    sim.advance(29)
    assert isinstance(sim.hears(lan), tuple)
    sim.advance(2)
    assert not isinstance(sim.hears(lan), tuple)


def test_longer_texts_take_longer() -> None:
    assert seconds_of(Text("word " * 28)) == pytest.approx(10)
    assert seconds_of(Beep()) < 1
    assert seconds_of(Phrase("goodbye")) > 1
    assert seconds_of(Clip("blob")) > 1


def test_a_stopped_recording_is_reported(sim: Simulator) -> None:
    lan = sim.call("lan-1", "104")
    sim.advance(3)
    sim.speak(lan, 60)
    sim.advance(2)
    sim._carry[c.StopRecord](c.StopRecord(lan))
    sim.advance(0)
    (saved,) = [x for x in sim.commands if isinstance(x, c.SaveMessage)]
    assert saved.ms == pytest.approx(2500, abs=700)


def test_the_real_world_is_not_changed() -> None:
    company = Company()
    world = SimulatedWorld(company)
    world.set_pin(c.SetPin("box-101", "8642"))
    world.set_greeting(c.SetGreeting("box-101", "blob"))
    world.save_message(c.SaveMessage("box-101", "blob", party("minh"), 1, "call"), at=1.0)
    world.registered["lan-1"] = "lan"
    assert company.check_pin("box-101", "4101")
    assert not world.check_pin("box-101", "4101")
    real, simulated = company.mailbox("box-101"), world.mailbox("box-101")
    assert real is not None
    assert simulated is not None
    assert (len(real.messages), len(simulated.messages)) == (0, 1)
    assert (real.greeting, simulated.greeting) == (
        Phrase("voicemail.greeting.person", {"name": "Lan Nguyen"}),
        Clip("blob"),
    )
    assert (list(company.bindings("lan")), list(world.bindings("lan"))) == ([], ["lan-1"])
    with pytest.raises(SimulationError, match="mailbox box-999 does not exist"):
        world.set_greeting(c.SetGreeting("box-999", "blob"))


def test_a_whole_day_passes_in_no_time(sim: Simulator) -> None:
    sim.call("lan-1", "300")
    sim.advance(24 * 3600)
    assert sim.now == pytest.approx(24 * 3600, rel=0.01)
