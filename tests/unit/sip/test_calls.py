"""Calls between two user agents on a perfect network."""

from __future__ import annotations

import gc
import weakref

import pytest
from tests.unit.sip.network import ANSWER, OFFER, Network, Node, establish, hang_up

from tongdai.sip.message import Request, parse
from tongdai.sip.ua import InviteSession, SessionError

Pair = tuple[Network, Node, Node]


@pytest.fixture(params=["udp", "tcp"])
def pair(request: pytest.FixtureRequest) -> tuple[Network, Node, Node]:
    network = Network(transport=request.param)
    return network, network.node("192.0.2.1"), network.node("192.0.2.2")


def test_call_rings_is_answered_and_hung_up_by_the_caller(pair: Pair) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = lambda session: session.progress(180)
    ours = caller.call(callee)
    network.run(3)
    assert caller.handler.last("provisional")[2:] == (180, None)
    theirs = callee.handler.last("invite")[1]
    assert theirs.remote_sdp == OFFER
    theirs.accept(ANSWER)
    network.run(1)
    assert caller.handler.last("answered")[2] == ANSWER
    assert callee.handler.last("ack")[2] is None
    ours.bye('Q.850;cause=16;text="done"')
    network.run(1)
    assert callee.handler.last("bye")[2] == 'Q.850;cause=16;text="done"'
    assert caller.handler.names() == ["provisional", "answered"]
    network.run(100)
    assert network.at_rest()


def test_callee_hangs_up(pair: Pair) -> None:
    network, caller, callee = pair
    _, theirs = establish(network, caller, callee)
    theirs.bye()
    network.run(1)
    assert caller.handler.names()[-1] == "bye"
    network.run(100)
    assert network.at_rest()


def test_rejection_reaches_the_caller(pair: Pair) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = lambda session: session.reject(486)
    caller.call(callee)
    network.run(1)
    assert caller.handler.last("failed")[2] == 486
    network.run(100)
    assert network.at_rest()


def test_cancel_with_reason(pair: Pair) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = lambda session: session.progress(180)
    ours = caller.call(callee)
    network.run(1)
    ours.cancel('SIP;cause=200;text="Call completed elsewhere"')
    network.run(1)
    assert callee.handler.last("cancelled")[2] == 'SIP;cause=200;text="Call completed elsewhere"'
    assert caller.handler.last("failed")[2] == 487
    network.run(100)
    assert network.at_rest()


def test_cancel_before_any_response_waits_for_one(pair: Pair) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = lambda session: session.progress(180)
    ours = caller.call(callee)
    ours.cancel()
    network.run(1)
    assert caller.handler.names() == ["failed"]
    assert callee.handler.names() == ["invite", "cancelled"]
    network.run(100)
    assert network.at_rest()


def test_answer_that_crosses_the_cancel_is_acknowledged_and_ended(pair: Pair) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = lambda session: session.progress(180)
    ours = caller.call(callee)
    network.run(1)
    callee.handler.last("invite")[1].accept(ANSWER)
    ours.cancel()
    network.run(1)
    assert caller.handler.last("failed")[2] == 487
    assert callee.handler.names()[-2:] == ["ack", "bye"]
    network.run(100)
    assert network.at_rest()


def test_hold_and_resume_by_reinvite(pair: Pair) -> None:
    network, caller, callee = pair
    ours, theirs = establish(network, caller, callee)
    callee.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(ANSWER + "a=recvonly\r\n")
    ours.reinvite(OFFER + "a=sendonly\r\n")
    network.run(1)
    assert callee.handler.last("reinvite")[2].endswith("a=sendonly\r\n")
    assert caller.handler.last("reinvite_result")[2:] == (200, ANSWER + "a=recvonly\r\n")
    # and in the other direction
    caller.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(OFFER)
    theirs.reinvite(ANSWER)
    network.run(1)
    assert callee.handler.last("reinvite_result")[2:] == (200, OFFER)
    hang_up(network, ours)


def test_refused_reinvite_leaves_the_call(pair: Pair) -> None:
    network, caller, callee = pair
    ours, _ = establish(network, caller, callee)
    callee.handler.on["reinvite"] = lambda session, sdp: session.reject_reinvite(488)
    ours.reinvite(OFFER)
    network.run(1)
    assert caller.handler.last("reinvite_result")[2:] == (488, None)
    assert ours.confirmed
    hang_up(network, ours)


def test_reinvites_that_cross_are_both_carried_out(pair: Pair) -> None:
    network, caller, callee = pair
    ours, theirs = establish(network, caller, callee)
    caller.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(OFFER)
    callee.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(ANSWER)
    ours.reinvite(OFFER)
    theirs.reinvite(ANSWER)
    network.run(10)
    assert caller.handler.last("reinvite_result")[2] == 200
    assert callee.handler.last("reinvite_result")[2] == 200
    hang_up(network, ours)


