"""SIP over TCP and TLS on an asyncio or uvloop loop: accepting, connecting, framing, reusing (RFC 3261 §18,
§26.2, RFC 5923)."""

from __future__ import annotations

import asyncio
import itertools
import socket
import ssl
from collections.abc import Iterator
from typing import Literal, Protocol, cast

from tongdai.sip.flow import Address, Flow, hostport
from tongdai.sip.message import PING, PONG, Message, ParseError, StreamParser

SLOW_SECONDS = 30.0
"""A connection that has begun a message, or has never sent one, must complete it within this time."""
IDLE_SECONDS = 7200.0
"""A connection without any traffic for this long is closed."""
WRITE_LIMIT = 1024 * 1024
"""Bytes that may wait for a peer that does not read."""
CONNECT_SECONDS = 10.0
HANDSHAKE_SECONDS = 10.0
"""TLS must be agreed on within this time."""
_SWEEP_SECONDS = 5.0


class StreamUser(Protocol):
    """Who gets what the connections deliver."""

    def on_message(self, message: Message, flow: Flow) -> None:
        """A whole message."""
        ...

    def on_bad_message(self, problem: ParseError, flow: Flow) -> None:
        """A stream that cannot be read on; an answer sent now is still delivered, then the connection
        closes."""
        ...

    def on_lost(self, flow: Flow) -> None:
        """The flow is gone, or could not be opened."""
        ...


