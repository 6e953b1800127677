"""The only I/O of this library: sockets to messages and back, each message with its `Flow`."""

from __future__ import annotations

from tongdai.sip.transport.stream import StreamTransport, StreamUser, listen_tcp
from tongdai.sip.transport.udp import UdpTransport, bind_udp

__all__ = ["StreamTransport", "StreamUser", "UdpTransport", "bind_udp", "listen_tcp"]
