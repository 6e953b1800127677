"""Between the transports and the user agent."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import pytest
from tests.unit.sip.network import Recorder, SeededIds

from tongdai.app import wires as module
from tongdai.app.wires import Wires
from tongdai.sip.flow import Flow
from tongdai.sip.message import Headers, Message, ParseError, Request, parse
from tongdai.sip.ua import IncomingRequest, UserAgent
from tongdai.sip.ua.overload import Overload

US, PHONE = ("192.0.2.1", 5060), ("203.0.113.1", 5060)
UDP = Flow("udp", US, PHONE)
TCP = Flow("tcp", US, PHONE, 3)
TLS = Flow("tls", US, PHONE, 4)


class Transport:
    """In place of a real one: knows its socket and what was sent."""

    def __init__(self, sock: str, user: Any, advertised: tuple[str, int]) -> None:
        self.sock, self.user, self.advertised = sock, user, advertised
        self.sent: list[tuple[Flow, bytes]] = []
        self.closed = False

    def send(self, flow: Flow, data: bytes) -> None:
        self.sent.append((flow, data))

    async def close(self) -> None:
        self.closed = True


class Post:
    """Wires with a real user agent."""

    def __init__(self) -> None:
        self.handler = Recorder()
        self.ua = UserAgent(self.handler, clock=lambda: 1000.0, ids=SeededIds("wires"))
        self.stirred = 0
        self.lost: list[Flow] = []
        self.wires = Wires(self.ua, clock=lambda: 1000.0, stir=self.stir, on_lost=self.lost.append)

    def stir(self) -> None:
        self.stirred += 1


@pytest.fixture
def post() -> Post:
    return Post()


def options() -> bytes:
    return bytes(
        Request(
            "OPTIONS",
            "sip:example.com",
            headers=Headers.of(
                [
                    ("Via", "SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bKx"),
                    ("From", "<sip:a@example.com>;tag=1"),
                    ("To", "<sip:example.com>"),
                    ("Call-ID", "c"),
                    ("CSeq", "1 OPTIONS"),
                    ("Max-Forwards", "70"),
                ]
            ),
        )
    )


def test_a_message_reaches_the_user_agent_and_its_answer_is_flushed(post: Post):
    post.handler.on["options"] = lambda incoming: incoming.respond(200)
    post.wires.on_message(options(), UDP)
    assert post.stirred == 1
    [(flow, data)] = post.ua.drain()
    assert (flow, data.split(b"\r\n")[0]) == (UDP, b"SIP/2.0 200 OK")


def test_a_framed_message_needs_no_second_parsing(post: Post):
    post.wires.on_message(parse(options()), TCP)
    assert post.handler.names() == ["options"]


def test_a_message_that_meets_a_fault_of_ours_costs_itself_only(post: Post):
    """Raised into the transport, the fault would end a connection that others use as well."""

    def fault(incoming: IncomingRequest) -> None:
        raise RuntimeError

    post.handler.on["options"] = fault
    post.wires.on_message(options(), TCP)
    assert post.stirred == 1
    del post.handler.on["options"]
    post.wires.on_message(options().replace(b"z9hG4bKx", b"z9hG4bKy"), TCP)
    assert post.handler.names() == ["options", "options"]


def test_what_cannot_be_read_is_refused(post: Post):
    with pytest.raises(ParseError) as problem:
        parse(options().replace(b"CSeq: 1 OPTIONS", b"CSeq: x OPTIONS"))
    post.wires.on_bad_message(problem.value, TCP)
    assert post.stirred == 1
    [(flow, data)] = post.ua.drain()
    assert (flow, data[:11]) == (TCP, b"SIP/2.0 400")


def test_a_lost_connection_fails_what_was_asked_over_it_and_is_told(post: Post):
    failed: list[tuple[int, Message | None]] = []
    post.ua.request(
        "OPTIONS",
        "sip:203.0.113.1",
        TCP,
        from_="<sip:us@example.com>",
        on_final=lambda status, response: failed.append((status, response)),
    )
    post.wires.on_lost(TCP)
    assert failed == [(503, None)]
    assert post.lost == [TCP]
    assert post.stirred > 0


def test_a_lost_connection_is_told_although_its_requests_meet_a_fault(post: Post):
    def fault(status: int, response: object) -> None:
        raise RuntimeError

    post.ua.request("OPTIONS", "sip:203.0.113.1", TCP, from_="<sip:us@example.com>", on_final=fault)
    post.wires.on_lost(TCP)
    assert post.lost == [TCP]


def test_before_the_sockets_are_open_nothing_is_sent(post: Post):
    post.wires.send(UDP, b"x")
    post.wires.send(TCP, b"x")


async def test_each_message_takes_the_transport_of_its_flow(post: Post, monkeypatch: pytest.MonkeyPatch):
    made: dict[str, Transport] = {}
    streams: dict[str, Any] = {}

    class Made:
        @staticmethod
        async def open(
            sock: Any, user: Any, *, advertised: tuple[str, int], kind: str = "udp", **how: Any
        ) -> Transport:
            made[kind] = Transport(sock, user, advertised)
            streams[kind] = how.get("numbers")
            return made[kind]

    monkeypatch.setattr(module, "UdpTransport", Made)
    monkeypatch.setattr(module, "StreamTransport", Made)
    monkeypatch.setattr(socket, "socket", lambda fileno: f"socket {fileno}")
    await post.wires.open_udp(5, US)
    await post.wires.open_stream("tcp", 6, US)
    tls_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    await post.wires.open_stream("tls", 7, ("192.0.2.1", 5061), tls=tls_context)
    udp, tcp, tls = made["udp"], made["tcp"], made["tls"]
    assert (tls.sock, tls.advertised) == ("socket 7", ("192.0.2.1", 5061))
    assert streams["tcp"] is streams["tls"], "a number names one connection"
    assert (udp.sock, udp.advertised, tcp.sock, tcp.advertised) == ("socket 5", US, "socket 6", US)
    assert udp.user == post.wires.on_datagram
    assert tcp.user is post.wires
    post.wires.send(UDP, b"one")
    post.wires.send(TCP, b"two")
    assert udp.sent == [(UDP, b"one")]
    post.wires.send(TLS, b"three")
    assert tcp.sent == [(TCP, b"two")]
    assert tls.sent == [(TLS, b"three")]
    await post.wires.close()
    assert udp.closed
    assert tcp.closed
    assert tls.closed


@pytest.mark.parametrize(
    ("waiting", "room", "refused"), [(400_000, 425_984, False), (7 << 20, 8 << 20, True)]
)
async def test_a_queue_that_a_short_pause_fills_refuses_nobody(
    post: Post, monkeypatch: pytest.MonkeyPatch, waiting: int, room: int, refused: bool
):
    """With the system's default buffer, 300 calls a second and a pause of 40 ms were taken for overload, and
    calls were refused by a server that was half idle."""

    class Queue(Transport):
        @staticmethod
        async def open(sock: Any, user: Any, *, advertised: tuple[str, int]) -> Queue:
            return Queue(sock, user, advertised)

        def queue(self) -> tuple[int, int]:
            return waiting, room

    monkeypatch.setattr(module, "UdpTransport", Queue)
    monkeypatch.setattr(socket, "socket", lambda fileno: f"socket {fileno}")
    overload = Overload("x", lambda user: False)
    wires = Wires(post.ua, clock=lambda: 1000.0, stir=post.stir, on_lost=post.lost.append, overload=overload)
    await wires.open_udp(5, US)
    for _ in range(40):
        wires.on_datagram(options(), UDP)
    assert (overload.refused > 0) is refused


async def test_each_message_leaves_from_the_address_that_its_peer_knows(
    post: Post, monkeypatch: pytest.MonkeyPatch
):
    made: list[Transport] = []

    class Made:
        @staticmethod
        async def open(sock: Any, user: Any, *, advertised: tuple[str, int], **how: Any) -> Transport:
            made.append(Transport(sock, user, advertised))
            return made[-1]

    monkeypatch.setattr(module, "UdpTransport", Made)
    monkeypatch.setattr(module, "StreamTransport", Made)
    monkeypatch.setattr(socket, "socket", lambda fileno: f"socket {fileno}")
    here = [US, ("192.0.2.2", 5060), ("2001:db8::1", 5060)]
    for number, address in enumerate(here):
        await post.wires.open_udp(number, address)
        await post.wires.open_stream("tcp", number + 10, address)
    third = ("2001:db8::9", 5060)
    gone = ("192.0.2.9", 5060)
    flows = [
        Flow("udp", here[1], PHONE),
        Flow("tcp", here[1], PHONE),
        Flow("udp", here[2], third),
        Flow("udp", gone, PHONE),  # a call of a former run, when there was another address
        Flow("tcp", gone, third),
    ]
    for flow in flows:
        post.wires.send(flow, b"x")
    used = {flow: transport.sock for transport in made for flow, _ in transport.sent}
    assert [used[flow] for flow in flows] == [f"socket {n}" for n in (1, 11, 2, 0, 12)]
    await post.wires.close()
    assert all(transport.closed for transport in made)
