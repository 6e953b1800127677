"""The addresses that sound comes to: which one a peer is given, and what it is told that it is called."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import msgspec

from tongdai.core.addresses import is_private


class Interface(msgspec.Struct, frozen=True):
    """One address of this node. Peers in `networks` are given it before all others."""

    bind: str
    public: str
    """What stands in SDP: another than `bind` behind a NAT."""
    networks: tuple[IPv4Network | IPv6Network, ...] = ()


def read_interfaces(text: str) -> list[Interface]:
    """Read `10.0.0.5=203.0.113.7, 192.168.1.5 for 192.168.0.0/16 10.8.0.0/16, 2001:db8::5`. Raises ValueError
    saying what is wrong."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        address, _, networks = part.partition(" for ")
        bind, _, public = (piece.strip() for piece in address.partition("="))
        public = public or bind
        if ip_address(bind).version != ip_address(public).version:
            raise ValueError(f"{bind} and {public} are not of the same IP version")
        if ip_address(bind).is_unspecified:
            raise ValueError(f"{bind} is every address; name one")
        found.append(Interface(bind, public, tuple(ip_network(network) for network in networks.split())))
    return found


class Interfaces:
    """All addresses of this node, in the operator's order. Without any, the engine uses its own."""

    def __init__(self, interfaces: Sequence[Interface] = ()) -> None:
        self._interfaces = tuple(interfaces)
        self._versions = [ip_address(interface.bind).version for interface in interfaces]

    def for_peer(self, host: str) -> Interface | None:
        """The address for a peer at `host`: one that its network is named for, or else the first of its IP
        version."""
        if len(self._interfaces) < 2:
            return self._interfaces[0] if self._interfaces else None
        try:
            peer = ip_address(host)
        except ValueError:
            return self._interfaces[0]
        for interface in self._interfaces:
            if any(peer in network for network in interface.networks):
                return interface
        same = (
            x for x, version in zip(self._interfaces, self._versions, strict=True) if version == peer.version
        )
        return next((x for x in same if not x.networks), self._interfaces[0])

    def public(self, bind: str) -> str:
        """What stands in SDP for an address that a session was bound to."""
        return next((x.public for x in self._interfaces if x.bind == bind), bind)


def seen_at(described: str, source: str) -> str:
    """Where a peer is that describes itself to be at `described` and signals from `source`: behind a NAT when
    only the first is private, and then not there."""
    if described == source:
        return described
    try:
        alike = ip_address(described).version == ip_address(source).version
    except ValueError:
        return described
    return source if alike and is_private(described) and not is_private(source) else described


def read_servers(text: str, port: int = 53) -> list[tuple[str, int]]:
    """Read `10.0.0.53, 127.0.0.1:5353, [2001:db8::53]:53`. Raises ValueError saying what is wrong."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        host, colon, number = part.rpartition(":")
        if not colon or (":" in host and not host.endswith("]")):
            host, number = part, str(port)
        host = host.strip("[]")
        ip_address(host)
        if not number.isdigit() or not 0 < int(number) < 65536:
            raise ValueError(f"{number!r} is no port")
        found.append((host, int(number)))
    return found
