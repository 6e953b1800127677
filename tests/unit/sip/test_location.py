"""Where URIs lead, after the examples and rules of RFC 3263 §4 and RFC 2782."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import pytest

from tongdai.sip.location import Found, Located, LookupFailed, Naptr, Place, Srv, Target, locate

R = TypeVar("R")


class Records:
    """DNS by hand. What is in `broken` cannot be asked for."""

    def __init__(self, **hosts: list[str]) -> None:
        self.naptrs: dict[str, list[Naptr]] = {}
        self.srvs: dict[str, list[Srv]] = {}
        self.hosts = {name.replace("_", "."): addresses for name, addresses in hosts.items()}
        self.broken: set[str] = set()
        self.asked: list[str] = []

    async def naptr(self, name: str) -> Found[Naptr]:
        return self._found(f"NAPTR {name}", self.naptrs.get(name, []), 300)

    async def srv(self, name: str) -> Found[Srv]:
        return self._found(f"SRV {name}", self.srvs.get(name, []), 120)

    async def addresses(self, name: str, version: int) -> Found[str]:
        fitting = [x for x in self.hosts.get(name, []) if (":" in x) == (version == 6)]
        return self._found(f"A{version} {name}", fitting, 60)

    def _found(self, question: str, records: list[R], seconds: float) -> Found[R]:
        self.asked.append(question)
        if question in self.broken:
            raise LookupFailed(f"no answer about {question}")
        return Found(tuple(records), seconds)


def at(records: Records, place: Place, versions: tuple[int, ...] = (4,)) -> Located:
    return asyncio.run(locate(records, place, versions))


def addresses(located: Located) -> list[tuple[str, str, int]]:
    return [(x.transport, *x.address) for x in located.targets]


def test_an_address_needs_no_dns():
    records = Records()
    assert at(records, Place("192.0.2.1")).targets == (Target("udp", ("192.0.2.1", 5060)),)
    assert at(records, Place("2001:db8::1", 5070, "tcp")).targets == (Target("tcp", ("2001:db8::1", 5070)),)
    assert at(records, Place("192.0.2.1", secure=True)).targets == (Target("tls", ("192.0.2.1", 5061)),)
    assert records.asked == []


def test_a_port_says_that_only_the_address_is_asked_for():
    records = Records(a_test=["192.0.2.1"])
    assert addresses(at(records, Place("a.test", 5080))) == [("udp", "192.0.2.1", 5080)]
    assert records.asked == ["A4 a.test"]


def test_the_example_of_the_rfc():
    """§4.1: TLS is preferred, then TCP, then UDP; here we follow them in this order."""
    records = Records(s1_test=["192.0.2.1"], s2_test=["192.0.2.2"])
    records.naptrs["example.com"] = [
        Naptr(50, 50, "s", "SIPS+D2T", "_sips._tcp.example.com"),
        Naptr(90, 50, "s", "SIP+D2T", "_sip._tcp.example.com"),
        Naptr(100, 50, "s", "SIP+D2U", "_sip._udp.example.com"),
        Naptr(10, 50, "s", "SIP+D2S", "_sip._sctp.example.com"),
        Naptr(10, 50, "u", "E2U+sip", ""),
    ]
    records.srvs["_sips._tcp.example.com"] = [Srv(0, 1, 5061, "s1.test")]
    records.srvs["_sip._tcp.example.com"] = [Srv(0, 1, 5060, "s1.test"), Srv(0, 2, 5060, "s2.test")]
    records.srvs["_sip._udp.example.com"] = [Srv(1, 1, 5060, "s1.test")]
    located = at(records, Place("example.com"))
    assert addresses(located) == [
        ("tls", "192.0.2.1", 5061),
        ("tcp", "192.0.2.1", 5060),
        ("tcp", "192.0.2.2", 5060),
        ("udp", "192.0.2.1", 5060),
    ]
    assert [x.rank for x in located.targets] == [0, 1, 1, 2]
    assert located.targets[2].weight == 2 * located.targets[1].weight
    assert located.seconds == 60


def test_sips_takes_nothing_but_tls():
    records = Records(s1_test=["192.0.2.1"])
    records.naptrs["example.com"] = [Naptr(1, 1, "s", "SIP+D2U", "_sip._udp.example.com")]
    records.srvs["_sip._udp.example.com"] = [Srv(1, 1, 5060, "s1.test")]
    records.srvs["_sips._tcp.example.com"] = [Srv(1, 1, 5061, "s1.test")]
    assert addresses(at(records, Place("example.com", secure=True))) == [("tls", "192.0.2.1", 5061)]


def test_without_naptr_every_srv_is_asked_for_and_priority_orders_them():
    records = Records(s1_test=["192.0.2.1"], s2_test=["192.0.2.2"])
    records.srvs["_sip._udp.example.com"] = [Srv(20, 1, 5060, "s1.test"), Srv(10, 1, 5070, "s2.test")]
    assert addresses(at(records, Place("example.com"))) == [
        ("udp", "192.0.2.2", 5070),
        ("udp", "192.0.2.1", 5060),
    ]


def test_a_given_transport_asks_for_its_srv_alone():
    records = Records(s1_test=["192.0.2.1"])
    records.srvs["_sip._tcp.example.com"] = [Srv(1, 1, 5060, "s1.test")]
    assert addresses(at(records, Place("example.com", transport="tcp"))) == [("tcp", "192.0.2.1", 5060)]
    assert records.asked[0] == "SRV _sip._tcp.example.com"


def test_without_any_srv_the_host_itself_is_called():
    records = Records(example_com=["192.0.2.9", "2001:db8::9"])
    assert addresses(at(records, Place("example.com"), (4, 6))) == [
        ("udp", "192.0.2.9", 5060),
        ("udp", "2001:db8::9", 5060),
    ]
    assert addresses(at(records, Place("example.com"))) == [("udp", "192.0.2.9", 5060)]


def test_a_service_that_is_not_offered_has_no_targets():
    """RFC 2782: a target of "." says so, and the address of the host is no way round it."""
    records = Records(example_com=["192.0.2.9"])
    records.srvs["_sip._udp.example.com"] = [Srv(0, 0, 5060, ".")]
    assert at(records, Place("example.com", transport="udp")).targets == ()


def test_a_server_that_fails_for_naptr_is_asked_for_srv():
    records = Records(s1_test=["192.0.2.1"])
    records.broken = {"NAPTR example.com", "SRV _sips._tcp.example.com"}
    records.srvs["_sip._udp.example.com"] = [Srv(1, 1, 5060, "s1.test")]
    located = at(records, Place("example.com"))
    assert addresses(located) == [("udp", "192.0.2.1", 5060)]
    assert located.seconds <= 30  # the rest may be had soon


def test_silence_is_not_taken_for_there_is_none():
    records = Records(example_com=["192.0.2.9"])
    records.broken = {"SRV _sip._udp.example.com"}
    with pytest.raises(LookupFailed, match=r"_sip\._udp"):
        at(records, Place("example.com"))
    records.broken = {"A4 a.test"}
    with pytest.raises(LookupFailed, match=r"a\.test"):
        at(records, Place("a.test", 5060))


def test_the_order_of_records_in_an_answer_is_no_change():
    """Servers turn them round at every question."""
    records = Records(a_test=["192.0.2.1", "192.0.2.2"])
    one = at(records, Place("a.test", 5060))
    records.hosts["a.test"].reverse()
    assert at(records, Place("a.test", 5060)) == one


def test_the_addresses_of_a_host_share_its_weight():
    records = Records(one_test=["192.0.2.1", "192.0.2.2"], two_test=["192.0.2.3"])
    records.srvs["_sip._udp.example.com"] = [Srv(1, 10, 5060, "one.test"), Srv(1, 10, 5060, "two.test")]
    weights = {x.address[0]: x.weight for x in at(records, Place("example.com")).targets}
    assert weights["192.0.2.1"] + weights["192.0.2.2"] == weights["192.0.2.3"]


def test_a_domain_with_hundreds_of_hosts_is_cut_off():
    records = Records(a_test=[f"192.0.2.{n}" for n in range(1, 200)])
    assert len(at(records, Place("a.test", 5060)).targets) == 16
