from __future__ import annotations

import pytest
from tests.sim.invariants import Checked

from tongdai.calls import facts as f
from tongdai.calls.model import Cause, Music
from tongdai.calls.prompts import Phrase
from tongdai.flows.simulated import BUSY, refuses

WELCOME_SECONDS = 4.1


def position(sim: Checked, leg: str) -> int | str:
    """The position that a caller was told last."""
    told = [p for p in sim.lines[leg].heard if isinstance(p, Phrase) and p.key == "queue.position"]
    return told[-1].args["position"]


@pytest.fixture
def agents(sim: Checked) -> Checked:
    """Both agents are registered: Quang has been idle longer, since he never took a call."""
    sim.register("quang", "quang-1")
    sim.register("mai", "mai-1")
    return sim


def test_without_agents_the_caller_waits_with_music(sim: Checked) -> None:
    lan = sim.call("lan-1", "300")
    assert sim.saying(lan) == ["queue.welcome", "queue.position"]
    assert position(sim, lan) == 1
    sim.advance(WELCOME_SECONDS)
    assert sim.hears(lan) == Music()
    sim.advance(3600)
    assert sim.cause(lan) is None
    assert sim.noted(lan, f.Waiting) == [f.Waiting("support", 1)]


def test_an_agent_who_registers_gets_the_call(sim: Checked) -> None:
    lan = sim.call("lan-1", "300")
    sim.advance(100)
    sim.register("mai", "mai-1")
    mai = sim.answer_at("mai-1")
    assert sim.talk(lan, mai)
    assert sim.state.queues["support"] == []


def test_a_free_agent_is_called_after_the_announcement(agents: Checked) -> None:
    lan = agents.call("lan-1", "300")
    assert agents.legs_at("quang-1") == []
    agents.advance(WELCOME_SECONDS)
    assert agents.hears(lan) == Music()
    assert agents.talk(lan, agents.answer_at("quang-1"))
    assert agents.legs_at("mai-1") == []


def test_the_position_is_said_again_and_moves_up(sim: Checked) -> None:
    lan, minh = sim.call("lan-1", "300"), sim.call("minh-1", "300")
    assert (position(sim, lan), position(sim, minh)) == (1, 2)
    sim.advance(20)
    sim.hangup(lan)
    assert sim.state.queues["support"] == [sim.call_of(minh).id]
    sim.advance(WELCOME_SECONDS + 30)
    assert position(sim, minh) == 1
    assert sim.said(minh)[-2:] == ["queue.position", "queue.still_waiting"]


def test_an_agent_who_refuses_gives_way_to_the_next_at_once(agents: Checked) -> None:
    lan = agents.call("lan-1", "300")
    agents.advance(WELCOME_SECONDS)
    agents.hangup(agents.ringing("quang-1"))
    assert agents.talk(lan, agents.answer_at("mai-1"))


def test_an_agent_who_does_not_answer_gives_way_to_the_next(agents: Checked) -> None:
    lan = agents.call("lan-1", "300")
    agents.advance(WELCOME_SECONDS + 15.1)
    assert agents.legs_at("quang-1") == []
    assert agents.talk(lan, agents.answer_at("mai-1"))


def test_a_busy_agent_is_not_called_without_end(sim: Checked) -> None:
    """A phone that answers busy at once was called again at once, a thousand times a second."""
    sim.register("mai", "mai-1", BUSY)
    lan = sim.call("lan-1", "300")
    sim.advance(WELCOME_SECONDS + 60)
    tries = [fact for fact in sim.noted(lan, f.LegCreated) if fact.party.person == "mai"]
    assert 10 <= len(tries) <= 14
    assert sim.hears(lan) == Music() or sim.saying(lan)


def test_when_everybody_refused_the_round_begins_again_after_five_seconds(agents: Checked) -> None:
    lan = agents.call("lan-1", "300")
    agents.advance(WELCOME_SECONDS)
    agents.hangup(agents.ringing("quang-1"))
    agents.hangup(agents.ringing("mai-1"))
    agents.advance(4.8)
    assert agents.legs_at("quang-1") == agents.legs_at("mai-1") == []
    agents.advance(0.4)
    assert agents.talk(lan, agents.answer_at("quang-1"))


