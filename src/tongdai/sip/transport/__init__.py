"""The only I/O of this library: sockets to messages and back, each message with its `Flow`."""

from __future__ import annotations

from tongdai.sip.transport.framing import Framing, StreamFraming
from tongdai.sip.transport.stream import StreamKind, StreamTransport, StreamUser, listen_tcp
from tongdai.sip.transport.udp import UdpTransport, bind_udp

__all__ = [
    "Framing",
    "StreamFraming",
    "StreamKind",
    "StreamTransport",
    "StreamUser",
    "UdpTransport",
    "bind_udp",
    "listen_tcp",
]
