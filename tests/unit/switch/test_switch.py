"""The loop around the call logic."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from tests.sim.company import GREETING
from tests.unit.switch.node import Node, kinds, menu, plays

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls import facts as f
from tongdai.calls.model import Cause, Echo
from tongdai.calls.step import Step
from tongdai.flows import machine

# events and commands


def test_an_event_becomes_commands_of_its_tenant(node: Node):
    leg = node.offer("c1", "*43", tenant="binhminh")
    assert node.adapters.of("answer") == [(leg, "")]
    assert node.adapters.of("hear") == [("binhminh", c.Hear(leg, Echo()))]
    assert kinds(node.adapters.facts("c1"))[0] is f.CallStarted
    assert {tenant for tenant, _, _ in node.adapters.of("fact")} == {"binhminh"}
    assert [call.tenant for call in node.switch.calls()] == ["binhminh"]


def test_every_command_has_somebody_who_carries_it_out(node: Node):
    assert set(node.switch._carry) == set(get_args(c.Command))


@pytest.mark.parametrize(
    ("command", "done"),
    [
        (c.Ring("a"), ("ring", "a")),
        (c.Progress("a", "b"), ("progress", "a", "b")),
        (c.Answer("a", "b"), ("answer", "a", "b")),
        (c.Hangup("a", Cause.BUSY), ("hangup", "a", Cause.BUSY)),
        (c.TransferResult("a", True, Cause.NORMAL), ("transfer_result", "a", True, Cause.NORMAL)),
        (c.StopPlay("a"), ("stop_play", "a")),
        (c.StopRecord("a"), ("stop_record", "a")),
        (c.SendDigit("a", "5"), ("send_digit", "a", "5")),
        (c.RoomChime("r", True), ("chime", "anphat", "r", True)),
        (c.CloseRoom("r"), ("close_room", "anphat", "r")),
        (c.SetPin("box", "1"), ("mail", "anphat", c.SetPin("box", "1"))),
        (c.DiscardRecording("blob"), ("mail", "anphat", c.DiscardRecording("blob"))),
        (c.Note("c1", f.Held("a")), ("fact", "anphat", "c1", f.Held("a"))),
    ],
)
def test_a_command_is_carried_out_as_it_is(
    node: Node, monkeypatch: pytest.MonkeyPatch, command: c.Command, done: tuple[Any, ...]
):
    def apply(state: Any, event: Any, now: float, world: Any) -> Step:
        step = Step(state, now)
        step.do(command)
        return step

    monkeypatch.setattr(machine, "apply", apply)
    node.switch.post("anphat", e.PersonReachable("lan"))
    assert node.adapters.done == [done]


def test_an_event_posted_by_a_command_waits_until_the_one_before_is_done(node: Node):
    """An adapter that fails at once answers from inside its command."""
    node.worlds["anphat"].registered["minh"] = ("minh-1",)
    node.adapters.on["create"] = lambda tenant, command: node.switch.post(
        tenant, e.LegEnded(command.leg, Cause.BUSY)
    )
    node.offer("c1", "102")
    facts = kinds(node.adapters.facts("c1"))
    assert facts.index(f.LegCreated) < facts.index(f.LegEndedFact)
    assert node.adapters.names().index("create") < node.adapters.names().index("play")


def test_events_are_applied_in_the_order_they_came(node: Node):
    node.worlds["anphat"].registered["minh"] = ("minh-1",)
    seen: list[str] = []

    def create(tenant: str, command: c.CreateLeg) -> None:
        node.switch.post(tenant, e.LegRinging(command.leg))
        node.switch.post(tenant, e.LegAnswered(command.leg))
        seen.append("posted")

    node.adapters.on["create"] = create
    node.adapters.on["ring"] = lambda leg: seen.append("ring")
    node.adapters.on["answer"] = lambda leg, match: seen.append("answer")
    node.offer("c1", "102")
    assert seen == ["posted", "ring", "answer"]


def test_an_event_of_a_tenant_that_is_not_here_is_ignored(node: Node):
    node.switch.post("nobody", e.LegEnded("x", Cause.NORMAL))
    node.offer("c1", "*43")
    assert len(node.switch.calls()) == 1


def test_an_event_that_fits_nothing_changes_nothing(node: Node):
    node.switch.post("anphat", e.LegAnswered("never.l1"))
    assert node.adapters.done == []
    assert node.commit() == []


# what goes wrong


def test_a_fault_in_the_logic_ends_that_call_only(node: Node):
    other = node.offer("c1", "*43", person="minh")
    node.worlds["anphat"].broken = {"666"}
    leg = node.offer("c2", "666")
    assert node.adapters.of("hangup") == [(leg, Cause.FAILED)]
    assert kinds(node.adapters.facts("c2"))[-1] is f.CallEnded
    assert [call.id for call in node.switch.calls()] == ["c1"]
    assert node.commit() == ["call/anphat/c1"]
    node.switch.post("anphat", e.LegEnded(other, Cause.NORMAL))
    assert node.switch.calls() == []


def test_a_fault_in_the_middle_of_a_call_hangs_up_all_its_legs(node: Node):
    world = node.worlds["anphat"]
    world.registered["minh"] = ("minh-1",)
    leg = node.offer("c1", "102")
    called = node.adapters.of("create")[0][1].leg
    node.switch.post("anphat", e.LegAnswered(called))
    world.broken = {"666"}
    node.switch.post("anphat", e.TransferRequested(leg, "666"))
    assert {x for x, _ in node.adapters.of("hangup")} == {leg, called}
    assert node.switch.calls() == []
    assert node.commit() == []


def test_a_fault_at_the_end_of_a_call_does_not_go_round_for_ever(node: Node, monkeypatch: pytest.MonkeyPatch):
    node.offer("c1", "*43")
    applied = []

    def apply(state: Any, event: Any, now: float, world: Any) -> Any:
        applied.append(type(event))
        raise RuntimeError

    monkeypatch.setattr(machine, "apply", apply)
    node.switch.post("anphat", e.LegEnded("c1.l0", Cause.NORMAL))
    assert applied == [e.LegEnded, e.HangupRequested]


def test_a_fault_in_one_command_does_not_keep_the_others_back(node: Node):
    def fail(*args: object) -> None:
        raise RuntimeError

    node.adapters.on["answer"] = fail
    leg = node.offer("c1", "*43")
    assert node.adapters.of("hear") == [("anphat", c.Hear(leg, Echo()))]
    assert [call.id for call in node.switch.calls()] == ["c1"]
    node.switch.post("anphat", e.LegEnded(leg, Cause.NORMAL))
    assert node.switch.calls() == []


# time


def test_a_timer_fires_once_and_not_before_its_time(node: Node):
    menu(node)
    assert node.switch.deadline() == 1005.0
    node.pass_time(4.9)
    assert plays(node) == 1
    node.pass_time(0.2)
    assert plays(node) == 2
    node.pass_time(100)
    assert plays(node) == 2
    assert node.switch.deadline() is None


def test_a_timer_that_its_call_has_forgotten_never_fires(node: Node):
    leg = menu(node)
    node.pass_time(1)
    node.switch.post("anphat", e.LegDigit(leg, "9"))
    before = list(node.adapters.done)
    node.pass_time(4.5)
    assert node.adapters.done == before


def test_a_timer_of_a_call_that_is_over_never_fires(node: Node):
    leg = menu(node)
    node.switch.post("anphat", e.LegEnded(leg, Cause.NORMAL))
    before = list(node.adapters.done)
    node.pass_time(10)
    assert node.adapters.done == before


def test_a_timer_that_was_set_again_fires_at_its_new_time_only(node: Node):
    """Greeting, 5 s, greeting, 5 s: the second wait is a timer of the same name."""
    leg = menu(node)
    node.pass_time(5)
    assert plays(node) == 2
    node.pass_time(2)
    node.switch.post("anphat", e.PlayDone(leg, node.adapters.of("play")[-1][1].play))
    node.pass_time(4.9)
    assert [call.position.step for call in node.switch.calls() if call.position] == ["waiting"]
    node.pass_time(0.1)
    assert [call.position.step for call in node.switch.calls() if call.position] != ["waiting"]


def test_several_timers_fire_in_order(node: Node):
    menu(node, "c1")
    node.clock.advance(1)
    menu(node, "c2")
    node.pass_time(10)
    assert [command.leg for _, command in node.adapters.of("play")] == ["c1.l0", "c2.l0", "c1.l0", "c2.l0"]
    assert all(command.prompts == (GREETING,) for _, command in node.adapters.of("play"))


# the journal


def test_what_changed_is_written_and_what_ended_removed(node: Node):
    leg = node.offer("c1", "*43")
    node.offer("c2", "*43", tenant="binhminh")
    assert node.commit() == ["call/anphat/c1", "call/binhminh/c2"]
    node.switch.post("anphat", e.LegEnded(leg, Cause.NORMAL))
    assert node.commit() == ["call/binhminh/c2"]


def test_a_call_that_comes_and_goes_in_one_tick_is_never_written(node: Node):
    node.worlds["anphat"].broken = {"666"}
    node.offer("c1", "666")
    assert node.commit() == []


def test_what_did_not_change_is_not_written_again(node: Node):
    node.offer("c1", "*43")
    node.commit()
    node.switch.journal()
    assert node.journal.pending == {}


def test_the_owner_is_told_of_every_change(node: Node):
    node.offer("c1", "*43")
    assert node.changes == 1
    node.switch.post("anphat", e.LegAnswered("never.l1"))
    assert node.changes == 1


# the end


def test_at_a_shutdown_every_call_ends(node: Node):
    node.offer("c1", "*43")
    node.offer("c2", "*43", tenant="binhminh")
    node.switch.end_all(Cause.SHUTDOWN)
    assert node.adapters.of("hangup") == [("c1.l0", Cause.SHUTDOWN), ("c2.l0", Cause.SHUTDOWN)]
    assert node.switch.calls() == []
    assert node.commit() == []
