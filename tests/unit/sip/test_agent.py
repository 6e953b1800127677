"""Requests outside dialogs, and what the agent answers by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.unit.sip.network import ANSWER, OFFER, Network, Node, SeededIds

from tongdai.sip.digest import Credentials, DigestServer, Verdict, ha1
from tongdai.sip.flow import Flow
from tongdai.sip.message import Headers, Request, Response, parse
from tongdai.sip.ua import IncomingRequest, SessionError, UserAgent

PEER = ("198.51.100.7", 5060)


@pytest.fixture
def node() -> Node:
    return Network().node("192.0.2.1")


def request(method: str = "OPTIONS", uri: str = "sip:x@192.0.2.1", body: bytes = b"", **fields: str) -> bytes:
    """A request from PEER; a field given replaces the usual one, an empty one removes it."""
    usual = {
        "Via": "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKabc",
        "Max-Forwards": "70",
        "From": "<sip:a@198.51.100.7>;tag=theirs",
        "To": "<sip:x@192.0.2.1>",
        "Call-ID": "call",
        "CSeq": f"1 {method}",
        "Contact": "<sip:a@198.51.100.7>",
    } | {name.replace("_", "-"): value for name, value in fields.items()}
    return bytes(Request(method, uri, headers=Headers.of([(n, v) for n, v in usual.items() if v]), body=body))


def answers(node: Node, data: bytes, remote: tuple[str, int] = PEER) -> list[Response]:
    node.agent.receive(data, Flow("udp", node.address, remote), node.network.now)
    out = [parse(sent) for _, sent in node.agent.drain()]
    assert all(isinstance(message, Response) for message in out)
    return [message for message in out if isinstance(message, Response)]


def statuses(node: Node, data: bytes) -> list[int]:
    """The statuses of the answers, which may lack what the request lacked."""
    node.agent.receive(data, Flow("udp", node.address, PEER), node.network.now)
    return [int(sent[8:11]) for _, sent in node.agent.drain() if sent.startswith(b"SIP/2.0 ")]


def test_options_are_the_owners_and_answered_once(node: Node) -> None:
    node.handler.on["options"] = lambda incoming: incoming.respond(
        200, headers=[("Accept", "application/sdp")]
    )
    (response,) = answers(node, request())
    assert (response.status, response.headers.get("Accept"), response.to.tag != "") == (
        200,
        "application/sdp",
        True,
    )
    assert [bytes(again) for again in answers(node, request())] == [bytes(response)]
    assert node.handler.names() == ["options"]
    with pytest.raises(SessionError):
        node.handler.last("options")[1].respond(200)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request("FROBNICATE"), 405),
        (request("BYE"), 481),
        (request("BYE", To="<sip:x@192.0.2.1>;tag=nobody"), 481),
        (request("INFO"), 481),
        (request("CANCEL"), 481),
        (request(Require="precondition, replaces"), 420),
        (request("INVITE", Max_Forwards="0"), 483),
        (request("INVITE", Contact=""), 400),
        (request("INVITE", Contact="<sip:a@[::g]>"), 400),
        (request("INVITE", Content_Encoding="gzip"), 415),
        (request("INVITE", Content_Type="text/plain", body=b"hello"), 415),
        (request("INVITE", Max_Forwards="many"), 400),
        (request("INVITE", Replaces="nothing;to-tag=a;from-tag=b"), 481),
        (request("INVITE", Replaces="nothing"), 400),
        (request(uri="mailto:x@192.0.2.1"), 416),
        (request(uri="sip:x@"), 400),
        (request(From="<sip:a@198.51.100.7"), 400),
        (request(Call_ID=""), 400),
        (request(Via="SIP/2.0/UDP 198.51.100.7;;"), 400),
        (request(Via=""), None),
        (request("INVITE", uri="sip:x@192.0.2.1?Route=a"), 400),
        (request("INVITE", Accept="text/plain"), 406),
        (request().replace(b"CSeq: 1 OPTIONS", b"CSeq: 1 INVITE"), 400),
        (request().replace(b"SIP/2.0\r\nVia", b"SIP/3.0\r\nVia"), 505),
        (request().replace(b"Call-ID", b"X-Smuggled : 1\r\nCall-ID"), 400),
        (request().replace(b"Content-Length: 0", b"Content-Length: 10"), 400),
        (request().replace(b"Content-Length: 0", b"Content-Length: 0\r\nContent-Length: 0"), 400),
        (request("ACK"), None),
        (request("ACK").replace(b"Content-Length: 0", b"Content-Length: x"), None),
        (b"\r\n\r\n", None),
        (b"\0\1\0\0", None),
        (b"garbage", None),
    ],
)
def test_what_the_agent_answers_by_itself(node: Node, data: bytes, status: int | None) -> None:
    assert statuses(node, data) == ([] if status is None else [status])
    assert not node.handler.events


@pytest.mark.parametrize(
    ("data", "to"),
    [
        (request(), b"To: <sip:x@192.0.2.1>;tag="),
        (request(To="<sip:x@192.0.2.1>;tag=ours"), b"To: <sip:x@192.0.2.1>;tag=ours\r\n"),
        (request(To="<sip:x@192.0.2.1"), b"To: <sip:x@192.0.2.1\r\n"),
        (request(CSeq="many OPTIONS"), b"To: <sip:x@192.0.2.1>\r\n"),
    ],
)
def test_what_cannot_be_parsed_is_answered_with_a_tag_where_there_can_be_one(
    node: Node, data: bytes, to: bytes
) -> None:
    """RFC 3261 §8.2.6.2. A phone whose Content-Length was one too long got none."""
    too_long = data.replace(b"Content-Length: 0", b"Content-Length: 1")
    node.agent.receive(too_long, Flow("udp", node.address, PEER), 0.0)
    ((_, answer),) = node.agent.drain()
    assert answer.startswith(b"SIP/2.0 400 ")
    assert to in answer


def test_what_is_refused_says_what_would_do(node: Node) -> None:
    (method,) = answers(node, request("FROBNICATE"))
    assert "INVITE" in (method.headers.get("Allow") or "")
    (extension,) = answers(node, request(Require="precondition, replaces", Call_ID="other", Via=via("b")))
    assert extension.headers.get_all("Unsupported") == ["precondition"]


def via(branch: str) -> str:
    return f"SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK{branch}"


def test_a_reason_phrase_never_repeats_what_the_peer_wrote(node: Node) -> None:
    (response,) = answers(node, request("INVITE", Contact="<sip:<script>@x>"))
    assert "script" not in response.start_line()


def test_the_same_request_by_another_way_is_merged(node: Node) -> None:
    assert statuses(node, request("INVITE")) == [100]
    assert statuses(node, request("INVITE", Via=via("other"))) == [482]
    assert node.handler.names() == ["invite"]


def test_our_own_request_coming_back_is_a_loop(node: Node) -> None:
    node.call(node)
    ((flow, invite),) = node.agent.drain()
    node.agent.receive(invite, flow, node.network.now)
    ((_, data), *_) = node.agent.drain()
    assert data.startswith(b"SIP/2.0 482")


def test_screening_costs_no_transaction() -> None:
    network = Network()
    node = network.node("192.0.2.1")
    seen: list[str] = []

    def screen(message: Request, flow: Flow) -> tuple[int, list[tuple[str, str]]] | None:
        seen.append(message.method)
        return None if "Authorization" in message.headers else (401, [("WWW-Authenticate", "Digest x=y")])

    node.agent = UserAgent(node.handler, clock=lambda: network.now, ids=SeededIds("s"), screen=screen)
    first, second = answers(node, request("INVITE")), answers(node, request("INVITE"))
    assert [response.status for response in first + second] == [401, 401]
    assert first[0].to.tag == second[0].to.tag != ""
    assert statuses(node, request("ACK", To=str(first[0].to))) == []
    assert node.agent.transactions() == 0
    assert statuses(node, request("INVITE", Authorization="x", Via=via("c"))) == [100]
    assert statuses(node, request("INVITE", Authorization="x", Via=via("c"))) == [100]
    assert seen == ["INVITE", "INVITE", "INVITE"]


def test_a_stateless_answer_leaves_nothing(node: Node) -> None:
    node.handler.on["register"] = lambda incoming: incoming.respond_stateless(401)
    assert statuses(node, request("REGISTER")) == [401]
    assert node.agent.transactions() == 0
    assert node.agent.deadline() is None


@pytest.mark.parametrize(
    ("field", "remote", "goes_to", "marked"),
    [
        # RFC 3581: to the source, marked
        (
            "SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bK1",
            ("198.51.100.7", 7000),
            7000,
            "rport=7000;branch=z9hG4bK1;received=198.51.100.7",
        ),
        # RFC 3261 §18.2.2: no rport, to the sent-by port, in a network where that can be believed
        (
            "SIP/2.0/UDP 10.0.0.9:5062;branch=z9hG4bK1",
            ("10.0.0.9", 7000),
            5062,
            "branch=z9hG4bK1",
        ),
        # over the Internet it is a router's address with a port of the phone's, or the source itself
        (
            "SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bK1",
            ("198.51.100.7", 7000),
            7000,
            "branch=z9hG4bK1",
        ),
        # behind a NAT without rport: only the source gets through
        (
            "SIP/2.0/UDP 10.0.0.9:5062;branch=z9hG4bK1",
            ("198.51.100.7", 7000),
            7000,
            "branch=z9hG4bK1;received=198.51.100.7",
        ),
        # what the peer claims about itself is replaced
        (
            "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1;received=203.0.113.1",
            ("198.51.100.7", 5060),
            5060,
            "branch=z9hG4bK1",
        ),
    ],
)
def test_responses_go_where_the_request_came_from(
    node: Node, field: str, remote: tuple[str, int], goes_to: int, marked: str
) -> None:
    node.agent.receive(
        request("BYE", Via=field + ", SIP/2.0/UDP 203.0.113.9"), Flow("udp", node.address, remote), 0.0
    )
    ((flow, data),) = node.agent.drain()
    top, below = parse(data).headers.get_list("Via")
    assert flow.remote == (remote[0], goes_to)
    assert top.partition(";")[2] == marked
    assert below == "SIP/2.0/UDP 203.0.113.9"


def accept_and_hang_up(
    node: Node, remote: tuple[str, int], via: str, contact: str, record_route: str = ""
) -> tuple[tuple[str, int], Request]:
    """Answer a call, and say where the BYE goes."""
    node.handler.on["invite"] = lambda session: session.accept(ANSWER)
    flow = Flow("udp", node.address, remote)
    invite = request("INVITE", Via=via, Contact=contact, Record_Route=record_route)
    node.agent.receive(invite, flow, node.network.now)
    session = node.handler.last("invite")[1]
    ack = request("ACK", Via=via + "2", To=f"<sip:x@192.0.2.1>;tag={session.local_tag}")
    node.agent.receive(ack, flow, node.network.now)
    node.agent.drain()
    session.bye()
    ((target, data),) = node.agent.drain()
    bye = parse(data)
    assert isinstance(bye, Request)
    return target.remote, bye


@pytest.mark.parametrize(
    ("via", "contact"),
    [
        ("10.0.0.9:5060;rport", "10.0.0.9:5060"),
        ("10.0.0.9:5060", "10.0.0.9:5060"),
        # a router has rewritten Via alone: there is no sign of a NAT but the port
        ("203.0.113.80:5060;rport", "10.0.0.9:5060"),
        ("203.0.113.80:5060", "10.0.0.9:5060"),
        # it has rewritten both, and knows the port of neither
        ("203.0.113.80:5060", "203.0.113.80:5060"),
        ("203.0.113.80:5060", "203.0.113.80:1024"),
        # the phone says that it wants to be reached over the flow (RFC 5626 §4.3)
        ("203.0.113.80:40001;rport", "198.51.100.3:5060;ob"),
    ],
)
def test_a_phone_behind_a_nat_is_hung_up_where_it_sends_from(node: Node, via: str, contact: str) -> None:
    """Its BYE went to the address in Contact, and it stayed in the call."""
    remote, bye = accept_and_hang_up(
        node, ("203.0.113.80", 40001), f"SIP/2.0/UDP {via};branch=z9hG4bK1", f"<sip:101@{contact}>"
    )
    assert (remote, bye.target) == (("203.0.113.80", 40001), f"sip:101@{contact}")


def test_a_phone_that_listens_elsewhere_in_a_private_network_is_hung_up_there(node: Node) -> None:
    remote, _ = accept_and_hang_up(
        node, ("10.0.0.9", 40001), "SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK1", "<sip:101@10.0.0.9:5060>"
    )
    assert remote == ("10.0.0.9", 5060)


def test_a_flow_of_a_phone_behind_a_proxy_is_the_proxys_affair(node: Node) -> None:
    route = "<sip:198.51.100.6;lr>"
    remote, bye = accept_and_hang_up(node, PEER, via("1"), "<sip:101@198.51.100.99;ob>", route)
    assert remote == ("198.51.100.6", 5060)
    assert bye.headers.get_all("Route") == [route]


def test_a_nat_that_binds_anew_is_followed(node: Node) -> None:
    where = "SIP/2.0/UDP 10.0.0.9:5060;rport;branch=z9hG4bK"
    node.handler.on["invite"] = lambda session: session.accept(ANSWER)
    invite = request("INVITE", Via=where + "1", Contact="<sip:101@10.0.0.9>")
    node.agent.receive(invite, Flow("udp", node.address, ("203.0.113.80", 40001)), 0.0)
    session = node.handler.last("invite")[1]
    to = f"<sip:x@192.0.2.1>;tag={session.local_tag}"
    moved = Flow("udp", node.address, ("203.0.113.80", 51999))
    node.agent.receive(request("ACK", Via=where + "2", To=to), moved, 0.0)
    node.agent.receive(request("INFO", Via=where + "3", To=to, CSeq="2 INFO"), moved, 0.0)
    node.agent.drain()
    session.bye()
    ((target, _),) = node.agent.drain()
    assert target == moved


def test_a_carrier_with_another_contact_is_hung_up_there(node: Node) -> None:
    remote, bye = accept_and_hang_up(
        node, PEER, "SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bK1", "<sip:gw@198.51.100.8:5070>"
    )
    assert (remote, bye.target) == (("198.51.100.8", 5070), "sip:gw@198.51.100.8:5070")


@pytest.mark.parametrize("host", ["10.0.0.9", "100.64.1.2", "127.0.0.1", "255.255.255.255", "224.0.1.75"])
def test_a_contact_that_a_public_peer_cannot_mean_is_not_followed(node: Node, host: str) -> None:
    remote, _ = accept_and_hang_up(
        node, PEER, "SIP/2.0/UDP 198.51.100.7;rport;branch=z9hG4bK1", f"<sip:gw@{host}>"
    )
    assert remote == PEER


def test_record_route_is_followed(node: Node) -> None:
    remote, bye = accept_and_hang_up(
        node,
        PEER,
        "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK1",
        "<sip:101@198.51.100.99>",
        "<sip:198.51.100.7;lr>, <sip:198.51.100.6;lr>",
    )
    assert remote == PEER
    assert bye.headers.get_all("Route") == ["<sip:198.51.100.7;lr>", "<sip:198.51.100.6;lr>"]
    assert bye.target == "sip:101@198.51.100.99"


def test_a_strict_router_gets_the_request_uri(node: Node) -> None:
    _, bye = accept_and_hang_up(
        node, PEER, via("1"), "<sip:101@198.51.100.99>", "<sip:198.51.100.7>, <sip:198.51.100.6;lr>"
    )
    assert bye.target == "sip:198.51.100.7"
    assert bye.headers.get_all("Route") == ["<sip:198.51.100.6;lr>", "<sip:101@198.51.100.99>"]


def test_a_lower_cseq_is_out_of_order(node: Node) -> None:
    node.handler.on["invite"] = lambda session: session.accept(ANSWER)
    answers(node, request("INVITE", CSeq="5 INVITE"))
    to = f"<sip:x@192.0.2.1>;tag={node.handler.last('invite')[1].local_tag}"
    assert statuses(node, request("INFO", CSeq="4 INFO", To=to, Via=via("i"))) == [500]
    assert statuses(node, request("INFO", CSeq="6 INFO", To=to, Via=via("j"))) == [200]
    assert node.handler.last("info")


def test_a_stranger_with_another_tag_is_not_in_the_dialog(node: Node) -> None:
    node.handler.on["invite"] = lambda session: session.accept(ANSWER)
    answers(node, request("INVITE"))
    to = f"<sip:x@192.0.2.1>;tag={node.handler.last('invite')[1].local_tag}"
    bye = request("BYE", CSeq="2 BYE", To=to, Via=via("i"), From="<sip:a@198.51.100.7>;tag=other")
    assert statuses(node, bye) == [481]


def test_a_reinvite_while_one_waits_is_told_to_wait(node: Node) -> None:
    node.handler.on["invite"] = lambda session: session.accept(ANSWER)
    answers(node, request("INVITE"))
    to = f"<sip:x@192.0.2.1>;tag={node.handler.last('invite')[1].local_tag}"
    assert statuses(node, request("INVITE", CSeq="2 INVITE", To=to, Via=via("i"))) == [491]
    assert statuses(node, request("ACK", CSeq="1 ACK", To=to, Via=via("k"))) == []
    assert statuses(node, request("INVITE", CSeq="3 INVITE", To=to, Via=via("l"))) == []
    (busy,) = answers(node, request("INVITE", CSeq="4 INVITE", To=to, Via=via("m")))
    assert busy.status == 500
    assert busy.headers.get("Retry-After") is not None


# -- asking


def test_a_request_of_ours_is_answered_or_times_out() -> None:
    network = Network()
    one, two = network.node("192.0.2.1"), network.node("192.0.2.2")
    got: list[int] = []

    def ask() -> None:
        one.agent.request(
            "OPTIONS",
            "sip:192.0.2.2",
            one.flow_to(two),
            from_="<sip:ping@192.0.2.1>",
            on_final=lambda status, response: got.append(status),
        )

    two.handler.on["options"] = lambda incoming: incoming.respond(200)
    ask()
    network.run(1)
    assert got == [200]
    network.drop = lambda flow, data: True
    ask()
    network.run(33)
    assert got == [200, 408]
    assert network.at_rest()


def test_a_lost_flow_fails_what_is_under_way() -> None:
    network = Network(transport="tcp")
    one, two = network.node("192.0.2.1"), network.node("192.0.2.2")
    one.call(two)
    one.agent.drain()
    one.agent.flow_failed(one.flow_to(two), network.now)
    assert one.handler.last("failed")[2] == 503
    assert network.at_rest()


REALM = "tongdai"


def guard(
    server: DigestServer, network: Network, *, proxy: bool
) -> Callable[[Request], list[tuple[str, str]] | None]:
    """A challenge, or None when the request has the password of user/secret."""
    stored = {"MD5": ha1("user", REALM, "secret", "MD5")}

    def check(message: Request) -> list[tuple[str, str]] | None:
        found = server.verify(message, REALM, network.now, lambda name: stored, proxy=proxy)  # type: ignore[arg-type,return-value]
        return None if found.verdict is Verdict.OK else server.challenge(REALM, network.now, proxy=proxy)

    return check


@pytest.mark.parametrize(("password", "final"), [("secret", 200), ("wrong", 401), (None, 401)])
def test_registering_with_a_carrier(password: str | None, final: int) -> None:
    network = Network()
    one, two = network.node("192.0.2.1"), network.node("192.0.2.2")
    check = guard(DigestServer(b"k" * 32), network, proxy=False)

    def register(incoming: IncomingRequest) -> None:
        challenge = check(incoming.request)
        incoming.respond(401, headers=challenge) if challenge else incoming.respond(200)

    two.handler.on["register"] = register
    got: list[int] = []
    one.agent.request(
        "REGISTER",
        "sip:192.0.2.2",
        one.flow_to(two),
        from_="<sip:user@192.0.2.2>",
        credentials=None if password is None else Credentials("user", password),
        on_final=lambda status, response: got.append(status),
    )
    network.run(1)
    assert got == [final]


@pytest.mark.parametrize("configured", [True, False])
def test_calling_through_a_carrier_that_challenges(configured: bool) -> None:
    """Credentials go only to whom they are configured for: without them a challenge is a failure."""
    network = Network()
    one, two = network.node("192.0.2.1"), network.node("192.0.2.2")
    check = guard(DigestServer(b"k" * 32), network, proxy=True)

    def invite(session) -> None:
        challenge = check(session.request)
        session.reject(407, headers=challenge) if challenge else session.accept(ANSWER)

    two.handler.on["invite"] = invite
    session = one.call(two, credentials=Credentials("user", "secret") if configured else None)
    network.run(1)
    if configured:
        assert session.confirmed
        acks = [parse(data) for _, _, data in network.log if data.startswith(b"ACK")]
        assert [("Proxy-Authorization" in ack.headers, ack.cseq.number) for ack in acks] == [
            (False, 1),
            (True, 2),
        ]
        session.bye()
    else:
        assert one.handler.last("failed")[2] == 407
        assert not any(b"uthorization" in data for _, _, data in network.log)
    network.run(100)
    assert network.at_rest()


def test_a_challenge_to_our_bye_reveals_nothing() -> None:
    """Digest leak: a callee asks for a password in the middle of the call (threat 4)."""
    network = Network()
    one, two = network.node("192.0.2.1"), network.node("192.0.2.2")
    two.handler.on["invite"] = lambda session: session.accept(ANSWER)
    session = one.call(two, OFFER)
    network.run(1)
    session.bye()
    ((flow, data),) = one.agent.drain()
    bye = parse(data)
    assert isinstance(bye, Request)
    challenge = [("Proxy-Authenticate", 'Digest realm="x", nonce="y", algorithm=MD5, qop="auth"')]
    one.agent.receive(bytes(bye.response(407, None, challenge)), flow, network.now)
    assert one.agent.drain() == []
