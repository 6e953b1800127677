"""SIP over WebSocket: handshakes, messages in every kind of frame, and what ends a connection."""

from __future__ import annotations

import asyncio
import functools
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from tests.unit.sip.test_stream import User, ends
from websockets.client import ClientProtocol
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Origin, Subprotocol
from websockets.uri import parse_uri

from tongdai.core.proxies import Proxies
from tongdai.sip.flow import Flow
from tongdai.sip.message import Message, ParseError
from tongdai.sip.transport import stream
from tongdai.sip.transport.stream import StreamTransport, listen_tcp
from tongdai.sip.transport.websocket import WebSocketFraming, origins

OPTIONS = (
    "OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK1\r\n"
    "From: Hòa <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
    "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
).encode()

ALLOWED = origins(["pbx.example.com", "127.0.0.1", "::1"], ["https://portal.example.net"])


class Phone:
    """A WebSocket client and the framing that serves it, joined in memory."""

    def __init__(self, *, origin: str | None = None, subprotocol: str = "sip", upgrade: bool = True) -> None:
        self.framing = WebSocketFraming(ALLOWED)
        self.ws = ClientProtocol(
            parse_uri("ws://pbx.example.com/"),
            origin=Origin(origin) if origin else None,
            subprotocols=[Subprotocol(subprotocol)],
        )
        request = self.ws.connect()
        if not upgrade:
            del request.headers["Upgrade"]
        self.ws.send_request(request)
        self.found: list[Message | ParseError] = []
        self.pump()

    def pump(self, piece: int = 1 << 20) -> list[Response | Frame]:
        """Let both read what the other says, in pieces of so many bytes; what the client has got then."""
        out = b"".join(self.ws.data_to_send())
        for at in range(0, len(out), piece):
            self.found += self.framing.feed(out[at : at + piece])
        self.ws.receive_data(self.framing.replies())
        events = self.ws.events_received()
        return [event for event in events if isinstance(event, Response | Frame)]


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "https://pbx.example.com",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "https://portal.example.net",
    ],
)
def test_our_own_pages_and_other_programs_may_connect(origin: str | None):
    assert not Phone(origin=origin).framing.ended


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://pbx.example.com.evil.example",
        "https://pbxXexample.com",
        "https://evil.example/#https://pbx.example.com",
        "http://portal.example.net",
        "null",
    ],
)
def test_a_foreign_page_is_refused(origin: str):
    phone = Phone(origin=origin)
    assert phone.framing.ended
    assert isinstance(phone.ws.handshake_exc, Exception)
    assert "403" in str(phone.ws.handshake_exc)


def test_what_is_no_sip_over_websocket_is_told_so():
    assert "400" in str(Phone(subprotocol="chat").ws.handshake_exc)
    assert "426" in str(Phone(upgrade=False).ws.handshake_exc)


@pytest.mark.parametrize("request_line", [b"hello\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\r\n", b"A" * 20_000])
def test_what_is_no_http_ends(request_line: bytes):
    framing = WebSocketFraming(ALLOWED)
    assert framing.feed(request_line) == []
    assert framing.ended
    assert framing.feed(OPTIONS) == []


@pytest.mark.parametrize("kind", ["text", "binary"])
@pytest.mark.parametrize("piece", [1, 3, 1 << 20])
def test_a_message_is_read_from_either_kind_of_frame(kind: str, piece: int):
    phone = Phone()
    (phone.ws.send_text if kind == "text" else phone.ws.send_binary)(OPTIONS)
    phone.pump(piece)
    (message,) = phone.found
    assert isinstance(message, Message)
    assert message.headers.get("From") == "Hòa <sip:a@example.com>;tag=1"
    assert not phone.framing.pending


def test_a_message_in_fragments_with_a_ping_between_them_is_one():
    phone = Phone()
    phone.ws.send_text(OPTIONS[:40], fin=False)
    phone.ws.send_ping(b"there?")
    phone.ws.send_continuation(OPTIONS[40:90], fin=False)
    answers = phone.pump()
    assert phone.found == []
    assert phone.framing.pending, "who begins a message and never ends it is slow"
    assert [(f.opcode, bytes(f.data)) for f in answers if isinstance(f, Frame)] == [(Opcode.PONG, b"there?")]
    phone.ws.send_continuation(OPTIONS[90:], fin=True)
    phone.pump()
    assert len(phone.found) == 1
    assert not phone.framing.pending