def listen_tcp(address: Address, backlog: int = 512) -> socket.socket:
    """A listening, non-blocking TCP socket. Raises OSError naming the address."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(backlog)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"cannot listen on TCP {hostport(address)}: {error.strerror}") from error
    return sock


class _Connection(asyncio.Protocol):
    """One connection, accepted or opened."""

    def __init__(self, owner: StreamTransport, remote: Address | None = None) -> None:
        self._owner = owner
        self._parser = StreamParser()
        self._transport: asyncio.Transport | None = None
        self._waiting: list[bytes] = []
        self.greeted = False
        self.touched = 0.0
        self.number = owner.next_number()
        self.remote: Address = remote or ("", 0)

    @property
    def flow(self) -> Flow:
        return Flow(self._owner.kind, self._owner.advertised, self.remote, self.number)

    @property
    def stalled(self) -> bool:
        """It owes us the rest of a message, or its first one."""
        return self._parser.pending > 0 or not self.greeted

    def write(self, data: bytes) -> None:
        if self._transport is None:
            self._waiting.append(data)
        elif not self._transport.is_closing():
            self._transport.write(data)
            if self._transport.get_write_buffer_size() > WRITE_LIMIT:
                self._transport.abort()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._transport = transport
        peer = transport.get_extra_info("peername")
        if not peer:
            transport.abort()
            return
        self.remote = (peer[0], peer[1])
        self.touched = self._owner.time()
        self._owner.add(self)
        for data in self._waiting:
            transport.write(data)
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        if not self._parser.pending:
            self.touched = self._owner.time()
        for item in self._parser.feed(data):
            if item == PING:
                self.write(PONG)
            elif isinstance(item, ParseError):
                self._owner.user.on_bad_message(item, self.flow)
                self._owner.close_soon(self)
            elif isinstance(item, Message):
                self.greeted = True
                self._owner.user.on_message(item, self.flow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.remove(self)


class StreamTransport:
    """All connections of one listening address, of TCP or of TLS."""

    def __init__(
        self,
        advertised: Address,
        user: StreamUser,
        *,
        tls: ssl.SSLContext | None = None,
        numbers: Iterator[int] | None = None,
        max_connections: int = 20_000,
    ) -> None:
        """`advertised` is the address peers reach us at, and so `Flow.local` of accepted connections.

        With `tls` connections are accepted only: a phone has no certificate that would tell us who it is, so
        it is reached over the connection that it opened (RFC 5626). `numbers` names connections; who serves
        several listeners gives all of them the same, so that a number says which connection is meant.
        """
        self.advertised = advertised
        self.user = user
        self.kind: Literal["tcp", "tls"] = "tcp" if tls is None else "tls"
        self._tls = tls
        self._numbers = numbers or itertools.count(1)
        self._max_connections = max_connections
        self._loop = asyncio.get_running_loop()
        self._server: asyncio.Server | None = None
        self._connections: dict[int, _Connection] = {}
        self._by_remote: dict[Address, _Connection] = {}
        self._opening: dict[Address, asyncio.Task[None]] = {}
        self._sweeper = self._loop.call_later(_SWEEP_SECONDS, self._sweep)

    @classmethod
    async def open(
        cls,
        sock: socket.socket | None,
        user: StreamUser,
        *,
        advertised: Address | None = None,
        tls: ssl.SSLContext | None = None,
        numbers: Iterator[int] | None = None,
        max_connections: int = 20_000,
    ) -> StreamTransport:
        """Accept on a listening socket, our own or inherited; without one, only connections of ours exist."""
        if advertised is None:
            host, port = ("0.0.0.0", 0) if sock is None else sock.getsockname()[:2]
            if host in ("0.0.0.0", "::"):
                raise ValueError(
                    "a socket bound to every address needs `advertised`: the one to be reached at"
                )
            advertised = (host, port)
        self = cls(advertised, user, tls=tls, numbers=numbers, max_connections=max_connections)
        if sock is not None:
            self._server = await self._loop.create_server(
                lambda: _Connection(self),
                sock=sock,
                ssl=tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if tls is not None else None,
            )
        return self

    def flow_to(self, remote: Address) -> Flow:
        """A flow that uses any connection to `remote`, or opens one."""
        return Flow(self.kind, self.advertised, remote)

    def send(self, flow: Flow, data: bytes) -> None:
        """Send one message. A flow whose connection is gone is replaced by another to the same peer; when
        none can be opened, `on_lost(flow)` tells."""
        connection = self._connections.get(flow.connection)
        if connection is None or connection.remote != flow.remote:  # a former process counted anew
            connection = self._by_remote.get(flow.remote)
        if connection is None and self._tls is not None:
            self._loop.call_soon(self.user.on_lost, flow)
            return
        if connection is None:
            connection = self._connect(flow.remote)
        connection.write(data)

    async def close(self) -> None:
        """Stop accepting and close every connection."""
        self._sweeper.cancel()
        if self._server is not None:
            self._server.close()
        for task in self._opening.values():
            task.cancel()
        for connection in list(self._connections.values()):
            connection.close()
        if self._opening:
            await asyncio.gather(*self._opening.values(), return_exceptions=True)

    def __len__(self) -> int:
        return len(self._connections)

    # -- used by connections

    def time(self) -> float:
        """The loop's clock."""
        return self._loop.time()

    def next_number(self) -> int:
        """Names a connection; never reused."""
        return next(self._numbers)

    def add(self, connection: _Connection) -> None:
        """A connection is up; one too many is not kept."""
        if len(self._connections) >= self._max_connections:
            connection.abort()
            return
        self._connections[connection.number] = connection
        self._by_remote[connection.remote] = connection

    def remove(self, connection: _Connection) -> None:
        """A connection is down."""
        if self._connections.pop(connection.number, None) is None:
            return
        if self._by_remote.get(connection.remote) is connection:
            del self._by_remote[connection.remote]
        self.user.on_lost(connection.flow)
        self.user.on_lost(self.flow_to(connection.remote))

    def close_soon(self, connection: _Connection) -> None:
        """Close once what the owner sends in this tick is written."""
        self._loop.call_later(0.1, connection.close)

    # -- opening and watching

    def _connect(self, remote: Address) -> _Connection:
        connection = _Connection(self, remote)
        connection.greeted = True
        self._by_remote[remote] = connection
        task = self._loop.create_task(self._open(connection, remote))
        self._opening[remote] = task
        return connection

    async def _open(self, connection: _Connection, remote: Address) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._loop.create_connection(lambda: connection, *remote)
        except (OSError, TimeoutError):
            if self._by_remote.get(remote) is connection:
                del self._by_remote[remote]
            self.user.on_lost(self.flow_to(remote))
        finally:
            self._opening.pop(remote, None)

    def _sweep(self) -> None:
        """End what is slow or idle; without this, connections that say nothing would be kept for ever."""
        now = self._loop.time()
        for connection in list(self._connections.values()):
            quiet = now - connection.touched
            if quiet > IDLE_SECONDS or (connection.stalled and quiet > SLOW_SECONDS):
                connection.abort()
        self._sweeper = self._loop.call_later(_SWEEP_SECONDS, self._sweep)
