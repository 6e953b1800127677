"""Session timers: who refreshes, how, and what happens when nobody does (RFC 4028)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.unit.sip.network import ANSWER, OFFER, Network, Node, SeededIds, establish, hang_up

from tongdai.sip.flow import Flow
from tongdai.sip.message import Message, Request, Response, parse
from tongdai.sip.transaction import ServerTransaction
from tongdai.sip.ua import InviteSession, UserAgent
from tongdai.sip.ua.offers import Offers

Pair = tuple[Network, Node, Node]


@pytest.fixture
def pair() -> Pair:
    network = Network()
    return network, network.node("192.0.2.1"), network.node("192.0.2.2")


def without_timers(node: Node) -> None:
    """A user agent that asks for no timer of its own."""
    node.agent = UserAgent(
        node.handler, clock=lambda: node.network.now, ids=SeededIds(str(node.address)), session_seconds=0
    )


def rewrite(node: Node, change: Callable[[Message], None]) -> None:
    """Let everything that the node receives be changed before, as if its peer had written it so."""
    receive = node.agent.receive

    def changed(data: bytes | Message, flow: Flow, now: float) -> None:
        message = parse(data) if isinstance(data, bytes) else data
        change(message)
        receive(bytes(message), flow, now)

    node.agent.receive = changed  # type: ignore[method-assign]


def strip(*names: str) -> Callable[[Message], None]:
    """A peer that knows no session timers, or does not say that it takes UPDATE."""

    def change(message: Message) -> None:
        for name in names:
            message.headers.set_all(name, [])

    return change


def sent(network: Network, node: Node, method: str) -> list[Request]:
    found = []
    for _, flow, data in network.log:
        message = parse(data)
        if flow.local == node.address and isinstance(message, Request) and message.method == method:
            found.append(message)
    return found


def answers(network: Network, node: Node, status: int, method: str) -> list[Response]:
    found = []
    for _, flow, data in network.log:
        message = parse(data)
        if flow.local == node.address and isinstance(message, Response) and message.status == status:
            found += [message] if message.cseq.method == method else []
    return found


def invite(seconds: str, **fields: str) -> bytes:
    lines = [
        "INVITE sip:callee@192.0.2.2 SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1;rport",
        "Max-Forwards: 70",
        "From: <sip:x@192.0.2.9>;tag=a",
        "To: <sip:callee@192.0.2.2>",
        "Call-ID: c",
        "CSeq: 1 INVITE",
        "Contact: <sip:x@192.0.2.9>",
        *([f"Session-Expires: {seconds}"] if seconds else []),
        *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items()),
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer_to(node: Node, data: bytes) -> Response:
    """The final response of a node that accepts every call."""
    node.handler.on["invite"] = lambda session: session.accept(OFFER)
    node.agent.receive(data, Flow("udp", node.address, ("192.0.2.9", 5060)), node.network.now)
    response = parse(node.agent.drain()[-1][1])
    assert isinstance(response, Response)
    return response


def test_the_caller_refreshes_with_an_update_at_half_the_interval(pair: Pair) -> None:
    network, caller, callee = pair
    ours, theirs = establish(network, caller, callee)
    [request] = sent(network, caller, "INVITE")
    assert request.headers.get("Session-Expires") == "1800;refresher=uac"
    [ok] = answers(network, callee, 200, "INVITE")
    assert ok.headers.get("Session-Expires") == "1800;refresher=uac"
    assert ok.tokens("Require") == ["timer"]
    network.run(890)
    assert not sent(network, caller, "UPDATE")
    network.run(20)
    [update] = sent(network, caller, "UPDATE")
    assert update.headers.get("Session-Expires") == "1800;refresher=uac"
    assert not update.body
    assert not sent(network, callee, "UPDATE")
    assert "reinvite" not in callee.handler.names()
    network.run(36_000)
    assert len(sent(network, caller, "UPDATE")) == 41
    assert ours.confirmed
    assert theirs.confirmed
    hang_up(network, ours)


def test_a_call_whose_peer_has_gone_ends(pair: Pair) -> None:
    """Both phones of a call lost their power; the call stood in every list for days."""
    network, caller, callee = pair
    establish(network, caller, callee)
    del network.nodes[callee.address]
    network.run(900 + 33)
    assert caller.handler.last("ended")[2] == 408
    network.run(100)
    assert network.at_rest()


def test_a_call_that_its_refresher_forgets_ends_before_the_interval_does(pair: Pair) -> None:
    network, caller, callee = pair
    establish(network, caller, callee)
    del network.nodes[caller.address]
    network.run(1760)
    assert "ended" not in callee.handler.names()
    network.run(10)
    assert callee.handler.last("ended")[2] == 408
    network.run(100)
    assert not callee.agent.sessions()


def test_a_peer_without_update_is_refreshed_by_a_reinvite_with_the_same_description(pair: Pair) -> None:
    network, caller, callee = pair
    rewrite(caller, strip("Allow"))
    callee.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(ANSWER)
    ours, _ = establish(network, caller, callee)
    network.run(920)
    _, refresh = sent(network, caller, "INVITE")
    assert refresh.sdp == OFFER
    assert refresh.headers.get("Session-Expires") == "1800;refresher=uac"
    assert "reinvite_result" not in caller.handler.names()
    assert not ours.reinviting
    network.run(36_000)
    assert ours.confirmed


def test_what_a_peer_changes_in_answer_to_a_refresh_is_told(pair: Pair) -> None:
    network, caller, callee = pair
    rewrite(caller, strip("Allow"))
    moved = ANSWER.replace("5000", "5002")
    callee.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(moved)
    ours, _ = establish(network, caller, callee)
    network.run(920)
    assert caller.handler.last("reinvite_result")[1:] == (ours, 200, moved)


def test_a_peer_that_only_claims_to_take_update_is_refreshed_by_a_reinvite(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, caller, callee = pair
    ours, _ = establish(network, caller, callee)
    callee.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(ANSWER)

    def unknown(self: Offers, request: Request, transaction: ServerTransaction, now: float) -> None:
        transaction.respond(request.response(405), now)

    monkeypatch.setattr(Offers, "receive_update", unknown)
    network.run(920)
    assert len(sent(network, caller, "UPDATE")) == 1
    assert len(sent(network, caller, "INVITE")) == 2
    network.run(3600)
    assert len(sent(network, caller, "UPDATE")) == 1
    assert ours.confirmed


@pytest.mark.parametrize("status", [488, 500, 503])
def test_a_peer_that_refuses_a_refresh_is_there_all_the_same(pair: Pair, status: int) -> None:
    network, caller, callee = pair
    rewrite(caller, strip("Allow", "Session-Expires"))
    callee.handler.on["reinvite"] = lambda session, sdp: session.reject_reinvite(status)
    ours, theirs = establish(network, caller, callee)
    ours.state.session_seconds, ours.state.we_refresh = 1800, True
    ours.timer.run(network.now)
    theirs.timer.stop()
    network.run(7200)
    assert ours.confirmed
    assert len(sent(network, caller, "INVITE")) > 8


def test_what_the_owner_offers_during_a_refresh_comes_after_it(pair: Pair) -> None:
    network, caller, callee = pair
    rewrite(caller, strip("Allow"))
    ours, theirs = establish(network, caller, callee)
    network.run(900)
    assert theirs.offered
    assert not ours.reinviting
    ours.reinvite(OFFER + "a=sendonly\r\n")
    assert ours.reinviting
    network.run(1)
    theirs.accept_reinvite(ANSWER)
    network.run(1)
    assert callee.handler.last("reinvite")[2] == OFFER + "a=sendonly\r\n"
    theirs.accept_reinvite(ANSWER)
    network.run(1)
    assert caller.handler.last("reinvite_result")[2] == 200
    assert not ours.reinviting


def test_a_peer_that_knows_no_timers_has_none(pair: Pair) -> None:
    network, caller, callee = pair
    rewrite(callee, strip("Supported", "Session-Expires"))
    ours, _ = establish(network, caller, callee)
    [ok] = answers(network, callee, 200, "INVITE")
    assert "Session-Expires" not in ok.headers
    assert "Require" not in ok.headers
    network.run(36_000)
    assert ours.confirmed
    assert not sent(network, caller, "UPDATE")


@pytest.mark.parametrize(
    ("asked", "supported", "told", "required"),
    [
        ("600;refresher=uac", "timer", "600;refresher=uac", ["timer"]),
        ("600;refresher=uas", "timer", "600;refresher=uas", ["timer"]),
        ("600", "timer", "600;refresher=uas", ["timer"]),
        ("600 ; Refresher = UAC", "replaces, timer", "600;refresher=uac", ["timer"]),
        ("", "timer", "1800;refresher=uas", ["timer"]),
        ("", "replaces", None, []),
        ("600", "replaces", "600;refresher=uas", []),
        ("30", "replaces", "90;refresher=uas", []),
        ("90", "timer", "90;refresher=uas", ["timer"]),
    ],
)
def test_what_is_answered_to_what_is_asked(
    pair: Pair, asked: str, supported: str, told: str | None, required: list[str]
) -> None:
    _, _, callee = pair
    response = answer_to(callee, invite(asked, Supported=supported))
    assert response.status == 200
    assert response.headers.get("Session-Expires") == told
    assert response.tokens("Require") == required


def test_an_interval_is_never_shorter_than_somebody_on_the_way_permits(pair: Pair) -> None:
    _, _, callee = pair
    response = answer_to(callee, invite("", Supported="timer", Min_SE="7200"))
    assert response.headers.get("Session-Expires") == "7200;refresher=uas"


def test_who_leaves_it_to_the_peers_refreshes_when_they_ask(pair: Pair) -> None:
    network, _, callee = pair
    without_timers(callee)
    assert "Session-Expires" not in answer_to(callee, invite("", Supported="timer")).headers
    without_timers(callee)
    response = answer_to(callee, invite("600", Supported="timer"))
    assert response.headers.get("Session-Expires") == "600;refresher=uas"
    assert network.now == 1000.0


@pytest.mark.parametrize("asked", ["89", "0", "89;refresher=uac"])
def test_too_short_an_interval_is_refused_with_the_shortest(pair: Pair, asked: str) -> None:
    _, _, callee = pair
    response = answer_to(callee, invite(asked, Supported="timer"))
    assert response.status == 422
    assert response.headers.get("Min-SE") == "90"
    assert not callee.handler.events


@pytest.mark.parametrize("fields", [{"Session_Expires": "soon"}, {"Min_SE": "-1"}])
def test_an_interval_that_is_no_number_is_a_bad_request(pair: Pair, fields: dict[str, str]) -> None:
    _, _, callee = pair
    assert answer_to(callee, invite("", Supported="timer", **fields)).status == 400


def refuse_shorter_than(seconds: int) -> Callable[[InviteSession], None]:
    def answer(session: InviteSession) -> None:
        assert session.request is not None
        if int((session.request.headers.get("Session-Expires") or "").partition(";")[0]) < seconds:
            session.reject(422, headers=[("Min-SE", str(seconds))])
        else:
            session.accept(ANSWER)

    return answer


def test_a_longer_interval_that_the_peer_wants_is_offered_at_once(pair: Pair) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = refuse_shorter_than(3600)
    ours = caller.call(callee)
    network.run(1)
    assert ours.confirmed
    first, second = sent(network, caller, "INVITE")
    assert second.headers.get("Session-Expires") == "3600;refresher=uac"
    assert second.headers.get("Min-SE") == "3600"
    assert second.call_id == first.call_id
    assert second.cseq.number == first.cseq.number + 1
    assert caller.handler.names() == ["answered"]


def test_a_peer_that_goes_on_refusing_is_not_asked_for_ever(pair: Pair) -> None:
    network, caller, callee = pair
    callee.handler.on["invite"] = lambda session: session.reject(422, headers=[("Min-SE", "3600")])
    caller.call(callee)
    network.run(1)
    assert caller.handler.last("failed")[2] == 422
    assert len(sent(network, caller, "INVITE")) == 2


@pytest.mark.parametrize("who", [0, 1])
def test_a_process_that_takes_over_goes_on_with_the_timer(pair: Pair, who: int) -> None:
    network, caller, callee = pair
    establish(network, caller, callee)
    network.run(800)
    node = (caller, callee)[who]
    [restored] = node.kill_and_restore()
    network.run(36_000)
    assert restored.confirmed
    assert len(sent(network, caller, "UPDATE")) >= 40
    del network.nodes[(callee, caller)[who].address]
    network.run(1800)
    assert restored.ended