def test_two_messages_and_a_keep_alive_at_once():
    phone = Phone()
    for payload in (OPTIONS, b"\r\n\r\n", OPTIONS, b"\r\n", b""):
        phone.ws.send_text(payload)
    answers = phone.pump()
    assert len(phone.found) == 2
    assert [bytes(frame.data) for frame in answers if isinstance(frame, Frame)] == [b"\r\n"]


def test_one_bad_message_does_not_touch_the_next():
    phone = Phone()
    phone.ws.send_text(b"INVITE without end\r\n\r\n")
    phone.ws.send_text(OPTIONS)
    phone.pump()
    bad, good = phone.found
    assert isinstance(bad, ParseError)
    assert isinstance(good, Message)
    assert not phone.framing.ended


@pytest.mark.parametrize(
    ("message", "opcode"), [(OPTIONS, Opcode.TEXT), (OPTIONS.replace(b"\xc3\xb2", b"\xf2"), Opcode.BINARY)]
)
def test_what_is_sent_is_text_where_it_is_utf8(message: bytes, opcode: Opcode):
    phone = Phone()
    phone.ws.receive_data(phone.framing.wrap(message))
    (frame,) = [event for event in phone.ws.events_received() if isinstance(event, Frame)]
    assert (frame.opcode, bytes(frame.data)) == (opcode, message)


