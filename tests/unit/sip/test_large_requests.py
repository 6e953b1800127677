"""Requests that are too large for a datagram go over TCP, and over UDP all the same to who has none (RFC 3261
§18.1.1)."""

from __future__ import annotations

import pytest
from tests.unit.sip.network import ANSWER, OFFER, Network, Node

from tongdai.sip.flow import Flow
from tongdai.sip.message import Request, parse

LARGE = OFFER + "".join(f"a=candidate:{n} 1 UDP 2130706431 192.0.2.1 {n} typ host\r\n" for n in range(20))


@pytest.fixture
def network() -> Network:
    return Network(1)


@pytest.fixture
def ends(network: Network) -> tuple[Node, Node]:
    caller, callee = network.node("192.0.2.1"), network.node("192.0.2.2")
    callee.handler.on["invite"] = lambda session: session.accept(ANSWER)
    return caller, callee


def without_tcp(network: Network) -> None:
    """Nobody listens on TCP: connections are refused at once."""
    lost: list[Flow] = []

    def drop(flow: Flow, data: bytes) -> bool:
        if flow.transport == "tcp":
            lost.append(flow)
        return flow.transport == "tcp"

    network.drop = drop
    flush = network.flush

    def flush_and_fail() -> None:
        flush()
        while lost:
            flow = lost.pop()
            network.nodes[flow.local].agent.flow_failed(flow, network.now)
            flush()

    network.flush = flush_and_fail  # type: ignore[method-assign]


def sent(network: Network, by: Node) -> list[tuple[str, Request]]:
    found: list[tuple[str, Request]] = []
    for _, flow, data in network.log:
        message = parse(data)
        if flow.local == by.address and isinstance(message, Request):
            found.append((flow.transport, message))
    return found


def test_what_fits_goes_as_a_datagram(network: Network, ends: tuple[Node, Node]):
    caller, callee = ends
    caller.call(callee)
    network.run(1)
    assert [transport for transport, _ in sent(network, caller)] == ["udp", "udp"]


def test_what_does_not_fit_goes_over_tcp_with_all_of_its_dialog(network: Network, ends: tuple[Node, Node]):
    caller, callee = ends
    session = caller.call(callee, LARGE)
    network.run(1)
    session.bye()
    network.run(1)
    requests = sent(network, caller)
    assert [(transport, x.method) for transport, x in requests] == [
        ("tcp", "INVITE"),
        ("tcp", "ACK"),
        ("tcp", "BYE"),
    ]
    invite = requests[0][1]
    assert invite.via.transport == "TCP"
    assert (invite.headers.get("Contact") or "").endswith(";transport=tcp>")


def test_who_takes_no_connection_gets_it_in_pieces(network: Network, ends: tuple[Node, Node]):
    caller, callee = ends
    without_tcp(network)
    session = caller.call(callee, LARGE)
    network.run(1)
    assert session.confirmed
    (_, first), (transport, second), *_ = sent(network, caller)
    assert (transport, second.via.transport) == ("udp", "UDP")
    assert first.via.branch != second.via.branch
    assert "transport" not in (second.headers.get("Contact") or "")
    session.bye()
    network.run(40)
    assert network.at_rest()


def test_that_a_connection_was_refused_is_remembered_for_a_while(network: Network, ends: tuple[Node, Node]):
    caller, callee = ends
    without_tcp(network)
    for wait, tries in ((60, 1), (600, 1), (1, 2)):
        caller.call(callee, LARGE)
        network.run(wait)
        over = [x.via.transport for _, x in sent(network, caller) if x.method == "INVITE"]
        assert over.count("TCP") == tries


def test_a_phone_that_registered_over_udp_is_reached_over_udp(network: Network, ends: tuple[Node, Node]):
    """Behind its NAT nobody could connect to it."""
    caller, callee = ends
    session = caller.call(callee, LARGE, pinned=True)
    network.run(1)
    assert session.confirmed
    assert {transport for transport, _ in sent(network, caller)} == {"udp"}


def test_a_call_that_is_given_up_while_nobody_connects_is_over(network: Network, ends: tuple[Node, Node]):
    caller, callee = ends
    session = caller.call(callee, LARGE)
    session.cancel()
    without_tcp(network)
    network.run(1)
    assert caller.handler.last("failed")[1:] == (session, 487)
    assert callee.handler.names() == []


@pytest.mark.parametrize("listens", [True, False])
def test_any_other_request_does_the_same(network: Network, ends: tuple[Node, Node], listens: bool):
    caller, callee = ends
    callee.handler.on["options"] = lambda incoming: incoming.respond(200)
    if not listens:
        without_tcp(network)
    results: list[int] = []
    host, port = callee.address
    caller.agent.request(
        "OPTIONS",
        f"sip:{host}:{port}",
        caller.flow_to(callee),
        from_="<sip:caller@192.0.2.1>",
        body=b"x" * 1300,
        on_final=lambda status, response: results.append(status),
    )
    network.run(1)
    assert results == [200]
    assert [x for x, _ in sent(network, caller)] == (["tcp"] if listens else ["tcp", "udp"])
