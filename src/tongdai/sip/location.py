"""Where a SIP URI leads: NAPTR, SRV and address records of DNS, in the order to try them (RFC 3263 §4)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

from tongdai.sip.flow import Address, Transport, ip_version

MOST_TARGETS = 16
"""A domain that names more is cut off: nobody would live to see the seventeenth fail."""

_PORTS: dict[Transport, int] = {"udp": 5060, "tcp": 5060, "tls": 5061}
_SERVICES: dict[str, Transport] = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}
_SRV_NAMES: dict[Transport, str] = {"udp": "_sip._udp.", "tcp": "_sip._tcp.", "tls": "_sips._tcp."}


class LookupFailed(Exception):
    """Nobody could say, which is another thing than that there is nothing. The text says what failed."""


class Naptr(msgspec.Struct, frozen=True):
    """RFC 3403 §4.1, as far as SIP uses it."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


class Srv(msgspec.Struct, frozen=True):
    """RFC 2782."""

    priority: int
    weight: int
    port: int
    target: str


R = TypeVar("R")


class Found(msgspec.Struct, Generic[R], frozen=True):
    """The records of a name, none when there are none, and for how many seconds that may be believed."""

    records: tuple[R, ...]
    seconds: float


class Names(Protocol):
    """Asks DNS. Every method raises `LookupFailed`, within a bounded time, when nobody could say."""

    async def naptr(self, name: str) -> Found[Naptr]: ...

    async def srv(self, name: str) -> Found[Srv]: ...

    async def addresses(self, name: str, version: int) -> Found[str]:
        """A records for IP version 4, AAAA for 6."""
        ...


class Place(msgspec.Struct, frozen=True):
    """What a URI says of where to send: its host (without brackets) and, if it names them, port and
    transport. `secure` for a sips URI."""

    host: str
    port: int = 0
    transport: Transport | None = None
    secure: bool = False


class Target(msgspec.Struct, frozen=True):
    """One address to try. The lowest `rank` first; among equal ones each as often as its `weight` says."""

    transport: Transport
    address: Address
    rank: int = 0
    weight: int = 1


class Located(msgspec.Struct, frozen=True):
    """Every target, the lowest rank first; none when DNS knows of none. Good for `seconds`."""

    targets: tuple[Target, ...]
    seconds: float


class _Hop(msgspec.Struct, frozen=True):
    """A host name with what is known of it before its address is."""

    transport: Transport
    host: str
    port: int
    order: tuple[int, ...]
    weight: int = 1


async def locate(names: Names, place: Place, versions: Sequence[int] = (4,)) -> Located:
    """The targets of a place, of the IP versions that we speak. Raises `LookupFailed`."""
    default: Transport = place.transport or ("tls" if place.secure else "udp")
    if place.secure and default == "tcp":
        default = "tls"
    if ip_version(place.host):
        address = (place.host, place.port or _PORTS[default])
        return Located((Target(default, address),), float("inf"))
    if place.port:
        return await _resolve(names, [_Hop(default, place.host, place.port, ())], versions, float("inf"))
    services, seconds = await _services(names, place, default)
    hops, brief = await _servers(names, services)
    seconds = min(seconds, brief)
    if hops is None:  # no SRV records at all: the host itself (§4.2)
        hops = [_Hop(default, place.host, _PORTS[default], ())]
    return await _resolve(names, hops, versions, seconds)


async def _services(
    names: Names, place: Place, default: Transport
) -> tuple[list[tuple[tuple[int, ...], Transport, str]], float]:
    """The names to ask for SRV, with the order of their NAPTR: as DNS prefers, or all that there may be
    (§4.1)."""
    if place.transport is not None:
        return [((), default, _SRV_NAMES[default] + place.host)], float("inf")
    try:
        found = await names.naptr(place.host)
    except LookupFailed:
        # of a server that cannot speak of NAPTR, many having been made before it, SRV may still be had
        found = Found[Naptr]((), 30.0)
    services: list[tuple[tuple[int, ...], Transport, str]] = []
    for record in found.records:
        transport = _SERVICES.get(record.service.upper())
        if transport is None or record.flags.lower() != "s" or (place.secure and transport != "tls"):
            continue
        services.append(((record.order, record.preference), transport, record.replacement))
    if not services:
        kinds: list[Transport] = ["tls"] if place.secure else ["udp", "tcp", "tls"]
        services = [((rank,), kind, _SRV_NAMES[kind] + place.host) for rank, kind in enumerate(kinds)]
    return sorted(services)[:MOST_TARGETS], found.seconds


async def _servers(
    names: Names, services: Sequence[tuple[tuple[int, ...], Transport, str]]
) -> tuple[list[_Hop] | None, float]:
    """The hosts of all services; None when no SRV record exists. One service whose name cannot be asked for
    does not hide the others."""
    answers = await asyncio.gather(*(names.srv(name) for _, _, name in services), return_exceptions=True)
    hops: list[_Hop] = []
    seconds, exists, failed = float("inf"), False, ""
    for (order, transport, _), answer in zip(services, answers, strict=True):
        if isinstance(answer, LookupFailed):
            failed, seconds = str(answer), min(seconds, 30.0)
            continue
        if isinstance(answer, BaseException):
            raise answer
        seconds = min(seconds, answer.seconds)
        exists = exists or bool(answer.records)
        hops += [
            _Hop(transport, x.target, x.port, (*order, x.priority), max(1, x.weight * 100))
            for x in answer.records
            if x.target.strip(".") and x.port  # "." says: not offered here
        ]
    if failed and not hops:
        raise LookupFailed(failed)
    return (hops if exists else None), seconds


async def _resolve(names: Names, hops: Sequence[_Hop], versions: Sequence[int], seconds: float) -> Located:
    """The addresses of all hosts, each of which shares the weight of its host."""
    wanted = [(hop, version) for hop in hops[:MOST_TARGETS] for version in versions]
    answers = await asyncio.gather(*(_addresses(names, hop.host, version) for hop, version in wanted))
    found: list[tuple[_Hop, str]] = []
    failed = ""
    for (hop, _), answer in zip(wanted, answers, strict=True):
        if isinstance(answer, LookupFailed):
            failed, seconds = str(answer), min(seconds, 30.0)
            continue
        seconds = min(seconds, answer.seconds)
        found += [(hop, host) for host in answer.records]
    if failed and not found:
        raise LookupFailed(failed)
    return Located(tuple(_ranked(found)), seconds)


async def _addresses(names: Names, host: str, version: int) -> Found[str] | LookupFailed:
    if ip_version(host):  # not allowed in SRV, and met all the same
        return Found((host,) if ip_version(host) == version else (), float("inf"))
    try:
        return await names.addresses(host, version)
    except LookupFailed as failure:
        return failure


def _ranked(found: Sequence[tuple[_Hop, str]]) -> Iterable[Target]:
    """In one row of ranks; an address that is there twice keeps its better one."""
    orders = sorted({hop.order for hop, _ in found})
    shares = {id(hop): sum(other is hop for other, _ in found) for hop, _ in found}
    targets: dict[tuple[Transport, Address], Target] = {}
    # sorted by address too: servers turn the records round at each question, and that is no change
    for hop, host in sorted(found, key=lambda item: (item[0].order, item[1], item[0].port)):
        key = hop.transport, (host, hop.port)
        weight = max(1, hop.weight // shares[id(hop)])
        targets.setdefault(key, Target(*key, orders.index(hop.order), weight))
    return list(targets.values())[:MOST_TARGETS]
