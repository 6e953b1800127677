"""Provisional responses that are acknowledged (RFC 3262), and offers before the answer that they allow."""

from __future__ import annotations

import pytest
from tests.unit.sip.network import ANSWER, OFFER, Network, Node, hang_up
from tests.unit.sip.test_session_timer import answers, rewrite, sent, strip
from tests.unit.sip.test_update import status, update

from tongdai.sip.flow import Flow
from tongdai.sip.message import Message, Response
from tongdai.sip.ua import InviteSession, SessionError

Pair = tuple[Network, Node, Node]
REQUIRED = [("Require", "100rel")]


@pytest.fixture
def pair() -> Pair:
    network = Network()
    return network, network.node("192.0.2.1"), network.node("192.0.2.2")


def early(session: InviteSession) -> None:
    session.progress(183, ANSWER)


def lose(network: Network, method: bytes, until: float = 1e9) -> None:
    network.drop = lambda flow, data: data.startswith(method) and network.now < until


def test_early_media_is_acknowledged(pair: Pair) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = early
    ours = caller.call(callee)
    network.run(1)
    [progress] = answers(network, callee, 183, "INVITE")
    assert progress.tokens("Require") == ["100rel"]
    [prack] = sent(network, caller, "PRACK")
    [invite] = sent(network, caller, "INVITE")
    assert prack.headers.get("RAck") == f"{progress.headers.get('RSeq')} {invite.cseq.number} INVITE"
    assert prack.to.tag == progress.to.tag
    assert [response.status for response in answers(network, callee, 200, "PRACK")] == [200]
    network.run(30)
    assert caller.handler.names() == ["provisional"]
    callee.handler.last("invite")[1].accept(ANSWER)
    network.run(1)
    assert ours.confirmed
    assert caller.handler.last("answered")[2] is None
    assert ours.remote_sdp == ANSWER
    hang_up(network, ours)


def test_early_media_survives_the_loss_of_its_response(pair: Pair) -> None:
    """The 183 was lost, and so the caller heard nothing of "this number is not in service"."""
    network, caller, callee = pair
    callee.handler.on["invite"] = early
    lose(network, b"SIP/2.0 183", 1001)
    caller.call(callee)
    network.run(5)
    assert caller.handler.names() == ["provisional"]
    assert caller.handler.last("provisional")[2:] == (183, ANSWER)
    assert len(answers(network, callee, 183, "INVITE")) == 3


def test_a_lost_prack_is_repeated_and_heard_of_once(pair: Pair) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = early
    lose(network, b"PRACK", 1002)
    caller.call(callee)
    network.run(10)
    assert caller.handler.names() == ["provisional"]
    before = len(answers(network, callee, 183, "INVITE"))
    network.run(20)
    assert len(answers(network, callee, 183, "INVITE")) == before


def test_the_answer_waits_for_the_acknowledgement_of_what_describes_it(pair: Pair) -> None:
    network, caller, callee = pair

    def answer(session: InviteSession) -> None:
        session.progress(183, ANSWER)
        session.accept(ANSWER)
        with pytest.raises(SessionError):
            session.accept(ANSWER)

    callee.handler.on["invite"] = answer
    lose(network, b"PRACK", 1003)
    ours = caller.call(callee)
    network.run(2)
    theirs = callee.handler.last("invite")[1]
    assert not theirs.confirmed
    assert not answers(network, callee, 200, "INVITE")
    network.run(5)
    assert theirs.confirmed
    assert ours.confirmed
    assert callee.handler.names()[-1] == "ack"
    hang_up(network, ours)


@pytest.mark.parametrize("ended_by", ["caller", "callee", "reject"])
def test_a_call_may_end_while_its_answer_waits(pair: Pair, ended_by: str) -> None:
    network, caller, callee = pair

    def answer(session: InviteSession) -> None:
        session.progress(183, ANSWER)
        session.accept(ANSWER)

    callee.handler.on["invite"] = answer
    lose(network, b"PRACK")
    ours = caller.call(callee)
    network.run(1)
    theirs = callee.handler.last("invite")[1]
    if ended_by == "caller":
        ours.cancel()
    elif ended_by == "callee":
        theirs.bye()
    else:
        theirs.reject(486)
    network.run(200)
    assert caller.handler.names()[-1] == "failed"
    assert not answers(network, callee, 200, "INVITE")
    assert network.at_rest()


def test_a_caller_that_never_acknowledges_is_given_up(pair: Pair) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = early
    lose(network, b"PRACK")
    caller.call(callee)
    network.run(33)
    assert callee.handler.last("ended")[2] == 408
    assert caller.handler.last("failed")[2] == 504
    network.run(100)
    assert network.at_rest()


