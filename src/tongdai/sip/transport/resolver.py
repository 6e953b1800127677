"""DNS over asyncio, by dnspython: answers are kept as long as they say, and longer while nobody answers
(RFC 8767)."""

from __future__ import annotations

import asyncio
import importlib
import ipaddress
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from tongdai.sip.flow import Address
from tongdai.sip.location import Found, LookupFailed, Naptr, Srv

if TYPE_CHECKING:
    from dns.resolver import Answer

TRY_SECONDS, TOTAL_SECONDS = 1.5, 4.0
"""How long one server has for an answer, and all of them together."""
SHORTEST, LONGEST_NO = 5.0, 300.0
"""Seconds for which any answer is kept at least, and one that there is nothing at most."""
STALE_SECONDS = 86_400.0
"""An answer that has run out serves so much longer while no server answers."""
STALE_AGAIN = 30.0
"""When to ask again meanwhile."""
_MOST_KEPT = 2000

R = TypeVar("R")


class _Kept(msgspec.Struct, frozen=True):
    records: tuple[Any, ...]
    until: float


class Resolver:
    """Implements `sip.location.Names`."""

    def __init__(
        self,
        clock: Callable[[], float],
        servers: Sequence[Address] = (),
        hosts: Path = Path("/etc/hosts"),
    ) -> None:
        """Asks `servers`, else those of /etc/resolv.conf, which is read for each question. What stands in
        the file `hosts` needs no server."""
        self._clock = clock
        self._servers = servers
        self._hosts = hosts
        self._kept: dict[tuple[str, str], _Kept] = {}

    async def naptr(self, name: str) -> Found[Naptr]:
        def read(record: Any) -> Naptr:
            flags, service = (
                record.flags.decode("ascii", "replace"),
                record.service.decode("ascii", "replace"),
            )
            return Naptr(record.order, record.preference, flags, service, _name(record.replacement))

        return await self._ask(name, "NAPTR", read)

    async def srv(self, name: str) -> Found[Srv]:
        return await self._ask(name, "SRV", lambda x: Srv(x.priority, x.weight, x.port, _name(x.target)))

    async def addresses(self, name: str, version: int) -> Found[str]:
        listed = self._listed(name)
        if listed:
            fitting = tuple(x for x in listed if ipaddress.ip_address(x).version == version)
            return Found(fitting, 60.0)
        return await self._ask(name, "A" if version == 4 else "AAAA", lambda x: str(x.address))

    def _listed(self, name: str) -> list[str]:
        """What the file of hosts says of a name."""
        try:
            lines = self._hosts.read_text("utf-8", "replace").splitlines()
        except OSError:
            return []
        found = []
        for line in lines:
            address, *aliases = line.partition("#")[0].split() or [""]
            if name.lower().rstrip(".") in (alias.lower() for alias in aliases):
                try:
                    found.append(str(ipaddress.ip_address(address)))
                except ValueError:
                    continue
        return found

    async def _ask(self, name: str, kind: str, read: Callable[[Any], R]) -> Found[R]:
        key = (name.lower(), kind)
        kept, now = self._kept.get(key), self._clock()
        if kept is not None and now < kept.until:
            return Found(kept.records, kept.until - now)
        try:
            records, seconds = await self._query(name, kind, read)
        except LookupFailed:
            if kept is not None and kept.records and now < kept.until + STALE_SECONDS:
                return Found(kept.records, STALE_AGAIN)
            raise
        self._kept.pop(key, None)
        if len(self._kept) >= _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = _Kept(records, self._clock() + seconds)
        return Found(records, seconds)

    async def _query(self, name: str, kind: str, read: Callable[[Any], R]) -> tuple[tuple[R, ...], float]:
        # 0.1 s of importing, for those only whose carriers have names, and not while calls wait
        dns = await asyncio.to_thread(importlib.import_module, "dns.asyncresolver")
        from dns.exception import DNSException
        from dns.nameserver import Do53Nameserver
        from dns.resolver import NXDOMAIN

        try:
            asking = dns.Resolver(configure=not self._servers)
            if self._servers:
                asking.nameservers = [Do53Nameserver(*server) for server in self._servers]
            asking.timeout = TRY_SECONDS
            answer: Answer = await asking.resolve(
                name, kind, search=False, raise_on_no_answer=False, lifetime=TOTAL_SECONDS
            )
            records = () if answer.rrset is None else tuple(read(record) for record in answer.rrset)
            least: float = answer.chaining_result.minimum_ttl
        except NXDOMAIN as none:
            responses = none.responses().values()  # type: ignore[no-untyped-call]
            records, least = (), min(x.resolve_chaining().minimum_ttl for x in responses)
        except (DNSException, OSError, UnicodeError) as error:
            raise LookupFailed(f"no answer from DNS about {name} ({kind}): {_in_short(error)}") from error
        return records, max(SHORTEST, least if records else min(least, LONGEST_NO))


def _name(name: Any) -> str:
    return str(name.to_text(omit_final_dot=True))


def _in_short(error: Exception) -> str:
    return (str(error) or type(error).__name__).partition("\n")[0][:200]
