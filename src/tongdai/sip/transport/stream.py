"""SIP over connections (TCP, TLS, WebSocket) on an asyncio or uvloop loop: accepting, connecting, reusing
(RFC 3261 §18, §26.2, RFC 5923, RFC 7118)."""

from __future__ import annotations

import asyncio
import itertools
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, Protocol, cast

from tongdai.core.log import get_logger
from tongdai.sip.flow import Address, Flow, hostport
from tongdai.sip.message import Message, ParseError
from tongdai.sip.transport.framing import Framing, StreamFraming

log = get_logger(__name__)

SLOW_SECONDS = 30.0
"""A connection that has begun a message, or has never sent one, must complete it within this time."""
PING_SECONDS = 25.0
"""A connection that was quiet for this long is asked for a sign of life, where there is a way to ask. Most
NATs and proxies keep a quiet connection for 30 s at least."""
WRITE_LIMIT = 1024 * 1024
"""Bytes that may wait for a peer that does not read."""
CONNECT_SECONDS = 2.5
"""Who listens answers within one repetition of SYN; a call may wait for it, to go on over UDP."""
HANDSHAKE_SECONDS = 10.0
"""TLS must be agreed on within this time."""
_SWEEP_SECONDS = 5.0
_TURN_BYTES = 8192
"""What one connection says is read in portions of so many bytes: between them it is the others' turn."""

StreamKind = Literal["tcp", "tls", "ws", "wss"]


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


class Peer(NamedTuple):
    """Whom we expect at the other end of a connection that we open: by a certificate of this name, when there
    is a context."""

    context: ssl.SSLContext | None = None
    name: str | None = None


Identity = Callable[[Address], Peer | None]
"""Who is at an address; None for who is not called."""


