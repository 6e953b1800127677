"""A caller without an offer who acknowledges (RFC 3262 §5): ours is in the first reliable response, and the
answer to it in the PRACK."""

from __future__ import annotations

import pytest
from tests.unit.sip.network import ANSWER, OFFER, Network, Node

from tongdai.sip.flow import Flow
from tongdai.sip.message import Response, parse
from tongdai.sip.ua import InviteSession

CALLER = ("192.0.2.7", 5060)


class Caller:
    """Writes the messages of a phone that is not ours."""

    def __init__(self, offers: str = "Require") -> None:
        self.network = Network()
        self.callee: Node = self.network.node("192.0.2.2")
        self.flow = Flow("udp", self.callee.address, CALLER)
        self._branch = 0
        self._to = "<sip:b@192.0.2.2>"
        self.says("INVITE", 1, f"{offers}: 100rel\r\n")

    def says(self, method: str, cseq: int, more: str = "", body: str = "") -> list[Response]:
        """Send a request; returns what comes back at once."""
        self._branch += 1
        kind = "Content-Type: application/sdp\r\n" if body else ""
        lines = [
            f"{method} sip:b@192.0.2.2 SIP/2.0",
            f"Via: SIP/2.0/UDP 192.0.2.7;rport;branch=z9hG4bK{self._branch}",
            "Max-Forwards: 70",
            "From: <sip:a@192.0.2.7>;tag=a",
            f"To: {self._to}",
            "Call-ID: c",
            f"CSeq: {cseq} {method}",
            "Contact: <sip:a@192.0.2.7>",
            f"{more}{kind}Content-Length: {len(body)}",
        ]
        data = "\r\n".join([*lines, "", body]).encode()
        self.callee.agent.receive(data, self.flow, self.network.now)
        return self.hears()

    def hears(self) -> list[Response]:
        found = []
        for _, data in self.callee.agent.drain():
            message = parse(data)
            if isinstance(message, Response):
                found.append(message)
                if message.to.tag:
                    self._to = message.headers.get("To") or ""
        return found

    @property
    def session(self) -> InviteSession:
        session: InviteSession = self.callee.handler.last("invite")[1]
        return session

    def acknowledges(self, progress: Response, body: str = ANSWER) -> list[Response]:
        return self.says("PRACK", 2, f"RAck: {progress.headers.get('RSeq')} 1 INVITE\r\n", body)


def text(response: Response) -> str:
    return response.body.decode()


@pytest.mark.parametrize("offers", ["Require", "Supported"])
def test_our_offer_is_answered_before_the_call_is(offers: str):
    caller = Caller(offers)
    session = caller.session
    assert session.may_offer_early
    session.progress(183, OFFER)
    [progress] = caller.hears()
    assert (progress.status, text(progress)) == (183, OFFER)
    assert progress.tokens("Require") == ["100rel"]
    [ok] = caller.acknowledges(progress)
    assert (ok.status, ok.cseq.method, text(ok)) == (200, "PRACK", "")
    assert caller.callee.handler.last("ack")[1:] == (session, ANSWER)
    assert session.remote_sdp == ANSWER
    session.accept(OFFER)
    [answer] = caller.hears()
    assert (answer.status, text(answer)) == (200, "")  # offer and answer are exchanged
    caller.says("ACK", 1)
    assert session.confirmed
    assert caller.callee.handler.last("ack")[2] is None
    session.bye()


def test_an_answer_that_is_not_there_yet_is_waited_for():
    caller = Caller()
    caller.session.progress(183, OFFER)
    [progress] = caller.hears()
    caller.session.accept(OFFER)
    assert caller.hears() == []
    statuses = [(x.status, text(x)) for x in caller.acknowledges(progress)]
    assert statuses == [(200, ""), (200, "")]


def test_who_insists_hears_no_ringing_before_the_offer_and_all_of_it_after():
    """The first reliable response has to carry the offer; a 180 without one cannot be sent to him."""
    caller = Caller("Require")
    caller.hears()
    caller.session.progress(180)
    assert caller.hears() == []
    caller.session.progress(183, OFFER)
    [progress] = caller.hears()
    caller.acknowledges(progress)
    caller.session.progress(180)
    assert [x.status for x in caller.hears()] == [180]


def test_who_can_do_without_gets_his_ringing_and_the_offer_in_the_answer():
    caller = Caller("X-Supported")
    assert not caller.session.may_offer_early
    caller.session.progress(180)
    caller.session.accept(OFFER)
    assert [(x.status, text(x)) for x in caller.hears()][-1] == (200, OFFER)
