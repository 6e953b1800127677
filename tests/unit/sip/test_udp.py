"""The UDP transport on loopback sockets."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tongdai.sip.flow import Flow
from tongdai.sip.transport import udp
from tongdai.sip.transport.udp import UdpTransport, bind_udp


async def test_datagrams_go_both_ways_and_carry_their_flow() -> None:
    got: asyncio.Queue[tuple[bytes, Flow]] = asyncio.Queue()
    one = await UdpTransport.open(bind_udp(("127.0.0.1", 0)), lambda data, flow: got.put_nowait((data, flow)))
    two = await UdpTransport.open(bind_udp(("127.0.0.1", 0)), lambda data, flow: two.send(flow, data.upper()))
    one.send(one.flow_to(two.advertised), b"ping")
    data, flow = await asyncio.wait_for(got.get(), 5)
    assert (data, flow) == (b"PING", Flow("udp", one.advertised, two.advertised))
    await one.close()
    await two.close()


async def test_what_was_sent_while_nobody_read_is_answered() -> None:
    """A restart of the process must not lose datagrams that queue in the inherited socket."""
    sock = bind_udp(("127.0.0.1", 0))
    sender = bind_udp(("127.0.0.1", 0))
    sender.sendto(b"early", sock.getsockname())
    got: asyncio.Queue[bytes] = asyncio.Queue()
    transport = await UdpTransport.open(sock, lambda data, flow: got.put_nowait(data))
    assert await asyncio.wait_for(got.get(), 5) == b"early"
    await transport.close()
    sender.close()


async def test_a_queue_that_is_longer_already_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may, has opened it with more than `net.core.rmem_max`, to which asking again would cut it."""
    sock = bind_udp(("127.0.0.1", 0))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 100_000)
    before = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    monkeypatch.setattr(udp, "RECEIVE_BUFFER", 10_000)
    transport = await UdpTransport.open(sock, lambda data, flow: None)
    assert transport.queue() == (0, before)
    await transport.close()


async def test_a_wildcard_socket_needs_an_address_to_advertise() -> None:
    sock = bind_udp(("0.0.0.0", 0))
    with pytest.raises(ValueError, match="advertised"):
        await UdpTransport.open(sock, lambda data, flow: None)
    sock.close()


def test_a_port_in_use_is_named() -> None:
    sock = bind_udp(("127.0.0.1", 0))
    with pytest.raises(OSError, match=f"127.0.0.1:{sock.getsockname()[1]}"):
        bind_udp(sock.getsockname())
    sock.close()
