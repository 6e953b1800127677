"""A DNS server of our own on loopback: a zone that a test writes, and moods that real servers have."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Zone = dict[tuple[str, str], Sequence[str]]
"""(name, type) -> records as text, e.g. `("_sip._udp.carrier.test", "SRV"): ["1 1 5060 a.carrier.test."]`."""


class NameServer(asyncio.DatagramProtocol):
    """Answers from `zone`; while `silent` it says nothing, while `failing` SERVFAIL."""

    def __init__(self, zone: Mapping[tuple[str, str], Sequence[str]], ttl: int = 60) -> None:
        self.zone: Zone = dict(zone)
        self.ttl = ttl
        self.silent = False
        self.failing = False
        self.asked: list[tuple[str, str]] = []
        self._transport: Any = None

    async def open(self, port: int = 0) -> NameServer:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", port))
        return self

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._transport.get_extra_info("sockname")
        return host, port

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        question = dns.message.from_wire(data)
        name = question.question[0].name
        kind = dns.rdatatype.to_text(question.question[0].rdtype)
        host = name.to_text(omit_final_dot=True).lower()
        self.asked.append((host, kind))
        if self.silent:
            return
        answer = dns.message.make_response(question, recursion_available=True)
        records = self.zone.get((host, kind), ())
        if self.failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif records:
            answer.answer.append(dns.rrset.from_text(name, self.ttl, "IN", kind, *records))
        else:
            if not any(known == host for known, _ in self.zone):
                answer.set_rcode(dns.rcode.NXDOMAIN)
            soa = f"ns.{host}. admin.{host}. 1 3600 600 86400 {self.ttl}"
            answer.authority.append(dns.rrset.from_text(name, self.ttl, "IN", "SOA", soa))
        self._transport.sendto(answer.to_wire(), addr)
