"""A process that was killed continues from its snapshots."""

from __future__ import annotations

import pytest
from tests.unit.sip.network import ANSWER, OFFER, Network, Node, establish, hang_up


@pytest.fixture
def pair() -> tuple[Network, Node, Node]:
    network = Network()
    return network, network.node("192.0.2.1"), network.node("192.0.2.2")


Pair = tuple[Network, Node, Node]


@pytest.mark.parametrize("who", [0, 1])
def test_either_side_can_hang_up_after_the_kill(pair: Pair, who: int) -> None:
    network, caller, callee = pair
    sessions = establish(network, caller, callee)
    nodes = (caller, callee)
    (restored,) = nodes[who].kill_and_restore()
    sessions[1 - who].bye()
    network.run(1)
    assert nodes[who].handler.last("bye")[1] is restored
    network.run(100)
    assert network.at_rest()


@pytest.mark.parametrize("who", [0, 1])
def test_the_restored_side_can_reinvite_refer_and_hang_up(pair: Pair, who: int) -> None:
    network, caller, callee = pair
    establish(network, caller, callee)
    nodes = (caller, callee)
    other = nodes[1 - who]
    other.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(ANSWER)
    other.handler.on["refer"] = lambda session, refer: session.accept_refer(refer)
    (restored,) = nodes[who].kill_and_restore()
    restored.reinvite(OFFER)
    network.run(1)
    assert nodes[who].handler.last("reinvite_result")[2] == 200
    restored.refer("sip:x@192.0.2.3")
    network.run(1)
    assert nodes[who].handler.last("refer_result")[3] in (100, 202)
    restored.bye()
    network.run(1)
    assert other.handler.names()[-1] == "bye"
    network.run(100)
    assert network.at_rest()


def test_a_2xx_without_its_ack_is_repeated_by_the_new_process(pair: Pair) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = lambda session: session.accept(ANSWER)
    network.drop = lambda flow, data: data.startswith(b"ACK") and network.now < 1002
    ours = caller.call(callee)
    network.run(1)
    (restored,) = callee.kill_and_restore()
    network.run(10)
    assert callee.handler.last("ack")[1] is restored
    hang_up(network, ours)


def test_an_ack_lost_before_the_kill_is_sent_again(pair: Pair) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = lambda session: session.accept(ANSWER)
    network.drop = lambda flow, data: data.startswith(b"ACK") and network.now < 1001
    caller.call(callee)
    network.run(0.1)
    (restored,) = caller.kill_and_restore()
    network.run(10)
    assert callee.handler.names() == ["invite", "ack"]
    hang_up(network, restored)


def test_a_ringing_incoming_call_is_answered_by_the_new_process(pair: Pair) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = lambda session: session.progress(180)
    ours = caller.call(callee)
    network.run(1)
    (restored,) = callee.kill_and_restore()
    assert restored.remote_sdp == OFFER
    restored.accept(ANSWER)
    network.run(1)
    assert ours.confirmed
    assert callee.handler.last("ack")[1] is restored
    hang_up(network, ours)


def test_a_ringing_incoming_call_is_cancelled_after_the_kill(pair: Pair) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = lambda session: session.progress(180)
    ours = caller.call(callee)
    network.run(1)
    (restored,) = callee.kill_and_restore()
    ours.cancel()
    network.run(1)
    assert callee.handler.last("cancelled")[1] is restored
    assert caller.handler.last("failed")[2] == 487
    network.run(100)
    assert network.at_rest()


@pytest.mark.parametrize("end", ["answered", "cancelled", "refused"])
def test_a_ringing_outgoing_call_goes_on_after_the_kill(pair: Pair, end: str) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = lambda session: session.progress(180)
    caller.call(callee)
    network.run(1)
    (restored,) = caller.kill_and_restore()
    theirs = callee.handler.last("invite")[1]
    if end == "answered":
        theirs.accept(ANSWER)
        network.run(1)
        assert caller.handler.last("answered")[1:] == (restored, ANSWER)
        assert callee.handler.names()[-1] == "ack"
        restored.bye()
    elif end == "cancelled":
        restored.cancel()
        network.run(1)
        assert callee.handler.names()[-1] == "cancelled"
        assert caller.handler.last("failed")[2] == 487
    else:
        theirs.reject(486)
        network.run(1)
        assert caller.handler.last("failed")[1:] == (restored, 486)
    network.run(100)
    assert network.at_rest()


def test_a_reinvite_that_the_dead_process_had_not_answered_is_tried_again(pair: Pair) -> None:
    network, caller, callee = pair
    ours, _ = establish(network, caller, callee)
    ours.reinvite(OFFER)
    network.run(1)
    assert callee.handler.names()[-1] == "reinvite"
    callee.kill_and_restore()
    callee.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(ANSWER)
    network.run(10)
    assert caller.handler.last("reinvite_result")[2] == 200


def test_a_transfer_is_reported_by_the_new_process(pair: Pair) -> None:
    network, caller, callee = pair
    ours, _ = establish(network, caller, callee)
    callee.handler.on["refer"] = lambda session, refer: session.accept_refer(refer)
    refer_id = ours.refer("sip:x@192.0.2.3")
    network.run(1)
    (restored,) = callee.kill_and_restore()
    restored.notify_refer(refer_id, 200)
    network.run(1)
    assert caller.handler.last("refer_result")[2:] == (refer_id, 200)
