"""ACKs of our 2xx that are of something else, or never come (RFC 3261 §13.3.1.4, §14.2): the 2xx is repeated,
and the session ended with BYE."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from tests.unit.sip.network import ANSWER, OFFER, Network, Node

from tongdai.sip.flow import Flow
from tongdai.sip.ua import InviteSession

Change = Callable[[bytes, bytes], bytes]
"""What is sent for an ACK, given the branch of the INVITE."""


def with_(pattern: bytes, new: bytes) -> Change:
    return lambda ack, branch: re.sub(pattern, new, ack, count=1)


def of_the_branch(change: Change) -> Change:
    """As phones do that take an ACK of a 2xx for part of the transaction."""
    return lambda ack, branch: re.sub(rb"branch=[^;\r]+", b"branch=" + branch, change(ack, branch), count=1)


_CSEQ = with_(rb"CSeq: \d+", b"CSeq: 77")
_TO = with_(rb"(To: [^\r]*;tag=)[^;\r]+", rb"\1other")
_FROM = with_(rb"(From: [^\r]*;tag=)[^;\r]+", rb"\1other")
WRONG: dict[str, Change] = {
    "CSeq": _CSEQ,
    "To tag": _TO,
    "From tag": _FROM,
    "Call-ID": with_(rb"Call-ID: [^\r]+", b"Call-ID: other"),
    "CSeq, branch of the INVITE": of_the_branch(_CSEQ),
    "To tag, branch of the INVITE": of_the_branch(_TO),
    "From tag, branch of the INVITE": of_the_branch(_FROM),
}


class Peers(Network):
    """A caller whose ACKs are changed from `wrong_from` on, and a callee."""

    def __init__(self) -> None:
        super().__init__()
        self.caller: Node = self.node("192.0.2.1")
        self.callee: Node = self.node("192.0.2.2")
        self.change: Change | None = None
        self.branch = b""
        self.callee.handler.on["invite"] = lambda session: session.accept(ANSWER)
        self.callee.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(ANSWER)
        self.alter = self._altered

    def _altered(self, flow: Flow, data: bytes) -> bytes:
        found = re.search(rb"branch=([^;\r]+)", data)
        assert found is not None
        if data.startswith(b"INVITE"):
            self.branch = found[1]
        elif data.startswith(b"ACK") and self.change is not None:
            return self.change(data, self.branch)
        return data

    def begin(self, again: bool, change: Change | None) -> InviteSession:
        """A first INVITE whose ACK is changed, or a second one."""
        self.change = None if again else change
        session = self.caller.call(self.callee)
        self.run(1)
        if again:
            self.change = change
            session.reinvite(OFFER)
            self.run(1)
        return session

    def assert_given_up(self) -> None:
        """The callee has ended it with BYE, and nothing stays."""
        assert self.callee.handler.last("ended")[2] == 408
        assert self.caller.handler.names()[-1] == "bye"
        self.run(100)
        assert self.at_rest()


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_whom_we_called_asks_for_something_else_and_acknowledges_it_wrongly(change: Change):
    peers = Peers()
    ours = peers.begin(False, None)
    theirs: InviteSession = peers.callee.handler.last("invite")[1]
    peers.caller.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(ANSWER)
    peers.change = change
    theirs.reinvite(OFFER)
    peers.run(33)
    assert peers.caller.handler.last("ended")[1:3] == (ours, 408)
    assert peers.callee.handler.names()[-1] == "bye"
    peers.run(100)
    assert peers.at_rest()


AGAIN = pytest.mark.parametrize("again", [False, True], ids=["INVITE", "re-INVITE"])


@AGAIN
@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_an_ack_of_something_else_acknowledges_nothing(change: Change, again: bool):
    peers = Peers()
    peers.begin(again, change)
    peers.run(29)
    assert peers.sent(peers.callee).count("SIP/2.0 200 OK") == 10 + again
    assert not any(line.startswith("BYE") for line in peers.sent(peers.callee))
    peers.run(4)
    peers.assert_given_up()


@AGAIN
def test_an_ack_that_never_comes_ends_the_session(again: bool):
    peers = Peers()
    peers.begin(again, lambda ack, branch: b"")
    peers.run(33)
    peers.assert_given_up()


@AGAIN
def test_an_ack_with_the_branch_of_its_invite_is_taken(again: bool):
    peers = Peers()
    session = peers.begin(again, of_the_branch(lambda ack, branch: ack))
    assert peers.sent(peers.callee).count("SIP/2.0 200 OK") == 1 + again
    peers.change = None
    session.bye()
    peers.run(100)
    assert peers.at_rest()


def test_an_ack_of_the_first_invite_is_none_of_the_second():
    peers = Peers()
    peers.begin(True, lambda ack, branch: re.sub(rb"(?<=CSeq: )\d+", lambda x: b"%d" % (int(x[0]) - 1), ack))
    peers.run(33)
    peers.assert_given_up()


def test_a_peer_that_hangs_up_instead_of_an_ack_is_gone_at_once():
    peers = Peers()
    session = peers.begin(True, lambda ack, branch: b"")
    session.bye()
    peers.run(100)
    assert peers.callee.handler.names()[-1] == "bye"
    assert peers.at_rest()
