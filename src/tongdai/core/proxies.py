"""Whom a request is from, and how he asked, when it came through a proxy of ours, which alone is believed
about that."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Literal

import msgspec

Header = Literal["x-forwarded-for", "forwarded"]

_PAIR = re.compile(r'\s*(?:([\w!#$%&\'*+.^`|~-]+)=("(?:[^"\\]|\\.)*"|[^\s",;]*))?\s*([;,]|$)')
"""A pair of Forwarded, or none, and what ends it (RFC 7239 §4)."""


class Proxies(msgspec.Struct, frozen=True):
    """The networks of our proxies, and the header in which they write whom a request is from. Only that one
    is looked at, and X-Forwarded-Proto beside X-Forwarded-For: another one they pass on as it came, from
    whomever."""

    networks: Sequence[IPv4Network | IPv6Network] = ()
    header: Header = "x-forwarded-for"

    def client(self, peer: str, headers: Iterable[str]) -> str:
        """The address of whom the request is from: `peer` (who sent it to us), or when that is a proxy of
        ours the last one in its headers that is none. What cannot be read there is as if it were not."""
        return self._way(peer, headers)[0]

    def https(self, peer: str, headers: Iterable[str], schemes: Iterable[str]) -> bool:
        """Whether he asked the outermost proxy of ours over TLS. `schemes` are the headers of
        X-Forwarded-Proto; each proxy may add to them, or the innermost writes the one that counts."""
        headers = list(headers)
        passed = self._way(peer, headers)[1]
        if not passed:
            return False
        told = self._told(schemes if self.header == "x-forwarded-for" else headers, "proto")
        return bool(told) and told[-min(passed, len(told))].strip().lower() in ("https", "wss")

    def _told(self, headers: Iterable[str], what: str) -> list[str]:
        line = ",".join(headers)
        return line.split(",") if self.header == "x-forwarded-for" else _forwarded(line, what)

    def _way(self, peer: str, headers: Iterable[str]) -> tuple[str, int]:
        """The last address that is no proxy of ours, and how many of them the request has passed after it."""
        if not self._ours(_read(peer)):
            return peer, 0
        found, passed = peer, 1
        for hop in reversed(self._told(headers, "for")):
            address = _read(_without_port(hop))
            if address is None:
                break
            found = str(address)
            if not self._ours(address):
                break
            passed += 1
        return found, passed

    def _ours(self, address: IPv4Address | IPv6Address | None) -> bool:
        return address is not None and any(address in network for network in self.networks)


NO_PROXIES = Proxies()


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address  # who listens on :: is told of IPv4 so


def _without_port(hop: str) -> str:
    """`192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`, as the address alone."""
    hop = hop.strip()
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _forwarded(line: str, what: str) -> list[str]:
    """What `for` or `proto` is in each element, empty where there is none; nothing at all of what cannot be
    parsed."""
    found = [""]
    at = 0
    while at < len(line):
        pair = _PAIR.match(line, at)
        if pair is None:
            return []
        name, value, end = pair.groups()
        if name is not None and name.lower() == what:
            found[-1] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
        if end == ",":
            found.append("")
        at = pair.end()
    return found
