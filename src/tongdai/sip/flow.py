"""The path a message takes: transport, our address, the peer's address and, for streams, the connection."""

from __future__ import annotations

from collections.abc import Sequence
from socket import AF_INET, AF_INET6, inet_pton
from typing import Literal

import msgspec

Transport = Literal["udp", "tcp", "tls", "ws", "wss"]
Address = tuple[str, int]
"""(IP literal without brackets, port)."""


class Flow(msgspec.Struct, frozen=True, cache_hash=True, omit_defaults=True):
    """Where a message came from, and so where an answer to it goes (RFC 5626 §2 uses the word alike).

    `local` is the address the peer reaches us at: it goes into Via and Contact, so an owner behind a NAT puts
    its advertised address here. `connection` is 0 for UDP; for a stream it names the accepted or opened
    connection, and 0 means "any connection to `remote`, opened if there is none".
    """

    transport: Transport
    local: Address
    remote: Address
    connection: int = 0

    @property
    def reliable(self) -> bool:
        """True when the transport retransmits for us (RFC 3261 §17: no timers A, E, G)."""
        return self.transport != "udp"

    @property
    def local_hostport(self) -> str:
        """`local` as it is written in a Via or a URI; IPv6 in brackets."""
        return hostport(self.local)

    def __str__(self) -> str:
        number = f"#{self.connection}" if self.connection else ""
        return f"{self.transport}:{hostport(self.local)}<->{hostport(self.remote)}{number}"


def ip_version(host: str) -> Literal[0, 4, 6]:
    """Of an IP literal without brackets; 0 for what is none."""
    try:
        if ":" in host:
            inet_pton(AF_INET6, host)
            return 6
        inet_pton(AF_INET, host)
    except (OSError, ValueError):  # ValueError: a NUL inside
        return 0
    return 4


def local_for(addresses: Sequence[Address], host: str) -> Address:
    """Of our own addresses the one to reach `host` from: the first of its IP version, else the first."""
    version = ip_version(host)
    return next((local for local in addresses if ip_version(local[0]) == version), addresses[0])


def hostport(address: Address) -> str:
    """`("::1", 5060)` -> `[::1]:5060`."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
