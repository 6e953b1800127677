from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tongdai.app.supervisor import sockets
from tongdai.core.errors import TongdaiError


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock


def test_udp_and_tcp_share_one_port():
    udp, tcp = sockets.open_sip("127.0.0.1", 0)
    with udp, tcp:
        assert udp.getsockname() == tcp.getsockname()
        with socket.create_connection(tcp.getsockname()):
            pass


def test_a_taken_port_is_named_with_who_has_it_and_what_to_do(taken: socket.socket):
    port = taken.getsockname()[1]
    with pytest.raises(TongdaiError, match=rf"Port {port} \(SIP over UDP\).*pid \d+.*--sip-port"):
        sockets.open_sip("127.0.0.1", port)


def test_a_port_whose_tcp_half_is_taken_is_named():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with pytest.raises(TongdaiError, match="SIP over TCP"):
            sockets.open_sip("127.0.0.1", listener.getsockname()[1])


def test_an_address_that_is_not_ours_is_named():
    with pytest.raises(TongdaiError, match=r"192\.0\.2\.1 is no address of this machine"):
        sockets.open_sip("192.0.2.1", 0)


def test_the_carrier_takes_another_port_when_its_own_is_taken(taken: socket.socket):
    with sockets.open_near("127.0.0.1", taken.getsockname()[1], "the carrier", "--carrier") as sock:
        assert sock.getsockname()[1] != taken.getsockname()[1]


def test_hosts_are_resolved_or_named():
    assert sockets.resolve("127.0.0.1") == "127.0.0.1"
    with pytest.raises(TongdaiError, match="not known"):
        sockets.resolve("no such host")


def test_each_ip_version_has_sockets_of_its_own_at_the_same_ports():
    one = sockets.SipSockets.open("0.0.0.0", 0, 0, 0)
    other = sockets.SipSockets.open("::", *one.ports)
    assert one.ports == other.ports
    for sock in (*one, *other):
        sock.close()


def test_sockets_serve_the_addresses_and_ports_that_they_are_bound_to():
    some = sockets.SipSockets.open("127.0.0.1", 0, 0, 0)
    sip, tls, ws = some.ports
    assert some.serve("127.0.0.1", 0, 0, 0)
    assert some.serve("127.0.0.1", sip, tls, ws)
    assert not some.serve("0.0.0.0", sip, tls, ws)
    assert not some.serve("127.0.0.1", sip, ws, tls)
    for sock in some:
        sock.close()
