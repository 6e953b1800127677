"""SIP over UDP on an asyncio or uvloop loop."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable

from tongdai.sip.flow import Address, Flow, hostport

RECEIVE_BUFFER = 4 * 1024 * 1024
"""Bytes asked of the kernel: what arrives while this process restarts or works waits there."""

_SO_MEMINFO = 55
"""Linux: what waits in a socket, its limit, and more, as 32-bit numbers (sock_diag(7))."""

_KNOWN_FLOWS = 20_000  # flows kept for reuse, not for ever: a stranger may make many


def bind_udp(address: Address) -> socket.socket:
    """A bound, non-blocking UDP socket with a large receive buffer. Raises OSError naming the address."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"cannot bind UDP {hostport(address)}: {error.strerror}") from error
    return sock


class UdpTransport(asyncio.DatagramProtocol):
    """One socket. `on_message(data, flow)` gets every datagram."""

    def __init__(
        self,
        advertised: Address,
        on_message: Callable[[bytes, Flow], None],
    ) -> None:
        """`advertised` is the address peers reach us at, and so `Flow.local`: that of the socket unless a
        NAT or a wildcard bind hides it."""
        self.advertised = advertised
        self._on_message = on_message
        self._transport: asyncio.DatagramTransport | None = None
        self._flows: dict[Address, Flow] = {}
        self._closed: asyncio.Future[None] | None = None
        self._probe: socket.socket | None = None

    @classmethod
    async def open(
        cls,
        sock: socket.socket,
        on_message: Callable[[bytes, Flow], None],
        *,
        advertised: Address | None = None,
    ) -> UdpTransport:
        """Serve a bound socket, our own or inherited."""
        host, port = sock.getsockname()[:2]
        if advertised is None:
            if host in ("0.0.0.0", "::"):
                raise ValueError(
                    "a socket bound to every address needs `advertised`: the one to be reached at"
                )
            advertised = (host, port)
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) < RECEIVE_BUFFER:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        loop = asyncio.get_running_loop()
        self = cls(advertised, on_message)
        self._closed = loop.create_future()
        self._probe = sock.dup()
        await loop.create_datagram_endpoint(lambda: self, sock=sock)
        return self

    def flow_to(self, remote: Address) -> Flow:
        """The flow to a peer that has not sent anything yet."""
        return Flow("udp", self.advertised, remote)

    def queue(self) -> tuple[int, int]:
        """Bytes of the kernel that wait to be read, and how many may; (0, 1) where it does not tell."""
        try:
            if self._probe is None:
                return 0, 1
            told = self._probe.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 8)
        except OSError:
            return 0, 1
        waiting, room = struct.unpack("=II", told)
        return waiting, room

    def send(self, flow: Flow, data: bytes) -> None:
        """Send one datagram; a full socket buffer queues it in the loop."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, flow.remote)

    def stop(self) -> None:
        """Read nothing more; what comes waits in the socket for who has a copy of it."""
        if self._transport is not None:
            self._transport.close()

    async def close(self) -> None:
        """Stop serving; the socket is closed."""
        if self._probe is not None:
            self._probe.close()
            self._probe = None
        if self._transport is not None and self._closed is not None:
            self._transport.close()
            await self._closed

    # -- asyncio.DatagramProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """See asyncio."""
        remote = (addr[0], addr[1])
        flow = self._flows.get(remote)
        if flow is None:
            if len(self._flows) >= _KNOWN_FLOWS:
                self._flows.clear()
            flow = self._flows[remote] = Flow("udp", self.advertised, remote)
        self._on_message(data, flow)

    def error_received(self, exc: Exception) -> None:
        """An ICMP error: of whom, the kernel does not say on an unconnected socket; timers find out."""

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)