def test_ringing_is_reliable_only_for_who_insists(pair: Pair) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = lambda session: session.progress(180)
    caller.call(callee)
    network.run(1)
    assert not sent(network, caller, "PRACK")
    caller.call(callee, headers=REQUIRED)
    network.run(1)
    assert len(sent(network, caller, "PRACK")) == 1
    assert caller.handler.names() == ["provisional", "provisional"]


def test_who_cannot_acknowledge_is_not_asked_to(pair: Pair) -> None:
    network, caller, callee = pair
    rewrite(callee, strip("Supported"))
    callee.handler.on["invite"] = early
    caller.call(callee)
    network.run(1)
    [progress] = answers(network, callee, 183, "INVITE")
    assert "RSeq" not in progress.headers
    assert progress.sdp == ANSWER


def test_several_come_one_after_the_other(pair: Pair) -> None:
    network, caller, callee = pair

    def ring(session: InviteSession) -> None:
        session.progress(180)
        session.progress(183, ANSWER)
        session.progress(182)

    callee.handler.on["invite"] = ring
    lose(network, b"PRACK", 1001)
    caller.call(callee, headers=REQUIRED)
    network.run(1)
    assert [event[2] for event in caller.handler.events] == [180]
    network.run(5)
    assert [event[2] for event in caller.handler.events] == [180, 183, 182]
    numbers = [int((prack.headers.get("RAck") or "").split()[0]) for prack in sent(network, caller, "PRACK")]
    assert sorted(set(numbers)) == list(range(numbers[0], numbers[0] + 3))
    callee.handler.last("invite")[1].reject(486)
    network.run(100)
    assert network.at_rest()


def test_one_that_comes_before_its_turn_is_dropped(pair: Pair) -> None:
    network, caller, callee = pair
    ours = caller.call(callee)
    network.flush()
    request = sent(network, caller, "INVITE")[0]
    back = Flow("udp", caller.address, callee.address)
    for number in (7, 9, 7, 8):
        fields = [("Contact", "<sip:x@192.0.2.2>"), ("Require", "100rel"), ("RSeq", str(number))]
        caller.agent.receive(bytes(request.response(180, None, fields, to_tag="them")), back, network.now)
    assert [event[2] for event in caller.handler.events] == [180, 180]
    network.flush()
    assert [x.headers.get("RAck") for x in sent(network, caller, "PRACK")] == ["7 1 INVITE", "8 1 INVITE"]
    assert ours.remote_tag == "them"


def test_each_fork_counts_for_itself(pair: Pair) -> None:
    network, caller, callee = pair
    caller.call(callee)
    network.flush()
    request = sent(network, caller, "INVITE")[0]
    back = Flow("udp", caller.address, callee.address)
    for tag, number in (("a", 100), ("b", 5), ("a", 101), ("b", 5)):
        fields = [("Contact", f"<sip:{tag}@192.0.2.2>"), ("Require", "100rel"), ("RSeq", str(number))]
        caller.agent.receive(bytes(request.response(180, None, fields, to_tag=tag)), back, network.now)
    network.flush()
    pracks = [(x.to.tag, x.uri.user, x.headers.get("RAck")) for x in sent(network, caller, "PRACK")]
    assert pracks == [("a", "a", "100 1 INVITE"), ("b", "b", "5 1 INVITE"), ("a", "a", "101 1 INVITE")]


def test_the_answer_of_another_fork_than_that_of_the_early_media_counts(pair: Pair) -> None:
    network, caller, callee = pair
    ours = caller.call(callee)
    network.flush()
    request = sent(network, caller, "INVITE")[0]
    back = Flow("udp", caller.address, callee.address)
    contact, kind = ("Contact", "<sip:x@192.0.2.2>"), ("Content-Type", "application/sdp")
    reliable = [contact, kind, ("Require", "100rel"), ("RSeq", "1")]
    other = ANSWER.replace("5000", "5002")
    caller.agent.receive(
        bytes(request.response(183, None, reliable, ANSWER.encode(), to_tag="a")), back, network.now
    )
    caller.agent.receive(
        bytes(request.response(200, None, [contact, kind], other.encode(), to_tag="b")), back, network.now
    )
    assert caller.handler.last("answered")[2] == other
    assert ours.remote_sdp == other


