"""The switch of a new process goes on with the calls of the one before."""

from __future__ import annotations

import pytest
from tests.unit.switch.node import Node, kinds, menu, plays

from tongdai.calls import events as e
from tongdai.calls import facts as f
from tongdai.calls.model import Cause


def test_calls_go_on_in_a_new_process(node: Node):
    node.worlds["anphat"].registered["minh"] = ("minh-1",)
    leg = node.offer("c1", "102")
    called = node.adapters.of("create")[0][1].leg
    node.switch.post("anphat", e.LegAnswered(called))
    node.commit()
    after = node.restarted()
    assert {tenant: set(legs) for tenant, legs in after.restored.items()} == {"anphat": {leg, called}}
    after.switch.post("anphat", e.LegEnded(called, Cause.NORMAL))
    assert after.adapters.of("hangup") == [(leg, Cause.NORMAL)]
    assert kinds(after.adapters.facts("c1"))[-1] is f.CallEnded
    assert after.commit() == []


def test_timers_go_on_in_a_new_process(node: Node):
    menu(node)
    node.commit()
    node.clock.advance(2)
    after = node.restarted()
    assert after.switch.deadline() == 1005.0
    after.pass_time(2.9)
    assert plays(after) == 0
    after.pass_time(0.1)
    assert plays(after) == 1


def test_a_timer_whose_time_came_while_nobody_was_there_fires_at_once(node: Node):
    menu(node)
    node.commit()
    node.clock.advance(60)
    after = node.restarted()
    after.pass_time(0)
    assert plays(after) == 1


def test_a_message_whose_caller_has_hung_up_is_waited_for_anew(node: Node):
    """The five seconds were over before anybody was there to be told of it, and the message was nobody's."""
    leg = node.offer("c1", "102")
    greeting = node.adapters.of("play")[-1][1].play
    node.switch.post("anphat", e.PlayDone(leg, greeting))
    [(_, record)] = node.adapters.of("record")
    node.switch.post("anphat", e.LegEnded(leg, Cause.NORMAL))
    node.commit()
    node.clock.advance(60)
    after = node.restarted()
    after.pass_time(4.9)
    after.switch.post("anphat", e.RecordDone(leg, record.record, "blob1", 4000, 3000, "closed"))
    assert kinds(after.adapters.facts("c1")) == [f.MessageLeft, f.CallEnded]
    assert after.commit() == []


def test_parked_calls_are_found_in_a_new_process(node: Node):
    world = node.worlds["anphat"]
    world.registered["minh"] = ("minh-1",)
    leg = node.offer("c1", "102")
    called = node.adapters.of("create")[0][1].leg
    node.switch.post("anphat", e.LegAnswered(called))
    node.switch.post("anphat", e.TransferRequested(called, "700"))
    node.commit()
    after = node.restarted()
    taker = after.offer("c2", "700", person="hoa")
    assert [x for x, _ in after.adapters.of("answer")] == [taker]
    assert f.Retrieved in kinds(after.adapters.facts("c1"))
    after.switch.post("anphat", e.LegEnded(leg, Cause.NORMAL))
    assert after.adapters.of("hangup")[-1] == (taker, Cause.NORMAL)


@pytest.mark.parametrize(
    "entry", [("call/anphat/bad", b"\xc1"), ("call/anphat/bad", b"\x80")], ids=["unreadable", "incomplete"]
)
def test_an_entry_that_cannot_be_read_costs_its_own_call_only(node: Node, entry: tuple[str, bytes]):
    node.offer("c1", "*43")
    node.commit()
    node.journal.kept[entry[0]] = entry[1]
    after = node.restarted()
    assert [call.id for call in after.switch.calls()] == ["c1"]
    assert after.commit() == ["call/anphat/c1"]


def test_a_call_of_a_tenant_that_is_gone_is_forgotten(node: Node):
    node.offer("c1", "*43")
    node.commit()
    value = node.journal.kept["call/anphat/c1"]
    node.journal.kept["call/gone/c1"] = value.replace(b"\xa6anphat", b"\xa6formed")
    after = node.restarted()
    assert [call.tenant for call in after.switch.calls()] == ["anphat"]
    assert after.commit() == ["call/anphat/c1"]


def test_entries_of_others_are_left_alone(node: Node):
    node.journal.kept["leg/x"] = b"whatever"
    after = node.restarted()
    assert after.commit() == ["leg/x"]
    assert after.restored == {}


def guess(node: Node, call: str, tries: int = 5) -> None:
    """Lan gives wrong PINs of her mailbox."""
    leg = node.offer(call, "*97")
    for _ in range(tries):
        for digit in "0000#":
            node.switch.post("anphat", e.LegDigit(leg, digit))
    node.switch.post("anphat", e.LegEnded(leg, Cause.NORMAL))


def test_who_guesses_pins_gains_nothing_by_a_restart(node: Node):
    guess(node, "c1", 3)
    guess(node, "c2", 3)
    locked = node.switch.state("anphat").lockouts
    assert any(lockout.until > node.clock.monotonic() for lockout in locked.values())
    node.commit()
    after = node.restarted(same_boot=True)
    assert after.switch.state("anphat").lockouts == locked
    assert after.switch.state("binhminh").lockouts == {}


def test_after_a_start_of_the_machine_nobody_is_locked_out_by_a_clock_that_is_gone(node: Node):
    guess(node, "c1", 3)
    guess(node, "c2", 3)
    node.commit()
    after = node.restarted()
    assert all(lockout.until == 0 for lockout in after.switch.state("anphat").lockouts.values())
