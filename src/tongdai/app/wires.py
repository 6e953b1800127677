"""The SIP transports: what comes in goes to the user agent, what it sends goes out."""

from __future__ import annotations

import itertools
import resource
import socket
import ssl
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TypeVar

from tongdai.core.log import get_logger
from tongdai.core.memory import end_without_memory
from tongdai.sip.flow import Address, Flow, ip_version
from tongdai.sip.message import Message, ParseError
from tongdai.sip.transport.framing import Framing, StreamFraming
from tongdai.sip.transport.stream import Identity, StreamKind, StreamTransport
from tongdai.sip.transport.udp import UdpTransport
from tongdai.sip.ua import UserAgent
from tongdai.sip.ua.overload import Overload, Queue

log = get_logger(__name__)

_LOOK_SECONDS = 0.002
"""Between two looks at what waits."""

_CALM = 10.0
"""Seconds without a refusal after which the log says that it is over."""


_MOST_CONNECTIONS = 20_000
"""Of each transport."""
_OTHER_FILES = 512


def _most_connections() -> int:
    """As many as there may be descriptors for, with some left for everything else."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return _MOST_CONNECTIONS
    return max(64, min(_MOST_CONNECTIONS, (files - _OTHER_FILES) // 3))


class Wires:
    """UDP, TCP, TLS and WebSocket on the sockets that the supervisor handed down. Implements `StreamUser`.

    A message that meets a fault of ours costs itself only: raised into the loop, the fault would end the
    connection, which a whole office or carrier may share.
    """

    def __init__(
        self,
        ua: UserAgent,
        *,
        clock: Callable[[], float],
        stir: Callable[[], None],
        on_lost: Callable[[Flow], None],
        overload: Overload | None = None,
    ) -> None:
        """`stir` is called after every message, `on_lost` when a connection is gone. `overload` refuses what
        comes over UDP while too much waits there; a stream makes its peer wait instead."""
        self._ua = ua
        self._clock = clock
        self._stir = stir
        self._on_lost = on_lost
        self._overload = overload
        self._look_at = 0.0
        self._refused = 0
        self._calm_at = 0.0
        self._udp: dict[Address, UdpTransport] = {}
        self._queues: defaultdict[Address, Queue] = defaultdict(Queue)
        self._streams: dict[StreamKind, dict[Address, StreamTransport]] = {}
        self._numbers = itertools.count(1)

    async def open_udp(self, fd: int, advertised: Address) -> None:
        """Serve this socket of UDP from now on."""
        self._udp[advertised] = await UdpTransport.open(
            socket.socket(fileno=fd), self.on_datagram, advertised=advertised
        )

    async def open_stream(
        self,
        kind: StreamKind,
        fd: int,
        advertised: Address,
        *,
        framing: Callable[[], Framing] = StreamFraming,
        tls: ssl.SSLContext | None = None,
        identity: Identity | None = None,
    ) -> None:
        """Serve this listening socket from now on; tls and wss want a context. `identity` says to whom we
        open connections of tls ourselves."""
        self._streams.setdefault(kind, {})[advertised] = await StreamTransport.open(
            socket.socket(fileno=fd),
            self,
            advertised=advertised,
            kind=kind,
            framing=framing,
            tls=tls,
            numbers=self._numbers,
            max_connections=_most_connections(),
            identity=identity,
        )

    def stop(self) -> None:
        """Read no more datagrams: they wait for the next process."""
        for udp in self._udp.values():
            udp.stop()

    async def close(self) -> None:
        """Stop serving; the supervisor's copies of the sockets go on queueing."""
        for udp in self._udp.values():
            await udp.close()
        for transports in self._streams.values():
            for transport in transports.values():
                await transport.close()

    def send(self, flow: Flow, data: bytes) -> None:
        """Send one message over the transport of its flow, from the address that its peer knows, or else
        (after another start) from one of its IP version."""
        if flow.transport == "udp":
            udp = self._udp.get(flow.local) or _near(self._udp, flow)
            if udp is not None:
                udp.send(flow, data)
        elif transports := self._streams.get(flow.transport):
            stream = transports.get(flow.local) or _near(transports, flow)
            if stream is not None:
                stream.send(flow, data)

    def expect(self, flow: Flow, seconds: float) -> None:
        """Who is behind this flow of a stream is gone when nothing comes for so long; half as much again is
        granted, as networks stall."""
        if flow.transport != "udp":
            for stream in self._streams.get(flow.transport, {}).values():
                stream.expect(flow, seconds * 1.5)

    # in

    def on_datagram(self, data: bytes, flow: Flow) -> None:
        """A datagram, unless there are too many."""
        if self._overload is not None:
            now = self._clock()
            if now >= self._look_at:
                self._look(self._overload, now)
            refusal = self._overload.refuse(data, flow, now)
            if refusal is not None:
                if refusal:
                    self.send(flow, refusal)
                return
        self.on_message(data, flow)

    def _look(self, overload: Overload, now: float) -> None:
        self._look_at = now + _LOOK_SECONDS
        pressures = [self._queues[address].pressure(*udp.queue(), now) for address, udp in self._udp.items()]
        overload.pressure = max(pressures, default=0.0)
        if overload.refused != self._refused:
            if not self._calm_at:
                log.warning("more comes over UDP than can be done; some is refused")
            self._refused, self._calm_at = overload.refused, now + _CALM
        elif self._calm_at and now >= self._calm_at:
            self._calm_at = 0.0
            log.warning("no more comes over UDP than can be done", refused=overload.refused)

    def on_message(self, message: bytes | Message, flow: Flow) -> None:
        self._try(flow, self._ua.receive, message, flow, self._clock())

    def on_bad_message(self, problem: ParseError, flow: Flow) -> None:
        self._try(flow, self._ua.refuse, problem, flow)

    def on_lost(self, flow: Flow) -> None:
        self._try(flow, self._ua.flow_failed, flow, self._clock())
        self._try(flow, self._on_lost, flow)

    def _try(self, flow: Flow, call: Callable[..., None], *args: object) -> None:
        try:
            call(*args)
        except Exception as error:
            end_without_memory(error)
            log.exception("what came over the network could not be dealt with", flow=str(flow))
        self._stir()


T = TypeVar("T")


def _near(transports: Mapping[Address, T], flow: Flow) -> T | None:
    version = ip_version(flow.remote[0])
    return next(
        (transport for local, transport in transports.items() if ip_version(local[0]) == version), None
    )