def test_an_announcement_stops_when_the_agent_answers(sim: Checked) -> None:
    lan = sim.call("lan-1", "300")
    sim.advance(WELCOME_SECONDS + 25)
    sim.register("quang", "quang-1")
    sim.advance(5.2)
    assert sim.saying(lan) == ["queue.position", "queue.still_waiting"]
    assert sim.talk(lan, sim.answer_at("quang-1"))


def test_two_callers_are_served_in_order(sim: Checked) -> None:
    lan = sim.call("lan-1", "300")
    sim.advance(1)
    minh = sim.call("minh-1", "300")
    sim.advance(60)
    sim.register("quang", "quang-1")
    quang = sim.answer_at("quang-1")
    assert sim.talk(lan, quang)
    sim.hangup(quang)
    assert sim.talk(minh, sim.answer_at("quang-1"))


def test_who_came_to_the_queue_first_is_first_although_he_called_later(sim: Checked) -> None:
    """After a restart, the one whose call began first had taken the place of the first in the queue."""
    early = sim.call("lan-1", "100")
    late = sim.call("minh-1", "300")
    sim.press(early, "300")
    sim.advance(10)
    sim.register("quang", "quang-1")
    assert sim.talk(late, sim.answer_at("quang-1"))


def test_two_agents_serve_two_callers(agents: Checked) -> None:
    lan, minh = agents.call("lan-1", "300"), agents.call("minh-1", "300")
    agents.advance(WELCOME_SECONDS)
    one, other = agents.answer_at("quang-1"), agents.answer_at("mai-1")
    assert agents.talk(lan, one)
    assert agents.talk(minh, other)


def test_the_agent_idle_longest_is_called_first(agents: Checked) -> None:
    lan = agents.call("lan-1", "300")
    agents.advance(WELCOME_SECONDS)
    agents.answer_at("quang-1")
    agents.hangup(lan)
    agents.call("lan-1", "300")
    agents.advance(WELCOME_SECONDS)
    assert agents.ringing("mai-1")


def test_an_agent_who_telephones_is_not_free(agents: Checked) -> None:
    agents.connect("quang-1", "102", "minh-1")
    agents.call("lan-1", "300")
    agents.advance(WELCOME_SECONDS)
    assert agents.ringing("mai-1")


def test_the_caller_leaves_while_an_agent_rings(agents: Checked) -> None:
    lan = agents.call("lan-1", "300")
    agents.advance(WELCOME_SECONDS)
    quang = agents.ringing("quang-1")
    agents.hangup(lan)
    assert agents.cause(quang) is Cause.CANCELLED
    assert agents.state.queues["support"] == []


def test_the_next_caller_gets_the_agent_when_the_first_leaves(sim: Checked) -> None:
    sim.register("quang", "quang-1")
    lan = sim.call("lan-1", "300")
    minh = sim.call("minh-1", "300")
    sim.advance(WELCOME_SECONDS)
    sim.hangup(lan)
    assert sim.talk(minh, sim.answer_at("quang-1"))


def test_all_devices_of_an_agent_ring(sim: Checked) -> None:
    sim.register("quang", "quang-1")
    sim.register("quang", "quang-2")
    lan = sim.call("lan-1", "300")
    sim.advance(WELCOME_SECONDS)
    loser = sim.ringing("quang-2")
    assert sim.talk(lan, sim.answer_at("quang-1"))
    assert sim.cause(loser) is Cause.ELSEWHERE


def test_keys_mean_nothing_in_a_queue(agents: Checked) -> None:
    lan = agents.call("lan-1", "300")
    agents.press(lan, "1#")
    agents.advance(WELCOME_SECONDS)
    agents.press(lan, "*0")
    assert agents.ringing("quang-1")


def test_an_agent_whose_phone_refuses_at_once_does_not_hold_up_the_next(sim: Checked) -> None:
    sim.register("quang", "quang-1", refuses(Cause.UNAVAILABLE))
    sim.register("mai", "mai-1")
    lan = sim.call("lan-1", "300")
    sim.advance(WELCOME_SECONDS)
    assert sim.talk(lan, sim.answer_at("mai-1"))


def test_a_queue_caller_who_is_an_agent_is_not_called(agents: Checked) -> None:
    quang = agents.call("quang-1", "300")
    agents.advance(WELCOME_SECONDS)
    assert agents.talk(quang, agents.answer_at("mai-1"))