def test_late_offer(pair: Pair) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = lambda session: session.accept(OFFER)
    caller.handler.on["answered"] = lambda session, sdp: session.ack(ANSWER)
    ours = caller.call(callee, sdp=None)
    network.run(1)
    assert callee.handler.last("invite")[1].remote_sdp == ANSWER
    assert caller.handler.last("answered")[2] == OFFER
    assert callee.handler.last("ack")[2] == ANSWER
    hang_up(network, ours)


def test_late_offer_inside_the_dialog(pair: Pair) -> None:
    network, caller, callee = pair
    ours, _ = establish(network, caller, callee)
    callee.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(OFFER)
    caller.handler.on["reinvite_result"] = lambda session, status, sdp: session.ack(ANSWER)
    ours.reinvite(None)
    network.run(1)
    assert callee.handler.last("reinvite")[2] is None
    assert callee.handler.last("ack")[2] == ANSWER
    hang_up(network, ours)


def test_no_answer_at_all_is_408() -> None:
    network = Network()
    caller, callee = network.node("192.0.2.1"), network.node("192.0.2.2")
    network.drop = lambda flow, data: True
    caller.call(callee)
    network.run(31)
    assert not caller.handler.events
    network.run(2)
    assert caller.handler.last("failed")[2] == 408
    assert network.sent(caller).count("INVITE sip:callee@192.0.2.2:5060 SIP/2.0") == 7
    assert network.at_rest()


def test_a_cancel_that_nobody_answers_still_ends_the_call() -> None:
    network = Network()
    caller, callee = network.node("192.0.2.1"), network.node("192.0.2.2")
    callee.handler.on["invite"] = lambda session: session.progress(180)
    ours = caller.call(callee)
    network.run(1)
    network.drop = lambda flow, data: True
    ours.cancel()
    network.run(33)
    assert caller.handler.last("failed")[2] == 487
    assert caller.agent.transactions() == 0
    assert caller.agent.deadline() is None


def test_hanging_up_during_a_reinvite_that_gets_no_answer_leaves_nothing() -> None:
    network = Network()
    caller, callee = network.node("192.0.2.1"), network.node("192.0.2.2")
    ours, _ = establish(network, caller, callee)
    ours.reinvite(OFFER)
    ((flow, data),) = caller.agent.drain()
    reinvite = parse(data)
    assert isinstance(reinvite, Request)
    caller.agent.receive(bytes(reinvite.response(100)), flow, network.now)
    network.drop = lambda flow, data: True
    ours.bye()
    network.run(33)
    assert caller.agent.transactions() == 0
    assert caller.agent.deadline() is None


def test_an_answer_with_an_unreadable_contact_is_acknowledged_and_can_be_ended() -> None:
    network = Network()
    caller, callee = network.node("192.0.2.1"), network.node("192.0.2.2")
    ours = caller.call(callee)
    ((flow, data),) = caller.agent.drain()
    invite = parse(data)
    assert isinstance(invite, Request)
    answer = invite.response(200, None, [("Contact", "<x:y>"), ("Record-Route", "<,")], to_tag="t")
    caller.agent.receive(bytes(answer), flow, network.now)
    assert ours.confirmed
    ours.bye()
    sent = [(flow.remote, data.split(b" SIP")[0]) for flow, data in caller.agent.drain()]
    assert sent == [
        (callee.address, b"ACK sip:callee@192.0.2.2:5060"),
        (callee.address, b"BYE sip:callee@192.0.2.2:5060"),
    ]


def test_answer_without_ack_is_repeated_then_given_up() -> None:
    network = Network()
    caller, callee = network.node("192.0.2.1"), network.node("192.0.2.2")
    callee.handler.on["invite"] = lambda session: session.accept(ANSWER)
    network.drop = lambda flow, data: data.startswith(b"ACK")
    caller.call(callee)
    network.run(31)
    assert network.sent(callee).count("SIP/2.0 200 OK") == 10
    network.run(3)
    assert callee.handler.last("ended")[2] == 408
    assert caller.handler.names()[-1] == "bye"
    network.run(100)
    assert network.at_rest()


