"""The raw phone's wire: SIP over one UDP socket, over TCP (its own connection and a listener), or over a
WebSocket."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Callable
from typing import Protocol

from tests.interop.phones.sip import Message, parse, split_stream
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

Address = tuple[str, int]
OnMessage = Callable[[Message, "Reply"], None]
Reply = Callable[[Message], None]


class Link(Protocol):
    """Sends to the server and hands every message that arrives to its owner, with a way to answer it."""

    transport: str
    reliable: bool
    local: Address

    def send(self, message: Message) -> None: ...

    def send_raw(self, data: bytes) -> None: ...

    def close(self) -> None: ...


class UdpLink(asyncio.DatagramProtocol):
    """One UDP socket for everything, as phones have."""

    transport = "UDP"
    reliable = False

    def __init__(self, server: Address, on_message: OnMessage) -> None:
        self.local: Address = ("", 0)
        self._server = server
        self._on_message = on_message
        self._transport: asyncio.DatagramTransport | None = None
        self.mangle: Callable[[bytes], bytes] = bytes
        """What a router on the way makes of all that is sent."""

    async def open(self, local: Address) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=local)
        host, port = self._transport.get_extra_info("sockname")[:2]
        self.local = (host, port)

    def send(self, message: Message) -> None:
        self.send_raw(message.encode())

    def send_raw(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.sendto(self.mangle(data), self._server)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if not data.strip():
            return
        transport = self._transport
        assert transport is not None
        self._on_message(parse(data), lambda reply: transport.sendto(self.mangle(reply.encode()), addr))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class TcpLink:
    """A TCP connection to the server, and a listener at the port that the Contact names."""

    transport = "TCP"
    reliable = True
    serves: ssl.SSLContext | None = None
    asks: ssl.SSLContext | None = None

    def __init__(self, server: Address, on_message: OnMessage) -> None:
        self.local: Address = ("", 0)
        self.accepted = 0
        self._server = server
        self._on_message = on_message
        self._listener: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._readers: list[asyncio.Task[None]] = []

    async def open(self, local: Address) -> None:
        self._listener = await asyncio.start_server(self._accept, *local, ssl=self.serves)
        host, port = self._listener.sockets[0].getsockname()[:2]
        self.local = (host, port)
        await self.reconnect()

    async def reconnect(self) -> None:
        """Open a new connection to the server, for instance after it was restarted."""
        here = (self.local[0], 0)
        reader, writer = await asyncio.open_connection(*self._server, ssl=self.asks, local_addr=here)
        self._writers.insert(0, writer)
        self._readers.append(asyncio.ensure_future(self._read(reader, writer)))

    def send(self, message: Message) -> None:
        self.send_raw(message.encode())

    def send_raw(self, data: bytes) -> None:
        self._writers[0].write(data)

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
        for task in self._readers:
            task.cancel()
        for writer in self._writers:
            writer.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._writers.append(writer)
        await self._read(reader, writer)

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        buffer = bytearray()
        while data := await reader.read(65536):
            buffer += data
            for message in split_stream(buffer):
                self._on_message(parse(message), lambda reply: writer.write(reply.encode()))


class TlsLink(TcpLink):
    """The same over TLS, as a carrier has it: `serves` for who connects to it, `asks` for its own calls."""

    transport = "TLS"


class WebSocketLink:
    """A WebSocket to the server, as browsers have: nobody can connect to the host that the Contact names."""

    transport = "WS"
    reliable = True

    def __init__(self, server: Address, on_message: OnMessage) -> None:
        self.local: Address = (f"{secrets.token_hex(6)}.invalid", 5060)
        self._server = server
        self._on_message = on_message
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._writers: set[asyncio.Task[None]] = set()

    async def open(self, local: Address) -> None:
        self._socket = await connect(
            f"ws://{self._server[0]}:{self._server[1]}",
            subprotocols=[Subprotocol("sip")],
            origin=Origin("http://localhost:8080"),
            proxy=None,
        )
        self._reader = asyncio.ensure_future(self._read(self._socket))

    def send(self, message: Message) -> None:
        self.send_raw(message.encode())

    def send_raw(self, data: bytes) -> None:
        assert self._socket is not None
        writer = asyncio.ensure_future(self._socket.send(data, text=True))
        self._writers.add(writer)
        writer.add_done_callback(self._writers.discard)

    def close(self) -> None:
        if self._reader is not None and self._socket is not None:
            self._reader.cancel()
            self._socket.transport.close()

    async def _read(self, socket: ClientConnection) -> None:
        async for data in socket:
            self._on_message(parse(data.encode() if isinstance(data, str) else data), self.send)