@pytest.mark.parametrize("size", [65_537, 1 << 20])
@pytest.mark.parametrize("whole", [True, False])
def test_a_message_that_is_too_large_ends_the_connection(size: int, whole: bool):
    phone = Phone()
    if whole:
        phone.ws.send_text(b"x" * size)
    else:
        phone.ws.send_text(b"x" * (size // 2), fin=False)
        phone.ws.send_continuation(b"x" * (size - size // 2), fin=True)
    phone.pump()
    assert phone.found == []
    assert phone.framing.ended
    assert phone.ws.close_rcvd is not None
    assert phone.ws.close_rcvd.code == CloseCode.MESSAGE_TOO_BIG
    assert phone.framing.wrap(OPTIONS) == b"", "nothing follows a close"


def test_frames_without_a_mask_end_the_connection():
    framing = Phone().framing
    framing.feed(Frame(Opcode.TEXT, OPTIONS).serialize(mask=False))
    assert framing.ended


def test_a_close_is_answered():
    phone = Phone()
    phone.ws.send_close(CloseCode.GOING_AWAY)
    phone.pump()
    assert phone.framing.ended
    assert phone.ws.close_rcvd is not None
    assert phone.ws.close_rcvd.code == CloseCode.GOING_AWAY


def test_a_keep_alive_in_one_piece_with_a_close_is_not_answered():
    phone = Phone()
    phone.ws.send_text(b"\r\n\r\n")
    phone.ws.send_close(CloseCode.GOING_AWAY)
    assert phone.pump() == [Frame(Opcode.CLOSE, CloseCode.GOING_AWAY.to_bytes(2))]
    assert phone.framing.ended


# -- together with the handshake


def handshake(origin: str = "") -> bytes:
    client = ClientProtocol(
        parse_uri("ws://pbx.example.com/"),
        origin=Origin(origin) if origin else None,
        subprotocols=[Subprotocol("sip")],
    )
    client.send_request(client.connect())
    return b"".join(client.data_to_send())


def said(framing: WebSocketFraming, data: bytes, piece: int) -> tuple[bytes, bytes]:
    """What it says to this, in pieces of so many bytes: to the handshake, and after that."""
    out = b""
    for at in range(0, len(data), piece):
        framing.feed(data[at : at + piece])
        out += framing.replies()
    head, end, rest = out.partition(b"\r\n\r\n")
    assert end, "the handshake is answered first"
    return head, rest


PIECES = pytest.mark.parametrize("piece", [1, 7, 1 << 20])


@PIECES
@pytest.mark.parametrize("code", [b"", CloseCode.NORMAL_CLOSURE.to_bytes(2)], ids=["no code", "code"])
def test_a_close_right_behind_it_is_answered_and_ends_the_connection(piece: int, code: bytes):
    """RFC 6455 §5.5.1. It was taken as come before there was a connection: no answer, and 75 s of waiting."""
    framing = WebSocketFraming(ALLOWED)
    sent = handshake() + Frame(Opcode.CLOSE, code).serialize(mask=True)
    head, rest = said(framing, sent, piece)
    assert head.startswith(b"HTTP/1.1 101")
    assert rest == Frame(Opcode.CLOSE, code).serialize(mask=False)
    assert framing.ended


@PIECES
def test_a_ping_right_behind_it_is_answered_after_it(piece: int):
    framing = WebSocketFraming(ALLOWED)
    head, rest = said(framing, handshake() + Frame(Opcode.PING, b"there?").serialize(mask=True), piece)
    assert head.startswith(b"HTTP/1.1 101")
    assert rest == Frame(Opcode.PONG, b"there?").serialize(mask=False)
    assert not framing.ended


@PIECES
def test_what_is_wrong_right_behind_it_ends_the_connection(piece: int):
    framing = WebSocketFraming(ALLOWED)
    head, rest = said(framing, handshake() + Frame(Opcode.TEXT, OPTIONS).serialize(mask=False), piece)
    assert head.startswith(b"HTTP/1.1 101")
    assert rest[2:4] == CloseCode.PROTOCOL_ERROR.to_bytes(2)
    assert framing.ended


@PIECES
@pytest.mark.parametrize("opcode", [Opcode.CLOSE, Opcode.PING, Opcode.TEXT])
def test_nothing_is_read_behind_one_that_is_refused(piece: int, opcode: Opcode):
    framing = WebSocketFraming(ALLOWED)
    sent = handshake("https://evil.example") + Frame(opcode, b"").serialize(mask=True)
    head, rest = said(framing, sent, piece)
    assert head.startswith(b"HTTP/1.1 403")
    assert not rest.startswith((b"\x88", b"\x8a"))
    assert framing.ended


def test_a_message_right_behind_it_is_read():
    framing = WebSocketFraming(ALLOWED)
    (message,) = framing.feed(handshake() + Frame(Opcode.TEXT, OPTIONS).serialize(mask=True))
    assert isinstance(message, Message)


# -- behind a proxy


PROXIES = Proxies([ipaddress.ip_network("127.0.0.1")])


@asynccontextmanager
async def phone_behind(proxies: Proxies, *lines: str) -> AsyncIterator[Flow]:
    """A phone that has sent a message, with these lines in its handshake, from 127.0.0.1."""
    user = User()
    framing = functools.partial(WebSocketFraming, ALLOWED, proxies)
    transport = await StreamTransport.open(listen_tcp(("127.0.0.1", 0)), user, kind="ws", framing=framing)
    reader, writer = await connected(transport, *lines)
    writer.write(Frame(Opcode.TEXT, OPTIONS).serialize(mask=True))
    _, flow = await user.next("message")
    assert flow.remote[1] == writer.get_extra_info("sockname")[1], "which is no other connection's"
    transport.send(msgspec.structs.replace(flow, connection=0), OPTIONS)
    assert OPTIONS in await reader.readexactly(4 + len(OPTIONS)), "it is reached where it is"
    yield flow
    writer.close()
    _, lost = await user.next("lost")
    assert lost == flow
    assert len(transport) == 0
    await transport.close()


@pytest.mark.parametrize(
    ("proxies", "lines", "host"),
    [
        (PROXIES, ["X-Forwarded-For: 203.0.113.9"], "203.0.113.9"),
        (PROXIES, ["X-Forwarded-For: 198.51.100.7", "X-Forwarded-For: 203.0.113.9"], "203.0.113.9"),
        (PROXIES, [], "127.0.0.1"),
        (PROXIES, ["Forwarded: for=203.0.113.9"], "127.0.0.1"),
        (Proxies(PROXIES.networks, "forwarded"), ["Forwarded: for=203.0.113.9"], "203.0.113.9"),
        (Proxies([ipaddress.ip_network("127.0.0.2")]), ["X-Forwarded-For: 203.0.113.9"], "127.0.0.1"),
        (Proxies(), ["X-Forwarded-For: 203.0.113.9"], "127.0.0.1"),
    ],
)
async def test_a_phone_is_where_a_proxy_of_ours_says(proxies: Proxies, lines: list[str], host: str):
    """All phones had the address of the proxy: one that guessed passwords slowed the others."""
    async with phone_behind(proxies, *lines) as flow:
        assert flow.remote[0] == host


# -- on real sockets


@pytest.fixture
async def server() -> AsyncIterator[tuple[StreamTransport, User]]:
    user = User()
    framing = functools.partial(WebSocketFraming, ALLOWED)
    transport = await StreamTransport.open(listen_tcp(("127.0.0.1", 0)), user, kind="ws", framing=framing)
    yield transport, user
    await transport.close()


async def connected(
    transport: StreamTransport, *lines: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection whose handshake is done, with these lines beside what there has to be."""
    reader, writer = await asyncio.open_connection(*transport.advertised)
    client = ClientProtocol(parse_uri("ws://127.0.0.1/"), subprotocols=[Subprotocol("sip")])
    request = client.connect()
    for line in lines:
        name, value = line.split(": ")
        request.headers[name] = value
    client.send_request(request)
    writer.write(b"".join(client.data_to_send()))
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    return reader, writer


async def test_the_connection_is_the_phones_address(server: tuple[StreamTransport, User]):
    transport, user = server
    reader, writer = await connected(transport)
    writer.write(Frame(Opcode.TEXT, OPTIONS).serialize(mask=True))
    message, flow = await user.next("message")
    assert isinstance(message, Message)
    assert (flow.transport, flow.local) == ("ws", transport.advertised)
    transport.send(flow, OPTIONS)
    assert await reader.readexactly(4 + len(OPTIONS)) == Frame(Opcode.TEXT, OPTIONS).serialize(mask=False)
    writer.close()
    _, lost = await user.next("lost")
    assert lost == flow
    transport.send(flow, OPTIONS)
    _, lost = await user.next("lost")
    assert (lost.transport, lost.remote) == (flow.transport, flow.remote), "nobody can be called back"


async def test_a_handshake_that_does_not_end_is_ended(
    server: tuple[StreamTransport, User], monkeypatch: pytest.MonkeyPatch
):
    transport, user = server
    reader, writer = await asyncio.open_connection(*transport.advertised)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
    _, good = await connected(transport)
    good.write(Frame(Opcode.TEXT, OPTIONS).serialize(mask=True))
    await user.next("message")
    monkeypatch.setattr(stream, "SLOW_SECONDS", -1.0)
    transport._sweep()
    assert await ends(reader)
    assert len(transport) == 1
    writer.close()
    good.close()


async def test_a_quiet_phone_is_pinged_and_one_that_is_gone_is_ended(
    server: tuple[StreamTransport, User], monkeypatch: pytest.MonkeyPatch
):
    transport, user = server
    reader, writer = await connected(transport)
    writer.write(Frame(Opcode.TEXT, OPTIONS).serialize(mask=True))
    _, flow = await user.next("message")
    monkeypatch.setattr(stream, "PING_SECONDS", -1.0)
    transport._sweep()
    assert await reader.readexactly(2) == Frame(Opcode.PING, b"").serialize(mask=False)
    monkeypatch.setattr(WebSocketFraming, "quiet_seconds", -1.0)
    transport._sweep()
    assert await ends(reader)
    assert (await user.next("lost"))[1] == flow
    writer.close()


def test_a_flow_over_a_websocket_needs_no_retransmissions():
    assert Flow("ws", ("127.0.0.1", 8088), ("127.0.0.1", 9), 1).reliable