def test_hanging_up_before_the_ack_waits_for_it() -> None:
    network = Network()
    caller, callee = network.node("192.0.2.1"), network.node("192.0.2.2")

    def accept_and_hang_up(session: InviteSession) -> None:
        session.accept(ANSWER)
        session.bye()

    callee.handler.on["invite"] = accept_and_hang_up
    network.drop = lambda flow, data: data.startswith(b"ACK") and network.now < 1003
    caller.call(callee)
    network.run(2.9)
    assert not any(line.startswith("BYE") for line in network.sent(callee))
    network.run(5)
    assert caller.handler.names() == ["answered", "bye"]
    assert callee.handler.names() == ["invite"]
    network.run(100)
    assert network.at_rest()


def test_a_request_in_an_unknown_dialog_gets_481_and_ends_the_session() -> None:
    network = Network()
    caller, callee = network.node("192.0.2.1"), network.node("192.0.2.2")
    ours, _ = establish(network, caller, callee)
    callee.generation += 1
    callee.agent = callee._new_agent()
    ours.info(b"Signal=5\r\n", "application/dtmf-relay")
    network.run(1)
    assert caller.handler.last("ended")[2] == 481
    network.run(100)
    assert network.at_rest()


@pytest.mark.parametrize(
    ("package", "kind", "status"),
    [("", "text/plain", 200), ("x-nobody", "text/plain", 469), ("dtmf", "application/dtmf-relay", 200)],
)
def test_an_info_of_a_package_that_nobody_announced_is_refused_and_keys_are_not(
    pair: Pair, package: str, kind: str, status: int
) -> None:
    """RFC 6086 §4.2.2. Some phones name a package for their keys, without asking."""
    network, caller, callee = pair
    ours, _ = establish(network, caller, callee)
    ours.info(b"Signal=5\r\n", kind, [("Info-Package", package)] if package else [])
    network.run(1)
    answer = network.sent(callee)[-1]
    assert answer.startswith(f"SIP/2.0 {status} ")
    assert ("info" in callee.handler.names()) is (status == 200)
    assert caller.handler.names() == ["answered"], "the call goes on"


def test_operations_that_do_not_fit_the_state_say_so() -> None:
    network = Network()
    caller, callee = network.node("192.0.2.1"), network.node("192.0.2.2")
    ours, theirs = establish(network, caller, callee)
    with pytest.raises(SessionError, match="confirmed"):
        theirs.accept(ANSWER)
    with pytest.raises(SessionError, match="confirmed"):
        ours.cancel()
    ours.bye()
    with pytest.raises(SessionError, match="terminated"):
        ours.reinvite(OFFER)


def test_an_offer_that_is_asked_for_is_made_anew_after_a_collision(pair: Pair) -> None:
    """What was said before the peer's own INVITE was accepted no longer holds (RFC 3261 §14.1)."""
    network, caller, callee = pair
    ours, theirs = establish(network, caller, callee)
    made = iter(f"{OFFER}a=x-turn:{turn}\r\n" for turn in range(9))
    caller.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(OFFER)
    callee.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(ANSWER)
    ours.reinvite(lambda: next(made))
    theirs.reinvite(ANSWER)
    network.run(10)
    assert any(line.startswith("SIP/2.0 491") for line in network.sent(callee))
    asked = callee.handler.last("reinvite")[2]
    assert asked == ours.local_sdp == f"{OFFER}a=x-turn:1\r\n"
    hang_up(network, ours)


def test_an_offer_that_nobody_wants_any_more_is_not_made(pair: Pair) -> None:
    network, caller, callee = pair
    ours, _ = establish(network, caller, callee)
    before = ours.local_sdp
    ours.reinvite(lambda: "")
    network.run(1)
    assert "reinvite" not in callee.handler.names()
    assert ours.at_rest
    assert ours.local_sdp == before
    hang_up(network, ours)


def test_after_a_refused_offer_what_held_before_is_what_we_said_last(pair: Pair) -> None:
    """A refresh of the session (RFC 4028 §7.4) offered what the phone had refused with 488."""
    network, caller, callee = pair
    ours, _ = establish(network, caller, callee)
    before = ours.local_sdp
    callee.handler.on["reinvite"] = lambda session, sdp: session.reject_reinvite(488)
    ours.reinvite(OFFER + "a=inactive\r\n")
    assert not ours.at_rest
    network.run(1)
    assert ours.local_sdp == before
    assert ours.at_rest
    hang_up(network, ours)


def test_a_session_that_is_over_is_freed_without_the_collector_of_cycles(pair: Pair) -> None:
    network, caller, callee = pair
    gc.collect()
    gc.disable()
    try:
        ours, theirs = establish(network, caller, callee)
        kept = [weakref.ref(ours), weakref.ref(theirs)]
        ours.bye()
        network.run(100)
        del ours, theirs
        for node in (caller, callee):
            node.handler.events.clear()
        assert [ref() for ref in kept] == [None, None]
    finally:
        gc.enable()
