"""UPDATE: new media without an INVITE, also before the answer (RFC 3311)."""

from __future__ import annotations

import pytest
from tests.unit.sip.network import ANSWER, OFFER, Network, Node, establish, hang_up

from tongdai.sip.message import Response
from tongdai.sip.ua import InviteSession

Pair = tuple[Network, Node, Node]
HELD = OFFER + "a=sendonly\r\n"


@pytest.fixture
def pair() -> Pair:
    network = Network()
    return network, network.node("192.0.2.1"), network.node("192.0.2.2")


def update(session: InviteSession, sdp: str | None, now: float) -> list[Response | None]:
    """Send an UPDATE; returns the list that its final response will be in."""
    answers: list[Response | None] = []
    body, kind = (b"", None) if sdp is None else (sdp.encode(), "application/sdp")
    session.send_in_dialog(
        "UPDATE", now, (), body, kind, on_final=lambda status, response: answers.append(response)
    )
    return answers


def status(answers: list[Response | None]) -> int:
    [answer] = answers
    assert answer is not None
    return answer.status


def test_hold_by_update_is_answered_like_a_reinvite(pair: Pair) -> None:
    network, caller, callee = pair
    ours, theirs = establish(network, caller, callee)
    callee.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(ANSWER + "a=recvonly\r\n")
    answers = update(ours, HELD, network.now)
    network.run(1)
    assert callee.handler.last("reinvite")[2] == HELD
    assert status(answers) == 200
    assert answers[0] is not None
    assert answers[0].sdp == ANSWER + "a=recvonly\r\n"
    assert answers[0].contact is not None
    assert theirs.remote_sdp == HELD
    assert theirs.local_sdp == ANSWER + "a=recvonly\r\n"
    hang_up(network, ours)


def test_an_update_that_is_refused_leaves_the_call(pair: Pair) -> None:
    network, caller, callee = pair
    ours, theirs = establish(network, caller, callee)
    callee.handler.on["reinvite"] = lambda session, sdp: session.reject_reinvite(488)
    answers = update(ours, HELD, network.now)
    network.run(1)
    assert status(answers) == 488
    assert ours.confirmed
    assert theirs.confirmed
    assert not theirs.offered


def test_an_update_without_an_offer_moves_the_target_only(pair: Pair) -> None:
    """A phone whose address changed says so with an UPDATE that has a new Contact and no description."""
    network, caller, callee = pair
    ours, theirs = establish(network, caller, callee)
    ours.state.local_contact = "sip:elsewhere@192.0.2.1:5070"
    answers = update(ours, None, network.now)
    network.run(1)
    assert status(answers) == 200
    assert "reinvite" not in callee.handler.names()
    assert theirs.state.remote_target == "sip:elsewhere@192.0.2.1:5070"


def test_a_second_update_waits_for_the_answer_to_the_first(pair: Pair) -> None:
    network, caller, callee = pair
    ours, theirs = establish(network, caller, callee)
    first = update(ours, HELD, network.now)
    second = update(ours, OFFER, network.now)
    network.run(1)
    assert status(second) == 500
    assert second[0] is not None
    assert 0 <= int(second[0].headers.get("Retry-After") or "-1") <= 10
    theirs.accept_reinvite(ANSWER)
    network.run(1)
    assert status(first) == 200


def test_an_update_that_crosses_our_reinvite_is_refused_with_491(pair: Pair) -> None:
    network, caller, callee = pair
    ours, theirs = establish(network, caller, callee)
    theirs.reinvite(ANSWER)
    network.flush()
    answers = update(ours, HELD, network.now)
    network.run(0.015)
    caller.handler.last("reinvite")[1].accept_reinvite(OFFER)
    network.run(1)
    assert status(answers) == 491
    assert callee.handler.last("reinvite_result")[2] == 200


def test_an_update_while_a_reinvite_of_the_same_peer_is_open_is_refused(pair: Pair) -> None:
    network, caller, callee = pair
    ours, theirs = establish(network, caller, callee)
    ours.reinvite(HELD)
    network.run(1)
    answers = update(ours, OFFER, network.now)
    network.run(1)
    assert status(answers) == 500
    theirs.accept_reinvite(ANSWER)
    network.run(1)
    assert caller.handler.last("reinvite_result")[2] == 200


def test_an_offer_before_the_first_one_is_answered_is_refused(pair: Pair) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = lambda session: session.progress(180)
    ours = caller.call(callee)
    network.run(1)
    answers = update(ours, HELD, network.now)
    network.run(1)
    assert status(answers) == 500
    back = update(callee.handler.last("invite")[1], ANSWER, network.now)
    network.run(1)
    assert status(back) == 491


def test_a_reinvite_while_an_update_waits_is_asked_to_come_again(pair: Pair) -> None:
    network, caller, callee = pair
    ours, theirs = establish(network, caller, callee)
    update(ours, HELD, network.now)
    network.run(1)
    ours.reinvite(OFFER)
    network.run(1)
    assert caller.handler.last("reinvite_result")[2] == 500
    theirs.accept_reinvite(ANSWER)


def test_an_update_that_waits_is_answered_when_the_call_ends(pair: Pair) -> None:
    network, caller, callee = pair
    ours, theirs = establish(network, caller, callee)
    answers = update(ours, HELD, network.now)
    network.run(1)
    assert theirs.offered
    theirs.bye()
    network.run(100)
    assert status(answers) == 487
    assert network.at_rest()
