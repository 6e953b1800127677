"""Dialogs whose next hop is a host name: when it is silent where it was, DNS is asked (RFC 3263 §4.3)."""

from __future__ import annotations

import pytest
from tests.unit.sip.network import ANSWER, OFFER, Network, Node, establish

from tongdai.sip.flow import Flow
from tongdai.sip.location import Place
from tongdai.sip.message import Request, parse
from tongdai.sip.ua import InviteSession

NAME = "sip.office.test"


class Office:
    """Callers talk to a callee whose Contact is a name of two addresses; then it moves from one to the
    other."""

    def __init__(self, transport: str = "udp", contact: str = f"sip:office@{NAME}") -> None:
        self.network = Network(transport=transport)  # type: ignore[arg-type]
        self.caller = self.network.node("192.0.2.1")
        self.first = self.network.node("192.0.2.2")
        self.second = self.network.node("192.0.2.3")
        self.ours, theirs = establish(self.network, self.caller, self.first)
        self.ours.state.remote_target = contact
        self.network.names[NAME] = [self.first.address, self.second.address]
        state = theirs.snapshot()
        state.local_contact = contact
        self.theirs: InviteSession = self.second.agent.restore(state)
        self.network.run(40)

    def move(self) -> None:
        """The first address is gone; a connection to it is lost, and none can be opened."""
        del self.network.nodes[self.first.address]
        gone: list[Flow] = []

        def drop(flow: Flow, data: bytes) -> bool:
            if flow.remote == self.first.address and flow.reliable:
                gone.append(flow)
            return bool(gone and gone[-1] == flow)

        self.network.drop = drop
        flush = self.network.flush

        def flush_and_fail() -> None:
            flush()
            while gone:
                self.caller.agent.flow_failed(gone.pop(), self.network.now)
                flush()

        self.network.flush = flush_and_fail  # type: ignore[method-assign]

    def sent_to(self, node: Node, method: str) -> list[Request]:
        found = []
        for _, flow, data in self.network.log:
            message = parse(data)
            if flow.remote == node.address and isinstance(message, Request) and message.method == method:
                found.append(message)
        return found


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_a_bye_goes_to_the_other_address(transport: str):
    """A carrier's proxy was replaced while calls stood: it never heard that they were over, and went on
    counting."""
    office = Office(transport)
    office.move()
    office.ours.bye()
    office.network.run(40 if transport == "udp" else 1)
    assert office.second.handler.names() == ["bye"]
    assert office.network.asked == [Place(NAME, 0, transport)]  # type: ignore[arg-type]
    office.network.run(40)
    assert office.caller.agent.transactions() == 0


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_the_dialog_goes_on_there(transport: str):
    office = Office(transport)
    office.move()
    office.second.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(ANSWER)
    office.ours.reinvite(OFFER)
    office.network.run(40 if transport == "udp" else 1)
    assert office.caller.handler.last("reinvite_result")[2] == 200
    assert office.sent_to(office.second, "ACK"), "acknowledged where it was answered"
    office.ours.info(b"Signal=1", "application/dtmf-relay")
    office.network.run(1)
    assert office.second.handler.last("info")[2] == b"Signal=1"
    assert len(office.network.asked) == 1


def test_who_answers_503_is_one_that_fails():
    office = Office()
    office.first.handler.on["reinvite"] = lambda session, sdp: session.reject_reinvite(503)
    office.second.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(ANSWER)
    office.ours.reinvite(OFFER)
    office.network.run(1)
    assert office.caller.handler.last("reinvite_result")[2] == 200


def test_a_refusal_is_no_failure():
    office = Office()
    office.first.handler.on["reinvite"] = lambda session, sdp: session.reject_reinvite(488)
    office.ours.reinvite(OFFER)
    office.network.run(1)
    assert office.caller.handler.last("reinvite_result")[2] == 488
    assert office.network.asked == []


def test_the_call_is_over_when_nobody_at_the_name_answers():
    office = Office()
    office.move()
    del office.network.nodes[office.second.address]
    office.ours.reinvite(OFFER)
    office.network.run(70)
    assert office.caller.handler.names()[-2:] == ["reinvite_result", "ended"]
    assert office.caller.handler.last("ended")[2] == 408
    office.network.run(200)
    assert office.caller.agent.sessions() == []
    assert office.caller.agent.transactions() == 0


def test_the_call_is_over_when_dns_does_not_know():
    office = Office()
    office.network.names.clear()
    office.move()
    office.ours.info(b"Signal=1", "application/dtmf-relay")
    office.network.run(33)
    assert office.caller.handler.last("ended")[2] == 408


def test_who_hangs_up_while_dns_is_asked_hears_no_more():
    office = Office("tcp")
    office.move()
    waiting = []
    office.caller.agent._core.locate = lambda place, done: waiting.append(done)
    office.ours.reinvite(OFFER)
    office.network.run(1)
    assert len(waiting) == 1
    before = office.caller.handler.names()
    office.ours.bye()
    office.network.run(40)
    for done in waiting:
        done(None)
    office.network.run(40)
    assert office.caller.handler.names() == before
    assert office.caller.agent.sessions() == []
    assert office.caller.agent.transactions() == 0


@pytest.mark.parametrize(
    "contact",
    [
        "sip:office@192.0.2.2",
        "sip:office@k3jh4.invalid",
        f"sip:office@{NAME};transport=ws",
        "tel:+84901234567",
    ],
)
def test_dns_is_asked_for_nothing_it_does_not_know(contact: str):
    office = Office(contact=contact)
    office.move()
    office.ours.bye()
    office.network.run(40)
    assert office.network.asked == []


def test_nobody_has_us_send_into_our_own_network():
    """A stranger's Contact is a name of his that he lets lead to an address of ours."""
    office = Office()
    office.ours.state.flow = Flow("udp", ("9.9.9.10", 5060), ("9.9.9.9", 5060))
    office.network.names[NAME] = [("10.0.0.5", 5060), ("127.0.0.1", 5060)]
    office.ours.bye()
    office.network.run(40)
    assert not [flow for _, flow, _ in office.network.log if flow.remote[0] in ("10.0.0.5", "127.0.0.1")]