class _Connection(asyncio.Protocol):
    """One connection, accepted or opened."""

    def __init__(self, owner: StreamTransport, remote: Address | None = None) -> None:
        self._owner = owner
        self._framing = owner.framing()
        self._transport: asyncio.Transport | None = None
        self._waiting: list[bytes] = []
        self._unread = bytearray()
        self.greeted = False
        self.touched = 0.0
        self.number = owner.next_number()
        self.remote: Address = remote or ("", 0)

    @property
    def flow(self) -> Flow:
        return Flow(self._owner.kind, self._owner.advertised, self.remote, self.number)

    def expect(self, seconds: float) -> None:
        """The peer has promised a sign of life within so many seconds."""
        self._framing.quiet_seconds = min(self._framing.quiet_seconds, seconds)

    def look_after(self, now: float) -> None:
        """End it when it is slow or gone, ask it for a sign of life when it is quiet."""
        quiet = now - self.touched
        stalled = self._framing.pending or not self.greeted  # it owes us a message, or the rest of one
        if quiet > self._framing.quiet_seconds or (stalled and quiet > SLOW_SECONDS):
            self.abort()
        elif quiet > PING_SECONDS:
            self._write(self._framing.ping())

    def send(self, message: bytes) -> None:
        """Send a message, now or once the connection is there."""
        if self._transport is None:
            self._waiting.append(message)
        else:
            self._write(self._framing.wrap(message))

    def _write(self, data: bytes) -> None:
        if data and self._transport is not None and not self._transport.is_closing():
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
        for message in self._waiting:
            self._write(self._framing.wrap(message))
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        if self._unread:
            self._unread += data
        elif len(data) <= _TURN_BYTES:
            self._read(data)
        elif self._transport is not None:
            self._unread += data
            self._transport.pause_reading()
            self._take_turn()

    def _take_turn(self) -> None:
        """Read a portion of what waits."""
        transport = self._transport
        if transport is None or transport.is_closing():
            self._unread.clear()
            return
        portion = bytes(self._unread[:_TURN_BYTES])
        del self._unread[:_TURN_BYTES]
        self._read(portion)
        if self._unread:
            self._owner.soon(self._take_turn)
        else:  # not before what was answered just now is sent: the peer may have ended its side
            self._owner.soon(self._go_on)

    def _go_on(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _read(self, data: bytes) -> None:
        framing = self._framing
        halfway = framing.pending
        found = framing.feed(data)
        client = framing.client(self.remote[0])
        if client != self.remote[0]:
            self._owner.rename(self, client)
        self.greeted = self.greeted or any(not isinstance(item, ParseError) for item in found)
        if found or (self.greeted and not halfway):
            self.touched = self._owner.time()  # keep-alives alone keep no stranger's connection
        for item in found:
            if isinstance(item, ParseError):
                self._owner.user.on_bad_message(item, self.flow)
            else:
                self._owner.user.on_message(item, self.flow)
        self._write(framing.replies())
        if framing.ended:
            self._owner.close_soon(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.remove(self)


class StreamTransport:
    """All connections of one listening address."""

    def __init__(
        self,
        advertised: Address,
        user: StreamUser,
        *,
        kind: StreamKind = "tcp",
        framing: Callable[[], Framing] = StreamFraming,
        numbers: Iterator[int] | None = None,
        max_connections: int = 20_000,
        identity: Identity | None = None,
    ) -> None:
        """`advertised` is the address peers reach us at, and so `Flow.local` of accepted connections.

        Those of `kind` tcp are opened by us, too, and of tls those to whom `identity` knows: a phone has no
        certificate that would tell us who it is, and a browser listens nowhere, so these are reached over the
        connection that they opened (RFC 5626). `framing` makes what stands between a connection's bytes and
        messages. `numbers` names connections; who serves several listeners gives all of them the same, so
        that a number says which connection is meant.
        """
        self.advertised = advertised
        self.user = user
        self.kind = kind
        self.framing = framing
        self._identity = identity
        self._numbers = numbers or itertools.count(1)
        self._max_connections = max_connections
        self._loop = asyncio.get_running_loop()
        self._server: asyncio.Server | None = None
        self._connections: dict[int, _Connection] = {}
        self._by_remote: dict[Address, _Connection] = {}
        self._by_host: dict[str, dict[int, _Connection]] = {}
        self._opening: dict[Address, asyncio.Task[None]] = {}
        self._sweeper = self._loop.call_later(_SWEEP_SECONDS, self._sweep)

    @classmethod
    async def open(
        cls,
        sock: socket.socket | None,
        user: StreamUser,
        *,
        advertised: Address | None = None,
        kind: StreamKind = "tcp",
        framing: Callable[[], Framing] = StreamFraming,
        tls: ssl.SSLContext | None = None,
        numbers: Iterator[int] | None = None,
        max_connections: int = 20_000,
        identity: Identity | None = None,
    ) -> StreamTransport:
        """Accept on a listening socket, our own or inherited; without one, only connections of ours exist."""
        if advertised is None:
            host, port = ("0.0.0.0", 0) if sock is None else sock.getsockname()[:2]
            if host in ("0.0.0.0", "::"):
                raise ValueError(
                    "a socket bound to every address needs `advertised`: the one to be reached at"
                )
            advertised = (host, port)
        self = cls(
            advertised,
            user,
            kind=kind,
            framing=framing,
            numbers=numbers,
            max_connections=max_connections,
            identity=identity,
        )
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
        whom = self._whom(flow.remote)
        if connection is None and whom is None:
            self._loop.call_soon(self.user.on_lost, flow)
            return
        if connection is None:
            connection = self._connect(flow.remote, whom)
        connection.send(data)

    def expect(self, flow: Flow, seconds: float) -> None:
        """Close this connection when nothing comes for so long."""
        connection = self._connections.get(flow.connection)
        if connection is not None:
            connection.expect(seconds)

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

    def soon(self, call: Callable[[], None]) -> None:
        """Call in the loop's next turn."""
        self._loop.call_soon(call)

    def next_number(self) -> int:
        """Names a connection; never reused."""
        return next(self._numbers)

    def add(self, connection: _Connection) -> None:
        """A connection is up; one too many is not kept, or another one of who has the most."""
        host = connection.remote[0]
        if len(self._connections) >= self._max_connections:
            most = max(self._by_host.values(), key=len)
            if len(most) <= len(self._by_host.get(host, ())) + 1:
                connection.abort()
                return
            quietest = min(most.values(), key=lambda one: one.touched)
            quietest.abort()
            self.remove(quietest)
        self._keep(connection)

    def rename(self, connection: _Connection, host: str) -> None:
        """A connection is from there, as a proxy of ours tells; the port stays the proxy's, which is no other
        connection's."""
        if connection.number in self._connections:
            self._forget(connection)
            connection.remote = (host, connection.remote[1])
            self._keep(connection)

    def remove(self, connection: _Connection) -> None:
        """A connection is down."""
        if connection.number in self._connections:
            self._forget(connection)
            self.user.on_lost(connection.flow)
            self.user.on_lost(self.flow_to(connection.remote))

    def _keep(self, connection: _Connection) -> None:
        self._connections[connection.number] = connection
        self._by_host.setdefault(connection.remote[0], {})[connection.number] = connection
        self._by_remote[connection.remote] = connection

    def _forget(self, connection: _Connection) -> None:
        del self._connections[connection.number]
        neighbours = self._by_host[connection.remote[0]]
        del neighbours[connection.number]
        if not neighbours:
            del self._by_host[connection.remote[0]]
        if self._by_remote.get(connection.remote) is connection:
            del self._by_remote[connection.remote]

    def close_soon(self, connection: _Connection) -> None:
        """Close once what the owner sends in this tick is written."""
        self._loop.call_later(0.1, connection.close)

    # -- opening and watching

    def _whom(self, remote: Address) -> Peer | None:
        """How to know the peer that we would open a connection to; None when none may be opened."""
        if self.kind == "tcp":
            return Peer()
        return self._identity(remote) if self.kind == "tls" and self._identity is not None else None

    def _connect(self, remote: Address, whom: Peer | None) -> _Connection:
        connection = _Connection(self, remote)
        connection.greeted = True
        self._by_remote[remote] = connection
        task = self._loop.create_task(self._open(connection, remote, whom or Peer()))
        self._opening[remote] = task
        return connection

    async def _open(self, connection: _Connection, remote: Address, whom: Peer) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS + (HANDSHAKE_SECONDS if whom.context else 0.0)):
                await self._loop.create_connection(
                    lambda: connection, *remote, ssl=whom.context, server_hostname=whom.name
                )
        except (OSError, TimeoutError) as error:
            if whom.context is not None:
                log.warning("no connection over TLS", remote=hostport(remote), error=str(error))
            if self._by_remote.get(remote) is connection:
                del self._by_remote[remote]
            self.user.on_lost(self.flow_to(remote))
        finally:
            self._opening.pop(remote, None)

    def _sweep(self) -> None:
        """Without this, connections that say nothing would be kept for ever."""
        now = self._loop.time()
        for connection in list(self._connections.values()):
            connection.look_after(now)
        self._sweeper = self._loop.call_later(_SWEEP_SECONDS, self._sweep)
