"""The sockets that the supervisor opens, so that packets wait in them while a process restarts."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tongdai.core.errors import TongdaiError

BACKLOG = 1024
RECEIVE_BUFFER = 4 << 20
_SO_RCVBUFFORCE = 33
"""Beyond net.core.rmem_max, for who may (socket(7)); the socket module does not name it."""


def open_udp(host: str, port: int, what: str, remedy: str) -> socket.socket:
    """A bound UDP socket; port 0 takes a free one. Raises `TongdaiError` that names the port."""
    sock = _socket(host, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        with suppress(PermissionError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER)
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise _explained(error, host, port, f"{what} over UDP", remedy) from error
    return sock


def open_sip(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """SIP's two sockets on one port: UDP, and TCP listening. Port 0 takes one that is free for both."""
    for _ in range(50):
        udp = open_udp(host, port, "SIP", "--sip-port")
        chosen = udp.getsockname()[1]
        tcp = _socket(host, socket.SOCK_STREAM)
        try:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind((host, chosen))
            tcp.listen(BACKLOG)
        except OSError as error:
            udp.close()
            tcp.close()
            if port == 0 and error.errno == errno.EADDRINUSE:
                continue
            raise _explained(error, host, chosen, "SIP over TCP", "--sip-port") from error
        return udp, tcp
    raise TongdaiError(
        "no_port", f"No port of {host} is free for both UDP and TCP.", "Name one with --sip-port."
    )


def open_tcp(host: str, port: int, what: str, remedy: str) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one. Raises `TongdaiError` that names the port."""
    sock = _socket(host, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise _explained(error, host, port, what, remedy) from error
    return sock


class SipSockets(NamedTuple):
    """All that SIP listens with at one address; descriptors of the same ports elsewhere."""

    udp: socket.socket
    tcp: socket.socket
    tls: socket.socket
    ws: socket.socket

    @classmethod
    def open(cls, host: str, sip_port: int, tls_port: int, ws_port: int) -> SipSockets:
        """Port 0 takes a free one. Raises `TongdaiError` that names the port."""
        return cls(
            *open_sip(host, sip_port),
            open_tcp(host, tls_port, "SIP over TLS", "--tls-port"),
            open_tcp(host, ws_port, "SIP over WebSocket", "--ws-port"),
        )

    @property
    def ports(self) -> tuple[int, int, int]:
        """Of UDP and TCP, of TLS, and of the WebSocket."""
        sip, tls, ws = (int(sock.getsockname()[1]) for sock in (self.udp, self.tls, self.ws))
        return sip, tls, ws

    def serve(self, host: str, sip_port: int, tls_port: int, ws_port: int) -> bool:
        """Whether these are what `open` would open."""
        wanted = zip(self, (sip_port, sip_port, tls_port, ws_port), strict=True)
        return all(is_bound(sock, host, port) for sock, port in wanted)


def is_bound(sock: socket.socket, host: str, port: int) -> bool:
    """Whether a socket is bound there; port 0 stands for any."""
    bound: tuple[str, int] = sock.getsockname()[:2]
    return bound == (host, port or bound[1])


def open_near(host: str, port: int, what: str, remedy: str) -> socket.socket:
    """A bound UDP socket on this port or, when it is taken, on any free one."""
    try:
        return open_udp(host, port, what, remedy)
    except TongdaiError as error:
        if error.code != "port_in_use":
            raise
        return open_udp(host, 0, what, remedy)


def outward_address(version: int = 4) -> str:
    """This machine's address of an IP version towards the rest of the world (nothing is sent to find it)."""
    family, elsewhere = (socket.AF_INET6, "2001:db8::1") if version == 6 else (socket.AF_INET, "192.0.2.1")
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((elsewhere, 9))
        except OSError as error:
            raise TongdaiError(
                "no_address",
                f"This machine has no IPv{version} address that others could reach ({error.strerror}).",
                "Name one with --host or --advertised-ip.",
            ) from error
        return str(sock.getsockname()[0])


def resolve(host: str) -> str:
    """The IP address of a host name."""
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)[0][4][0])
    except OSError as error:
        raise TongdaiError(
            "unknown_host", f"The host {host!r} is not known.", "Give an IP address."
        ) from error


def _socket(host: str, kind: socket.SocketKind) -> socket.socket:
    """One for the IP version of `host` only: that of :: leaves IPv4 to 0.0.0.0."""
    if ":" not in host:
        return socket.socket(socket.AF_INET, kind)
    sock = socket.socket(socket.AF_INET6, kind)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return sock


def _explained(error: OSError, host: str, port: int, what: str, flag: str) -> TongdaiError:
    if error.errno == errno.EADDRINUSE:
        return TongdaiError(
            "port_in_use",
            f"Port {port} ({what}) on {host} is in use{_user(port)}.",
            f"Stop the program that uses it, or choose another port with {flag}.",
        )
    if error.errno == errno.EACCES:
        return TongdaiError(
            "port_forbidden",
            f"Port {port} ({what}) on {host} is not permitted to this user.",
            f"Choose a port above 1023 with {flag}.",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return TongdaiError(
            "no_such_address",
            f"{host} is no address of this machine.",
            "Choose one of its own with --host (`ip addr` lists them), or 0.0.0.0 or :: for all.",
        )
    return TongdaiError("no_port", f"Port {port} ({what}) on {host} cannot be used: {error.strerror}.")


def _user(port: int) -> str:
    """Who uses a port, when that can be seen: `, by baresip (pid 123)`."""
    inodes = set()
    for table in ("udp", "udp6", "tcp", "tcp6"):
        try:
            lines = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    inodes.discard("socket:[0]")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            for fd in (process / "fd").iterdir():
                if str(fd.readlink()) in inodes:
                    return f", by {(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:
            continue
    return ""
