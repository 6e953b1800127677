"""What the public Internet sends on purpose: a correct answer or a closed connection, and nobody notices.

docs/threats.md says which threat each test shows."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
import struct

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.raw import Account
from tests.interop.ports import many_files
from tests.interop.talk import talk

Address = tuple[str, int]

_status = re.compile(rb"^SIP/2\.0 ([0-9]{3})", re.MULTILINE).findall


def request(
    method: str, *more: str, length: str = "Content-Length: 0", body: bytes = b"", user: str = "103"
) -> bytes:
    """As a stranger asks; `length` is the line that says how long the body is."""
    lines = [
        f"{method} sip:{user}@anphat.demo SIP/2.0",
        "Via: SIP/2.0/TRANSPORT 127.0.0.1:PORT;branch=z9hG4bKstranger;rport",
        "From: <sip:stranger@anphat.demo>;tag=1",
        f"To: <sip:{user}@anphat.demo>",
        f"Call-ID: {method}-stranger",
        f"CSeq: 1 {method}",
        "Contact: <sip:stranger@127.0.0.1:PORT>",
        *more,
        length,
    ]
    return "\r\n".join([line for line in lines if line] + ["", ""]).encode() + body


class Stranger:
    """A socket of somebody who has no account."""

    def __init__(self, transport: str, server: Address, host: str = "127.0.0.1") -> None:
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        self._sock = socket.socket(socket.AF_INET, kind)
        self._sock.bind((host, 0))
        self._sock.settimeout(3.0)
        self._sock.connect(server)
        self._transport = transport

    def sends(self, data: bytes) -> None:
        port = self._sock.getsockname()[1]
        data = data.replace(b"TRANSPORT", self._transport.upper().encode()).replace(b"PORT", b"%d" % port)
        with contextlib.suppress(ConnectionError):  # it is closed while we still speak
            self._sock.sendall(data)

    def hears(self) -> list[int]:
        """The statuses that come back, then 0 when the connection is closed; of UDP only the first."""
        heard = b""
        try:
            while piece := self._sock.recv(65536):
                heard += piece
                if self._transport == "udp":
                    return [int(status) for status in _status(heard)]
        except TimeoutError:
            return [int(status) for status in _status(heard)]
        except ConnectionError:
            pass
        return [*(int(status) for status in _status(heard)), 0]

    def close(self) -> None:
        self._sock.close()


def serves(demo: Demo) -> None:
    """It goes on: the same process answers a stranger at once."""
    stranger = Stranger("udp", demo.server)
    stranger.sends(request("OPTIONS"))
    assert stranger.hears() == [200]
    stranger.close()
    before = demo.facts.pids
    assert demo.reread().pids == before
    assert "could not be dealt with" not in demo.service_log()


@pytest.mark.parametrize(
    ("data", "heard"),
    [
        (request("MESSAGE", length="Content-Length: 5\r\nContent-Length: 0", body=b"hello"), [400, 0]),
        (request("MESSAGE", length="Content-Length: 5\r\nl: 5", body=b"hello"), [400, 0]),
        (request("MESSAGE", length="", body=b"hello"), [400, 0]),
        (request("MESSAGE", length="Content-Length: -5", body=b"hello"), [400, 0]),
        (request("MESSAGE", length="Content-Length: 5, 5", body=b"hello"), [400, 0]),
        (request("MESSAGE", length="Content-Length: 99999999999", body=b"hello"), [513, 0]),
        (request("MESSAGE", length="Content-Length: 65537", body=b"x" * 65537), [513, 0]),
        (request("MESSAGE", "Subject: " + "x" * 70_000), [513, 0]),
        (request("MESSAGE", *["X: y"] * 300), [400, 0]),
        (request("MESSAGE", "X-Hdr : y\r\nP-Asserted-Identity : <sip:101@anphat.demo>"), [400, 0]),
        (request("MESSAGE", "Subject: a\rX: b"), [0]),
        (request("MESSAGE", "\x00: b"), [0]),
    ],
    ids=[
        "two lengths",
        "two lengths, one short",
        "no length",
        "a negative length",
        "a list of lengths",
        "a length of 100 GB",
        "65537 bytes",
        "an endless header",
        "300 header lines",
        "space before the colon",
        "a bare CR",
        "a NUL",
    ],
)
def test_a_stream_that_could_be_read_in_two_ways_ends(demo: Demo, data: bytes, heard: list[int]):
    stranger = Stranger("tcp", demo.server)
    stranger.sends(data + request("OPTIONS"))
    got = stranger.hears()
    stranger.close()
    assert got == heard or got == [heard[-1]], "whatever follows is not read as a request"
    serves(demo)


@pytest.mark.parametrize(
    "method", ["MESSAGE", "SUBSCRIBE", "NOTIFY", "REFER", "PUBLISH", "INVITE", "REGISTER"]
)
@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("size", [513, 60_000])
def test_a_large_body_of_a_stranger_is_only_challenged(demo: Demo, transport: str, method: str, size: int):
    stranger = Stranger(transport, demo.server)
    more = ["Event: presence", "Refer-To: <sip:101@anphat.demo>", "Content-Type: text/plain"]
    stranger.sends(request(method, *more, length=f"Content-Length: {size}", body=b"x" * size))
    if transport == "tcp":
        stranger._sock.shutdown(socket.SHUT_WR)
    assert stranger.hears()[:1] == [401]
    stranger.close()


def test_a_long_name_of_everything_is_only_challenged(demo: Demo):
    stranger = Stranger("udp", demo.server)
    long = "x" * 8000
    stranger.sends(request("REGISTER", f"Call-Info: <sip:{long}@x>", f"Route: <sip:{long}@x;lr>", user=long))
    assert stranger.hears() == [401]
    stranger.close()
    serves(demo)


def _websocket(demo: Demo) -> socket.socket:
    """One whose handshake is done."""
    host, port = demo.facts.sip.ws.removeprefix("ws://").split(":")
    sock = socket.create_connection((host, int(port)), timeout=5)
    sock.sendall(
        f"GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: sip\r\n\r\n".encode()
    )
    assert b" 101 " in sock.recv(4096)
    return sock


def test_a_frame_of_a_mebibyte_ends_its_websocket(demo: Demo):
    sock = _websocket(demo)
    with contextlib.suppress(ConnectionError):
        sock.sendall(b"\x81\xff" + struct.pack(">Q", 1 << 20) + bytes(4) + b"x" * (1 << 20))
    said = b""
    with contextlib.suppress(ConnectionError):
        while piece := sock.recv(4096):
            said += piece
    sock.close()
    assert said[:4] in (b"", b"\x88" + said[1:2] + struct.pack(">H", 1009))
    serves(demo)


async def test_thousands_of_idle_connections_of_one_source_keep_nobody_out(demo: Demo, phones: Phones):
    """A process may have 1,024 descriptors until it asks for more: so many connections of one stranger, and
    no phone could connect, no call be journaled. Some say half a message, some begin TLS, and no more."""
    tls, ws = demo.facts.sip.tls, int(demo.facts.sip.ws.rpartition(":")[2])
    crowd: list[socket.socket] = []
    with many_files(8192):
        for port, count, begun in (
            (demo.server[1], 700, b""),
            (demo.server[1], 300, request("OPTIONS")[:80]),
            (tls, 300, bytes.fromhex("1603010200010001fc0303")),
            (ws, 300, b"GET / HTTP/1.1\r\nHost: x\r\n"),
        ):
            for _ in range(count):
                sock = socket.create_connection(
                    (demo.server[0], port), timeout=5, source_address=("127.0.0.9", 0)
                )
                crowd.append(sock)
                if begun:
                    sock.sendall(begun)
        try:
            serves(demo)
            callee = await phones.raw(demo.account("103", transport="tcp"), transport="tcp")
            caller = await phones.raw(demo.account("101", transport="ws"), transport="ws")
            near, far = await talk(caller, callee, "103")
            await near.hang_up()
            await far.hung_up()
            client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
            _, writer = await asyncio.wait_for(asyncio.open_connection(demo.server[0], tls, ssl=client), 5)
            writer.close()
        finally:
            for sock in crowd:
                sock.close()
    serves(demo)


async def test_one_who_sends_without_a_pause_delays_nobody(demo: Demo, phones: Phones):
    callee = await phones.raw(demo.account("103"))
    caller = await phones.raw(demo.account("101"))
    stop = False

    def flood() -> None:
        stranger = Stranger("tcp", demo.server, "127.0.0.9")
        many = request("REGISTER").replace(b"TRANSPORT", b"TCP").replace(b"PORT", b"9") * 200
        stranger._sock.setblocking(False)
        left = many
        while not stop:
            with contextlib.suppress(BlockingIOError):
                left = left[stranger._sock.send(left) :] or many
            with contextlib.suppress(BlockingIOError):
                while stranger._sock.recv(1 << 20):
                    pass
        stranger.close()

    flooding = asyncio.create_task(asyncio.to_thread(flood))
    try:
        near, far = await talk(caller, callee, "103")
        await near.hang_up()
        await far.hung_up()
    finally:
        stop = True
        await flooding


async def test_guessing_on_loopback_locks_out_nobody_else(demo: Demo, phones: Phones):
    """Whoever tries the demo has one address for everything."""
    known = demo.account("102")
    guesser = await phones.raw(Account(known.username, "wrong", demo.server), register=False)
    for _ in range(14):
        assert (await guesser.register()).status == 401
    owner = await phones.raw(known)
    assert (await owner.register()).status == 200
