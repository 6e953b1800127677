"""REFER, its notifications, and Replaces."""

from __future__ import annotations

import pytest
from tests.unit.sip.network import ANSWER, Network, Node, establish, hang_up

from tongdai.sip.message import Replaces
from tongdai.sip.ua import InviteSession, SessionError

Triple = tuple[Network, Node, Node, Node]


@pytest.fixture
def three() -> Triple:
    network = Network()
    return network, network.node("192.0.2.1"), network.node("192.0.2.2"), network.node("192.0.2.3")


def results(node: Node) -> list[int]:
    return [event[3] for event in node.handler.events if event[0] == "refer_result"]


def test_blind_transfer_is_accepted_and_reported(three: Triple) -> None:
    network, caller, callee, _ = three
    ours, theirs = establish(network, caller, callee)
    callee.handler.on["refer"] = lambda session, refer: session.accept_refer(refer)
    refer_id = ours.refer("sip:third@192.0.2.3")
    network.run(1)
    refer = callee.handler.last("refer")[2]
    assert str(refer.refer_to.uri) == "sip:third@192.0.2.3"
    assert refer.referred_by == '"Caller" <sip:caller@192.0.2.1>'
    assert (refer.replaces, refer.subscribe, refer.id) == (None, True, refer_id)
    theirs.notify_refer(refer.id, 180)
    theirs.notify_refer(refer.id, 200)
    network.run(1)
    assert sorted(results(caller)) == [100, 180, 200, 202]
    theirs.notify_refer(refer.id, 200)  # after the last one nothing more is sent
    network.run(1)
    assert len(results(caller)) == 4
    hang_up(network, ours)


def test_the_subscription_outlives_the_call(three: Triple) -> None:
    network, caller, callee, _ = three
    ours, theirs = establish(network, caller, callee)
    callee.handler.on["refer"] = lambda session, refer: session.accept_refer(refer)
    refer_id = ours.refer("sip:third@192.0.2.3")
    network.run(1)
    ours.bye()
    network.run(1)
    theirs.notify_refer(refer_id, 200)
    network.run(100)
    assert any(line.startswith("NOTIFY") for line in network.sent(callee)[-2:])
    assert network.at_rest()


def test_refused_transfer(three: Triple) -> None:
    network, caller, callee, _ = three
    ours, _ = establish(network, caller, callee)
    callee.handler.on["refer"] = lambda session, refer: session.reject_refer(refer, 403)
    ours.refer("sip:third@192.0.2.3")
    network.run(1)
    assert results(caller) == [403]
    assert ours.confirmed


def test_without_subscription_nothing_is_notified(three: Triple) -> None:
    network, caller, callee, _ = three
    ours, theirs = establish(network, caller, callee)
    callee.handler.on["refer"] = lambda session, refer: session.accept_refer(refer)
    refer_id = ours.refer("sip:third@192.0.2.3", [("Refer-Sub", "false")])
    network.run(1)
    assert not callee.handler.last("refer")[2].subscribe
    theirs.notify_refer(refer_id, 200)
    network.run(1)
    assert results(caller) == [202]
    assert b"\r\nRefer-Sub: false\r\n" in next(d for _, _, d in network.log if d.startswith(b"SIP/2.0 202"))


def test_two_transfers_in_one_call_are_told_apart(three: Triple) -> None:
    network, caller, callee, _ = three
    ours, theirs = establish(network, caller, callee)
    callee.handler.on["refer"] = lambda session, refer: session.accept_refer(refer)
    first, second = ours.refer("sip:a@192.0.2.3"), ours.refer("sip:b@192.0.2.3")
    network.run(1)
    theirs.notify_refer(second, 486)
    network.run(1)
    assert caller.handler.last("refer_result")[2:] == (second, 486)
    theirs.notify_refer(first, 200)
    network.run(1)
    assert caller.handler.last("refer_result")[2:] == (first, 200)
    with pytest.raises(SessionError):
        theirs.notify_refer(99, 200)


def test_attended_transfer_replaces_the_consultation(three: Triple) -> None:
    """RFC 5589 §7: caller talks to callee, consults third, and refers callee to third with Replaces."""
    network, caller, callee, third = three
    ours, theirs = establish(network, caller, callee)
    consultation, at_third = establish(network, caller, third)
    replaces = consultation.as_replaces()
    escaped = str(replaces).replace(";", "%3B").replace("=", "%3D")
    callee.handler.on["refer"] = lambda session, refer: session.accept_refer(refer)
    refer_id = ours.refer(f"<sip:callee@192.0.2.3?Replaces={escaped}>")
    network.run(1)
    refer = callee.handler.last("refer")[2]
    assert refer.replaces == replaces
    assert str(refer.refer_to.uri) == "sip:callee@192.0.2.3"

    def answer(session: InviteSession) -> None:
        assert session.replaces is at_third
        session.accept(ANSWER)
        session.replaces.bye()

    third.handler.on["invite"] = answer
    new = callee.call(third, headers=[("Replaces", str(refer.replaces))])
    network.run(1)
    assert new.confirmed
    assert caller.handler.last("bye")[1] is consultation
    theirs.notify_refer(refer_id, 200)
    network.run(1)
    assert results(caller)[-1] == 200


def test_replaces_of_what_does_not_exist_is_481(three: Triple) -> None:
    network, caller, callee, third = three
    consultation, _ = establish(network, caller, third)
    wrong = Replaces(consultation.call_id, consultation.remote_tag, "other")
    callee.call(third, headers=[("Replaces", str(wrong))])
    network.run(1)
    assert callee.handler.last("failed")[2] == 481
    assert third.handler.names().count("invite") == 1


def test_early_only_replaces_of_an_answered_call_is_486(three: Triple) -> None:
    network, caller, callee, third = three
    consultation, _ = establish(network, caller, third)
    callee.call(third, headers=[("Replaces", f"{consultation.as_replaces()};early-only")])
    network.run(1)
    assert callee.handler.last("failed")[2] == 486


def test_a_ringing_call_of_ours_can_be_replaced(three: Triple) -> None:
    """Call pickup: our outgoing INVITE rings somewhere, another phone takes the call from us."""
    network, caller, callee, third = three
    callee.handler.on["invite"] = lambda session: session.progress(180)
    ringing = caller.call(callee)
    network.run(1)
    caller.handler.on["invite"] = lambda session: session.accept(ANSWER)
    replaces = Replaces(ringing.call_id, ringing.local_tag, ringing.remote_tag, early_only=True)
    third.call(caller, headers=[("Replaces", str(replaces))])
    network.run(1)
    assert caller.handler.last("invite")[1].replaces is ringing


def test_refer_without_a_target_is_400(three: Triple) -> None:
    network, caller, callee, _ = three
    ours, _ = establish(network, caller, callee)
    ours.send_in_dialog("REFER", network.now)
    network.run(1)
    assert "SIP/2.0 400 REFER without Refer-To" in network.sent(callee)
    assert ours.confirmed