@pytest.mark.parametrize("rack", ["", "1 INVITE", "x 1 INVITE", "1 1 BYE", "99999999999 1 INVITE"])
def test_a_rack_that_is_none_is_a_bad_request(pair: Pair, rack: str) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = early
    ours = caller.call(callee)
    network.run(1)
    seen: list[int] = []
    ours.send_in_dialog(
        "PRACK", network.now, [("RAck", rack)], on_final=lambda status, response: seen.append(status)
    )
    network.run(1)
    assert seen == [400]


def test_a_prack_of_nothing_is_refused_and_a_late_one_is_not(pair: Pair) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = early
    ours = caller.call(callee)
    network.run(1)
    good = sent(network, caller, "PRACK")[0].headers.get("RAck") or ""
    number, cseq, _ = good.split()
    seen: list[int] = []
    for rack in (f"{int(number) + 1} {cseq} INVITE", f"{number} {int(cseq) + 1} INVITE", good):
        ours.send_in_dialog(
            "PRACK", network.now, [("RAck", rack)], on_final=lambda status, response: seen.append(status)
        )
        network.run(1)
    assert seen == [481, 481, 200]
    assert not ours.ended


def test_a_caller_that_wants_our_offer_hears_nothing_before_the_answer(pair: Pair) -> None:
    """Its first reliable response would have to carry the offer (RFC 3262 §5), which our 200 makes."""
    network, caller, callee = pair

    def answer(session: InviteSession) -> None:
        session.progress(180)
        session.accept(OFFER)

    callee.handler.on["invite"] = answer
    caller.handler.on["answered"] = lambda session, sdp: session.ack(ANSWER)
    ours = caller.call(callee, sdp=None, headers=REQUIRED)
    network.run(1)
    assert caller.handler.names() == ["answered"]
    assert "100rel" not in sent(network, caller, "INVITE")[0].tokens("Supported")
    assert ours.confirmed
    assert callee.handler.last("ack")[2] == ANSWER


def test_long_ringing_is_said_again_with_the_next_number(pair: Pair) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = lambda session: session.progress(180)
    caller.call(callee, headers=REQUIRED)
    network.run(130)
    assert [event[2] for event in caller.handler.events] == [180, 180, 180]


def test_media_may_change_before_the_answer(pair: Pair) -> None:
    """A carrier plays a tone from one address, and has the called phone's sound come from another."""
    network, caller, callee = pair
    callee.handler.on["invite"] = early
    ours = caller.call(callee)
    network.run(1)
    theirs = callee.handler.last("invite")[1]
    moved = ANSWER.replace("5000", "5002")
    caller.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(OFFER)
    seen = update(theirs, moved, network.now)
    network.run(1)
    assert status(seen) == 200
    assert ours.remote_sdp == moved
    theirs.accept(ANSWER)
    network.run(1)
    assert ours.remote_sdp == moved
    assert ours.confirmed


def test_the_200_does_not_undo_what_was_agreed_before_it(pair: Pair) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = early
    ours = caller.call(callee)
    network.run(1)
    theirs = callee.handler.last("invite")[1]
    callee.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(ANSWER)
    update(ours, OFFER + "a=sendonly\r\n", network.now)
    network.run(1)
    theirs.accept(ANSWER)
    network.run(1)
    [ok] = answers(network, callee, 200, "INVITE")
    assert ok.sdp is None
    assert ours.confirmed


def test_an_offer_in_a_prack_is_answered_in_its_200(pair: Pair) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = early
    callee.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(ANSWER + "a=recvonly\r\n")
    held = OFFER + "a=sendonly\r\n"

    def with_offer(message: Message) -> None:
        if b"PRACK" in bytes(message).split(b"\r\n", 1)[0]:
            message.body = held.encode()
            message.headers.set("Content-Type", "application/sdp")

    rewrite(callee, with_offer)
    caller.call(callee)
    network.run(1)
    [ok] = answers(network, callee, 200, "PRACK")
    assert ok.sdp == ANSWER + "a=recvonly\r\n"
    assert callee.handler.last("reinvite")[2] == held


def test_a_reliable_response_that_cannot_be_read_is_as_good_as_none(pair: Pair) -> None:
    network, caller, callee = pair
    ours = caller.call(callee)
    network.flush()
    request = sent(network, caller, "INVITE")[0]
    fields = [("Contact", "<sip:x@192.0.2.2>"), ("Require", "100rel"), ("RSeq", "first")]
    response: Response = request.response(180, None, fields, to_tag="them")
    caller.agent.receive(bytes(response), Flow("udp", caller.address, callee.address), network.now)
    assert not caller.handler.events
    assert not ours.ended
