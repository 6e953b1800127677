"""The SIP transports: what comes in goes to the user agent, what it sends goes out."""

from __future__ import annotations

import itertools
import socket
import ssl
from collections.abc import Callable

from tongdai.core.log import get_logger
from tongdai.sip.flow import Address, Flow
from tongdai.sip.message import Message, ParseError
from tongdai.sip.transport.stream import StreamTransport
from tongdai.sip.transport.udp import UdpTransport
from tongdai.sip.ua import UserAgent

log = get_logger(__name__)


class Wires:
    """UDP, TCP and TLS on the sockets that the supervisor handed down. Implements `StreamUser`.

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
    ) -> None:
        """`stir` is called after every message, `on_lost` when a connection is gone."""
        self._ua = ua
        self._clock = clock
        self._stir = stir
        self._on_lost = on_lost
        self._udp: UdpTransport | None = None
        self._streams: dict[str, StreamTransport] = {}
        self._numbers = itertools.count(1)

    async def open(self, udp_fd: int, tcp_fd: int, advertised: Address) -> None:
        """Serve these sockets of UDP and TCP from now on."""
        self._udp = await UdpTransport.open(
            socket.socket(fileno=udp_fd), self.on_message, advertised=advertised
        )
        self._streams["tcp"] = await StreamTransport.open(
            socket.socket(fileno=tcp_fd), self, advertised=advertised, numbers=self._numbers
        )

    async def open_tls(self, fd: int, advertised: Address, context: ssl.SSLContext) -> None:
        """Serve this socket of TLS from now on."""
        self._streams["tls"] = await StreamTransport.open(
            socket.socket(fileno=fd), self, advertised=advertised, tls=context, numbers=self._numbers
        )

    async def close(self) -> None:
        """Stop serving; the supervisor's copies of the sockets go on queueing."""
        if self._udp is not None:
            await self._udp.close()
        for transport in self._streams.values():
            await transport.close()

    def send(self, flow: Flow, data: bytes) -> None:
        """Send one message over the transport of its flow."""
        if flow.transport == "udp" and self._udp is not None:
            self._udp.send(flow, data)
        elif flow.transport in self._streams:
            self._streams[flow.transport].send(flow, data)

    # in

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
        except Exception:
            log.exception("what came over the network could not be dealt with", flow=str(flow))
        self._stir()
